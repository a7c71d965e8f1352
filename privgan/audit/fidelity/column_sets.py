"""Choose which sets of columns the audit compares, whatever the tables hold."""

from __future__ import annotations

import itertools
import math

import numpy as np

TRIPLES, TRIPLE_SEED = 60, 1
MOST_PAIRS = 1000


def marginals(columns: int, order: int) -> tuple[tuple[int, ...], ...]:
    """The marginals of one order that are compared.

    All 1-way, all 2-way up to 1,000, and 60 fixed 3-way ones.
    """
    number = math.comb(columns, order)
    most = {1: number, 2: MOST_PAIRS, 3: TRIPLES}[order]
    if order < 3 and number <= most:
        return tuple(itertools.combinations(range(columns), order))
    # A fixed generator and seed: every audit looks at the same triples.
    places = np.random.RandomState(TRIPLE_SEED).permutation(number)[:most]
    return tuple(_combination(int(place), columns, order) for place in places)


def _combination(place: int, columns: int, order: int) -> tuple[int, ...]:
    """The set of columns at a place among all in lexicographic order, without listing them."""
    found, column = list[int](), 0
    while len(found) < order:
        beginning = math.comb(columns - column - 1, order - len(found) - 1)
        if place < beginning:
            found.append(column)
        else:
            place -= beginning
        column += 1
    return tuple(found)
