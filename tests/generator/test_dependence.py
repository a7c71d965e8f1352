"""The generator's partial dependence is what Friedman's definition says."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.dependence import dependence_on, partial_dependence
from privgan.generator.distribution import Distribution
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture

SIZES = (3, 2, 4)
RNG = np.random.default_rng(3)
ROWS = np.stack([RNG.integers(size, size=25) for size in SIZES], axis=1)


def _mixture() -> Mixture:
    return Mixture([RNG.dirichlet(np.ones(size), 7) for size in SIZES])


def _network() -> FrozenNetwork:
    network = Autoregressive(SIZES, width=4, seed=1)
    network.fold()
    return FrozenNetwork.of(network)


def _by_definition(of: Distribution, value: tuple[int, int], by: int) -> list[float]:
    """The mean conditional probability, by the likelihood of whole rows alone."""
    found = []
    for tried in range(of.sizes[by]):
        likely = []
        for code in range(of.sizes[value[0]]):
            rows = ROWS.copy()
            rows[:, by], rows[:, value[0]] = tried, code
            likely.append(np.exp(of.log_likelihood(rows)))
        found.append(float((likely[value[1]] / np.sum(likely, axis=0)).mean()))
    return found


@pytest.mark.parametrize("of", [_mixture(), _network()], ids=["mixture", "network"])
@pytest.mark.parametrize(("value", "by"), [((1, 1), 0), ((1, 0), 2), ((0, 2), 1)])
def test_it_is_the_mean_conditional_probability(
    of: Distribution, value: tuple[int, int], by: int
) -> None:
    found = partial_dependence(of, ROWS, value, by)
    assert found == pytest.approx(_by_definition(of, value, by), abs=1e-5)


def test_what_does_not_depend_is_flat() -> None:
    alone = Mixture([RNG.dirichlet(np.ones(size), 1) for size in SIZES])
    found = partial_dependence(alone, ROWS, (1, 1), 0)
    assert found == pytest.approx([alone.probabilities[1][0, 1]] * 3)


def test_it_needs_a_value_rows_and_another_column() -> None:
    assert dependence_on(_mixture(), ROWS, None) is None
    assert dependence_on(_mixture(), ROWS[:0], (1, 1)) is None
    with pytest.raises(ValueError, match="own column"):
        partial_dependence(_mixture(), ROWS, (1, 1), 1)
