"""The neighbour search against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.audit.nearest import affordable, counts_within, nearest


def _features(rows: int, seed: int, width: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, width)).astype(np.float32)


def _all_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    return ((rows[:, None].astype(float) - others[None]) ** 2).sum(axis=2)


@pytest.mark.parametrize("others", [1, 3, 2048, 5000])
def test_neighbours_are_those_of_the_obvious_way(others):
    """Sizes around and across the tiles."""
    rows, made = _features(600, 1), _features(others, 2)
    found, every = nearest(rows, made, 3), np.sort(_all_distances(rows, made), axis=1)[:, :3]
    assert found.distances == pytest.approx(every, abs=1e-6)
    assert found.distances.shape == found.positions.shape == (600, min(3, others))


def test_equal_rows_are_at_distance_zero_exactly():
    made = np.vstack([_features(3000, 3), _features(3000, 3)]) * 1000
    found = nearest(made[:100], made, 2)
    assert (found.distances == 0).all()
    assert set(map(tuple, np.sort(found.positions, axis=1).tolist())) == {
        (i, i + 3000) for i in range(100)
    }


def test_the_order_of_the_other_rows_changes_no_distance():
    rows, made = _features(300, 4), _features(4000, 5)
    shuffled = made[np.random.default_rng(0).permutation(len(made))]
    assert np.array_equal(nearest(rows, made).distances, nearest(rows, shuffled).distances)


def test_counts_within_are_those_of_the_obvious_way():
    rows, made = _features(400, 6), _features(3000, 7)
    assert (
        counts_within(rows, made, 0.3).tolist()
        == (_all_distances(rows, made) <= 0.3).sum(axis=1).tolist()
    )


def test_large_tables_are_compared_by_samples():
    assert affordable(39_000, 39_000, 120) == (39_000, 39_000)
    rows, others = affordable(1_000_000, 1_000_000, 120)
    assert rows == others
    assert 40_000 < rows < 50_000


def test_nothing_is_near_to_nothing():
    assert len(nearest(_features(0, 1), _features(5, 1)).positions) == 0
    with pytest.raises(ValueError, match="at least one row"):
        nearest(_features(5, 1), _features(0, 1))
