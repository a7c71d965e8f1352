"""The accounting's steps as a report shows them: one by one, and those of a kind together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from privgan.planning.plan import StepKind
from privgan.privacy import accountant, events
from privgan.report.data import PlanStep
from privgan.report.steps import DP_SGD

_BY_GUMBEL = frozenset({StepKind.SELECTION, StepKind.LOWER_BOUND, StepKind.UPPER_BOUND})
_BY_GRADIENTS = frozenset({StepKind.CRITIC, StepKind.CRITIC_AGAIN})


def report_steps(accounting: Sequence[Mapping[str, Any]]) -> list[PlanStep]:
    """The accounting's steps as a report shows them."""
    return [
        PlanStep(
            name=step["name"],
            kind=step["kind"],
            epsilon=step["epsilon"],
            expected_error=step["expected_error"],
            noise=step["noise"],
            **_mechanism(step),
        )
        for step in accounting
    ]


def report_groups(accounting: Sequence[Mapping[str, Any]], delta: float) -> list[PlanStep]:
    """The accounting's steps of each kind together, with what they cost together."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for step in accounting:
        kinds.setdefault(step["kind"], []).append(step)
    return [_group(kind, steps, delta) for kind, steps in kinds.items()]


def _group(kind: str, steps: Sequence[Mapping[str, Any]], delta: float) -> PlanStep:
    together = events.Composed([events.from_json(step["event"]) for step in steps])
    epsilon = accountant.epsilon_by_rdp(together, delta)
    return PlanStep(name=kind, kind=kind, count=len(steps), epsilon=epsilon)


def _mechanism(step: Mapping[str, Any]) -> dict[str, Any]:
    if step["kind"] in _BY_GRADIENTS:
        event = step["event"]
        return {"mechanism": DP_SGD, "rate": event["of"]["sample_rate"], "repeats": event["count"]}
    if step["kind"] in _BY_GUMBEL:
        return {"mechanism": "gumbel"}
    return {"mechanism": "laplace" if step["kind"] == StepKind.ROW_COUNT else "gaussian"}
