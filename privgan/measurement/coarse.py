"""Group the codes of columns, and count and shrink marginals of the groups.

A coarse marginal of 4 to 6 columns has few cells, so noise hides little of it. Groups follow from
noisy 1-way shares and public sizes alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from privgan.measurement.marginals import Clique, Groups, exact_counts, group_sizes

_GROUPS = (2, 4, 6, 8, 10)
_MOST_CELLS = 4_096
# Columns of at most so many codes may be categories in any order.
FEW = 8
# Of 100 tables of noise alone, 98 have no leading product of directions above so many times
# σ · √(all groups of all columns); by simulation of nine shapes of 4 to 6 columns.
_ABOVE_NOISE = 1.65


@dataclass(frozen=True)
class Coarse:
    """Columns with groups of their codes.

    Attributes:
        clique: The columns, ascending.
        groups: The group of each code of each column.
    """

    clique: Clique
    groups: Groups

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of groups of each column."""
        return group_sizes(self.groups)

    def counts(self, codes: np.ndarray) -> np.ndarray:
        """Exact counts [cells] of codes [rows, columns]; one row adds one to one cell."""
        grouped = [
            np.asarray(groups, np.uint8)[codes[:, column]]
            for column, groups in zip(self.clique, self.groups, strict=True)
        ]
        return exact_counts(np.stack(grouped, axis=1), tuple(range(len(grouped))), self.sizes)

    def modelled(self, probabilities: Sequence[np.ndarray]) -> np.ndarray:
        """A mixture's share of each cell [cells].

        Args:
            probabilities: For each column of the table each code's share in each entry
                [entries, codes].
        """
        parts = [
            probabilities[column] @ indicator(groups)
            for column, groups in zip(self.clique, self.groups, strict=True)
        ]
        middle = (len(parts) + 1) // 2
        first, last = outer(parts[:middle]), outer(parts[middle:])
        return (first.T @ last).ravel() / len(first)


def indicator(groups: Sequence[int] | np.ndarray) -> np.ndarray:
    """Which code is in which group [codes, groups], ones and zeros."""
    return np.eye(max(groups) + 1)[list(groups)]


def outer(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Outer products [entries, cells] of shares [entries, groups], the last varying fastest."""
    product = parts[0]
    for part in parts[1:]:
        product = (product[:, :, None] * part[:, None, :]).reshape(len(part), -1)
    return product


def groups_of(shares: np.ndarray, number: int) -> tuple[int, ...]:
    """The group of each code: so many runs of codes of about equal share.

    Each code is its own group where there are no more codes than groups. Of few codes, odd and even
    places are never in one group: the order of categories means little.

    Args:
        shares: Noisy share of each code [codes].
        number: The most groups.
    """
    if len(shares) <= max(number, 4):
        return tuple(range(len(shares)))
    if len(shares) <= FEW:
        runs = 2 * runs_of(shares, 2) + np.arange(len(shares)) % 2
    else:
        runs = runs_of(shares, number)
    return tuple(int(group) for group in np.unique(runs, return_inverse=True)[1])


def runs_of(shares: np.ndarray, number: int) -> np.ndarray:
    """The run of each code [codes], of so many runs of codes of about equal share [codes]."""
    middles = np.cumsum(shares) - shares / 2
    runs: np.ndarray = np.clip((number * middles).astype(int), 0, number - 1)
    return runs


def affordable_cells(rows: float, noise: float) -> int:
    """The most cells of a coarse marginal.

    A dependence is found in a table's noise where its singular value, rows/√cells for all rows,
    exceeds σ · cells^(1/4). Up to (rows / 4σ)^(4/3) cells, that of a quarter of the rows does.

    Args:
        rows: Estimated row count.
        noise: Standard deviation σ of a count.
    """
    return int(min(_MOST_CELLS, max(1.0, rows / (4 * noise)) ** (4 / 3)))


def finest(clique: Clique, shares: Sequence[np.ndarray], most: int) -> Coarse:
    """A clique with as many groups a column as so many cells allow; halves at least.

    Args:
        clique: The columns.
        shares: Noisy shares of the codes of every column of the table.
        most: The most cells.
    """
    found = Coarse(clique, tuple(groups_of(shares[column], _GROUPS[0]) for column in clique))
    for number in _GROUPS[1:]:
        finer = Coarse(clique, tuple(groups_of(shares[column], number) for column in clique))
        if math.prod(finer.sizes) > most:
            break
        found = finer
    return found


def shrunk(residual: np.ndarray, noise: float) -> tuple[np.ndarray, float]:
    """The part of a noisy residual table that stands out of its noise.

    Each axis keeps the directions whose singular values exceed those of noise alone, within the
    directions that the others keep. At first each keeps its leading one at least. Source: De
    Lathauwer, De Moor and Vandewalle 2000, A Multilinear Singular Value Decomposition.

    Args:
        residual: Noisy counts less modelled ones, one axis a column.
        noise: Standard deviation of each cell.

    Returns:
        The residual that is kept, and the standard deviation of independent cells with as much
        error.
    """
    kept = [np.eye(size) for size in residual.shape]
    leading = _ABOVE_NOISE * math.sqrt(sum(residual.shape))
    for least in (1, 1, 0):
        for axis in range(residual.ndim):
            table = np.moveaxis(_within(residual, kept, axis), axis, 0)
            unfolded = table.reshape(len(table), -1)
            edge = noise * (leading + math.sqrt(unfolded.shape[1]) - 1)
            kept[axis] = _directions(unfolded, edge, least)
    ranks = [part.shape[1] for part in kept]
    free = math.prod(ranks) + sum(
        rank * (len(part) - rank) for rank, part in zip(ranks, kept, strict=True)
    )
    projected = residual
    for axis, part in enumerate(kept):
        projected = _along(projected, part @ part.T, axis)
    return projected, noise * math.sqrt(max(1, free) / residual.size)


def _within(table: np.ndarray, kept: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """A table in the kept directions of all axes but one."""
    for other, part in enumerate(kept):
        if other != axis:
            table = _along(table, part.T, other)
    return table


def _along(table: np.ndarray, matrix: np.ndarray, axis: int) -> np.ndarray:
    """A table with a matrix applied along one axis."""
    return np.moveaxis(np.tensordot(matrix, table, (1, axis)), 0, axis)


def _directions(unfolded: np.ndarray, edge: float, least: int) -> np.ndarray:
    """Left singular vectors [size, kept] with values above an edge; so many at least."""
    vectors, values, _ = np.linalg.svd(unfolded, full_matrices=False)
    found: np.ndarray = vectors[:, : max(least, int((values > edge).sum()))]
    return found
