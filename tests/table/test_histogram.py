"""Counts, shares, distances, and where a code's values lie."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pytest

from privgan.domain.cells import cells_of
from privgan.domain.encoding import identity_code, merged_code
from privgan.schema.columns import Discrete, Kind, Numeric, Temporal
from privgan.table.histogram import code_counts, intervals_of, shares_of, total_variation


def test_counts_shares_and_distance_by_hand() -> None:
    assert code_counts(np.array([0, 2, 2]), 4).tolist() == [1, 0, 2, 0]
    assert shares_of(np.array([3, -1, 1])).tolist() == [0.75, 0.0, 0.25]
    assert shares_of(np.zeros(2)).tolist() == [0.0, 0.0]
    assert total_variation(np.array([0.75, 0.25]), np.array([0.25, 0.75])) == 0.5


def test_intervals_follow_each_other_and_special_values_have_none() -> None:
    column = Numeric(
        name="x", kind=Kind.INTEGER, lower=0, upper=9, special_values=(-1.0,), missing=True
    )
    assert intervals_of(identity_code(cells_of(column))) == [
        None,
        *((n, n + 1) for n in range(10)),
        None,
    ]
    cells = cells_of(column)
    merged = intervals_of(merged_code(cells, np.ones(cells.size) / cells.size, max_codes=3))
    placed = [part for part in merged if part is not None]
    assert placed[0][0] == 0
    assert placed[-1][1] == 10
    assert all(first[1] == second[0] for first, second in itertools.pairwise(placed))
    assert merged[0] is None
    assert merged[-1] is None


def test_decimals_and_days_end_a_step_after_their_last_value() -> None:
    price = Numeric(name="p", kind=Kind.FLOAT, lower=0, upper=0.2, decimals=1)
    assert [part for part in intervals_of(identity_code(cells_of(price))) if part][
        -1
    ] == pytest.approx((0.2, 0.3))
    day = Temporal(
        name="d",
        kind=Kind.DATE,
        lower=dt.datetime(2021, 1, 1),
        upper=dt.datetime(2021, 1, 3),
        format="%Y-%m-%d",
    )
    found = intervals_of(identity_code(cells_of(day)))
    first = dt.datetime(2021, 1, 1, tzinfo=dt.UTC).timestamp()
    assert found == [(first + 86_400 * n, first + 86_400 * (n + 1)) for n in range(3)]


def test_categories_lie_nowhere() -> None:
    tier = Discrete(name="t", kind=Kind.ORDINAL, categories=("a", "b"))
    assert intervals_of(identity_code(cells_of(tier))) == [None, None]
