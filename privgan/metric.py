"""Define a measured figure: value, interval, baseline, ceiling and exposure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from privgan.metrics import Better, Definition, Exposure, registered

__all__ = ["Better", "Exposure", "Metric", "Status", "facts_of", "none_run"]

_ENDS = ("low", "high")
_JSON = (
    *("name", "value", *_ENDS, "confidence", "better", "baseline", "ceiling", "n"),
    *("exposure", "status", "reason", "method", "source"),
)


class Status(StrEnum):
    """Whether the figure could be computed."""

    OK = "OK"
    NOT_RUN = "NOT_RUN"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure with its context.

    Its direction, exposure and source come from the registry of metrics.

    Attributes:
        name: A registered name; its ends are the facts ``name.low`` and ``name.high``.
        value: The figure itself; None when it was not run.
        low: Lower end of the interval, or None if there is no interval.
        high: Upper end of the interval, or None if there is no interval.
        confidence: Confidence of the interval, in (0, 1).
        baseline: The same figure for real hold-out rows, or for guessing, where that means
            something.
        ceiling: The largest value that the claimed (ε, δ) allows, where that means something.
        n: Number of customers or rows behind the figure.
        status: NOT_RUN when the figure could not be computed.
        reason: The reason why it was not run; empty otherwise.
        method: The method in a few words.
        details: Parts of the figure, e.g. by column; JSON values only.

    >>> Metric(name="fidelity.tvd1", value=0.04, low=0.03, high=0.05).facts()["fidelity.tvd1.high"]
    0.05
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    baseline: float | None = None
    ceiling: float | None = None
    n: int | None = None
    status: Status = Status.OK
    reason: str = ""
    method: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the name and the numbers; a failed metric is NOT_RUN with a reason.

        Raises:
            ValueError: The name is not registered, a number is not finite, or an end is given
                that an interval of the registered kind does not have.
        """
        allowed = self.definition.interval
        given = {part: getattr(self, part) for part in ("value", *_ENDS, "baseline", "ceiling")}
        for part, number in given.items():
            if number is not None and not math.isfinite(number):
                raise ValueError(
                    f"metric {self.name}: {part} is {number}; use Metric.not_run with a reason"
                    " instead"
                )
        for part in _ENDS:
            if given[part] is not None and part not in allowed.ends:
                raise ValueError(
                    f"metric {self.name}: has no end {part}, as its interval is {allowed.value!r}; "
                    "leave the end out or correct privgan/metrics.yaml"
                )
        if self.status is Status.OK and self.value is None:
            raise ValueError(f"metric {self.name}: a metric that ran needs a value")

    @property
    def definition(self) -> Definition:
        """Entry of the metric in the registry."""
        return registered(self.name)

    @property
    def better(self) -> Better:
        """The good direction."""
        return self.definition.better

    @property
    def exposure(self) -> Exposure:
        """INTERNAL if real rows were read without noise."""
        return self.definition.exposure

    @property
    def source(self) -> str:
        """Paper or standard of the method."""
        return self.definition.source

    @classmethod
    def not_run(cls, name: str, reason: str) -> Metric:
        """A figure that could not be computed, with the reason."""
        return cls(name=name, value=None, status=Status.NOT_RUN, reason=reason)

    def facts(self) -> dict[str, float]:
        """The figure as dotted facts for a policy: ``name``, ``name.low``, ``name.high``."""
        ends = {self.name: self.value, f"{self.name}.low": self.low, f"{self.name}.high": self.high}
        return {name: float(number) for name, number in ends.items() if number is not None}

    def to_json(self) -> dict[str, Any]:
        """The figure with its registry entry, as JSON values."""
        told = asdict(self) | {key: getattr(self, key) for key in ("better", "exposure", "source")}
        return {key: told[key] for key in _JSON} | {"details": dict(self.details)}


def facts_of(metrics: Iterable[Metric]) -> dict[str, float]:
    """All facts of several metrics."""
    return {name: value for metric in metrics for name, value in metric.facts().items()}


def none_run(names: Iterable[str], reason: str) -> tuple[Metric, ...]:
    """Several metrics that could not be computed, for one reason."""
    return tuple(Metric.not_run(name, reason) for name in names)
