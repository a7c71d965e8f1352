"""A measured figure: its value, its interval, what it is compared with, and who may see it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Better(StrEnum):
    """Which direction is good."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Exposure(StrEnum):
    """Who may see a figure: INTERNAL figures were computed from real rows without noise."""

    INTERNAL = "internal"
    PUBLIC = "public"


class Status(StrEnum):
    """Whether the figure could be computed."""

    OK = "OK"
    NOT_RUN = "NOT_RUN"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure with everything needed to judge it.

    Attributes:
        name: Dotted name, e.g. ``attack.membership.advantage``; its ends are the facts ``name.low``
            and ``name.high``.
        value: The figure itself; None when it was not run.
        low: Lower end of the interval, or None where there is no interval.
        high: Upper end of the interval, or None where there is no interval.
        confidence: Confidence of the interval, in (0, 1).
        better: Which direction is good.
        baseline: The same figure for real hold-out rows, or for guessing, where that means
            something.
        ceiling: The largest value that the claimed (ε, δ) allows, where that means something.
        n: Number of customers or rows behind the figure.
        exposure: INTERNAL when real rows were read without noise.
        status: NOT_RUN when the figure could not be computed.
        reason: Why it was not run; empty otherwise.
        method: How it was computed, in a few words.
        source: Paper and section of the method.
        details: Parts of the figure, e.g. by column; JSON values only.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    better: Better = Better.NEITHER
    baseline: float | None = None
    ceiling: float | None = None
    n: int | None = None
    exposure: Exposure = Exposure.INTERNAL
    status: Status = Status.OK
    reason: str = ""
    method: str = ""
    source: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse figures that are not numbers: a metric that failed is NOT_RUN with a reason."""
        for name in ("value", "low", "high", "baseline", "ceiling"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(
                    f"metric {self.name}: {name} is {number}; use Metric.not_run with a reason"
                    " instead"
                )
        if self.status is Status.OK and self.value is None:
            raise ValueError(f"metric {self.name}: a metric that ran needs a value")

    @classmethod
    def not_run(cls, name: str, reason: str, *, better: Better = Better.NEITHER) -> Metric:
        """A figure that could not be computed, with the reason."""
        return cls(name=name, value=None, status=Status.NOT_RUN, reason=reason, better=better)

    def facts(self) -> dict[str, float]:
        """The figure as dotted facts for a policy: ``name``, ``name.low``, ``name.high``."""
        ends = {self.name: self.value, f"{self.name}.low": self.low, f"{self.name}.high": self.high}
        return {name: float(number) for name, number in ends.items() if number is not None}

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values."""
        return asdict(self) | {"details": dict(self.details)}


def facts_of(metrics: Iterable[Metric]) -> dict[str, float]:
    """All facts of several metrics."""
    return {name: value for metric in metrics for name, value in metric.facts().items()}
