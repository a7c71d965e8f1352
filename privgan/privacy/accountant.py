"""One accountant over all steps: PLD and RDP, both extended by our events; the smaller valid bound is reported.

Neighbouring relation: add or remove one privacy unit, throughout.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
from dp_accounting.pld.pld_privacy_accountant import PLDAccountant
from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS, RdpAccountant

from privgan.privacy import losses
from privgan.privacy.events import (
    Composed,
    Discovery,
    DiscreteGaussian,
    DiscreteLaplace,
    DpEvent,
    ExponentialMechanism,
    SelfComposed,
)

RDP_ORDERS = tuple(DEFAULT_RDP_ORDERS)
_TAIL_MASS = 1e-15
# dp-accounting warns of fractional orders that do not converge; it then leaves them out, which is sound.
logging.getLogger("absl").setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True)
class PrivacySpent:
    """What a composition of events costs.

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

    Counts that one unit can move in several cells are zero-concentrated with a known ρ, and no single loss distribution is
    known to dominate them: their ρ is added up, and the worst loss distribution of that ρ is composed once, at the end.
    """

    _pld: Any
    _contains_non_dp_event: bool

    def __init__(self, interval: float) -> None:
        super().__init__(value_discretization_interval=interval)
        self._interval, self._rho = interval, 0.0

    def _maybe_compose(self, event: DpEvent, count: int, do_compose: bool) -> Any:
        if isinstance(event, (DiscreteGaussian, Discovery)):
            if do_compose and event.sensitivity == 1:
                single = losses.discrete_gaussian(event.standard_deviation, self._interval)
                self._join(single, count)
            elif do_compose:
                self._rho += count * (event.sensitivity / event.standard_deviation) ** 2 / 2
            return None
        if isinstance(event, ExponentialMechanism):
            if do_compose:
                self._join(losses.bounded_range(event.epsilon, self._interval), count)
            return None
        return super()._maybe_compose(event, count, do_compose)

    def _join(self, other: Any, count: int) -> None:
        """Compose with more; far tails count as infinite losses, so that the grid grows with the spread alone."""
        self._pld = self._pld.compose(other.self_compose(count) if count > 1 else other, _TAIL_MASS)

    def loss_distribution(self) -> Any:
        """The dominating loss distribution of everything composed."""
        if self._contains_non_dp_event:
            return losses.everything()
        return self._pld.compose(losses.concentrated(self._rho, self._interval)) if self._rho else self._pld


class _Rdp(RdpAccountant):
    """dp-accounting's RDP accountant with our events, each by its zCDP parameter ρ: RDP(α) = ρ α."""

    _rdp: np.ndarray

    def _maybe_compose(self, event: DpEvent, count: int, do_compose: bool) -> Any:
        rho = zcdp(event)
        if rho is None:
            return super()._maybe_compose(event, count, do_compose)
        if do_compose:
            self._rdp = self._rdp + count * rho * self._orders
        return None


def zcdp(event: DpEvent) -> float | None:
    """The ρ of an event that we account for ourselves under RDP, else None.

    Discrete Gaussian: Canonne, Kamath, Steinke 2020, Theorem 14. Exponential mechanism: Cesar and Rogers 2021, Lemma 3.2.
    Discrete Laplace (pure ε): Bun and Steinke 2016, Proposition 1.4.
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
    return PrivacySpent(epsilon=min(pld, rdp), delta=delta, epsilon_pld=pld, epsilon_rdp=rdp, discovery_delta=own)


def discovery_delta(event: DpEvent) -> float:
    """The δ that an event's discoveries take as their own, added up."""
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
    """The dominating privacy loss distribution of an event, without the δ of its discoveries.

    It answers ``get_epsilon_for_delta`` and ``get_delta_for_epsilon``.
    """
    accountant = _Pld(losses.interval_for(*_spread(event), _compositions(event)))
    accountant.compose(event)
    return accountant.loss_distribution()


def _spread(event: DpEvent) -> tuple[float, float]:
    """About the variance and the largest value of an event's loss: its RDP of order 2, exact for a normal loss, and of 32."""
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
    """ε by Rényi differential privacy, over dp-accounting's default orders unless others are given."""
    left = delta - discovery_delta(event)
    if left <= 0:
        return math.inf
    accountant = _Rdp(orders=orders)
    accountant.compose(event)
    return float(accountant.get_epsilon(left))


def rdp_of_order(event: DpEvent, order: float) -> float:
    """The Rényi differential privacy of an event at one order, without the δ of its discoveries."""
    accountant = _Rdp([order])
    accountant.compose(event)
    return float(accountant._rdp[0])


def accountant_version() -> str:
    """The accountant's name and version, as printed in a manifest."""
    return f"dp-accounting {metadata.version('dp-accounting')} (PLD and RDP)"
