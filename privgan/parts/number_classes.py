"""Name classes of numbers of events: single numbers first, then ranges that widen with them.

A class is public. So its share is measured as one count, and noise on numbers that hardly occur
does not lengthen histories.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from privgan.domain.frames import positions_of


@dataclass(frozen=True)
class NumberClasses:
    """Classes of the numbers from a least to a most one.

    Args:
        least: The smallest number.
        alone: Up to this one each number is a class by itself.
        most: The largest number; whatever is above it counts as it.
        width: How far each range ends above its begin, as a share of that.

    >>> NumberClasses(1, 3, 9).labels
    ('1', '2', '3', '4 to 5', '6 to 7', '8 to 9')
    """

    least: int
    alone: int
    most: int
    width: float = 0.25

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The smallest number of each class."""
        found = list(range(self.least, min(self.alone, self.most) + 1))
        while (begun := found[-1]) < self.most:
            width = 1 if begun <= self.alone else int(begun * self.width) + 1
            if begun + width > self.most:
                break
            found.append(begun + width)
        return tuple(found)

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The largest number of each class."""
        return (*(start - 1 for start in self.starts[1:]), self.most)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The classes as categories."""
        pairs = zip(self.starts, self.ends, strict=True)
        return tuple(str(a) if a == b else f"{a} to {b}" for a, b in pairs)

    @cached_property
    def means(self) -> np.ndarray:
        """Mean number of each class [classes], where numbers are drawn as ``drawn`` draws them."""
        ranges = (np.arange(a, b + 1) for a, b in zip(self.starts, self.ends, strict=True))
        return np.array([_mean(numbers) for numbers in ranges])

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """The class [rows], as its label, of numbers [rows]."""
        held = np.clip(numbers, self.least, self.most)
        places = np.searchsorted(self.starts, held, side="right") - 1
        return np.array(self.labels, dtype=object)[places]

    def drawn(self, labels: pd.Series, rng: np.random.Generator) -> np.ndarray:
        """A number [rows], int64, of each class, given as its label [rows]; larger ones are rarer.

        Inside a class a number falls off with its square: that of a class is unknown, and real
        numbers of events fall about so.
        """
        places = positions_of(labels, self.labels)
        found, some = np.zeros(len(places), dtype=np.int64), np.asarray(self.starts)[places] > 0
        found[some] = self._drawn(places[some], rng)
        return found

    def _drawn(self, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A number [rows] of each class of numbers above 0, given as its place [rows]."""
        low = np.asarray(self.starts, dtype=float)[places]
        high = np.asarray(self.ends, dtype=float)[places] + 1
        found = 1 / (1 / low - rng.random(len(places)) * (1 / low - 1 / high))
        return np.minimum(np.floor(found), high - 1).astype(np.int64)


def _mean(numbers: np.ndarray) -> float:
    """Mean of numbers that fall off as ``drawn`` draws them."""
    if len(numbers) == 1:
        return float(numbers[0])
    shares = 1 / numbers - 1 / (numbers + 1)
    return float(numbers @ shares / shares.sum())
