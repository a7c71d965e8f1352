"""Count customers and events in fixed cells: gaps, lengths, cohorts, transitions, RFM.

Cells are fixed by the schema and by the real table. So two synthetic tables are counted alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from privgan.audit.histories.histories import Histories, Layout
from privgan.schema.columns import Discrete

GAP_DAYS = (0.0, 1 / 24, 1.0, 2.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0, 365.0)
GAP_NUMBERS = (0.0, *(2.0**power for power in range(21)))
LENGTHS = (1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0)
MOST_CATEGORIES = 20
QUINTILES = (0.2, 0.4, 0.6, 0.8)
_MONTHS_FROM = 60.0  # Days: a shorter table has cohorts by day.
_COHORTS = 12
_OTHER = "…"
# Cell of each counted thing.
_Cells: TypeAlias = Callable[[Histories], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Question:
    """A distribution over fixed cells.

    Attributes:
        labels: Label of each cell.
        cells: From histories to the cell of each thing that is counted.
    """

    labels: tuple[str, ...]
    cells: _Cells

    def shares(self, histories: Histories) -> NDArray[np.float64]:
        """Share of each cell, and one more that is 1 if there is nothing to count [cells + 1]."""
        counts = np.bincount(self.cells(histories), minlength=len(self.labels) + 1).astype(float)
        counts[-1] = 0.0 if counts.any() else 1.0
        return np.asarray(counts / counts.sum())


def gap_question(layout: Layout) -> Question:
    """Gaps between consecutive events: days in fixed cells, or numbers in doubling ones."""
    edges = np.array(GAP_DAYS if layout.moments else GAP_NUMBERS)
    if layout.whole:
        edges = edges[edges == np.floor(edges)]
    return Question(_bins(edges, whole=layout.whole), lambda found: _cut(edges, found.gaps))


def length_question() -> Question:
    """Number of events of a customer."""
    edges = np.array(LENGTHS)
    return Question(_bins(edges), lambda found: _cut(edges, found.lengths))


def cohort_question(layout: Layout, real: Histories) -> Question:
    """Month of a customer's first event; months without any real event share the end cells.

    In a table of less than two months a cohort is a day. Numbers have twelve cells of equal width.
    """
    low, high = float(real.times.min()), float(real.times.max())
    if not layout.moments:
        edges = np.linspace(low, high, _COHORTS + 1)
        return Question(_bins(edges, whole=False), lambda found: _cut(edges, found.first))
    unit = "M" if high - low >= _MONTHS_FROM else "D"
    start, end = (int(_calendar(np.array([time]), unit)[0]) for time in (low, high))
    named = list(map(str, np.arange(start, end + 1).astype(f"datetime64[{unit}]")))
    return Question(
        (f"< {named[0]}", *named, f"> {named[-1]}"),
        lambda found: np.clip(_calendar(found.first, unit) - start + 1, 0, end - start + 2),
    )


def transition_question(layout: Layout, place: int, real: Histories) -> Question:
    """Categories of consecutive events in one column, as pairs.

    Args:
        layout: The columns.
        place: The column.
        real: Its 20 commonest categories have a place of their own, missing values too.
    """
    column = layout.columns[place]
    assert isinstance(column, Discrete)
    known = np.nan_to_num(real.values[:, place], nan=-1.0)
    levels, counts = np.unique(known, return_counts=True)
    kept = np.sort(levels[np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]])
    named = [*(_category(column, level) for level in kept), _OTHER]

    def pairs(found: Histories) -> NDArray[np.int64]:
        codes = _known(kept, np.nan_to_num(found.values[:, place], nan=-1.0))
        return np.asarray(codes[found.later - 1] * len(named) + codes[found.later])

    return Question(tuple(f"{one} → {two}" for one in named for two in named), pairs)


def money_question(layout: Layout, real: Histories) -> Question | None:
    """Recency, frequency and money in 5 x 5 x 5 cells by quintiles of the real customers.

    Recency is the time from the last event to the end of the real table, frequency the number of
    events, money the mean of the last numeric column that varies within a customer. R5 is the most
    recent fifth, F5 the most frequent, M5 that of the largest means. Equal values share the highest
    fifth that one of them reaches.

    Returns:
        The question; None without a numeric column.
    """
    place = layout.money
    if place is None:
        return None
    end = float(real.times.max())

    def measures(found: Histories) -> Sequence[NDArray[np.float64]]:
        means = np.nan_to_num(found.means(found.values[:, place]))
        return found.last - end, found.lengths.astype(float), means

    edges = [np.quantile(values, QUINTILES) for values in measures(real)]

    def cells(found: Histories) -> NDArray[np.int64]:
        fifths = [
            np.searchsorted(edge, values, side="right")
            for edge, values in zip(edges, measures(found), strict=True)
        ]
        return np.asarray((fifths[0] * 5 + fifths[1]) * 5 + fifths[2])

    fives = range(1, 6)
    return Question(tuple(f"R{r} F{f} M{m}" for r in fives for f in fives for m in fives), cells)


def _cut(edges: NDArray[np.float64], values: NDArray) -> NDArray[np.int64]:
    """Cell of each value: the first edge that it does not exceed."""
    return np.searchsorted(edges, values, side="left")


def _bins(edges: NDArray[np.float64], *, whole: bool = True) -> tuple[str, ...]:
    """Labels of the cells that end at each edge, and of all above the last."""
    step = 1.0 if whole else 0.0
    pairs = zip(edges[:-1] + step, edges[1:], strict=True)
    inner = [f"{high:.3g}" if low == high else f"{low:.3g}–{high:.3g}" for low, high in pairs]
    return (f"{edges[0]:.3g}", *inner, f"> {edges[-1]:.3g}")


def _calendar(days: NDArray[np.float64], unit: str) -> NDArray[np.int64]:
    """Months or days since 1970 of days since 1970."""
    return np.floor(days).astype("datetime64[D]").astype(f"datetime64[{unit}]").astype(np.int64)


def _known(levels: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Place of each value among the levels; one more for all others."""
    places = np.minimum(np.searchsorted(levels, values), len(levels) - 1)
    return np.where(levels[places] == values, places, len(levels))


def _category(column: Discrete, level: float) -> str:
    if level < 0:
        return "–"
    place = int(level)
    return column.categories[place] if place < len(column.categories) else "?"
