"""The curves of a rare outcome: found where counts tell them, and flat where noise alone does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from privgan.generator.rare_tilt import Counts, _Fit, _prior, _root, curves_of, scores

ROWS, TOTAL = 4_000, 400.0


def _rows(seed: int = 0) -> np.ndarray:
    """Three columns: the second mostly repeats the first, the third goes its own way."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, 8, ROWS)
    second = np.where(generator.random(ROWS) < 0.7, first // 2, generator.integers(0, 4, ROWS))
    return np.stack([first, second, generator.integers(0, 6, ROWS)], axis=1)


def _counts(rows: np.ndarray, weights: np.ndarray, noise: float, seed: int = 1) -> list[Counts]:
    generator, found = np.random.default_rng(seed), []
    for column in rows.T:
        size = int(column.max()) + 1
        exact = TOTAL * np.bincount(column, weights / weights.sum(), minlength=size)
        found.append(
            Counts(
                positives=exact + generator.normal(0, noise, size),
                shares=np.bincount(column, minlength=size) / ROWS,
                noise=noise,
                ordered=True,
            )
        )
    return found


def test_the_gradient_is_the_functions() -> None:
    rows = _rows()
    counts = _counts(rows, np.exp(0.3 * rows[:, 0]), 5.0)
    fit = _Fit(rows, counts, [_root(_prior(column, TOTAL)) for column in counts], TOTAL)
    generator = np.random.default_rng(3)
    for _ in range(3):
        place = generator.normal(0, 1, fit.free)
        gap = check_grad(lambda at: fit(at)[0], lambda at: fit(at)[1], place)
        assert gap < 1e-3 * np.linalg.norm(fit(place)[1])


def test_close_counts_give_the_curve_and_count_no_column_twice() -> None:
    rows = _rows()
    tilt = 0.35 * (rows[:, 0] - 3.5)
    curves = curves_of(rows, _counts(rows, np.exp(tilt), 1.0), TOTAL)
    found = scores(curves, rows)
    assert np.corrcoef(found, tilt)[0, 1] > 0.97
    # Naive Bayes would add the second column's curve to the first's: its slope is then near 1.7.
    assert 0.7 < np.cov(found, tilt)[0, 1] / tilt.var() < 1.15


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_gives_next_to_nothing(seed: int) -> None:
    """Curves of deviation .35 and less; without shrinkage the ratios' are .6 and more."""
    rows = _rows()
    counts = _counts(rows, np.ones(ROWS), 40.0, seed)
    curves = curves_of(rows, counts, TOTAL)
    raw = [np.log(np.maximum(one.positives, 0.5) / (TOTAL * one.shares)) for one in counts]
    assert scores(curves, rows).std() < 0.5 * scores(raw, rows).std()
