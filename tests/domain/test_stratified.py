"""Stratified draws: shares follow the weights, and each draw has its distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from privgan.domain.stratified import choose, choose_within, spread

WEIGHT = st.floats(0.0, 5.0).map(lambda value: value if value > 1e-3 else 0.0)


def grids() -> st.SearchStrategy[np.ndarray]:
    shape = st.tuples(st.integers(1, 5), st.integers(1, 6))
    return shape.flatmap(lambda found: arrays.arrays(np.float64, found, elements=WEIGHT)).filter(
        lambda w: (w.sum(1) > 0).all()
    )


@given(weights=grids(), rows=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_each_entry_draws_every_code_as_often_as_its_weight_within_one(
    weights: np.ndarray, rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    entries = np.sort(rng.integers(len(weights), size=rows))
    codes = choose(weights, entries, rng)
    for entry in range(len(weights)):
        drawn = np.bincount(codes[entries == entry], minlength=weights.shape[1])
        shares = weights[entry] / weights[entry].sum()
        assert (np.abs(np.cumsum(drawn) - np.cumsum(shares) * drawn.sum()) < 1 + 1e-9).all()
        assert not drawn[weights[entry] == 0].any()


@given(weights=grids(), rows=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_a_group_draws_its_own_cells_as_often_as_their_weights_within_one(
    weights: np.ndarray, rows: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    owner, place = np.nonzero(weights)
    groups = rng.integers(len(weights), size=rows)
    cells = choose_within(owner, weights[owner, place], groups, rng)
    assert (owner[cells] == groups).all()
    for group in range(len(weights)):
        drawn = np.bincount(cells[groups == group], minlength=len(owner))[owner == group]
        shares = weights[group][weights[group] > 0] / weights[group].sum()
        assert (np.abs(np.cumsum(drawn) - np.cumsum(shares) * drawn.sum()) < 1 + 1e-9).all()


@given(
    weights=arrays.arrays(np.float64, st.integers(1, 9), elements=WEIGHT),
    rows=st.integers(1, 200),
    seed=st.integers(0, 2**32),
)
def test_entries_are_spread_by_their_weights_within_one(
    weights: np.ndarray, rows: int, seed: int
) -> None:
    if not weights.any():
        weights = weights + 1.0
    entries = spread(weights, rows, np.random.default_rng(seed))
    assert (np.diff(entries) >= 0).all()
    drawn = np.bincount(entries, minlength=len(weights))
    assert (np.abs(np.cumsum(drawn) - np.cumsum(weights) / weights.sum() * rows) < 1 + 1e-9).all()


def test_every_row_draws_by_the_weights_whatever_its_place() -> None:
    """Each row of 3, over 4,000 repetitions.

    Wrong with probability below 1e-6 (12 bounds of 5.5 standard errors).
    """
    weights, times = np.array([[0.5, 0.2, 0.3], [0.1, 0.0, 0.9]]), 4_000
    entries, owner, groups = np.array([0, 0, 1]), np.array([0, 0, 0, 1, 1]), np.array([1, 0, 0])
    dense = np.array(
        [choose(weights, entries, np.random.default_rng(seed)) for seed in range(times)]
    )
    loose = [
        choose_within(
            owner, np.array([5.0, 2.0, 3.0, 1.0, 9.0]), groups, np.random.default_rng(seed)
        )
        for seed in range(times)
    ]
    rows = np.array(loose)[:, ::-1]
    for row, expected in enumerate(([0.5, 0.2, 0.3], [0.5, 0.2, 0.3], [0.1, 0.0, 0.9])):
        tolerance = 5.5 * np.sqrt(0.25 / times)
        assert np.bincount(dense[:, row], minlength=3) / times == pytest.approx(
            expected, abs=tolerance
        )
        cells = [0.1, 0.9] if row == 2 else expected
        assert np.bincount(
            rows[:, row] - (3 if row == 2 else 0), minlength=len(cells)
        ) / times == pytest.approx(cells, abs=tolerance)


def test_where_every_group_owns_one_cell_nothing_is_drawn() -> None:
    groups = np.array([2, 0, 1, 2])
    assert choose_within(np.arange(3), np.ones(3), groups, np.random.default_rng(0)).tolist() == [
        2,
        0,
        1,
        2,
    ]


def test_as_many_cells_as_groups_does_not_mean_one_for_each() -> None:
    cells = choose_within(
        np.array([0, 0, 2]), np.ones(3), np.array([2, 0, 0, 2]), np.random.default_rng(0)
    )
    assert sorted(cells.tolist()) == [0, 1, 2, 2]
