"""Balanced samples: what stays as it was drawn, and what comes nearer to the mixture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from privgan.domain.stratified import spread
from privgan.generator.mixture import Mixture
from privgan.generator.sampling import balance, chosen_triples
from privgan.measurement.marginals import exact_counts

SIZES = (3, 4, 2, 5, 3)


def _mixture(seed: int, sizes: tuple[int, ...] = SIZES, entries: int = 6) -> Mixture:
    rng = np.random.default_rng(seed)
    return Mixture([rng.dirichlet(np.ones(size), entries) for size in sizes])


def _drawn(mixture: Mixture, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    entries = spread(np.ones(mixture.entries), rows, rng)
    return entries, np.stack(
        [mixture.codes(index, entries, rng) for index in range(len(mixture.probabilities))], 1
    ).astype(np.int32)


@settings(max_examples=20)
@given(st.integers(0, 999), st.integers(1, 400), st.integers(1, 6))
def test_every_entry_keeps_its_codes_of_every_column(seed: int, rows: int, columns: int) -> None:
    mixture = _mixture(seed, (3, 4, 2, 5, 1, 3)[:columns])
    rng = np.random.default_rng(seed)
    entries, codes = _drawn(mixture, rows, rng)
    before = codes.copy()
    balance(codes, entries, mixture.probabilities, rng)
    for column in range(columns):
        for entry in np.unique(entries):
            here = entries == entry
            assert np.array_equal(np.sort(codes[here, column]), np.sort(before[here, column]))
    if columns < 3:
        assert np.array_equal(codes, before)


@pytest.mark.parametrize("seed", range(5))
def test_two_and_three_way_counts_come_nearer_to_the_mixture(seed: int) -> None:
    mixture, rng = _mixture(seed), np.random.default_rng(seed)
    plain, balanced = mixture.sample(3_000, rng), mixture.sample(3_000, rng, balanced=True)

    def distance(codes: np.ndarray, clique: tuple[int, ...]) -> float:
        return float(
            np.abs(exact_counts(codes, clique, SIZES) - 3_000 * mixture.marginal(clique)).sum()
        )

    for cliques in ([(0, 1, 3), (0, 3, 4), (1, 2, 4)], [(0, 1), (1, 3), (3, 4)]):
        assert sum(distance(balanced, clique) for clique in cliques) < 0.7 * sum(
            distance(plain, clique) for clique in cliques
        )


@pytest.mark.slow
def test_on_average_rows_still_follow_the_mixture() -> None:
    """Chi-square at 1e-6 over 400 samples of 60 rows, for whole rows of four columns.

    Balancing lowers its variance only.
    """
    sizes, rng = (3, 2, 2, 3), np.random.default_rng(8)
    mixture = _mixture(8, sizes)
    counts = sum(
        exact_counts(mixture.sample(60, rng, balanced=True), (0, 1, 2, 3), sizes)
        for _ in range(400)
    )
    expected = (
        24_000 * np.einsum("ei,ej,ek,el->ijkl", *mixture.probabilities).ravel() / mixture.entries
    )
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < stats.chi2.isf(1e-6, len(expected) - 1)


def test_a_condition_stays_held_and_its_distribution_is_the_aim() -> None:
    mixture, rng = _mixture(3), np.random.default_rng(3)
    allowed = {0: np.array([1.0, 0.0, 0.4]), 3: np.array([0.3, 1.0, 0.0, 1.0, 1.0])}
    joint = np.einsum("ei,ej,el->ijl", *(mixture.probabilities[column] for column in (0, 1, 3)))
    joint = joint * allowed[0][:, None, None] * allowed[3][None, None, :]
    expected = joint.ravel() / joint.sum() * 3_000

    def distance(codes: np.ndarray) -> float:
        counts = exact_counts(codes, (0, 1, 3), SIZES)
        assert counts[expected == 0].sum() == 0
        return float(np.abs(counts - expected).sum())

    assert distance(mixture.sample(3_000, rng, allowed, balanced=True)) < 0.7 * distance(
        mixture.sample(3_000, rng, allowed)
    )


def test_the_same_seed_gives_the_same_rows() -> None:
    mixture = _mixture(1)
    first, second, other = (
        mixture.sample(500, np.random.default_rng(seed), balanced=True) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_all_triples_are_counted_where_they_are_few() -> None:
    found = chosen_triples(np.array([2, 3, 4, 5]))
    assert found.tolist() == [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]


@pytest.mark.parametrize(("columns", "size"), [(60, 4), (40, 32), (12, 200)])
def test_of_many_triples_a_fixed_part_is_counted_that_leaves_no_column_out(
    columns: int, size: int
) -> None:
    sizes = np.full(columns, size)
    found = chosen_triples(sizes)
    assert len(found) <= 40 * columns
    assert sizes[found].prod(1).sum() <= 4_000_000
    assert (np.diff(found, axis=1) > 0).all()
    assert len(np.unique(found, axis=0)) == len(found)
    assert np.array_equal(found, chosen_triples(sizes))
    if columns > 12:
        assert set(found.ravel()) == set(range(columns))
