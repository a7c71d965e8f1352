"""Read a plan as a manifest states it, to compare it with the claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from privgan.json_object import JsonObject


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """One private step.

    Attributes:
        name: Its name in the ledger.
        kind: What it does: a ``StepKind``, or what an earlier privgan wrote.
        noise: As in ``PlanStep``.
        event: What it costs, as JSON values.
    """

    name: str
    kind: str
    noise: float
    event: Mapping[str, Any]

    @classmethod
    def of(cls, read: JsonObject) -> PlannedStep:
        """Read it; ValueError names what is missing."""
        return cls(
            name=read.text("name"),
            kind=read.text("kind"),
            noise=read.number("noise"),
            event=read.inner("event").raw,
        )


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """One stage and its budget.

    Attributes:
        name: ``domain`` or ``model``.
        epsilon: Its ε.
        delta: Its δ.
        steps: Its steps, in order.
    """

    name: str
    epsilon: float
    delta: float
    steps: tuple[PlannedStep, ...]

    @classmethod
    def of(cls, read: JsonObject) -> PlannedStage:
        """Read it; ValueError names what is missing."""
        return cls(
            name=read.text("name"),
            epsilon=read.number("epsilon"),
            delta=read.number("delta"),
            steps=read.each("steps", PlannedStep.of),
        )


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """The facts that every plan states; those of some versions are read by name.

    Attributes:
        raw: The whole plan as JSON values.
        epsilon: ε of the run.
        delta: δ of the run.
        stages: Its stages, in order.
    """

    raw: Mapping[str, Any]
    epsilon: float
    delta: float
    stages: tuple[PlannedStage, ...]

    @classmethod
    def from_json(cls, value: object) -> PlanFacts:
        """Read a plan.

        Raises:
            ValueError: naming the field that is missing or of another kind.
        """
        read = JsonObject(value, "plan")
        return cls(
            raw=read.raw,
            epsilon=read.number("epsilon"),
            delta=read.number("delta"),
            stages=read.each("stages", PlannedStage.of),
        )

    @property
    def steps(self) -> Iterator[PlannedStep]:
        """The steps of all stages, in order."""
        return (step for stage in self.stages for step in stage.steps)

    def get(self, name: str, otherwise: Any = None) -> Any:
        """A fact that not every version states."""
        return self.raw.get(name, otherwise)

    def setting(self, part: str, name: str, otherwise: Any) -> Any:
        """A setting of ``marginals``, ``generator`` or ``network``, where the plan states it."""
        settings = self.raw.get("settings", {})
        return (settings.get(part) or {}).get(name, otherwise)
