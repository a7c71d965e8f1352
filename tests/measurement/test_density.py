"""Shares from noisy fine counts: spikes stay, noise is smoothed away."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.measurement.density import Stretches, cell_shares, interval_weights, smooth
from privgan.measurement.marginals import onto_simplex
from privgan.schema.columns import Kind, Numeric


def _column(special: tuple[float, ...] = ()) -> Numeric:
    return Numeric(
        name="x", kind=Kind.INTEGER, lower=0, upper=1_000_000, special_values=special, missing=True
    )


@settings(max_examples=40)
@given(st.integers(0, 999), st.floats(0.1, 1e4), st.booleans())
def test_shares_are_a_distribution_whatever_the_noise(
    seed: int, noise: float, special: bool
) -> None:
    cells = cells_of(_column((0.0,) if special else ()), 96)
    noisy = np.rint(np.random.default_rng(seed).normal(0, noise, cells.size)).astype(np.int64)
    shares = cell_shares(noisy, noise, cells)
    assert shares.shape == (cells.size,)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(), 1.0)


def test_a_column_without_any_count_gets_even_shares() -> None:
    cells = cells_of(_column(), 96)
    np.testing.assert_allclose(cell_shares(np.full(cells.size, -5), 1.0, cells), 1 / cells.size)


def test_a_jump_is_found_where_it_is() -> None:
    counts = np.r_[np.full(30, 2.0), np.full(20, 12.0)]
    stretches = Stretches.of(counts, np.ones(50))
    assert np.flatnonzero(np.diff(stretches.likeliest())).tolist() == [29]
    np.testing.assert_allclose(stretches.mean_density(), counts, atol=0.1)


def test_the_mean_density_is_the_average_over_all_ways_to_cut() -> None:
    counts, weights = np.array([3.0, 0.5, -1.0, 6.0, 5.0]), np.array([1.0, 0.5, 0.0, 0.8, 1.0])
    total, mean = 0.0, np.zeros(5)
    for jumps in itertools.product((False, True), repeat=4):
        stretch = np.r_[0, np.cumsum(jumps)]
        product = np.maximum(0.0, np.bincount(stretch, weights=counts * weights))
        square = np.maximum(np.bincount(stretch, weights=weights**2), 1e-300)
        probability = np.exp(((product**2 / square) - 6.0).sum() / 2)
        total, mean = total + probability, mean + probability * (product / square)[stretch]
    np.testing.assert_allclose(Stretches.of(counts, weights).mean_density(), mean / total)


def test_a_slope_is_nearer_to_the_average_than_to_the_best_cut() -> None:
    exact, rng, errors = np.linspace(2.0, 8.0, 60), np.random.default_rng(3), np.zeros(2)
    for _ in range(20):
        stretches = Stretches.of(exact + rng.normal(0, 1, 60), np.ones(60))
        first, end = (
            np.flatnonzero(np.diff(stretches.likeliest(), prepend=-1, append=-1))[at]
            for at in (slice(-1), slice(1, None))
        )
        cut = np.repeat(stretches.density[first, end], end - first)
        errors += [((found - exact) ** 2).mean() for found in (stretches.mean_density(), cut)]
    assert errors[0] < 0.8 * errors[1]


def test_a_heavy_value_keeps_its_count_and_its_neighbours_stay_flat() -> None:
    weights = np.where(np.arange(60) % 2, 1e-6, 1.0)
    exact = 3 * weights
    exact[31] = 25.0
    found = smooth(exact + np.random.default_rng(5).normal(0, 1, 60), weights)
    assert abs(found[31] - 25) < 4
    assert np.abs(np.delete(found, 31) - np.delete(exact, 31)).sum() < 0.5 * 60 * np.sqrt(2 / np.pi)


def test_smoothing_is_nearer_to_a_piled_up_column_with_round_values_than_the_projection() -> None:
    rng = np.random.default_rng(0)
    values = np.rint(np.minimum(rng.lognormal(8, 1.2, 20_000), 1_000_000))
    values[:5_000] = rng.choice([1_000, 2_000, 5_000, 10_000], 5_000)
    cells = cells_of(_column(), 400)
    exact = np.bincount(
        np.searchsorted(cells.starts, values, side="right") - 1, minlength=cells.size
    )
    noisy = exact + np.rint(rng.normal(0, 30, cells.size)).astype(np.int64)
    errors = [
        np.abs(found - exact / 20_000).sum()
        for found in (cell_shares(noisy, 30.0, cells), onto_simplex(noisy / noisy.sum()))
    ]
    assert errors[0] < 0.7 * errors[1]


def test_weights_are_positive_and_at_most_one() -> None:
    weights = interval_weights(cells_of(_column(), 128))
    assert (weights > 0).all()
    assert weights.max() == 1
