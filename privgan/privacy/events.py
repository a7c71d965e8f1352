"""Define privacy events that dp-accounting lacks: pure data, complete for accounting.

dp-accounting has no event for the exponential mechanism or the discrete Gaussian. A Gaussian event
of equal zCDP would be an unsound stand-in for either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attr
from dp_accounting import dp_event

from privgan.errors import InternalError

DpEvent: TypeAlias = dp_event.DpEvent
Composed = dp_event.ComposedDpEvent
SelfComposed = dp_event.SelfComposedDpEvent
DiscreteLaplace = dp_event.DiscreteLaplaceDpEvent
NonPrivate = dp_event.NonPrivateDpEvent


@attr.frozen
class DiscreteGaussian(dp_event.DpEvent):
    """Integer counts plus discrete Gaussian noise (Canonne, Kamath, Steinke 2020).

    Attributes:
        standard_deviation: The noise parameter σ, in counts.
        sensitivity: The most rows that one privacy unit adds, to one count or spread over several:
            the L2 sensitivity.
    """

    standard_deviation: float
    sensitivity: int = 1


@attr.frozen
class Discovery(dp_event.DpEvent):
    """The release of values whose noisy count reached a threshold.

    A value that only one unit holds can appear only with its holder. This costs a δ of its own,
    beside the noise on the counts of all other values.

    Attributes:
        standard_deviation: The noise parameter σ of the discrete Gaussian noise on each count, in
            counts.
        sensitivity: The most rows that one privacy unit adds, over all values.
        delta: The most probability with which any value that a single unit holds alone appears, all
            of its values together.
    """

    standard_deviation: float
    sensitivity: int
    delta: float


@attr.frozen
class ExponentialMechanism(dp_event.DpEvent):
    """A choice with probability proportional to exp(epsilon · score / (2 · sensitivity)).

    Its privacy loss has range epsilon (Dong, Durfee, Rogers 2020, Definition 1), hence also
    (epsilon²/8)-zCDP.

    Attributes:
        epsilon: The parameter ε of the mechanism.
    """

    epsilon: float


def dp_sgd(*, noise_multiplier: float, sample_rate: float, steps: int) -> DpEvent:
    """DP-SGD: ``steps`` Poisson-sampled Gaussian sums.

    Args:
        noise_multiplier: Standard deviation of the noise on the sum of clipped gradients, divided
            by the clip norm.
        sample_rate: Probability with which each privacy unit is in a batch, independently.
        steps: Number of noisy sums.
    """
    gaussian = dp_event.GaussianDpEvent(noise_multiplier)
    return SelfComposed(dp_event.PoissonSampledDpEvent(sample_rate, gaussian), steps)


_NAMED: dict[str, type[dp_event.DpEvent]] = {
    "discrete_gaussian": DiscreteGaussian,
    "discovery": Discovery,
    "exponential_mechanism": ExponentialMechanism,
    "discrete_laplace": DiscreteLaplace,
    "gaussian": dp_event.GaussianDpEvent,
    "non_private": NonPrivate,
}
_NAMES = {kind: name for name, kind in _NAMED.items()}


def to_json(event: DpEvent) -> dict[str, Any]:
    """Encode an event as JSON values, complete enough to account for it again."""
    if isinstance(event, SelfComposed):
        return {"event": "repeated", "count": int(event.count), "of": to_json(event.event)}
    if isinstance(event, Composed):
        return {"event": "composed", "of": [to_json(part) for part in event.events]}
    if isinstance(event, dp_event.PoissonSampledDpEvent):
        return {
            "event": "poisson_sampled",
            "sample_rate": event.sampling_probability,
            "of": to_json(event.event),
        }
    if type(event) not in _NAMES:
        raise InternalError(f"the event {type(event).__name__} has no written form")
    return {"event": _NAMES[type(event)], **attr.asdict(event)}


def from_json(data: Mapping[str, Any]) -> DpEvent:
    """Decode an event that ``to_json`` wrote."""
    kind, rest = data["event"], {key: value for key, value in data.items() if key != "event"}
    if kind == "repeated":
        return SelfComposed(from_json(rest["of"]), rest["count"])
    if kind == "composed":
        return Composed([from_json(part) for part in rest["of"]])
    if kind == "poisson_sampled":
        return dp_event.PoissonSampledDpEvent(rest["sample_rate"], from_json(rest["of"]))
    if kind not in _NAMED:
        raise InternalError(f"an unknown event {kind!r} is written in the ledger")
    return _NAMED[kind](**rest)
