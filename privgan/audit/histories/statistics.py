"""Compute single numbers of whole customers: repeat rate, shares of money, correlations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from privgan.audit.histories.histories import Histories

TOP_SHARE = 0.1
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
# From values to values on another scale.
Scale: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def repeat_rate(histories: Histories) -> float:
    """Share of the customers with events on at least two days, or of two numbers."""
    return float((histories.occasions > 1).mean())


def top_share(histories: Histories, place: int) -> float:
    """Share of a column's total that the top tenth of the customers has; NaN without a total."""
    sums = np.sort(histories.sums(histories.values[:, place]))[::-1]
    total = float(sums.sum())
    return float(sums[: math.ceil(TOP_SHARE * len(sums))].sum()) / total if total > 0 else math.nan


def scale_of(real: NDArray[np.float64]) -> Scale:
    """The scale on which values of a column are compared, from its real values.

    Numbers of at least 0 have the scale of log(1 + value). Among others, such as amounts with
    returns, a value is its place among the real ones, so that no sign outweighs all else.
    """
    known = np.sort(real[~np.isnan(real)])
    if not len(known) or known[0] >= 0:
        return lambda values: np.sign(values) * np.log1p(np.abs(values))
    ends: tuple[Literal["left"], Literal["right"]] = ("left", "right")
    return lambda values: np.mean(
        [np.searchsorted(known, values, side=end) for end in ends], axis=0
    )


def within_correlation(histories: Histories, place: int, scale: Scale) -> float:
    """Correlation of two values of one customer, in one column.

    Args:
        histories: The customers.
        place: The column.
        scale: As of :func:`scale_of`.

    Returns:
        The correlation; NaN if no customer has two values, or all values are one.
    """
    known = ~np.isnan(histories.values[:, place])
    values = scale(histories.values[known, place])
    return intraclass_correlation(values, histories.owner[known])


def intraclass_correlation(values: NDArray[np.float64], owner: NDArray[np.int64]) -> float:
    """Correlation of two values of one owner.

    The intraclass correlation of a one-way analysis of variance: ICC(1, 1) of Shrout and Fleiss
    1979, with Donner's 1986 mean size for owners of unequal length. Squares of several columns,
    such as indicators of categories, are added up.

    Args:
        values: Values [values] or [values, columns].
        owner: Whose each value is [values].

    Returns:
        The correlation; NaN if no owner has two values, or all values are one.
    """
    values = values if values.ndim > 1 else values[:, None]
    _, owner, sizes = np.unique(owner, return_inverse=True, return_counts=True)
    owners, count = len(sizes), len(values)
    if owners < 2 or count == owners or (values == values[0]).all():
        return math.nan
    sums = [np.bincount(owner, weights=column) for column in values.T]
    means = np.stack(sums, axis=1) / sizes[:, None]
    away = ((means - values.mean(axis=0)) ** 2).sum(axis=1)
    between = float((sizes * away).sum()) / (owners - 1)
    within = float(((values - means[owner]) ** 2).sum()) / (count - owners)
    size = (count - float((sizes.astype(float) ** 2).sum()) / count) / (owners - 1)
    return (between - within) / (between + (size - 1.0) * within)
