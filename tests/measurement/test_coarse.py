"""Coarse marginals: public groups, counts of groups, and what stands out of their noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.generator.mixture import Mixture
from privgan.measurement.coarse import (
    FEW,
    Coarse,
    affordable_cells,
    finest,
    groups_of,
    runs_of,
    shrunk,
)
from privgan.measurement.marginals import Marginal, Measurements, exact_counts

SIZES = (6, 12, 2, 3, 9)


def _shares(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.dirichlet(np.ones(size)) for size in SIZES]


def _coarse(rng: np.random.Generator) -> Coarse:
    return finest((0, 1, 2, 4), _shares(rng), int(rng.integers(16, 900)))


@given(st.integers(0, 9_999), st.integers(1, 40), st.integers(1, 10))
def test_groups_hold_every_code_and_grow_in_order(seed: int, codes: int, number: int) -> None:
    shares = np.random.default_rng(seed).dirichlet(np.full(codes, 0.3))
    groups = groups_of(shares, number)
    assert len(groups) == codes
    assert set(groups) == set(range(max(groups) + 1))
    if codes > FEW:
        assert max(groups) < number
        assert list(groups) == sorted(groups)
    elif codes > max(number, 4):
        assert max(groups) < 4
        assert not {groups[place] for place in range(0, codes, 2)} & set(groups[1::2])


def test_groups_are_of_about_equal_share() -> None:
    even = np.full(20, 1 / 20)
    assert np.bincount(groups_of(even, 4)).tolist() == [5] * 4
    assert runs_of(np.array([0.8, 0.1, 0.1]), 2).tolist() == [0, 1, 1]


@given(st.integers(0, 9_999), st.integers(1, 60))
def test_one_row_adds_one_to_one_cell(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = _coarse(rng)
    codes = np.stack([rng.integers(0, size, rows + 1) for size in SIZES], axis=1)
    moved = coarse.counts(codes) - coarse.counts(codes[1:])
    assert moved.sum() == moved.max() == 1
    assert moved.min() == 0


@given(st.integers(0, 9_999))
def test_a_mixtures_coarse_marginal_sums_its_fine_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixture = Mixture([rng.dirichlet(np.ones(size), 7) for size in SIZES])
    coarse = _coarse(rng)
    fine = mixture.marginal(coarse.clique)
    cells = np.array(list(np.ndindex(*(SIZES[column] for column in coarse.clique))))
    grouped = np.stack(
        [np.array(part)[cells[:, place]] for place, part in enumerate(coarse.groups)], axis=1
    )
    flat = np.ravel_multi_index(tuple(grouped.T), coarse.sizes)
    np.testing.assert_allclose(
        coarse.modelled(mixture.probabilities),
        np.bincount(flat, fine, math.prod(coarse.sizes)),
        atol=1e-6,
    )


def test_more_rows_for_the_noise_afford_more_cells() -> None:
    assert affordable_cells(31_500, 45) == pytest.approx((31_500 / 180) ** (4 / 3), abs=1)
    assert affordable_cells(10, 1e6) == 1
    shares = [np.full(20, 1 / 20)] * 4
    assert [math.prod(finest((0, 1, 2, 3), shares, most).sizes) for most in (1, 256, 2_000)] == [
        16,
        256,
        1_296,
    ]


@pytest.mark.parametrize("shape", [(8, 8, 2, 8), (4, 4, 4, 4, 2), (2, 2, 2, 2, 2, 2)])
def test_of_noise_alone_nothing_is_kept(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    kept = [shrunk(rng.normal(0, 30, shape), 30)[0].any() for _ in range(100)]
    assert np.mean(kept) < 0.06


@settings(max_examples=20)
@given(st.integers(0, 9_999))
def test_a_parity_is_kept_and_most_noise_is_not(seed: int) -> None:
    """31,500 rows in 1,024 cells, all or nothing, under noise of σ = 45."""
    rng, half = np.random.default_rng(seed), np.repeat([1.0, -1.0], 4)
    signal = 31_500 / 1_024 * np.einsum("a,b,c,d->abcd", half, half, [1.0, -1.0], half)
    kept, deviation = shrunk(signal + rng.normal(0, 45, signal.shape), 45)
    assert np.sqrt(np.square(kept - signal).mean()) < 0.5 * np.abs(signal).mean()
    assert deviation < 45 / 4


def test_coarse_marginals_tell_no_row_count_and_agree_with_one_way_estimates() -> None:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, size, 900) for size in SIZES], axis=1)
    narrow = [
        Marginal(
            clique=(column,),
            counts=exact_counts(codes, (column,), SIZES).astype(float),
            standard_deviation=2.0,
        )
        for column in range(len(SIZES))
    ]
    coarse = _coarse(rng)
    wide = [
        Marginal(
            clique=coarse.clique,
            counts=coarse.counts(codes) * factor,
            standard_deviation=0.1,
            groups=coarse.groups,
        )
        for factor in (3.0, 2.0)
    ]
    known = Measurements(SIZES, narrow)
    more = known.with_marginals(wide)
    assert more.rows == known.rows
    (target,) = [part for part in more.targets() if part.groups is not None]
    table = target.shares.reshape(coarse.sizes)
    for axis, (column, groups) in enumerate(zip(coarse.clique, coarse.groups, strict=True)):
        others = tuple(other for other in range(4) if other != axis)
        np.testing.assert_allclose(
            table.sum(axis=others), np.bincount(groups, known.one_way(column)), atol=1e-9
        )
    last = known.with_marginals(wide[1:]).targets()[-1]
    np.testing.assert_array_equal(target.shares, last.shares)
    assert target.precision == last.precision
