"""One accountant over all steps: PLD and RDP, both extended by our events; the smaller valid bound is reported.

Neighbouring relation: add or remove one privacy unit, throughout.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
from dp_accounting.pld import pld_pmf, privacy_loss_distribution
from dp_accounting.pld.pld_privacy_accountant import PLDAccountant
from dp_accounting.rdp.rdp_privacy_accountant import RdpAccountant

from privgan.privacy.events import Composed, DiscreteGaussian, DiscreteLaplace, DpEvent, ExponentialMechanism

DISCRETISATION = 1e-4
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
    """

    epsilon: float
    delta: float
    epsilon_pld: float
    epsilon_rdp: float


class _Pld(PLDAccountant):
    """dp-accounting's PLD accountant with our events."""

    _pld: Any

    def _maybe_compose(self, event: DpEvent, count: int, do_compose: bool) -> Any:
        if isinstance(event, DiscreteGaussian):
            if do_compose:
                single = _discrete_gaussian_pld(event.standard_deviation, event.sensitivity)
                self._pld = self._pld.compose(single.self_compose(count))
            return None
        if isinstance(event, ExponentialMechanism):
            if do_compose:
                self._pld = self._pld.compose(_bounded_range_pld(event.epsilon).self_compose(count))
            return None
        return super()._maybe_compose(event, count, do_compose)


class _Rdp(RdpAccountant):
    """dp-accounting's RDP accountant with our events, each by its zCDP parameter ρ: RDP(α) = ρ α."""

    _rdp: np.ndarray

    def _maybe_compose(self, event: DpEvent, count: int, do_compose: bool) -> Any:
        rho = _zcdp(event)
        if rho is None:
            return super()._maybe_compose(event, count, do_compose)
        if do_compose:
            self._rdp = self._rdp + count * rho * self._orders
        return None


def _zcdp(event: DpEvent) -> float | None:
    """The ρ of an event that we account for ourselves under RDP, else None.

    Discrete Gaussian: Canonne, Kamath, Steinke 2020, Theorem 14. Exponential mechanism: Cesar and Rogers 2021, Lemma 3.2.
    Discrete Laplace (pure ε): Bun and Steinke 2016, Proposition 1.4.
    """
    if isinstance(event, DiscreteGaussian):
        return (event.sensitivity / event.standard_deviation) ** 2 / 2
    if isinstance(event, ExponentialMechanism):
        return event.epsilon**2 / 8
    if isinstance(event, DiscreteLaplace):
        return float((event.noise_parameter * event.sensitivity) ** 2 / 2)
    return None


@lru_cache(maxsize=256)
def _discrete_gaussian_pld(standard_deviation: float, sensitivity: int) -> Any:
    return privacy_loss_distribution.from_discrete_gaussian_mechanism(
        standard_deviation, sensitivity=sensitivity, value_discretization_interval=DISCRETISATION
    )


@lru_cache(maxsize=256)
def _bounded_range_pld(epsilon: float) -> Any:
    """The dominating loss distribution of an ε-bounded-range mechanism.

    Its hockey-stick divergence is the largest over all two-point losses {t, t − ε} (Dong, Durfee, Rogers 2020,
    Lemma 3.1): δ(e) = (exp(ε/2) − exp(e/2))² / (exp(ε) − 1) for |e| ≤ ε.
    """
    steps = max(1, math.ceil(epsilon / DISCRETISATION))
    rounded = np.arange(-steps, steps + 1)
    levels = np.minimum(rounded * DISCRETISATION, epsilon)
    inside = np.expm1((epsilon - levels) / 2) ** 2 * np.exp(levels) / np.expm1(epsilon)
    deltas = np.where(levels <= -epsilon, -np.expm1(levels), inside)
    pmf = pld_pmf.create_pmf_pessimistic_connect_dots(DISCRETISATION, rounded, np.clip(deltas, 0.0, 1.0))
    return privacy_loss_distribution.PrivacyLossDistribution(pmf)


def spent(events: Iterable[DpEvent], delta: float) -> PrivacySpent:
    """The cost of all events together.

    Args:
        events: Every private step that ran, or will run.
        delta: The δ at which ε is wanted, in (0, 1).
    """
    together = Composed(list(events))
    pld, rdp = epsilon_by_pld(together, delta), epsilon_by_rdp(together, delta)
    return PrivacySpent(epsilon=min(pld, rdp), delta=delta, epsilon_pld=pld, epsilon_rdp=rdp)


def epsilon_by_pld(event: DpEvent, delta: float) -> float:
    """ε by privacy loss distributions, rounded upwards to the discretisation."""
    accountant = _Pld(value_discretization_interval=DISCRETISATION)
    accountant.compose(event)
    return float(accountant.get_epsilon(delta))


def epsilon_by_rdp(event: DpEvent, delta: float) -> float:
    """ε by Rényi differential privacy over dp-accounting's default orders."""
    accountant = _Rdp()
    accountant.compose(event)
    return float(accountant.get_epsilon(delta))


def accountant_version() -> str:
    """The accountant's name and version, as printed in a manifest."""
    return f"dp-accounting {metadata.version('dp-accounting')} (PLD and RDP)"
