"""Draw codes by stratified (systematic) sampling, in random order.

Every single draw has its distribution. Counts follow the shares as nearly as whole numbers allow;
only the order and the rounding are random.
"""

from __future__ import annotations

import numpy as np


def spread(weights: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Entries [rows], ascending, in proportion to their weights [entries] up to rounding."""
    points = (np.arange(rows) + rng.random()) / rows * weights.sum()
    return np.minimum(np.searchsorted(np.cumsum(weights), points, side="right"), len(weights) - 1)


def choose(weights: np.ndarray, entries: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one code per row [rows] from unnormalised weights [entries, codes] of its entry [rows].

    Entries ascend.
    """
    return choose_by_shares(cumulative_shares(weights), entries, rng)


def cumulative_shares(weights: np.ndarray) -> np.ndarray:
    """Cumulative share of each code [entries, codes].

    Zeros for an entry without weight.
    """
    cumulative = np.cumsum(weights, axis=1)
    scale = cumulative[:, -1:]
    return cumulative / np.where(scale > 0, scale, 1.0)


def choose_by_shares(
    shares: np.ndarray, entries: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw one code per row as ``choose``, from cumulative shares [entries, codes]."""
    groups, codes = shares.shape
    counts = np.bincount(entries, minlength=groups)[:, None]
    reached = _reached(shares, counts, rng.random((groups, 1)))
    reached[:, -1:] = counts
    reached += np.cumsum(counts)[:, None] - counts
    drawn = np.repeat(np.tile(np.arange(codes), groups), np.diff(reached.ravel(), prepend=0))
    return shuffled(entries, drawn, groups, codes, rng)


def choose_within(
    owner: np.ndarray, weights: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw one cell per row [rows] among the cells of the row's group.

    Args:
        owner: The group of each cell [cells], ascending.
        weights: Unnormalised weight of each cell [cells], above 0; every group that a row is in
            owns a cell.
        groups: The group of each row [rows], in any order.
        rng: Public randomness.
    """
    total = int(owner[-1]) + 1
    if np.array_equal(owner, np.arange(total)):
        return groups
    counts, first = np.bincount(groups, minlength=total), np.searchsorted(owner, np.arange(total))
    ends = np.concatenate([[0.0], np.cumsum(weights)])
    mass = np.bincount(owner, weights=weights)
    reached = _reached(
        (ends[1:] - ends[first][owner]) / mass[owner], counts[owner], rng.random(total)[owner]
    )
    last = np.append(owner[1:] != owner[:-1], True)
    reached[last] = counts[owner[last]]
    before = np.where(np.append(True, last[:-1]), 0, np.append(0, reached[:-1]))
    order = shuffled(groups, np.arange(len(groups)), total, len(groups), rng)
    chosen = np.empty(len(groups), dtype=np.int64)
    chosen[order] = np.repeat(np.arange(len(owner)), reached - before)
    return chosen


def shuffled(
    groups: np.ndarray, values: np.ndarray, most_groups: int, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Values [rows] by ascending group [rows], in random order within each group.

    One sort of 64-bit keys (group, random bits, value) is faster than sorting an index.

    Args:
        groups: The group of each value, below ``most_groups``.
        values: Whole numbers below ``most``.
        most_groups: How many groups there are at most.
        most: How many values there are at most.
        rng: Public randomness.
    """
    low, high = (
        np.uint64((most - 1).bit_length()),
        np.uint64(max(1, (most_groups - 1).bit_length())),
    )
    keys = rng.bit_generator.random_raw(len(values)) >> (low + high)
    keys |= groups.astype(np.uint64) << (np.uint64(64) - low - high)
    keys <<= low
    keys |= values.astype(np.uint64)
    keys.sort()
    keys &= (np.uint64(1) << low) - np.uint64(1)
    return keys.view(np.int64)


def _reached(shares: np.ndarray, counts: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Number of the evenly spaced points (start + 0, 1, …)/counts below each cumulative share."""
    found = shares * counts
    found -= start
    np.ceil(found, out=found)
    return np.clip(found, 0, counts, out=found).astype(np.int64)
