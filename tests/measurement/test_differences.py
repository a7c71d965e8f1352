"""Pairs measured by difference: sensitivity, round trip, and stated noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privgan.measurement.marginals import (
    Marginal,
    Measurements,
    differences,
    exact_counts,
    marginal_of,
)

PAIRS = [(2, 5), (4, 2), (2, 2), (3, 4)]


def _codes(sizes: tuple[int, ...], rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    first = rng.integers(sizes[0], size=rows)
    # Of the second column the half of the rows follows the first.
    second = np.where(rng.random(rows) < 0.5, first % sizes[1], rng.integers(sizes[1], size=rows))
    return np.stack([first, second], axis=1)


def _one_ways(codes: np.ndarray, sizes: tuple[int, ...]) -> list[Marginal]:
    counts = [
        np.bincount(codes[:, column], minlength=size).astype(float)
        for column, size in enumerate(sizes)
    ]
    return [
        Marginal(clique=(column,), counts=part, standard_deviation=1e-3)
        for column, part in enumerate(counts)
    ]


@given(st.sampled_from(PAIRS), st.integers(0, 60), st.integers(0, 999), st.integers(0, 99))
def test_one_row_moves_one_difference_by_one(
    sizes: tuple[int, int], rows: int, seed: int, extra: int
) -> None:
    """The sensitivity of a histogram.

    One row more or less is one step in one coordinate, up or down.
    """
    codes = _codes(sizes, rows, seed)
    more = np.vstack([codes, [[extra % sizes[0], extra // sizes[0] % sizes[1]]]])
    found = [differences(exact_counts(part, (0, 1), sizes), sizes) for part in (codes, more)]
    assert found[0].dtype.kind == "i"
    assert np.abs(found[1] - found[0]).sum() == 1


@pytest.mark.parametrize("sizes", PAIRS[:3])
def test_with_the_one_way_shares_differences_tell_the_whole_pair(sizes: tuple[int, int]) -> None:
    codes = _codes(sizes, 4_000, 1)
    counts = exact_counts(codes, (0, 1), sizes)
    pair = marginal_of((0, 1), differences(counts, sizes), sizes, 1e-3)
    found = Measurements(sizes, [*_one_ways(codes, sizes), pair])
    assert found.rows == pytest.approx(4_000)
    target = next(target for target in found.targets() if target.clique == (0, 1))
    np.testing.assert_allclose(target.shares, counts / 4_000, atol=1e-9)


@pytest.mark.parametrize("sizes", PAIRS[:3])
def test_the_stated_noise_is_that_of_cells_that_tell_the_interaction_as_well(
    sizes: tuple[int, int],
) -> None:
    """Variance of the pair's shares over 3,000 noises, against independent noisy cells.

    Both variances are known to a relative √(2 / (3,000 · interaction's dimensions)). That is at
    most .026; .1 is four of them.
    """
    rng, rows, noise = np.random.default_rng(7), 1e6, 20.0
    codes = _codes(sizes, 4_000, 2)
    counts = exact_counts(codes, (0, 1), sizes) * 250.0
    scaled = [
        Marginal(clique=part.clique, counts=part.counts * 250, standard_deviation=1e-6)
        for part in _one_ways(codes, sizes)
    ]
    exact = differences(counts, sizes)
    stated = marginal_of((0, 1), exact, sizes, noise).standard_deviation

    def variance(noisy: list[Marginal]) -> float:
        errors = [
            Measurements(sizes, [*scaled, pair]).targets()[-1].shares * rows - counts
            for pair in noisy
        ]
        return float(np.square(errors).mean())

    by_difference = [
        marginal_of((0, 1), exact + rng.normal(0, noise, len(exact)), sizes, noise)
        for _ in range(3_000)
    ]
    whole = [
        Marginal(
            clique=(0, 1),
            counts=counts + rng.normal(0, stated, len(counts)),
            standard_deviation=stated,
        )
        for _ in range(3_000)
    ]
    assert variance(by_difference) == pytest.approx(variance(whole), rel=0.1)
    assert stated == pytest.approx(noise / np.sqrt(2) ** sum(size == 2 for size in sizes))


def test_differences_move_neither_the_row_count_nor_one_way_shares() -> None:
    codes = _codes((2, 5), 1_000, 3)
    alone = Measurements((2, 5), _one_ways(codes, (2, 5)))
    wild = marginal_of((0, 1), np.array([900, -900, 500, 0, 0]), (2, 5), 0.1)
    found = alone.with_marginals([wild])
    assert found.rows == alone.rows
    for column in range(2):
        np.testing.assert_array_equal(found.one_way(column), alone.one_way(column))


def test_the_first_code_is_counted_upwards() -> None:
    counts = np.array([5, 1, 7, 2, 3, 4])
    assert differences(counts, (2, 3)).tolist() == [3, -2, 3]
    assert differences(counts, (3, 2)).tolist() == [4, 5, -1]
    assert differences(np.array([5, 1, 2, 3]), (2, 2)).tolist() == [5]
    assert marginal_of((0, 1), np.array([3, -2, 3]), (2, 3), 1.0).counts.tolist() == [
        1.5,
        -1.0,
        1.5,
        -1.5,
        1.0,
        -1.5,
    ]
