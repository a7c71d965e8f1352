"""Search nearest neighbours exactly, in tiles of bounded memory.

A tile is one matrix product of 2 MB, so memory does not grow with the product of the tables' sizes.

Rows are features of :class:`privgan.audit.coding.FeatureMap`. The squared Euclidean distance counts
1 for two different categories. For two numbers it counts the squared difference of their quantiles,
in the manner of Gower 1971.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROWS, _COLUMNS = 256, 2048
_WORK = 2.5e11  # Multiplications of one search: some 7 seconds of one core.
_PASS = 20  # Multiplications that take as long as one look at a product.
_Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Nearest rows of another table, the nearest first.

    Attributes:
        distances: Squared distances [rows, neighbours], in double precision: 0 for equal rows.
        positions: Row positions of the neighbours in the other table [rows, neighbours].
    """

    distances: NDArray[np.float64]
    positions: NDArray[np.int64]


def affordable(rows: int, others: int, width: int, passes: int = 1) -> tuple[int, int]:
    """Number of rows of two tables that one search may compare.

    All, or an equal share of both so that the work stays bounded.

    Args:
        rows: Rows of the first table.
        others: Rows of the second.
        width: Features of a row.
        passes: How often the best of all products is looked for: once a neighbour.
    """
    share = min(1.0, _affordable(rows, others, width, passes) ** 0.5)
    return max(1, int(rows * share)), max(1, int(others * share))


def affordable_others(rows: int, others: int, width: int, passes: int = 1) -> int:
    """Number of rows of the second table that a search may compare with all rows of the first.

    Args:
        rows: Rows of all searches together.
        others: Rows of the second table.
        width: Features of a row.
        passes: How often the best of all products is looked for.
    """
    return max(1, int(others * min(1.0, _affordable(rows, others, width, passes))))


def _affordable(rows: int, others: int, width: int, passes: int) -> float:
    """Share of all pairs of rows that the work allows."""
    return _WORK / max(1.0, float(rows) * others * (width + _PASS * passes))


def nearest(rows: _Features, others: _Features, neighbours: int = 1) -> Neighbours:
    """Nearest neighbours of each row in another table, by squared Euclidean distance.

    Args:
        rows: Features [rows, width].
        others: Features of the other table [others, width]; at least one row.
        neighbours: Number of neighbours; at most the number of other rows.

    Returns:
        Distances and positions; of equally near rows the first ones.
    """
    if not len(others):
        raise ValueError("need at least one row to be near to")
    count = min(neighbours, len(others))
    found = [_nearest_of_block(block, others, count) for block, _ in _blocks(rows)]
    positions = np.vstack([np.empty((0, count), dtype=np.int64), *found])
    return Neighbours(_distances(rows, others, positions), positions)


def counts_within(rows: _Features, others: _Features, radius: float) -> NDArray[np.int64]:
    """Number of rows of another table within a squared distance of each row [rows]."""
    counts = np.zeros(len(rows), dtype=np.int64)
    for block, place in _blocks(rows):
        limit = ((block**2).sum(axis=1) - np.float32(radius)) / 2
        for products, _ in _tiles(block, others):
            counts[place] += (products >= limit[:, None]).sum(axis=1)
    return counts


def _blocks(rows: _Features) -> Iterator[tuple[_Features, slice]]:
    for start in range(0, len(rows), _ROWS):
        place = slice(start, min(start + _ROWS, len(rows)))
        yield rows[place], place


def _tiles(block: _Features, others: _Features) -> Iterator[tuple[_Features, int]]:
    """x·s − |s|²/2 for each pair of a tile, and the tile's start.

    It is largest where the distance is smallest.
    """
    for start in range(0, len(others), _COLUMNS):
        tile = others[start : start + _COLUMNS]
        yield block @ tile.T - (tile**2).sum(axis=1) / 2, start


def _nearest_of_block(block: _Features, others: _Features, count: int) -> NDArray[np.int64]:
    lines = np.arange(len(block))
    places: list[NDArray[np.int64]] = []
    values: list[_Features] = []
    for products, start in _tiles(block, others):
        for _ in range(min(count, products.shape[1])):
            best = products.argmax(axis=1)
            places.append(best + start)
            values.append(products[lines, best])
            products[lines, best] = -np.inf
    order = np.argsort(-np.column_stack(values), axis=1, kind="stable")[:, :count]
    return np.take_along_axis(np.column_stack(places), order, axis=1).astype(np.int64)


def _distances(
    rows: _Features, others: _Features, positions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Exact squared distances of the rows found.

    A difference of large products would not be 0 for equal rows.
    """
    found = np.empty(positions.shape)
    for block, place in _blocks(rows):
        apart = block[:, None, :].astype(np.float64) - others[positions[place]]
        found[place] = np.einsum("ijk,ijk->ij", apart, apart)
    return found
