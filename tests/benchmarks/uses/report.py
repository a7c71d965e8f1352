"""Write what the tasks are served by, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.uses.planted import NAME as PLANTED
from tests.benchmarks.uses.study import DECLARED, EPSILON, PEERS, PLAIN, Measured


@dataclass(frozen=True)
class Target:
    """A figure that is asked for.

    Attributes:
        table: Of which table.
        name: The metric's name.
        least: The smallest share of the real figure.
        most: The largest; None for no limit.
    """

    table: str
    name: str
    least: float
    most: float | None = None

    @property
    def asked(self) -> str:
        """What is asked for, in signs."""
        return f"≥ {self.least:g}" + (f", ≤ {self.most:g}" if self.most else "")

    def holds(self, value: float) -> bool:
        """Whether a share is as asked for."""
        return value >= self.least and (self.most is None or value <= self.most)


TARGETS = (
    Target("bank", "utility.response.lift_kept", 0.97),
    Target("bank", "utility.response.precision_kept", 0.96),
    Target("online_shoppers", "utility.response.precision_kept", 0.95),
    Target("credit_default", "utility.scorecard.ks_kept", 0.95),
    Target("credit_default", "utility.scorecard.iv_kept", 0.95, 1.05),
    Target(PLANTED, "utility.uplift.qini_kept", 0.8),
)
_SHOWN = (
    ("utility.response.auc", "AUC"),
    ("utility.response.average_precision", "average precision"),
    ("utility.response.lift", "lift in the top tenth"),
    ("utility.response.brier", "Brier score"),
    ("utility.response.overlap", "the same top tenth"),
    ("utility.scorecard.ks", "KS"),
    ("utility.scorecard.iv_shown", "information value shown"),
    ("utility.uplift.qini", "Qini coefficient"),
    ("utility.uplift.auuc", "area under the uplift curve"),
)
_PARTNER = "utility.response.augmentation"
_WAYS = ("own", "with_synthetic", "class_weights", "smote")


def write_markdown(path: Path, found: Sequence[Measured]) -> None:
    """Write targets, all figures, and the partners' gains.

    Args:
        path: The page.
        found: The finished cells.
    """
    lines = [
        "# What the tasks are served by\n",
        _INTRODUCTION,
        "## Asked for\n",
        "| table | figure | asked | with tasks | without | |",
        "|---|---|---|---|---|---|",
        *_targets(found),
        "",
        "## At other ε\n",
        _OTHER_BUDGETS,
        *_at_other_budgets(found),
        "",
        "## Beside private peers\n",
        _BESIDE_PEERS,
        *_beside_peers(found),
        "",
        "## Fitted on all rows\n",
        _ALL_ROWS,
        "| table | figure | with tasks | without |",
        "|---|---|---|---|",
        *_all_rows(found),
        "",
        "## All figures\n",
        "| table | figure | real | with tasks | without |",
        "|---|---|---|---|---|",
        *_figures(found),
        "",
        "## A partner's own rows\n",
        _PARTNERS,
        "| table | own rows | own alone | with synthetic | class weights | SMOTE |",
        "|---|---|---|---|---|---|",
        *_partners(found),
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def values_of(
    found: Sequence[Measured], table: str, method: str, name: str, epsilon: float = EPSILON
) -> list[float]:
    """A figure of all seeds of a table and a method."""
    return [
        one.figures[name]["value"]
        for one in found
        if (one.cell.table, one.cell.method, one.cell.epsilon) == (table, method, epsilon)
        and one.figures.get(name, {}).get("value") is not None
    ]


def _at_other_budgets(found: Sequence[Measured]) -> Iterator[str]:
    """Each figure that is asked for at every ε; after a median of one seed stands nothing."""
    epsilons = sorted({one.cell.epsilon for one in found if one.cell.epsilon is not None})
    yield f"| table | figure | asked | {' | '.join(f'ε = {each:g}' for each in epsilons)} |"
    yield f"|---|---|---|{'---|' * len(epsilons)}"
    for target in TARGETS:
        own = [
            values_of(found, target.table, DECLARED[target.table], target.name, each)
            for each in epsilons
        ]
        if any(own):
            cells = " | ".join(
                f"{_told(values)}, {'met' if target.holds(median(values)) else '**missed**'}"
                if values
                else "–"
                for values in own
            )
            yield f"| {target.table} | {target.name} | {target.asked} | {cells} |"


def _beside_peers(found: Sequence[Measured]) -> Iterator[str]:
    """Each figure that is asked for, of privgan and of each peer at the same ε."""
    yield f"| table | figure | privgan, with tasks | without | {' | '.join(PEERS)} |"
    yield f"|---|---|---|---|{'---|' * len(PEERS)}"
    for target in TARGETS:
        methods = (DECLARED[target.table], PLAIN, *PEERS)
        cells = [_of_method(found, target, method) for method in methods]
        if any(cell != "–" for cell in cells[2:]):
            yield f"| {target.table} | {target.name} | {' | '.join(cells)} |"


def _of_method(found: Sequence[Measured], target: Target, method: str) -> str:
    """A method's figure, or how its fit ended."""
    values = values_of(found, target.table, method, target.name)
    ended = [
        one.status
        for one in found
        if (one.cell.table, one.cell.method) == (target.table, method) and not one.figures
    ]
    return _told(values) if values or not ended else ended[0]


def _targets(found: Sequence[Measured]) -> Iterator[str]:
    for target in TARGETS:
        own = values_of(found, target.table, DECLARED[target.table], target.name)
        plain = values_of(found, target.table, PLAIN, target.name)
        if own:
            met = "met" if target.holds(median(own)) else "**missed**"
            yield (
                f"| {target.table} | {target.name} | {target.asked} | {_told(own)} |"
                f" {_told(plain)} | {met} |"
            )


def _all_rows(found: Sequence[Measured]) -> Iterator[str]:
    for table, method in DECLARED.items():
        for name in ("average_precision", "lift"):
            own, plain = (
                [
                    one.on_all_rows[name]
                    for one in found
                    if (one.cell.table, one.cell.method, one.cell.epsilon)
                    == (table, chosen, EPSILON)
                    and name in one.on_all_rows
                ]
                for chosen in (method, PLAIN)
            )
            if own:
                yield f"| {table} | {name.replace('_', ' ')} | {_told(own)} | {_told(plain)} |"


def _figures(found: Sequence[Measured]) -> Iterator[str]:
    for table, method in DECLARED.items():
        for name, words in _SHOWN:
            own = values_of(found, table, method, name)
            if own:
                real = next(
                    one.figures[name]["baseline"]
                    for one in found
                    if one.cell.table == table and name in one.figures
                )
                plain = values_of(found, table, PLAIN, name)
                yield f"| {table} | {words} | {real:.3f} | {_told(own)} | {_told(plain)} |"


def _partners(found: Sequence[Measured]) -> Iterator[str]:
    for table, method in DECLARED.items():
        told = [
            one.figures[_PARTNER]["details"]["tasks"][0]["sizes"]
            for one in found
            if (one.cell.table, one.cell.method, one.cell.epsilon) == (table, method, EPSILON)
            and _PARTNER in one.figures
        ]
        for sizes in zip(*told, strict=True):
            ways = (
                [size[way]["value"] for size in sizes if size[way] is not None] for way in _WAYS
            )
            shown = " | ".join(_told(values) for values in ways)
            yield f"| {table} | {sizes[0]['rows']:,} | {shown} |"


def _told(values: Sequence[float]) -> str:
    """The median, and of several values the smallest and largest."""
    if not values:
        return "–"
    middle = f"{median(values):.3f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3f} to {max(values):.3f})"


_INTRODUCTION = f"""Made by `python -m tests.benchmarks uses --data DATA --work WORK`. Each table is
fitted at ε = {EPSILON:g}, δ = 10⁻⁶, four fifths of its rows; the rest are the hold-out. "With
tasks": the schema declares a response and a scorecard of its target; `{PLANTED}` is Bank with a
planted letter, and an uplift. "Without": the same schema without tasks. Figures are those of the
audit ([what it computes](../../privgan/audit/tasks/README.md)): gradient boosting on up to 20,000
rows, medians of the seeds, smallest and largest in brackets. Without tasks there is one seed.
"""
_OTHER_BUDGETS = """The same figures at every ε that was fitted. Where no smallest and largest
stand, there is one seed.
"""
_BESIDE_PEERS = f"""The best private peers of [the benchmark](../benchmarks/peers.md) that take
these tables, at ε = {EPSILON:g} with the same public facts, one seed each. They know no tasks. A
fit that ended without a table says so. A dash was not fitted: dpmm's AIM had no table of them in
60 minutes in that benchmark.
"""
_ALL_ROWS = """Above, both models see at most 20,000 rows, as in the audit. Real rows are worth more
where there are more of them: here both models see all, and these are the shares of the real figure.
"""
_PARTNERS = """Average precision of a model of a partner's own rows, drawn from the real training
rows: alone, with 10,000 synthetic rows, with class weights, with SMOTE. Medians of the seeds.
"""
