"""Several ways to read one column's values: which reading holds, value by value, or none.

The reading that makes most rows fit the schema comes first; the schema's own notation wins ties.
Two other readings that fit alike and differ are ambiguous: such a value counts as unread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Notation:
    """One way to read a column's distinct values.

    Attributes:
        what: The notation in words.
        values: What each distinct value is [distinct], as numbers; NaN where it cannot be read so.
        fits: Which of them lie within the schema [distinct].
        own: Whether it is the schema's own notation, which needs no other one's leave.
    """

    what: str
    values: NDArray[np.float64]
    fits: NDArray[np.bool_]
    own: bool = False


@dataclass(frozen=True, eq=False)
class Chosen:
    """What each distinct value was taken for.

    Attributes:
        values: The numbers [distinct]; NaN where unread.
        notation: The place of the reading that was used [distinct]; -1 where unread.
    """

    values: NDArray[np.float64]
    notation: NDArray[np.int64]


def choose(notations: Sequence[Notation], rows: NDArray[np.int64]) -> Chosen:
    """The reading of each distinct value.

    Args:
        notations: The readings; the first is that of the values as they stand, and own.
        rows: How many rows hold each distinct value [distinct].
    """
    scores = [int(rows[notation.fits].sum()) for notation in notations]
    order = sorted(range(len(notations)), key=lambda place: (-scores[place], place))
    values, used = np.full(len(rows), np.nan), np.full(len(rows), -1)
    for place in order:
        take = (used < 0) & ~np.isnan(notations[place].values)
        if scores[place] or place == 0:
            values[take], used[take] = notations[place].values[take], place
    unsure = _unsure(notations, scores, values, used)
    values[unsure], used[unsure] = np.nan, -1
    return Chosen(values, used)


def _unsure(
    notations: Sequence[Notation],
    scores: Sequence[int],
    values: NDArray[np.float64],
    used: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Which values another reading, that fits as many rows, takes for something else."""
    unsure = np.zeros(len(values), dtype=bool)
    for place, notation in enumerate(notations):
        rival = np.array(
            [other >= 0 and not notations[other].own and scores[other] == scores[place] for other in used], dtype=bool
        )
        differs = ~np.isnan(notation.values) & (notation.values != values)
        unsure |= rival & differs & (used != place)
    return unsure
