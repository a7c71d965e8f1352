"""Write one table of all measurements, for programs and for people.

Losses are shown as wins are.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.collect import Line, best_peer
from tests.benchmarks.methods import METHODS, OWN, method_of
from tests.benchmarks.scoring import TOLERANCES
from tests.benchmarks.targets import Judgement, counted

COLUMNS = {
    "tvd1": ".4f",
    "tvd2": ".4f",
    "tvd3": ".4f",
    "tstr": ".4f",
    "trtr": ".4f",
    "gap": ".4f",
    "c2st": ".4f",
    "tstr_raw": ".4f",
    "gap_raw": ".4f",
    "c2st_raw": ".4f",
    "fit_s": ".0f",
    "fit_cpu_s": ".0f",
    "sample_rows_s": ".0f",
    "sample_cpu_rows_s": ".0f",
    "peak_mb": ".0f",
    "tvd4": ".4f",
    "loglik": ".3f",
    "loglik_values": ".3f",
}
_SHOWN = (
    "tvd1",
    "tvd2",
    "tvd3",
    "tvd4",
    "tstr",
    "trtr",
    "c2st",
    "c2st_raw",
    "loglik_values",
    "fit_s",
    "fit_cpu_s",
    "sample_rows_s",
    "sample_cpu_rows_s",
    "peak_mb",
)
_RATIOS = {"tvd3": "tvd3_ratio", "gap": "gap_ratio"}
_RUN = {False: "this", True: "earlier"}
_INTRODUCTION = """# privgan and its peers

Made by `python -m tests.benchmarks report`; `tests/benchmarks/README.md` says how. Each figure
is the median over the seeds. Lower is better for tvd1 to tvd4 (mean total variation distance
to the training rows over 1- to 4-way marginals) and for c2st (ROC AUC of a
classifier that tells synthetic rows from test rows; 0.5 is perfect), higher for tstr (ROC AUC
on test rows of a classifier fitted on synthetic rows; trtr: on the real ones). All four see
numbers cut at the training rows' 20-quantiles; c2st raw sees the values themselves. *loglik
values*, of privgan's own models only, is the mean log-probability of a test row in nats. *tvd3
ratio* is the figure over the best private peer's. Times are by the clock on the wall and, with
*cpu*, by the processor's, which other work on the machine does not lengthen; targets are judged
by the processor's where both sides have it. A line marked *earlier* is of an earlier run, its
times maybe of another machine; its figures are as that run's table has them.
"""


def write_csv(path: Path, lines: Sequence[Line]) -> None:
    """Write every line, one figure a cell."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(
            [
                "table",
                "rows",
                "epsilon",
                "method",
                "status",
                "seeds",
                *COLUMNS,
                *_RATIOS.values(),
                "run",
                "doubts",
            ]
        )
        for line in lines:
            figures = [_figure(line, name) for name in COLUMNS] + [
                _shown(ratio(line, lines, name), ".3f") for name in _RATIOS
            ]
            budget = "" if line.epsilon is None else f"{line.epsilon:g}"
            last = [_RUN[line.earlier], "; ".join(line.doubts)]
            writer.writerow(
                [
                    line.table,
                    line.rows,
                    budget,
                    line.method,
                    line.status,
                    line.seeds,
                    *figures,
                    *last,
                ]
            )


def ratio(line: Line, lines: Sequence[Line], name: str) -> float | None:
    """A figure over the best private peer's; None where either is missing."""
    value, peer = line.figure(name), best_peer(lines, line, name)
    return (
        None
        if value is None or peer is None or peer.figures[name] <= 0
        else value / peer.figures[name]
    )


def write_markdown(path: Path, lines: Sequence[Line], judgements: Sequence[Judgement]) -> None:
    """Write the readable table, with every target met or missed."""
    tables = dict.fromkeys(line.table for line in lines)
    sections = [
        _section([line for line in lines if line.table == table], lines) for table in tables
    ]
    parts = [_INTRODUCTION, *_warnings(lines), _targets(judgements), *sections, _notes()]
    path.write_text("\n".join(parts), encoding="utf-8")


def _warnings(lines: Sequence[Line]) -> list[str]:
    doubtful = [line for line in lines if line.doubts]
    allowed = ", ".join(f"{name} {tolerance:g}" for name, tolerance in TOLERANCES.items())
    if not doubtful:
        return []
    found = [
        f"- {line.table}, {line.method}, ε {_budget(line)}: {'; '.join(line.doubts)}"
        for line in doubtful
    ]
    return [
        f"**THE TWO SCORERS DISAGREE** by more than is allowed ({allowed}): privgan's figure"
        " against the external one's.\n",
        *found,
        "",
    ]


def _targets(judgements: Sequence[Judgement]) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in counted(judgements).items())
    head = [
        "| table | ε | method | target | reached | limit | from | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = [
        f"| {judged.line.table} | {_budget(judged.line)} | {judged.line.method} | {judged.target} |"
        f" {_shown(judged.value, '.4g')} | {_shown(judged.limit, '.4g')} | {judged.against} |"
        f" {_loud(judged.verdict)} |"
        for judged in judgements
    ]
    return "\n".join([f"## Targets: {counts}\n", *head, *rows, ""])


def _loud(verdict: str) -> str:
    return f"**{verdict}**" if verdict == "missed" else verdict


def _section(own: Sequence[Line], lines: Sequence[Line]) -> str:
    names = " | ".join(name.replace("_", " ") for name in _SHOWN)
    head = [
        f"| ε | method | status | {names} | tvd3 ratio | seeds |",
        "|" + "---|" * (len(_SHOWN) + 5),
    ]
    ordered = sorted(
        own,
        key=lambda line: (
            line.epsilon is None,
            line.epsilon or 0.0,
            list(METHODS).index(line.method),
        ),
    )
    rows = [
        f"| {_budget(line)} | {line.method} | {_status(line)} |"
        f" {' | '.join(_figure(line, name) for name in _SHOWN)} |"
        f" {_shown(ratio(line, lines, 'tvd3'), '.2f')} | {line.seeds} |"
        for line in ordered
    ]
    return "\n".join([f"## {own[0].table}, {own[0].rows:,} rows\n", *head, *rows, ""])


def _status(line: Line) -> str:
    told = f"{line.status}, earlier" if line.earlier else line.status
    return f"{told} **SCORERS DISAGREE**" if line.doubts else told.replace("|", "/")


def _budget(line: Line) -> str:
    return "none" if line.epsilon is None else f"{line.epsilon:g}"


def _figure(line: Line, name: str) -> str:
    return _shown(line.figure(name), COLUMNS[name])


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _notes() -> str:
    free = [
        f"- {name}: {method_of(name).reads_for_free}."
        for name in METHODS
        if method_of(name).reads_for_free
    ]
    return "\n".join(
        [f"## What a method learns from the rows without paying ({OWN}: nothing)\n", *free, ""]
    )
