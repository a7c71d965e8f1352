"""Write what becomes of a rare outcome, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks.rare.cut import PLAIN, POSITIVES, RARE, ROWS
from tests.benchmarks.rare.study import (
    AS_MANY,
    BAYES,
    EPSILON,
    MORE,
    NOISE,
    OTHERS,
    PEER_MINUTES,
    PEERS,
    REAL,
    Scored,
)

ASKED = {"AUC": 0.77, "average precision": 0.33}
_NAMES = {
    NOISE: "naive Bayes on noise, without any row",
    BAYES: "naive Bayes on noisy counts, the whole budget on 16 pairs",
    REAL: "real training rows",
    PLAIN: "synthetic, plain `target: y`",
    RARE: "synthetic, `rare: true`",
    **{name: name for name in PEERS},
}


def write_markdown(path: Path, found: Sequence[Scored], expected: tuple[float, int]) -> None:
    """Write what was asked for and all figures.

    Args:
        path: The page.
        found: All figures.
        expected: The AUC that the plan says beforehand, and the positives that .75 needs.
    """
    area, needed = expected
    said = (
        f"The plan says beforehand: an AUC of {area:.2f} may be expected, and one of 0.75 needs"
        f" {needed} positives.\n"
    )
    asked = [*_head("figure", "rows", "asked", "median (all)", ""), *_asked(found)]
    names = list(found[0].figures)
    figures = [*_head("a model of", "rows", *names), *_figures(found, names)]
    parts = [f"# A rare outcome\n\n{_INTRODUCTION}", said, "## Asked for\n", "\n".join(asked)]
    parts += [f"\n## All figures, ε = {EPSILON:g}\n", "\n".join(figures)]
    ended = [f"- {one.how}: {one.status}" for one in found if one.status]
    parts += ["\nPeers without a table:\n", "\n".join(ended)] if ended else []
    for epsilon in OTHERS:
        more = [*_head("a model of", "rows", *names), *_figures(found, names, epsilon)]
        parts += [f"\n## ε = {epsilon:g}\n", "\n".join(more)]
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _head(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]


def _asked(found: Sequence[Scored]) -> Iterator[str]:
    for name, least in ASKED.items():
        for rows in (AS_MANY, MORE):
            values = _values(found, RARE, rows, name)
            if values:
                met = "met" if median(values) >= least else "**missed**"
                yield f"| {name} | {rows} | ≥ {least} | {_told(values)} | {met} |"


def _figures(
    found: Sequence[Scored], names: Sequence[str], epsilon: float = EPSILON
) -> Iterator[str]:
    for how, words in _NAMES.items():
        for rows in ("", AS_MANY, MORE):
            values = [_values(found, how, rows, name, epsilon) for name in names]
            if values[0]:
                yield f"| {words} | {rows} | {' | '.join(map(_told, values))} |"


def _values(
    found: Sequence[Scored], how: str, rows: str, name: str, epsilon: float = EPSILON
) -> list[float]:
    return [
        one.figures[name]
        for one in found
        if (one.how, one.rows) == (how, rows) and one.epsilon in {None, epsilon} and one.figures
    ]


def _told(values: Sequence[float]) -> str:
    """The median, and of several values the smallest and largest."""
    middle = f"{median(values):.3f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3f} to {max(values):.3f})"


_INTRODUCTION = f"""Made by `python -m tests.benchmarks rare --data DATA --work WORK`. Bank's
training rows are cut to {POSITIVES} positives of {ROWS:,}; its test rows stay whole, 11.9 % of them
positive. ε = 3, δ = 10⁻⁶, the row count and {POSITIVES} positives declared, no canaries. Models are
the audit's gradient boosting, scored on all test rows. They see the released table, which has as
many rows as the real one, or ten times as many from the released model, which are free. Medians of
the seeds, smallest and largest in brackets; each fit has fresh noise. Naive Bayes scores the test
rows by its counts itself: no table is made. Peers have one seed and {PEER_MINUTES:g} minutes; they
know no rare outcome. The shares of the budget were chosen without test rows
([notebook](../benchmarks/notebook.md)).
"""
