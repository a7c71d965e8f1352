"""Each mechanism's event and release come from the same fields.

The distributions of the noise are in test_noise.py.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from privgan.errors import InternalError
from privgan.privacy import accountant
from privgan.privacy.events import (
    DiscreteGaussian,
    DiscreteLaplace,
    ExponentialMechanism,
    SelfComposed,
)
from privgan.privacy.mechanisms import CountHistogram, CountHistograms, Selection, TotalCount
from privgan.privacy.randomness import SecretStream


class _Asked(SecretStream):
    """Coins that tell what noise was asked for."""

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        self.told = (counts.tolist(), standard_deviation)
        return counts

    def discrete_laplace(self, count: int, scale: float) -> int:
        self.told = (count, scale)
        return count

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        self.told = (scores.tolist(), scale)
        return 0


def test_a_histogram_draws_the_noise_that_its_event_states() -> None:
    coins, mechanism = _Asked(), CountHistogram(standard_deviation=7.5, sensitivity=3)
    mechanism.release(np.array([4, 0]), coins)
    assert coins.told == ([4, 0], 7.5)
    assert mechanism.event == DiscreteGaussian(7.5, 3)


def test_a_row_count_draws_the_noise_that_its_event_states() -> None:
    """Discrete Laplace of scale Δ/ε: the event's noise parameter is the inverse of that scale."""
    coins, mechanism = _Asked(), TotalCount(epsilon=0.5, sensitivity=3)
    mechanism.release(10, coins)
    event = mechanism.event
    assert isinstance(event, DiscreteLaplace)
    assert coins.told == (10, 6.0)
    assert (1 / event.noise_parameter, event.sensitivity) == (6.0, 3)
    assert accountant.epsilon_by_pld(event, 1e-9) == pytest.approx(0.5, abs=1e-3)


def test_several_histograms_cost_as_many_and_no_more_are_released() -> None:
    """Ten at σ cost what one at σ/√10 costs under zCDP.

    The release gives each its own cells, with noise on all of them.
    """
    one = CountHistogram(standard_deviation=5.0, sensitivity=2)
    mechanism = CountHistograms(histogram=one, number=10)
    assert mechanism.event == SelfComposed(one.event, 10)
    assert mechanism.sensitivity == 2
    together = CountHistogram(standard_deviation=5.0 / 10**0.5, sensitivity=2)
    assert accountant.rdp_of_order(mechanism.event, 2.0) == pytest.approx(
        accountant.rdp_of_order(together.event, 2.0)
    )
    exact = [np.full(size, 1_000 * size) for size in range(1, 11)]
    noisy = mechanism.release(exact, SecretStream())
    assert [len(part) for part in noisy] == list(range(1, 11))
    errors = np.concatenate(noisy) - np.concatenate(exact)
    assert 0 < np.abs(errors).max() < 50
    assert len(set(errors.tolist())) > 5
    for wrong in (exact[:9], [*exact, exact[0]]):
        with pytest.raises(InternalError, match="10 histograms are paid for"):
            mechanism.release(wrong, SecretStream())


def test_a_choice_is_drawn_as_its_event_states() -> None:
    """Gumbel noise of scale 2/ε on scores of sensitivity 1 is the exponential mechanism of ε."""
    coins, mechanism = _Asked(), Selection(epsilon=0.5, sensitivity=3.0)
    mechanism.choose(np.array([6.0, 1.5]), coins)
    assert coins.told == ([2.0, 0.5], 4.0)
    assert mechanism.event == ExponentialMechanism(0.5)


@pytest.mark.parametrize(
    "mechanism",
    [
        CountHistogram(standard_deviation=2.0, sensitivity=1),
        CountHistograms(histogram=CountHistogram(standard_deviation=2.0, sensitivity=1), number=2),
        TotalCount(epsilon=1.0, sensitivity=1),
        Selection(epsilon=1.0, sensitivity=1.0),
    ],
    ids=lambda mechanism: type(mechanism).__name__,
)
def test_a_mechanism_cannot_change_between_charge_and_release(mechanism: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        mechanism.sensitivity = 0
