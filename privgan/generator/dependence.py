"""Tell how a value's probability follows one column in the generator, all other columns kept.

Source: Friedman 2001, Greedy Function Approximation: A Gradient Boosting Machine, section 8.2. The
function is the generator's own conditional probability; its rows are synthetic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from privgan.generator.distribution import Distribution
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture

# A network is asked for each of them, each code tried and each of the value's column.
_MOST_TRIED = 2_000
_TINY = 1e-300


def dependence_on(
    distribution: Distribution, codes: np.ndarray, value: tuple[int, int] | None
) -> Callable[[int], np.ndarray] | None:
    """The partial dependence of a value on any column, as a function of its place.

    Args:
        distribution: The generator's distribution over codes.
        codes: Of the synthetic rows that the mean is over [rows, columns].
        value: A column and one of its codes; None for none.

    Returns:
        The function; None without a value or a row.
    """
    if value is None or not len(codes):
        return None
    target, rows = value, codes.astype(np.int64)
    return lambda by: partial_dependence(distribution, rows, target, by)


def partial_dependence(
    distribution: Distribution, rows: np.ndarray, value: tuple[int, int], by: int
) -> np.ndarray:
    """Mean probability of a value where every row gets a code and keeps all else [codes].

    Args:
        distribution: The generator's distribution over codes.
        rows: Codes of rows [rows, columns].
        value: A column and one of its codes.
        by: Another column, whose codes are tried in turn.

    Returns:
        The shares; none of a network where the two columns have too many codes.

    Raises:
        ValueError: The column is the value's own.
    """
    if by == value[0]:
        raise ValueError("a value does not depend on its own column")
    if isinstance(distribution, Mixture):
        return _of_mixture(distribution, rows, value, by)
    assert isinstance(distribution, FrozenNetwork)
    column, code = value
    if distribution.sizes[by] * distribution.sizes[column] > _MOST_TRIED:
        return np.empty(0)
    found = []
    for tried in range(distribution.sizes[by]):
        changed = rows.copy()
        changed[:, by] = tried
        found.append(distribution.given_others(changed, column)[:, code].mean())
    return np.array(found)


def _of_mixture(mixture: Mixture, rows: np.ndarray, value: tuple[int, int], by: int) -> np.ndarray:
    """Bayes' rule over the entries, for all codes and rows at once."""
    column, code = value
    kept = [place for place in range(rows.shape[1]) if place not in (column, by)]
    logs = np.zeros((len(rows), mixture.entries))
    for place in kept:
        logs += np.log(mixture.probabilities[place].T[rows[:, place]] + _TINY)
    weights = np.exp(logs - logs.max(1, keepdims=True))
    tried = mixture.probabilities[by]
    together = weights @ (tried * mixture.probabilities[column][:, [code]])
    # Where no entry that fits a row gives a code, the row tells nothing of it.
    whole = weights @ tried
    told = whole > 0
    shares = np.where(told, together / np.where(told, whole, 1.0), 0.0)
    return np.asarray(shares.sum(0) / np.maximum(told.sum(0), 1))
