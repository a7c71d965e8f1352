"""Tell how a value's probability follows one column in the generator, all other columns kept.

Source: Friedman 2001, Greedy Function Approximation: A Gradient Boosting Machine, section 8.2. The
function is the generator's own conditional probability; its rows are synthetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from privgan.generator.distribution import Distribution
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture

# A network is asked for each row, each code tried and each of the value's column.
_MOST_TRIED = 2_000
_TINY = 1e-300


def dependence_on(
    distribution: Distribution, codes: np.ndarray, value: tuple[int, int] | None
) -> Callable[[int], np.ndarray] | None:
    """The partial dependence of a value on any other column, as a function of its place.

    It is the mean probability of the value where every row gets a code and keeps all else [codes];
    empty of a network where the two columns have too many codes.

    Args:
        distribution: The generator's distribution over codes.
        codes: Of the synthetic rows that the mean is over [rows, columns].
        value: A column and one of its codes; None for none.

    Returns:
        The function; None without a value or a row.
    """
    if value is None or not len(codes):
        return None
    rows = codes.astype(np.int64)
    if isinstance(distribution, Mixture):
        columns = [place for place in range(rows.shape[1]) if place != value[0]]
        return partial(_of_mixture, distribution, rows, _logs(distribution, rows, columns), value)
    assert isinstance(distribution, FrozenNetwork)
    return partial(_of_network, distribution, rows, value)


def _of_network(
    network: FrozenNetwork, rows: np.ndarray, value: tuple[int, int], by: int
) -> np.ndarray:
    """By the likelihood of whole rows."""
    column, code = value
    if network.sizes[by] * network.sizes[column] > _MOST_TRIED:
        return np.empty(0)
    found = []
    for tried in range(network.sizes[by]):
        changed = rows.copy()
        changed[:, by] = tried
        found.append(network.given_others(changed, column)[:, code].mean())
    return np.array(found)


def _of_mixture(
    mixture: Mixture, rows: np.ndarray, logs: np.ndarray, value: tuple[int, int], by: int
) -> np.ndarray:
    """By Bayes' rule over the entries, for all codes and rows at once.

    ``logs`` are those of all columns but the value's own.
    """
    column, code = value
    kept = logs - _logs(mixture, rows, [by])
    weights = np.exp(kept - kept.max(1, keepdims=True))
    tried = mixture.probabilities[by]
    together = weights @ (tried * mixture.probabilities[column][:, [code]])
    # Where no entry that fits a row gives a code, the row tells nothing of it.
    whole = weights @ tried
    told = whole > 0
    shares = np.where(told, together / np.where(told, whole, 1.0), 0.0)
    return np.asarray(shares.sum(0) / np.maximum(told.sum(0), 1))


def _logs(mixture: Mixture, rows: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """Logarithm of what each entry gives some columns of each row [rows, entries]."""
    found = np.zeros((len(rows), mixture.entries))
    for place in columns:
        found += np.log(mixture.probabilities[place].T + _TINY)[rows[:, place]]
    return found
