"""The width of an answer that one question alone gets for the whole budget, by Laplace noise."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from privgan.answers.question import Measure, Question, Statistic
from privgan.domain.cells import bounds_of

_DRAWS = 200_000


def half_width(question: Question, value: float, rows: float, epsilon: float) -> float | None:
    """Half of a 95 % interval for the noise; None of quantiles.

    A share is of two cells of one histogram, a mean of a sum within the column's bounds and a
    count, with half of the budget each. A difference splits the budget in two.

    Args:
        question: The question, without groups.
        value: Its figure.
        rows: Rows that each figure is of.
        epsilon: The whole budget.
    """
    each = epsilon / len(question.statistics)
    parts = [_one(one, value, rows, each) for one in question.statistics]
    if any(part is None for part in parts):
        return None
    return math.sqrt(sum(part**2 for part in parts if part is not None))


def _one(asked: Statistic, value: float, rows: float, epsilon: float) -> float | None:
    if asked.measure is Measure.COUNT:
        return math.log(20) / epsilon
    if asked.measure is Measure.SHARE:
        share = min(1.0, max(0.0, value))
        return _of_two(round(share, 2)) / (epsilon * rows)
    if asked.measure in {Measure.MEAN, Measure.SUM} and asked.column is not None:
        low, high = bounds_of(asked.column)
        middle = (low + high) / 2
        total = (high - low) / 2 * math.log(20) / (epsilon / 2)
        if asked.measure is Measure.SUM:
            return total
        count = abs(value - middle) * math.log(20) / (epsilon / 2)
        return math.sqrt(total**2 + count**2) / rows
    return None


@cache
def _of_two(share: float) -> float:
    """The 97.5 % quantile of the error of a share of two cells with Laplace noise of scale 1."""
    rng = np.random.default_rng(0)
    inside, outside = rng.laplace(size=(2, _DRAWS))
    return float(np.quantile(np.abs((1 - share) * inside - share * outside), 0.95))
