"""Define an accounted step as files state it: its event, its noise and its ε alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from privgan.json_object import JsonObject

if TYPE_CHECKING:
    from privgan.privacy.events import DpEvent


@dataclass(frozen=True, kw_only=True)
class AccountedStep:
    """One private step of a plan, with what it costs.

    Attributes:
        name: Its name in the ledger, unique within the plan.
        kind: What it does: a ``StepKind``, or what an earlier privgan wrote.
        noise: As in ``PlanStep``.
        expected_error: As in ``PlanStep``.
        event: What it costs, as JSON values.
        epsilon: ε of the step alone, at its stage's δ.
        stage: ``domain`` or ``model``.
    """

    name: str
    kind: str
    noise: float
    expected_error: float | None
    event: Mapping[str, Any]
    epsilon: float
    stage: str

    @classmethod
    def of(cls, read: JsonObject) -> AccountedStep:
        """Read it from a candidate or a manifest.

        Raises:
            ValueError: naming the field that is missing or of another kind.
        """
        return cls(
            name=read.text("name"),
            kind=read.text("kind"),
            noise=read.number("noise"),
            expected_error=read.number_or_none("expected_error"),
            event=read.inner("event").raw,
            epsilon=read.number("epsilon"),
            stage=read.text("stage"),
        )

    def to_json(self) -> dict[str, Any]:
        """The step as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "noise": self.noise,
            "expected_error": self.expected_error,
            "event": self.event,
            "epsilon": self.epsilon,
            "stage": self.stage,
        }

    @property
    def cost(self) -> DpEvent:
        """Its event, for the accountant.

        Raises:
            ValueError: The event is none that privgan knows.
        """
        from privgan.privacy.events import from_json  # dp-accounting: a second to import.

        return from_json(self.event)
