"""Cut a column into bins that tell of an event, with the library optbinning."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MISSING = "needs the library optbinning: pip install 'privgan[uses]'"
_MOST_BINS, _SECONDS = 20, 5


def installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("optbinning") is not None


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins of one column; the last two are of values never seen, and of missing ones.

    Attributes:
        cuts: Lower ends of all bins but the first, of numbers; None for categories.
        groups: The bin of each category by its place [categories], -1 for one never seen; None for
            numbers.
    """

    cuts: NDArray[np.float64] | None
    groups: NDArray[np.int64] | None

    @property
    def size(self) -> int:
        """Number of bins."""
        if self.cuts is not None:
            return len(self.cuts) + 3
        assert self.groups is not None
        return int(self.groups.max(initial=-1)) + 3

    def code(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Bin of each value [rows]."""
        known = np.nan_to_num(values, nan=0.0)
        if self.cuts is not None:
            found = np.searchsorted(self.cuts, known, side="right")
        else:
            assert self.groups is not None
            places = np.clip(known.astype(np.int64), 0, len(self.groups) - 1)
            inside = (known >= 0) & (known < len(self.groups))
            groups = np.where(inside, self.groups[places], -1)
            found = np.where(groups < 0, self.size - 2, groups)
        return np.where(np.isnan(values), self.size - 1, found).astype(np.int64)

    def label(self, place: int, categories: Sequence[str]) -> str:
        """A bin in a few signs: its bounds, or its categories.

        Args:
            place: The bin.
            categories: The column's categories; empty for numbers.
        """
        if place == self.size - 1:
            return "–"
        if place == self.size - 2:
            return "…"
        if self.cuts is not None:
            low = f"{self.cuts[place - 1]:g}" if place else "−∞"
            high = f"{self.cuts[place]:g}" if place < len(self.cuts) else "∞"
            return f"[{low}, {high})"
        assert self.groups is not None
        return ", ".join(categories[i] for i in np.flatnonzero(self.groups == place).tolist())


def bins_of(values: NDArray[np.float64], event: NDArray[np.bool_], *, discrete: bool) -> Bins:
    """The bins of a column whose information on the event is largest.

    Args:
        values: Numbers, or places of categories; NaN for missing [rows].
        event: Whether the event came [rows].
        discrete: Whether the values are places of categories.
    """
    from optbinning import OptimalBinning

    known = ~np.isnan(values)
    levels = np.unique(values[known])
    if len(levels) < 2 or len(np.unique(event[known])) < 2:
        return _whole(levels, discrete)
    binning = OptimalBinning(
        dtype="categorical" if discrete else "numerical",
        max_n_prebins=_MOST_BINS,
        time_limit=_SECONDS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of scikit-learn's renamed arguments.
        binning.fit(values[known], event[known].astype(int))
    if not discrete:
        return Bins(np.asarray(binning.splits, dtype=float), None)
    groups = np.full(int(levels.max()) + 1, -1, dtype=np.int64)
    for place, members in enumerate(binning.splits):
        groups[np.asarray(members, dtype=float).astype(np.int64)] = place
    return Bins(None, groups)


def _whole(levels: NDArray[np.float64], discrete: bool) -> Bins:
    """One bin for all values."""
    if not discrete:
        return Bins(np.empty(0), None)
    groups = np.full(int(levels.max(initial=0)) + 1, -1, dtype=np.int64)
    groups[levels.astype(np.int64)] = 0
    return Bins(None, groups)
