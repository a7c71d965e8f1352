"""Rows of equal weight from weighted ones, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from privgan.errors import IncompleteError
from privgan.generator import importance
from privgan.generator.importance import Weighted, accepted, effective, relative, resampled
from privgan.generator.orders import Drawn


def weighted(weight_of: np.ndarray, rng: np.random.Generator, asked: list[int]):
    """A source of rows [rows, 1] that are drawn evenly and weigh what they are."""

    def draw(rows: int) -> Weighted:
        asked.append(rows)
        values = rng.integers(len(weight_of), size=rows)
        with np.errstate(divide="ignore"):
            return Weighted(Drawn(values[:, None], [], {"x": values}), np.log(weight_of[values]))

    return draw


def test_rows_are_in_proportion_to_their_weights_and_next_to_none_twice() -> None:
    """By chi-square; a fresh seed fails with probability below 1e-4."""
    weights, rng, asked = np.array([1.0, 5.0, 0.0, 2.0]), np.random.default_rng(0), []
    rows, told = resampled(weighted(weights, rng, asked), 20_000, rng)
    assert told == 20_000
    assert len(rows.origins) == 20_000
    found = np.bincount(rows.positions["x"], minlength=4)
    assert found[2] == 0
    wanted = weights[[0, 1, 3]] / weights.sum() * 20_000
    assert stats.chisquare(found[[0, 1, 3]], wanted).pvalue > 1e-4
    assert sum(asked) * weights.sum() / weights.max() / 4 >= 19_000


def test_accepted_rows_are_in_proportion_too() -> None:
    """By chi-square; a fresh seed fails with probability below 1e-4."""
    weights, rng, asked = np.array([1.0, 5.0, 0.0, 2.0]), np.random.default_rng(0), []
    rows = accepted(weighted(weights, rng, asked), 30_000, rng)
    found = np.bincount(rows.positions["x"], minlength=4)
    assert asked == [30_000]
    assert found[2] == 0
    assert stats.chisquare(found[[0, 1, 3]], weights[[0, 1, 3]] / 8 * found.sum()).pvalue > 1e-4
    assert found.sum() == pytest.approx(30_000 * 8 / 20, abs=5 * 30_000**0.5 / 2)


def test_equal_weights_are_taken_once_each() -> None:
    rng, asked = np.random.default_rng(0), []
    draw = weighted(np.full(2_000, 0.01), rng, asked)
    rows, told = resampled(draw, 1_500, rng)
    assert (asked, told, len(rows.origins)) == ([1_500], 1_500, 1_500)


def test_of_few_rows_the_weights_decide_too() -> None:
    """One row of a thousand is asked for; it has all the weight."""
    rng, asked = np.random.default_rng(0), []
    rows, told = resampled(weighted(np.array([1.0] + [0.0] * 9), rng, asked), 1, rng)
    assert (asked, told, len(rows.origins)) == ([1_000], 1, 1)


def test_beyond_the_bound_rows_repeat_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "_MOST_TIMES", 3)
    monkeypatch.setattr(importance, "_MOST_ROWS", 1)
    rng, asked = np.random.default_rng(0), []
    rows, told = resampled(weighted(np.array([1.0] + [0.0] * 99), rng, asked), 1_000, rng)
    assert sum(asked) == 3_000
    assert len(rows.origins) == 1_000
    assert told == pytest.approx(30, abs=5 * 30**0.5)


def test_no_weight_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "_MOST_ROWS", 1)
    rng = np.random.default_rng(0)
    with pytest.raises(IncompleteError, match="next to no probability"):
        resampled(weighted(np.zeros(3), rng, []), 10, rng)


def test_effective_rows_are_kishs() -> None:
    assert effective(np.ones(7)) == pytest.approx(7)
    assert effective(np.array([1.0, 3.0])) == pytest.approx(16 / 10)
    assert effective(np.zeros(3)) == 0
    assert relative(np.array([-2_000.0, -2_001.0])).tolist() == [1.0, np.exp(-1.0)]
    assert relative(np.full(2, -np.inf)).tolist() == [0.0, 0.0]
