"""Compose a run's events by PLD and by RDP; report the smaller valid ε.

Every distribution dominates the true one on any grid, so a coarser grid can only claim more.

The neighbouring relation is add or remove one privacy unit, throughout.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
from dp_accounting.pld import common, pld_pmf, privacy_loss_distribution
from dp_accounting.pld.pld_privacy_accountant import PLDAccountant
from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS, RdpAccountant

from privgan.privacy.events import (
    Composed,
    Discovery,
    DiscreteGaussian,
    DiscreteLaplace,
    DpEvent,
    ExponentialMechanism,
    SelfComposed,
)

FINEST, COARSEST = 2.0**-15, 2.0**-7
_LONGEST = 3e4
_SHARE_OF_SPREAD, _ADDED_VARIANCE = 5e-4, 1e-3
_TAIL, _TAIL_MASS = 9.5, 1e-18  # Outcomes beyond 9.5 standard deviations have less mass than this.


def interval_for(variance: float, largest: float, compositions: int) -> float:
    """Choose the discretisation interval h for a composition.

    h is a power of two, so that calibration reuses cached distributions. Rounding a loss to a grid,
    with mass and mean odds kept, adds at most h²/4 to its variance. It adds at most h²/8 to its
    mean.

    h grows with the losses' spread, so that the grid's length hardly depends on ε. It grows until
    all compositions add a thousandth of the whole variance, which moves ε by about 1/2000. A few
    bounded losses would feel h itself, since ε is then their largest sum. There h is at most 1/2000
    of one loss's spread.

    Args:
        variance: Roughly the variance of the whole composition's loss; it moves the interval, never
            the validity.
        largest: Roughly the largest loss of the whole; at small sampling rates it lies far outside
            the spread, and the grid gives up some fineness to stay short.
        compositions: How many losses are added.
    """
    if not math.isfinite(variance) or variance <= 0 or compositions < 1:
        return COARSEST
    one = math.sqrt(variance / compositions)
    wanted = one * min(math.sqrt(4 * _ADDED_VARIANCE), _SHARE_OF_SPREAD * compositions)
    wanted = max(FINEST, wanted, largest / compositions / _LONGEST)
    return 2.0 ** math.floor(math.log2(min(COARSEST, wanted)))


def everything() -> Any:
    """The loss distribution of publishing the rows: every loss is infinite."""
    return privacy_loss_distribution.from_privacy_parameters(
        common.DifferentialPrivacyParameters(0.0, 1.0)
    )


@lru_cache(maxsize=1024)
def discrete_gaussian(standard_deviation: float, interval: float) -> Any:
    """The loss distribution of one count of sensitivity 1 with discrete Gaussian noise.

    Canonne, Kamath, Steinke 2020. An outcome x has loss (1 − 2x) / 2σ². dp-accounting rounds each
    loss upwards, which costs half an interval per count. Connecting the exact δ at the grid's
    points costs only its square (Doroshenko and others 2022).
    """
    variance = standard_deviation**2
    last = math.ceil(_TAIL * standard_deviation) + 2
    outcomes = np.arange(-last, last + 2)
    before, after = (_cumulated(outcomes - centre, variance) for centre in (0, 1))
    top = math.ceil((1 + 2 * last) / (2 * variance * interval))
    levels = np.arange(-top, top + 1) * interval
    cuts = np.clip(np.ceil(0.5 - levels * variance).astype(int) + last, 0, len(outcomes))
    deltas = np.clip(before[cuts] - np.exp(np.minimum(levels, 700.0)) * after[cuts], 0.0, 1.0)
    deltas = np.minimum(1.0, deltas + _TAIL_MASS)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots_fixed_gap(
        interval, -top, top, np.minimum.accumulate(deltas)
    )
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


def _cumulated(distance: np.ndarray, variance: float) -> np.ndarray:
    """Cumulative probability of the first i outcomes, for i from 0."""
    weights = np.exp(-(distance**2) / (2 * variance))
    return np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])


@lru_cache(maxsize=1024)
def bounded_range(epsilon: float, interval: float) -> Any:
    """The dominating loss distribution of an ε-bounded-range mechanism.

    Its hockey-stick divergence is the largest over all two-point losses {t, t − ε}: δ(e) =
    (exp(ε/2) − exp(e/2))² / (exp(ε) − 1) for |e| ≤ ε. Dong, Durfee, Rogers 2020, Lemma 3.1.
    """
    steps = max(1, math.ceil(epsilon / interval))
    rounded = np.arange(-steps, steps + 1)
    levels = np.minimum(rounded * interval, epsilon)
    inside = np.expm1((epsilon - levels) / 2) ** 2 * np.exp(levels) / np.expm1(epsilon)
    deltas = np.where(levels <= -epsilon, -np.expm1(levels), inside)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots(interval, rounded, np.clip(deltas, 0.0, 1.0))
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


@lru_cache(maxsize=256)
def concentrated(rho: float, interval: float) -> Any:
    """The dominating loss distribution of any ρ-zCDP mechanism.

    Its hockey-stick divergence is at most what the best RDP order gives (Canonne, Kamath, Steinke
    2020, Proposition 12), and at most √(ρ/2) (Pinsker). It is convex in exp(ε), so it also lies
    below the convex hull of both.
    """
    steps = math.ceil((rho + 9 * math.sqrt(2 * rho)) / interval)
    stride = max(1, steps // 4_000)
    positive = np.arange(0, steps + stride, stride)
    levels = positive * interval
    orders = 1 + np.logspace(-2.5, 5, 3_000)
    deltas = np.array([_delta_of_concentrated(rho, level, orders) for level in levels])
    mirrored = -np.expm1(-levels[:0:-1]) + np.exp(-levels[:0:-1]) * deltas[:0:-1]
    rounded = np.concatenate([-positive[:0:-1], positive])
    bounds = np.concatenate([mirrored, deltas])
    corners = _lower_hull(np.exp(rounded * interval), bounds)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots(interval, rounded[corners], bounds[corners])
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


def _delta_of_concentrated(rho: float, level: float, orders: np.ndarray) -> float:
    logs = (
        (orders - 1) * (orders * rho - level) + orders * np.log1p(-1 / orders) - np.log(orders - 1)
    )
    return min(math.sqrt(rho / 2), 1.0, math.exp(min(0.0, float(logs.min()))))


def _lower_hull(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Indices of the lower convex hull's corners, for points sorted by x (Andrew 1979)."""
    hull: list[int] = []
    for i in range(len(x)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (y[b] - y[a]) * (x[i] - x[a]) < (y[i] - y[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(i)
    return hull


RDP_ORDERS = tuple(DEFAULT_RDP_ORDERS)
_ACCOUNTANT_TAIL_MASS = 1e-15
# dp-accounting warns of fractional orders that do not converge; it then leaves them out, which is
# sound.
logging.getLogger("absl").setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True)
class PrivacySpent:
    """The cost of a composition of events.

    Attributes:
        epsilon: The smaller of the two valid bounds.
        delta: The δ at which both hold.
        epsilon_pld: By privacy loss distributions.
        epsilon_rdp: By Rényi differential privacy.
        discovery_delta: The part of δ that discoveries take as their own.
    """

    epsilon: float
    delta: float
    epsilon_pld: float
    epsilon_rdp: float
    discovery_delta: float = 0.0


class _Pld(PLDAccountant):
    """dp-accounting's PLD accountant with our events.

    Counts that one unit can move in several cells are ρ-zCDP. No single loss distribution is known
    to dominate them. So their ρ is summed, and its worst loss distribution is composed once, at the
    end.
    """

    _pld: Any
    _contains_non_dp_event: bool

    def __init__(self, interval: float) -> None:
        super().__init__(value_discretization_interval=interval)
        self._interval, self._rho = interval, 0.0

    def _maybe_compose(self, event: DpEvent, count: int, do_compose: bool) -> Any:
        if isinstance(event, (DiscreteGaussian, Discovery)):
            if do_compose and event.sensitivity == 1:
                single = discrete_gaussian(event.standard_deviation, self._interval)
                self._join(single, count)
            elif do_compose:
                self._rho += count * (event.sensitivity / event.standard_deviation) ** 2 / 2
            return None
        if isinstance(event, ExponentialMechanism):
            if do_compose:
                self._join(bounded_range(event.epsilon, self._interval), count)
            return None
        return super()._maybe_compose(event, count, do_compose)

    def _join(self, other: Any, count: int) -> None:
        """Compose another distribution; far tails count as infinite losses.

        The grid then grows with the spread alone.
        """
        self._pld = self._pld.compose(
            other.self_compose(count) if count > 1 else other, _ACCOUNTANT_TAIL_MASS
        )

    def loss_distribution(self) -> Any:
        """The dominating loss distribution of the whole composition."""
        if self._contains_non_dp_event:
            return everything()
        return (
            self._pld.compose(concentrated(self._rho, self._interval)) if self._rho else self._pld
        )


class _Rdp(RdpAccountant):
    """dp-accounting's RDP accountant with our events: RDP(α) = ρ α for a ρ-zCDP event."""

    _rdp: np.ndarray

    def _maybe_compose(self, event: DpEvent, count: int, do_compose: bool) -> Any:
        rho = zcdp(event)
        if rho is None:
            return super()._maybe_compose(event, count, do_compose)
        if do_compose:
            self._rdp = self._rdp + count * rho * self._orders
        return None


def zcdp(event: DpEvent) -> float | None:
    """The ρ of an event that privgan accounts under RDP itself, else None.

    Discrete Gaussian: Canonne, Kamath, Steinke 2020, Theorem 14. Exponential mechanism: Cesar and
    Rogers 2021, Lemma 3.2. Discrete Laplace (pure ε): Bun and Steinke 2016, Proposition 1.4.
    """
    if isinstance(event, (DiscreteGaussian, Discovery)):
        return (event.sensitivity / event.standard_deviation) ** 2 / 2
    if isinstance(event, ExponentialMechanism):
        return event.epsilon**2 / 8
    if isinstance(event, DiscreteLaplace):
        return float((event.noise_parameter * event.sensitivity) ** 2 / 2)
    return None


def spent(events: Iterable[DpEvent], delta: float) -> PrivacySpent:
    """The cost of all events together.

    Args:
        events: Every private step that ran, or will run.
        delta: The δ at which ε is wanted, in (0, 1); the δ of discoveries is a part of it.
    """
    together = Composed(list(events))
    pld, rdp = epsilon_by_pld(together, delta), epsilon_by_rdp(together, delta)
    own = discovery_delta(together)
    return PrivacySpent(
        epsilon=min(pld, rdp), delta=delta, epsilon_pld=pld, epsilon_rdp=rdp, discovery_delta=own
    )


def discovery_delta(event: DpEvent) -> float:
    """The sum of δ that an event's discoveries take as their own."""
    if isinstance(event, Discovery):
        return event.delta
    if isinstance(event, SelfComposed):
        return float(event.count * discovery_delta(event.event))
    if isinstance(event, Composed):
        return math.fsum(discovery_delta(part) for part in event.events)
    return 0.0


def epsilon_by_pld(event: DpEvent, delta: float) -> float:
    """ε by privacy loss distributions, rounded upwards to the discretisation."""
    left = delta - discovery_delta(event)
    return float(loss_distribution(event).get_epsilon_for_delta(left)) if left > 0 else math.inf


def loss_distribution(event: DpEvent) -> Any:
    """The dominating privacy loss distribution of an event, without its discoveries' δ.

    It answers ``get_epsilon_for_delta`` and ``get_delta_for_epsilon``.
    """
    accountant = _Pld(interval_for(*_spread(event), _compositions(event)))
    accountant.compose(event)
    return accountant.loss_distribution()


def _spread(event: DpEvent) -> tuple[float, float]:
    """Approximate variance and largest value of an event's loss.

    The variance comes from RDP of order 2, exact for a normal loss. The largest value comes from
    order 32.
    """
    accountant = _Rdp(orders=[2.0, 32.0])
    accountant.compose(event)
    return float(accountant._rdp[0]), float(accountant._rdp[1])


def _compositions(event: DpEvent) -> int:
    if isinstance(event, SelfComposed):
        return int(event.count) * _compositions(event.event)
    if isinstance(event, Composed):
        return sum(_compositions(part) for part in event.events)
    return 1


def epsilon_by_rdp(event: DpEvent, delta: float, orders: Sequence[float] | None = None) -> float:
    """ε by Rényi differential privacy, over dp-accounting's default orders or given ones."""
    left = delta - discovery_delta(event)
    if left <= 0:
        return math.inf
    accountant = _Rdp(orders=orders)
    accountant.compose(event)
    return float(accountant.get_epsilon(left))


def rdp_of_order(event: DpEvent, order: float) -> float:
    """RDP of an event at one order, without its discoveries' δ."""
    accountant = _Rdp([order])
    accountant.compose(event)
    return float(accountant._rdp[0])


def accountant_version() -> str:
    """The accountant's name and version, as printed in a manifest."""
    return f"dp-accounting {metadata.version('dp-accounting')} (PLD and RDP)"
