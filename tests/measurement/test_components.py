"""Components give the best linear unbiased estimate, as least squares does on all cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.measurement.components import Components, centred, subsets
from privgan.measurement.marginals import Clique, Marginal, marginal_of

SIZES = (2, 3, 4)
CLIQUES: tuple[Clique, ...] = ((0,), (1,), (0, 1), (1, 2), (0, 1, 2))


def _marginals(seed: int) -> list[Marginal]:
    rng = np.random.default_rng(seed)
    return [
        Marginal(
            clique=clique,
            counts=rng.normal(50, 9, int(np.prod([SIZES[column] for column in clique]))),
            standard_deviation=float(rng.uniform(1, 9)),
        )
        for clique in CLIQUES
    ]


def _sums(clique: Clique) -> np.ndarray:
    """The matrix that sums a table of all cells onto a clique's margin."""
    eye = np.eye(int(np.prod(SIZES))).reshape(*SIZES, -1)
    others = tuple(axis for axis in range(len(SIZES)) if axis not in clique)
    return eye.sum(axis=others).reshape(-1, int(np.prod(SIZES)))


@settings(max_examples=4)
@given(st.integers(0, 10_000))
def test_components_are_the_weighted_least_squares(seed: int) -> None:
    marginals = _marginals(seed)
    weighted = [1 / part.standard_deviation for part in marginals]
    design = np.vstack([w * _sums(m.clique) for w, m in zip(weighted, marginals, strict=True)])
    told = np.concatenate([w * m.counts for w, m in zip(weighted, marginals, strict=True)])
    best = np.linalg.lstsq(design, told, rcond=None)[0]
    components = Components(SIZES, marginals)
    for clique in subsets((0, 1, 2)):
        found = components.estimate(clique)
        assert found is not None
        margin = (_sums(clique) @ best).reshape([SIZES[column] for column in clique])
        assert found.table == pytest.approx(centred(margin), abs=1e-6)
        direction = np.random.default_rng(seed).normal(size=found.table.shape)
        direction = centred(direction)
        weights = _sums(clique).T @ direction.ravel()
        variance = weights @ np.linalg.pinv(design.T @ design) @ weights
        assert found.variance * float((direction**2).sum()) == pytest.approx(variance, rel=1e-6)


def test_differences_tell_only_components_with_their_columns() -> None:
    noisy = np.array([4.0, -1.0, 2.0])
    pair = marginal_of((0, 1), noisy, [2, 3], 5.0)
    components = Components((2, 3), [pair])
    assert components.estimate(()) is None
    assert components.estimate((1,)) is None
    both, first = components.estimate((0, 1)), components.estimate((0,))
    assert both is not None
    assert first is not None
    assert first.table == pytest.approx([2.5, -2.5])
    # The sum of the three differences has three times the variance of one.
    assert first.variance * 2 == pytest.approx(3 * 25.0)


def test_agreement_is_chi_squared() -> None:
    rng, squares, free = np.random.default_rng(1), 0.0, 0
    for _ in range(40):
        marginals = [
            Marginal(
                clique=clique,
                counts=100 + rng.normal(0, 3, int(np.prod([SIZES[column] for column in clique]))),
                standard_deviation=3.0,
            )
            for clique in ((0, 1), (0, 1), (1, 2))
        ]
        # All margins of an even table agree: only noise is left, but for the mean of 100.
        for part in marginals:
            part.counts[:] += 2_400 / len(part.counts) - 100
        for _, found, number in Components(SIZES, marginals).agreement():
            squares, free = squares + found, free + number
    assert squares / free == pytest.approx(1, abs=0.1)
