"""Raking: weights bring synthetic rows nearer to noisy marginals, and never chase noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.generator.raking import LEAST_EFFECTIVE, effective_share, raked
from privgan.measurement.marginals import Target, exact_counts

SIZES = (3, 2, 4)
CLIQUES = ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))


def _rows(rng: np.random.Generator, rows: int, concentration: float = 2.0) -> np.ndarray:
    """Rows of a random joint distribution."""
    shares = rng.dirichlet(np.full(np.prod(SIZES), concentration))
    cells = rng.choice(len(shares), size=rows, p=shares)
    return np.stack(np.unravel_index(cells, SIZES), 1)


def _shares(codes: np.ndarray, clique: tuple[int, ...], weights: np.ndarray) -> np.ndarray:
    wide = [SIZES[column] for column in clique]
    cells = np.ravel_multi_index(codes[:, list(clique)].T, wide)
    found: np.ndarray = np.bincount(cells, weights=weights, minlength=int(np.prod(wide)))
    return found / weights.sum()


def _targets(codes: np.ndarray, precision: float) -> list[Target]:
    return [
        Target(
            clique=clique,
            shares=exact_counts(codes, clique, SIZES) / len(codes),
            precision=precision,
        )
        for clique in CLIQUES
    ]


def _distance(codes: np.ndarray, targets: list[Target], weights: np.ndarray) -> float:
    return float(
        np.mean([np.abs(_shares(codes, one.clique, weights) - one.shares).sum() for one in targets])
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 20.0), st.floats(1.0, 1e9))
def test_weights_have_mean_one_and_leave_half_of_the_rows_effective(
    seed: int, concentration: float, precision: float
) -> None:
    """Whatever the targets are: of another table, and even with negative shares."""
    rng = np.random.default_rng(seed)
    codes, other = _rows(rng, 500, concentration), _rows(rng, 500, 0.2)
    targets = _targets(other, precision)
    for target in targets:
        target.shares[0] -= 0.02
    weights = raked(codes, SIZES, targets, rng)
    assert weights.shape == (500,)
    assert (weights > 0).all()
    assert weights.mean() == pytest.approx(1)
    assert effective_share(weights) >= LEAST_EFFECTIVE - 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_shares_come_nearer_to_clear_targets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes, other = _rows(rng, 4_000, 5.0), _rows(rng, 4_000, 5.0)
    targets = _targets(other, precision=1e8)
    weights = raked(codes, SIZES, targets, rng)
    before = _distance(codes, targets, np.ones(len(codes)))
    assert _distance(codes, targets, weights) < 0.6 * before


def test_a_single_marginal_is_met() -> None:
    rng = np.random.default_rng(0)
    codes = _rows(rng, 100_000)
    shares = _shares(codes, (2,), np.ones(len(codes))) + np.array([0.04, -0.04, 0.02, -0.02])
    target = Target(clique=(2,), shares=shares, precision=1e10)
    weights = raked(codes, SIZES, [target], rng)
    assert _shares(codes, (2,), weights) == pytest.approx(shares, abs=1e-3)


def test_groups_of_codes_are_met_as_codes_are() -> None:
    rng = np.random.default_rng(0)
    codes = _rows(rng, 100_000)
    groups = ((0, 0, 1), (0, 1), (0, 0, 1, 1))
    halves = np.stack([np.asarray(of)[codes[:, place]] for place, of in enumerate(groups)], 1)

    def grouped(weights: np.ndarray) -> np.ndarray:
        cells = np.ravel_multi_index(halves.T, (2, 2, 2))
        return np.bincount(cells, weights=weights, minlength=8) / weights.sum()

    wanted = grouped(np.ones(len(codes)))
    wanted[:4] += np.array([0.02, -0.02, 0.02, -0.02])
    target = Target(clique=(0, 1, 2), shares=wanted, precision=1e10, groups=groups)
    assert grouped(raked(codes, SIZES, [target], rng)) == pytest.approx(wanted, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.99))
def test_targets_within_their_noise_move_nothing(seed: int, part: float) -> None:
    """Less than one standard deviation from the rows' own share."""
    rng = np.random.default_rng(seed)
    codes, precision = _rows(rng, 2_000), 1e4
    targets = _targets(codes, precision)
    for target in targets:
        signs = rng.choice([-1.0, 1.0], len(target.shares))
        target.shares[:] += part * signs * precision**-0.5
    assert raked(codes, SIZES, targets, rng) == pytest.approx(np.ones(len(codes)))


def test_noise_is_not_chased() -> None:
    """Rows of the true distribution stay nearer to it than targets that are far noisier."""
    rng = np.random.default_rng(3)
    truth = _rows(rng, 200_000)
    codes = truth[rng.integers(len(truth), size=20_000)]
    true, noise = _targets(truth, 1e10), 0.02
    noisy = [
        Target(
            clique=one.clique,
            shares=one.shares + rng.normal(0, noise, len(one.shares)),
            precision=noise**-2,
        )
        for one in true
    ]
    plain, weights = np.ones(len(codes)), raked(codes, SIZES, noisy, rng)
    chased = _distance(codes, noisy, plain)
    moved = _distance(codes, true, weights)
    assert moved < 0.75 * chased


def test_no_target_moves_nothing() -> None:
    rng = np.random.default_rng(0)
    assert (raked(_rows(rng, 50), SIZES, [], rng) == 1).all()


@pytest.mark.parametrize(
    ("weights", "share"),
    [([1.0, 1.0, 1.0, 1.0], 1.0), ([1.0, 0.0, 0.0, 0.0], 0.25), ([3.0, 1.0], 0.8)],
)
def test_effective_rows_are_kishs(weights: list[float], share: float) -> None:
    assert effective_share(np.array(weights)) == pytest.approx(share)
