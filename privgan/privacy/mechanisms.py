"""Define the private mechanisms.

Each derives its event and its release from the same fields, so that they cannot differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from privgan.errors import InternalError
from privgan.privacy import accountant, opendp_noise
from privgan.privacy.events import (
    Discovery,
    DiscreteGaussian,
    DiscreteLaplace,
    DpEvent,
    ExponentialMechanism,
    SelfComposed,
)
from privgan.privacy.library_checks import check_stated_loss
from privgan.privacy.randomness import SecretStream


@dataclass(frozen=True, kw_only=True)
class CountHistogram:
    """A histogram with discrete Gaussian noise on every cell, empty cells included.

    Attributes:
        standard_deviation: Noise σ, in counts.
        sensitivity: The most that one privacy unit adds to one cell; a unit's rows all in one cell
            is the worst case.
    """

    standard_deviation: float
    sensitivity: int

    @property
    def event(self) -> DpEvent:
        """The privacy event of the release."""
        return DiscreteGaussian(self.standard_deviation, self.sensitivity)

    def check_map(self) -> None:
        """Check OpenDP's privacy map against the event; LibraryError where it states more."""
        _check_gaussian(self.event, self.standard_deviation, self.sensitivity)

    def release(self, counts: np.ndarray, coins: SecretStream) -> np.ndarray:
        """Add noise to exact counts [cells]; returns int64 [cells]."""
        return coins.discrete_gaussian(counts, self.standard_deviation)


@dataclass(frozen=True, kw_only=True)
class CountHistograms:
    """Several histograms of the same rows, with equal noise, released together.

    Attributes:
        histogram: The mechanism of each.
        number: How many there are.
    """

    histogram: CountHistogram
    number: int

    @property
    def sensitivity(self) -> int:
        """The most that one privacy unit adds to one cell of one histogram."""
        return self.histogram.sensitivity

    @property
    def event(self) -> DpEvent:
        """The privacy event of all releases together."""
        return SelfComposed(self.histogram.event, self.number)

    def check_map(self) -> None:
        """Check one histogram: under zCDP map and event both grow with their number."""
        self.histogram.check_map()

    def release(self, counts: Sequence[np.ndarray], coins: SecretStream) -> list[np.ndarray]:
        """Add noise to each histogram of exact counts [cells]; returns int64.

        Raises:
            InternalError: when they are not as many as the event pays for.
        """
        if len(counts) != self.number:
            raise InternalError(
                f"{self.number} histograms are paid for; {len(counts)} were to be released"
            )
        noisy = self.histogram.release(np.concatenate(counts), coins)
        return np.split(noisy, np.cumsum([len(part) for part in counts])[:-1])


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
    def event(self) -> DiscreteLaplace:
        """The privacy event of the release."""
        return DiscreteLaplace(self.epsilon / self.sensitivity, self.sensitivity)

    @property
    def scale(self) -> float:
        """The noise's scale."""
        return self.sensitivity / self.epsilon

    def check_map(self) -> None:
        """Check OpenDP's privacy map against the event; LibraryError where it states more."""
        stated = opendp_noise.discrete_laplace_epsilon(self.scale, self.sensitivity)
        event = self.event
        check_stated_loss(
            "discrete Laplace", stated, event.noise_parameter * event.sensitivity, "ε"
        )

    def release(self, count: int, coins: SecretStream) -> int:
        """Add noise to the count."""
        return coins.discrete_laplace(count, self.scale)


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
        """The privacy event of the choice."""
        return ExponentialMechanism(self.epsilon)

    @property
    def scale(self) -> float:
        """The Gumbel noise's scale on scores of sensitivity 1."""
        return 2.0 / self.epsilon

    def check_map(self) -> None:
        """Check OpenDP's privacy map against the event; LibraryError where it states more."""
        stated = opendp_noise.gumbel_choice_rho(self.scale)
        check_stated_loss("noisy max", stated, accountant.zcdp(self.event), "ρ")

    def choose(self, scores: np.ndarray, coins: SecretStream) -> int:
        """Draw the index of a candidate from scores [candidates]."""
        return coins.exponential_choice(scores / self.sensitivity, self.scale)


@dataclass(frozen=True, kw_only=True)
class CategoryDiscovery:
    """Release the values whose discrete Gaussian noisy count reaches a threshold.

    Korolova et al. 2009; Wilson et al. 2020. Only values that occur get noise. A value that one
    unit alone holds can appear only with its holder. The threshold bounds by δ the probability that
    any such value of a unit appears.

    Attributes:
        standard_deviation: Noise σ on each count.
        max_rows: The most rows that one unit has, hence the most that it adds to all counts
            together.
        delta: The δ that the discovery takes as its own, in (0, 1).
    """

    standard_deviation: float
    max_rows: int
    delta: float

    def __post_init__(self) -> None:
        """Check that a threshold can keep δ, and that one is needed."""
        if not 0 < self.delta < 1:
            raise ValueError(
                f"delta of a discovery is {self.delta}; it must be above 0 and below 1"
            )

    @property
    def event(self) -> DpEvent:
        """The privacy event of the release."""
        return Discovery(self.standard_deviation, self.max_rows, self.delta)

    def check_map(self) -> None:
        """Check OpenDP's map of the noise against the event.

        The threshold's δ is proved in this module.
        """
        _check_gaussian(self.event, self.standard_deviation, self.max_rows)

    @cached_property
    def threshold(self) -> int:
        """The smallest noisy count that is released.

        It is above ``max_rows``, with ``own_probability`` at most δ.
        """
        low, high = self.max_rows, len(self._tail)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if self.own_probability(middle) <= self.delta else (middle, high)
            )
        return high

    def own_probability(self, threshold: int) -> float:
        """Upper bound on P(a value that one unit alone holds appears) at a threshold.

        The threshold must be above ``max_rows``. The bound sums over the unit's values, in the
        worst split of its rows. The noise's tail is convex above 0. So of all splits into j values,
        the worst gives one row to all but one.
        """
        values = np.arange(1, self.max_rows + 1)
        largest = self._tail[threshold - (self.max_rows - values + 1)]
        return float(np.max(largest + (values - 1) * self._tail[threshold - 1]))

    @cached_property
    def _tail(self) -> np.ndarray:
        """P(noise ≥ x) for x = 0, 1, …, summed from the far end, until far below δ."""
        furthest = (math.sqrt(2 * math.log(1 / self.delta)) + 10) * self.standard_deviation
        weights = np.exp(
            -((np.arange(math.ceil(furthest) + self.max_rows + 2) / self.standard_deviation) ** 2)
            / 2
        )
        tail: np.ndarray = np.cumsum(weights[::-1])[::-1]
        return tail / (2 * tail[0] - weights[0])

    def release(self, counts: Mapping[str, int], coins: SecretStream) -> tuple[str, ...]:
        """The discovered values, sorted, from the exact count of each value that occurs."""
        values = sorted(counts)
        noisy = coins.discrete_gaussian(
            np.array([counts[value] for value in values], dtype=np.int64), self.standard_deviation
        )
        return tuple(
            value for value, count in zip(values, noisy, strict=True) if count >= self.threshold
        )


def _check_gaussian(event: DpEvent, standard_deviation: float, sensitivity: int) -> None:
    stated = opendp_noise.discrete_gaussian_rho(standard_deviation, sensitivity)
    check_stated_loss("discrete Gaussian", stated, accountant.zcdp(event), "ρ")
