"""Compute ceilings on all membership attacks from a trade-off curve.

By hypothesis testing (Wasserman and Zhou 2010; Kairouz, Oh, Viswanath 2015): whoever has a
false-positive rate x finds at most e^ε·x + δ(ε) of those who were in, and misses at least e^-ε·(1 −
x − δ(ε)), at every ε for which the mechanism is (ε, δ(ε))-private, in both directions. Each level
gives valid lines; fewer levels only make a ceiling higher.

Three curves: of a plan's composed events (:func:`of_events`), of the worst case of (ε, δ)
(:func:`of_budget`), and of the Gaussian mechanism (:class:`Gaussian`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from dp_accounting import get_epsilon_gaussian
from scipy.special import ndtr, ndtri

from privgan.errors import UsageError
from privgan.privacy import accountant
from privgan.privacy.events import Composed, DpEvent

FALSE_ALARMS = 0.01  # The false-positive rate of every printed true-positive rate.
_LEVELS = 800
_HIGHEST_LEVEL = 200.0
_FAR_TAIL = 1e-10
_ROUNDING = 1e-12  # Sums of a million probabilities in double precision have a smaller error.
_STRIPS = 4_000
_MOST_EXPONENT = 700.0
_AT_ONCE = 32  # Rates whose lines are in memory together.


@dataclass(frozen=True, eq=False)
class TradeOff:
    """Levels ε with their δ(ε), and the ceilings on attacks that they imply.

    Attributes:
        levels: ε, rising from 0.
        deltas: δ(ε), each valid for adding and for removing a customer.
    """

    levels: np.ndarray
    deltas: np.ndarray

    def __post_init__(self) -> None:
        """Check that levels start at 0 and each δ is possible."""
        if not (len(self.levels) == len(self.deltas) > 0 and self.levels[0] == 0):
            raise ValueError("levels must start at 0 and have one δ each")
        if not (np.all(self.deltas >= 0) and np.all(self.deltas <= 1)):
            raise ValueError("each δ must be in 0 to 1")

    def advantage(self) -> float:
        """The largest true-positive rate minus false-positive rate.

        This is the total variation distance, δ at ε = 0.
        """
        return float(self.deltas[0])

    def certainty(self) -> float:
        """The largest chance of guessing a fair membership coin."""
        return (1 + self.advantage()) / 2

    def true_positive_rate(self, false_positive_rate: float) -> float:
        """The largest true-positive rate at a false-positive rate in 0 to 1."""
        if not 0 <= false_positive_rate <= 1:
            raise UsageError(
                f"the false-positive rate is {false_positive_rate}; it must be in 0 to 1"
            )
        return float(self._ceiling(np.array([false_positive_rate]))[0])

    def area_under_curve(self) -> float:
        """The largest area under an attack's ROC curve.

        The ceiling is concave, so the midpoint rule never underestimates it.
        """
        edges = np.concatenate([[0.0], np.geomspace(1e-12, 1.0, _STRIPS)])
        middles = (edges[1:] + edges[:-1]) / 2
        return float(min(1.0, np.diff(edges) @ self._ceiling(middles)))

    def to_json(self) -> dict[str, float]:
        """The ceilings that are printed with every ε, as JSON values."""
        return {
            "max_attack_advantage": self.advantage(),
            "max_certainty": self.certainty(),
            "max_true_positive_rate": self.true_positive_rate(FALSE_ALARMS),
            "at_false_positive_rate": FALSE_ALARMS,
            "max_area_under_curve": self.area_under_curve(),
        }

    @cached_property
    def _slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """e^ε and e^-ε of the levels, each [levels, 1]."""
        up = np.array([math.exp(level) for level in self.levels])
        down = np.array([math.exp(-level) for level in self.levels])
        return up[:, None], down[:, None]

    def _ceiling(self, rates: np.ndarray) -> np.ndarray:
        """The lowest line at each false-positive rate."""
        parts = np.array_split(rates, max(1, math.ceil(len(rates) / _AT_ONCE)))
        return np.concatenate([self._lowest(part) for part in parts])

    def _lowest(self, rates: np.ndarray) -> np.ndarray:
        up, down = self._slopes
        deltas = self.deltas[:, None]
        found = (up * rates + deltas).min(axis=0)
        missed = np.maximum(0.0, (down * (1 - rates - deltas)).max(axis=0))
        return np.asarray(np.minimum(1.0, np.minimum(found, 1 - missed)))


def of_budget(epsilon: float, delta: float) -> TradeOff:
    """The worst case of (ε, δ) alone (Kairouz, Oh, Viswanath 2015, Theorem 2.1)."""
    if not epsilon >= 0 or not 0 <= delta <= 1:
        raise UsageError(f"(ε, δ) = ({epsilon}, {delta}); ε must be at least 0 and δ in 0 to 1")
    inverse = math.exp(-epsilon)
    advantage = min(1.0, (1 - inverse + 2 * delta * inverse) / (1 + inverse))
    if epsilon == 0 or epsilon > _HIGHEST_LEVEL:
        return TradeOff(np.zeros(1), np.array([advantage]))
    return TradeOff(np.array([0.0, epsilon]), np.array([advantage, delta]))


def bend_of_budget(epsilon: float, delta: float) -> float:
    """The false-positive rate at which the ceiling of (ε, δ) bends: where its two lines meet."""
    return (1 - delta) / (1 + math.exp(min(_MOST_EXPONENT, epsilon)))


def of_events(events: Iterable[DpEvent]) -> TradeOff:
    """The ceilings of all events together, by their loss distribution and discoveries' δ."""
    together = Composed(list(events))
    loss = accountant.loss_distribution(together)
    top = min(_HIGHEST_LEVEL, float(loss.get_epsilon_for_delta(_FAR_TAIL)))
    levels = np.linspace(0.0, max(top, 1e-6), _LEVELS)
    deltas = (
        np.asarray(loss.get_delta_for_epsilon(list(levels)))
        + _ROUNDING
        + accountant.discovery_delta(together)
    )
    return TradeOff(levels, np.clip(deltas, 0.0, 1.0))


def lower(first: TradeOff, second: TradeOff) -> TradeOff:
    """The pointwise lower of two ceilings on the same mechanism."""
    levels = np.union1d(first.levels, second.levels)
    known = [dict(zip(part.levels, part.deltas, strict=True)) for part in (first, second)]
    return TradeOff(
        levels, np.array([min(part.get(level, 1.0) for part in known) for level in levels])
    )


@dataclass(frozen=True)
class Gaussian:
    """μ-GDP: telling a customer's presence is as hard as telling N(0, 1) from N(μ, 1).

    Dong, Roth and Su 2022, section 2.2.

    Attributes:
        shift: μ ≥ 0; 0 tells nothing.
    """

    shift: float

    @classmethod
    def of_advantage(cls, advantage: float) -> Gaussian:
        """The curve with a largest advantage of 2·Φ(μ/2) − 1, below 1."""
        return cls(float(2 * ndtri((1 + advantage) / 2)))

    @classmethod
    def of_rates(cls, false_negative_rate: float, false_positive_rate: float) -> Gaussian:
        """The curve through two error rates in (0, 1); μ = 0 where guessing has no larger ones."""
        return cls(max(0.0, float(-ndtri(false_positive_rate) - ndtri(false_negative_rate))))

    def least_false_negative_rate(self, true_negative_rate: float) -> float:
        """Φ(Φ⁻¹(1 − α) − μ), where 1 − α is the true-negative rate."""
        return float(ndtr(ndtri(true_negative_rate) - self.shift))

    def epsilon(self, delta: float) -> float:
        """ε at a δ in (0, 1) (Balle and Wang 2018, Theorem 8); 0 for μ = 0.

        Raises:
            ValueError: δ is not in (0, 1): at 0 no Gaussian mechanism has a finite ε.
        """
        if not 0.0 < delta < 1.0:
            raise ValueError(
                f"δ is {delta}; a Gaussian mechanism has a finite ε only for δ in (0, 1)"
            )
        return float(get_epsilon_gaussian(1 / self.shift, delta)) if self.shift > 0 else 0.0
