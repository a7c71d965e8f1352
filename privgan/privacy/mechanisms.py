"""The private mechanisms: each owns both its event and its release, from the same fields, so that they cannot differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from privgan.privacy.events import DiscreteGaussian, DiscreteLaplace, DpEvent, ExponentialMechanism
from privgan.privacy.randomness import SecretStream


@dataclass(frozen=True, kw_only=True)
class CountHistogram:
    """A histogram of counts with discrete Gaussian noise on every cell, the empty ones too.

    Attributes:
        standard_deviation: Noise σ, in counts.
        sensitivity: The most that one privacy unit adds to one cell; a unit's rows all in one cell is the worst case.
    """

    standard_deviation: float
    sensitivity: int

    @property
    def event(self) -> DpEvent:
        """What the release costs."""
        return DiscreteGaussian(self.standard_deviation, self.sensitivity)

    def release(self, counts: np.ndarray, coins: SecretStream) -> np.ndarray:
        """Noisy counts [cells], int64, from exact ones [cells]."""
        return coins.discrete_gaussian(counts, self.standard_deviation)


@dataclass(frozen=True, kw_only=True)
class TotalCount:
    """One count with discrete Laplace noise: pure ε.

    Attributes:
        epsilon: The cost ε.
        sensitivity: The most that one privacy unit adds.
    """

    epsilon: float
    sensitivity: int

    @property
    def event(self) -> DpEvent:
        """What the release costs."""
        return DiscreteLaplace(self.epsilon / self.sensitivity, self.sensitivity)

    def release(self, count: int, coins: SecretStream) -> int:
        """The noisy count."""
        return coins.discrete_laplace(count, self.sensitivity / self.epsilon)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The exponential mechanism over scores.

    Attributes:
        epsilon: Its parameter ε; the loss has range ε.
        sensitivity: The most that one privacy unit moves one score.
    """

    epsilon: float
    sensitivity: float

    @property
    def event(self) -> DpEvent:
        """What the choice costs."""
        return ExponentialMechanism(self.epsilon)

    def choose(self, scores: np.ndarray, coins: SecretStream) -> int:
        """The index of the chosen candidate, from scores [candidates]."""
        return coins.exponential_choice(scores / self.sensitivity, 2.0 / self.epsilon)
