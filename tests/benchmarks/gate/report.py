"""Write the gate's table: the median of each figure over the seeds, and how far they spread."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.collect import Scored, all_figures
from tests.benchmarks.scoring import Figures

COLUMNS = {
    "tvd2": ".4f",
    "tvd3": ".4f",
    "tvd4": ".4f",
    "c2st": ".3f",
    "c2st_raw": ".3f",
    "tstr": ".4f",
    "gap": ".4f",
    "accuracy": ".4f",
    "loglik": ".2f",
    "loglik_values": ".2f",
    "network": ".0f",
    "fit_s": ".0f",
    "fit_cpu_s": ".0f",
    "sample_cpu_rows_s": ".0f",
    "peak_mb": ".0f",
}
_FACTS = ("table", "rows", "epsilon", "method", "status", "seeds")
_INTRODUCTION = """# The gate: where DP-SGD pays

Made by `python -m tests.benchmarks gate`; `tests/benchmarks/README.md` says how. Each figure is
the median over the seeds, with the smallest and the largest. 50,000 synthetic rows are held against
as many fresh rows of the truth; numbers are cut at the fresh rows' 20-quantiles, but for *c2st raw*
and *accuracy*. *real-rows* is another sample of the truth, what nobody can beat. Lower is better
for tvd2 to tvd4, gap and c2st (0.5 is perfect), higher for tstr, accuracy and log-likelihoods.
*loglik* is in nats a row of a model's own codes, comparable only between models with the same
codes; *loglik values* is of the values themselves, comparable within one table. *network* is 1
where the released model is a network, 0 where it is a mixture.
"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The seeds of one method on one table at one ε.

    Attributes:
        table: The drawn table, with its rows.
        epsilon: ε; None for a method without privacy.
        method: The method.
        status: How the seeds ended, each way once.
        seeds: The figures of each seed that has some.
    """

    table: str
    epsilon: float | None
    method: str
    status: str
    seeds: Sequence[Figures]

    @property
    def name(self) -> str:
        """The drawn table's name."""
        return self.table.rpartition("-")[0]

    @property
    def rows(self) -> int:
        """The number of fitted rows."""
        return int(self.table.rpartition("-")[2])

    def spread(self, figure: str) -> tuple[float, float, float] | None:
        """Median, smallest and largest of a figure; None where no seed has it."""
        found = [seed[figure] for seed in self.seeds if figure in seed]
        return (statistics.median(found), min(found), max(found)) if found else None


def groups_of(cells: Sequence[Scored]) -> list[Group]:
    """One group for each table, ε and method, in that order."""
    found: dict[tuple[str, float | None, str], list[Scored]] = {}
    for one in cells:
        found.setdefault((one.cell.table, one.cell.epsilon, one.cell.method), []).append(one)
    return [
        Group(
            table=table,
            epsilon=epsilon,
            method=method,
            status="; ".join(dict.fromkeys(one.result["status"] for one in group)),
            seeds=[all_figures(one) for one in group if one.figures],
        )
        for (table, epsilon, method), group in found.items()
    ]


def write_csv(path: Path, groups: Sequence[Group]) -> None:
    """Write every group in one line: of each figure the median, the smallest and the largest."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        ends = [f"{name}{end}" for name in COLUMNS for end in ("", "_low", "_high")]
        writer.writerow([*_FACTS, *ends])
        for group in groups:
            facts = (group.name, group.rows, _budget(group, ""), group.method, group.status)
            spreads = ((group.spread(name), form) for name, form in COLUMNS.items())
            figures = [
                format(value, form) if spread else ""
                for spread, form in spreads
                for value in spread or (0.0, 0.0, 0.0)
            ]
            writer.writerow([*facts, len(group.seeds), *figures])


def write_markdown(path: Path, groups: Sequence[Group]) -> None:
    """Write the readable table, a section for each drawn table."""
    tables = dict.fromkeys(group.table for group in groups)
    sections = [_section([one for one in groups if one.table == table]) for table in tables]
    path.write_text("\n".join([_INTRODUCTION, *sections]), encoding="utf-8")


def _section(groups: Sequence[Group]) -> str:
    shown = [name for name in COLUMNS if any(group.spread(name) for group in groups)]
    names = " | ".join(name.replace("_", " ") for name in shown)
    head = [f"| ε | method | {names} | seeds |", "|" + "---|" * (len(shown) + 3)]
    # What has no ε stands first: it is the control of all others.
    ordered = sorted(groups, key=lambda group: group.epsilon or 0.0)
    lines = [
        f"| {_budget(group, 'none')} | {group.method} |"
        f" {' | '.join(_shown(group, name) for name in shown)} | {_seeds(group)} |"
        for group in ordered
    ]
    return "\n".join([f"## {groups[0].name}, {groups[0].rows:,} rows\n", *head, *lines, ""])


def _shown(group: Group, name: str) -> str:
    spread, form = group.spread(name), COLUMNS[name]
    if spread is None:
        return ""
    median, low, high = (format(value, form) for value in spread)
    return median if low == high else f"{median} ({low} to {high})"


def _seeds(group: Group) -> str:
    told = "" if group.status == "ok" else f", {group.status.replace('|', '/')}"
    return f"{len(group.seeds)}{told}"


def _budget(group: Group, without: str) -> str:
    return without if group.epsilon is None else f"{group.epsilon:g}"
