"""The true figure of a question on a real table, by pandas alone."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from privgan.answers.question import Conditions, Measure, Question, Statistic
from privgan.domain.cells import as_numbers
from privgan.domain.predicates import AllOf, met


def truth(question: Question, frame: pd.DataFrame) -> float:
    """The figure of a question without groups; NaN where no row is meant.

    Args:
        question: The question.
        frame: Typed rows [rows, columns].
    """
    where = _met(question.where, frame)
    found = [_figure(one, frame, where) for one in question.statistics]
    return found[0] if len(found) == 1 else found[0] - found[1]


def rows_of(question: Question, frame: pd.DataFrame) -> int:
    """Number of rows that the first statistic is of."""
    return int((_met(question.where, frame) & _met(question.statistics[0].where, frame)).sum())


def _figure(asked: Statistic, frame: pd.DataFrame, where: np.ndarray) -> float:
    rows = where & _met(asked.where, frame)
    if asked.measure is Measure.COUNT:
        return float(rows.sum())
    if asked.measure is Measure.SHARE:
        return float(_met(asked.event, frame)[rows].mean()) if rows.any() else math.nan
    assert asked.column is not None
    numbers = as_numbers(frame[asked.column.name], asked.column)[rows]
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return math.nan
    if asked.measure is Measure.SUM:
        return float(numbers.sum())
    if asked.measure is Measure.MEAN:
        return float(numbers.mean())
    assert asked.level is not None
    return float(np.sort(numbers)[max(0, math.ceil(asked.level * len(numbers)) - 1)])


def _met(where: Conditions, frame: pd.DataFrame) -> np.ndarray:
    return met(AllOf(where), frame) if where else np.ones(len(frame), dtype=bool)
