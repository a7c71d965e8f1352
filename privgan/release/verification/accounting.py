"""Account for a release's listed events again, and compare with its claimed (ε, δ)."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from privgan.errors import InternalError
from privgan.files.limits import (
    MOST_EVENTS,
    MOST_NOISE,
    MOST_SAMPLED_EVENTS,
    MOST_SAMPLED_TIMES,
    MOST_STEPS,
)
from privgan.planning.accounted_step import AccountedStep
from privgan.planning.plan_facts import PlanFacts, PlannedStage, PlannedStep
from privgan.privacy import accountant, events
from privgan.privacy.accountant import PrivacySpent
from privgan.privacy.guarantee import AccountantFigures, ReleasedGuarantee
from privgan.release.manifest import Manifest
from privgan.release.verification.integrity import shown

# Another version of dp-accounting may differ in the last digits; a thousandth of ε changes nothing
# about what it means.
SLACK = 1e-3
_MOST_PARTS, _MOST_TIMES, _DEEPEST = MOST_EVENTS, 1 << 24, 12
# In sensitivities; time and memory grow with it, and no table that it suits needs so much.
_MOST_NOISE = 1e5
# Far above the claim by Rényi divergences, it is above it by any bound, and privacy losses of any
# size are not worked out.
_FAR = 4.0


def accounting_problems(manifest: Manifest) -> list[str]:
    """Contradictions between a manifest's claim and its accounting, a sentence each.

    Args:
        manifest: A manifest that follows its JSON Schema.
    """
    try:
        return list(_problems(manifest))
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        MemoryError,
        InternalError,
    ) as error:
        return [
            f"the accounting cannot be worked out again ({type(error).__name__}): a step or stage"
            " is not written in full"
        ]


def _problems(manifest: Manifest) -> Iterator[str]:
    plan, accounting = manifest.plan, manifest.accounting
    yield from _budget_problems(manifest.guarantee, plan)
    _check_few(plan, accounting)
    planned = {(stage.name, step.name): step.event for stage in plan.stages for step in stage.steps}
    counted = {(step.stage, step.name): step.event for step in accounting}
    if planned != counted or not len(counted) == len(accounting) == len(list(plan.steps)):
        yield "the accounting does not list exactly the plan's steps with their events"
        return
    steps: list[PlannedStep | AccountedStep] = [*plan.steps, *accounting]
    for step in steps:
        noise = _noise_of(step.event)
        if noise is not None and not math.isclose(step.noise, noise, rel_tol=1e-9):
            yield (
                f"step {shown(step.name)} is said to have noise {step.noise:g}, and its event has"
                f" {noise:g}"
            )
    yield from _costs(manifest.guarantee.accountant, plan.stages, accounting)


def _budget_problems(guarantee: ReleasedGuarantee, plan: PlanFacts) -> Iterator[str]:
    stages = plan.stages
    parts = (
        ("epsilon", guarantee.epsilon, plan.epsilon, [stage.epsilon for stage in stages]),
        ("delta", guarantee.delta, plan.delta, [stage.delta for stage in stages]),
    )
    for name, claimed, planned, given in parts:
        if planned != claimed:
            yield f"the guarantee's {name} is {claimed:g}, the plan's {planned:g}"
        together = math.fsum(given)
        if not together <= claimed * (1 + 1e-9):
            yield (
                f"the plan's stages are given {name} {together:g} together, and {claimed:g} is"
                " claimed"
            )


def _check_few(plan: PlanFacts, accounting: Sequence[AccountedStep]) -> None:
    """Check that the number of steps, and of different ones, can be accounted for."""
    planned = list(plan.steps)
    if max(len(planned), len(accounting), len(plan.stages)) > MOST_STEPS:
        raise ValueError("more steps than any plan")
    listed = [*(step.event for step in planned), *(step.event for step in accounting)]
    _check_few_events({json.dumps(event, sort_keys=True) for event in listed})


def _check_few_events(events_of: Collection[str]) -> None:
    """Check the number, the noise and the sampling of different events, given as JSON."""
    if sum(event.count('"event"') for event in events_of) > MOST_EVENTS:
        raise ValueError("more different events than any plan")
    if math.fsum(noise for event in events_of for noise in _noises(json.loads(event))) > MOST_NOISE:
        raise ValueError("more noise than any plan")
    if sum(event.count('"poisson_sampled"') for event in events_of) > MOST_SAMPLED_EVENTS:
        raise ValueError("more different samples than any plan")


def _noises(data: Any) -> Iterator[float]:
    """The noise of each count inside an event."""
    if isinstance(data, Mapping):
        yield abs(float(data.get("standard_deviation", 0)))
    for part in (
        data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ()
    ):
        yield from _noises(part)


def _noise_of(event: Mapping[str, Any]) -> float | None:
    """The noise of an event's counts or gradients.

    None for a choice, a discovery or several kinds at once.
    """
    while isinstance(event.get("of"), Mapping):
        event = event["of"]
    found: float | None = event.get(
        {"discrete_gaussian": "standard_deviation", "gaussian": "noise_multiplier"}.get(
            event["event"], ""
        )
    )
    return found


def _costs(
    stated: AccountantFigures, stages: Sequence[PlannedStage], accounting: Sequence[AccountedStep]
) -> Iterator[str]:
    found: list[PrivacySpent] = []
    for stage in stages:
        steps = [step for step in accounting if step.stage == stage.name]
        yield from _single_costs(steps, stage.delta)
        spent = _spent(json.dumps([step.event for step in steps]), stage.delta, stage.epsilon)
        if not spent.epsilon <= stage.epsilon * (1 + SLACK):
            yield (
                f"the steps of stage {shown(stage.name)} cost ε = {spent.epsilon:.6g} at δ ="
                f" {stage.delta:g}, and the manifest gives them {stage.epsilon:.6g}"
            )
            return
        found.append(spent)
    yield from _totals(stated, found)


def _totals(stated: AccountantFigures, found: Sequence[PrivacySpent]) -> Iterator[str]:
    """Compare the accountant's stated totals with the sums over all stages."""
    totals = (
        ("epsilon_pld", stated.epsilon_pld, math.fsum(spent.epsilon_pld for spent in found)),
        ("epsilon_rdp", stated.epsilon_rdp, math.fsum(spent.epsilon_rdp for spent in found)),
    )
    for name, said, total in totals:
        if said is not None and not _near(total, said):
            yield f"the accountant's {name} is stated as {said:.6g}, and is {total:.6g}"


def _single_costs(steps: Sequence[AccountedStep], delta: float) -> Iterator[str]:
    for step in steps:
        found = _alone(json.dumps(step.event), delta)
        if not _near(found, step.epsilon):
            yield (
                f"step {shown(step.name)} costs ε = {found:.6g} alone, and the manifest states"
                f" {step.epsilon:.6g}"
            )


def _near(found: float, stated: float) -> bool:
    return math.isclose(found, stated, rel_tol=SLACK, abs_tol=1e-9)


@lru_cache(maxsize=4096)
def _alone(event: str, delta: float) -> float:
    return accountant.epsilon_by_rdp(_event(json.loads(event)), delta)


@lru_cache(maxsize=64)
def _spent(steps: str, delta: float, claimed: float) -> PrivacySpent:
    found = [_event(event) for event in json.loads(steps)]
    together = events.Composed(found)
    by_rdp = accountant.epsilon_by_rdp(together, delta)
    if not by_rdp <= _FAR * claimed + _FAR:
        return PrivacySpent(epsilon=by_rdp, delta=delta, epsilon_pld=math.inf, epsilon_rdp=by_rdp)
    return accountant.spent(found, delta)


def _event(data: Any) -> events.DpEvent:
    """Decode an event; ValueError where its parameters are out of range."""
    _check_sane(data)
    return events.from_json(data)


def _check_sane(data: Any, depth: int = 0, times: int = 1) -> None:
    """Check that an event's parameters are in range.

    ``times``: how often the event is repeated around itself.
    """
    if depth > _DEEPEST or not isinstance(data, Mapping):
        raise ValueError("an event is nested too deeply, or is none")
    count = data.get("count", 1)
    times *= count if isinstance(count, int) else 1
    if times > (MOST_SAMPLED_TIMES if data.get("event") == "poisson_sampled" else _MOST_TIMES):
        raise ValueError("an event is repeated too often")
    largest = _MOST_NOISE * max(1.0, float(data.get("sensitivity", 1)))
    for key, value in data.items():
        _check_sane_value(key, value, largest)
        parts = _parts_of(value)
        if len(parts) > _MOST_PARTS:
            raise ValueError("an event is repeated too often")
        for part in parts:
            _check_sane(part, depth + 1, times)


def _parts_of(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def _is_possible(value: Any) -> bool:
    """Whether a parameter is no truth value, and as a number finite and not negative."""
    if isinstance(value, bool):
        return False
    return not isinstance(value, int | float) or (value >= 0 and math.isfinite(value))


def _check_sane_value(key: str, value: Any, largest: float) -> None:
    """Check one parameter; ``largest``: the most noise that can be accounted for."""
    if key == "count" and not 1 <= value <= _MOST_TIMES:
        raise ValueError("an event is repeated too often")
    if not _is_possible(value):
        raise ValueError("an event has an impossible parameter")
    if key == "standard_deviation" and value > largest:
        raise ValueError("an event has more noise than can be accounted for")
    if key == "sensitivity" and value < 1:
        raise ValueError("an event that no row can change")
