"""Whose each row is, and how many rows of one customer are used: bounded by a random pick before anything else."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from privgan.privacy.randomness import SecretStream


def numbered(names: Iterable[object]) -> np.ndarray:
    """Customers as numbers [rows], int64, from 0 without gaps, from the text of their names; rows of one are alike.

    As objects: numpy's own texts drop NUL characters at the end, which would make two customers one, with the rows of both,
    and each takes the room of the longest.
    """
    _, numbers = np.unique(np.asarray([str(name) for name in names], dtype=object), return_inverse=True)
    return numbers.astype(np.int64)


def bounded(customers: np.ndarray, max_rows: int, coins: SecretStream) -> np.ndarray:
    """Which rows are used [rows], bool: of each customer at most ``max_rows``, picked evenly at random.

    What is picked of one customer does not depend on any other, so that one customer more or less changes only its own rows.

    Args:
        customers: Whose each row is [rows].
        max_rows: The most rows of one customer.
        coins: Secret coins.
    """
    order = np.lexsort((coins.words(len(customers)), customers))
    sorted_customers = customers[order]
    first = np.searchsorted(sorted_customers, sorted_customers, side="left")
    kept = np.zeros(len(customers), dtype=bool)
    kept[order] = np.arange(len(customers)) - first < max_rows
    return kept


def rows_of_each(customers: np.ndarray, max_rows: int) -> np.ndarray:
    """How many customers have 1, 2, … ``max_rows`` rows [max_rows], int64: one customer moves one count by one.

    Args:
        customers: Whose each row is [rows], after bounding.
        max_rows: The most rows of one customer.
    """
    sizes = np.unique(customers, return_counts=True)[1]
    return np.bincount(sizes, minlength=max_rows + 1)[1:]
