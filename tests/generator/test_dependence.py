"""The generator's partial dependence is what Friedman's definition says."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.generator.autoregressive import Autoregressive
from privgan.generator.dependence import dependence_on
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
    dependence = dependence_on(of, ROWS, value)
    assert dependence is not None
    assert dependence(by) == pytest.approx(_by_definition(of, value, by), abs=1e-5)


def test_what_does_not_depend_is_flat() -> None:
    alone = Mixture([RNG.dirichlet(np.ones(size), 1) for size in SIZES])
    dependence = dependence_on(alone, ROWS, (1, 1))
    assert dependence is not None
    assert dependence(0) == pytest.approx([alone.probabilities[1][0, 1]] * 3)


def test_it_needs_a_value_and_rows() -> None:
    assert dependence_on(_mixture(), ROWS, None) is None
    assert dependence_on(_mixture(), ROWS[:0], (1, 1)) is None


def test_a_network_of_too_many_codes_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privgan.generator.dependence._MOST_TRIED", 5)
    dependence = dependence_on(_network(), ROWS, (1, 1))
    assert dependence is not None
    assert len(dependence(0)) == 0
