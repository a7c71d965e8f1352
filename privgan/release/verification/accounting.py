"""Account for a release again.

Do the events that its manifest lists bear out the (ε, δ) that it claims?
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
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
from privgan.privacy import accountant, events
from privgan.privacy.accountant import PrivacySpent
from privgan.release.verification.integrity import shown

# Another version of dp-accounting may differ in the last digits; a thousandth of ε changes nothing
# about what it means.
SLACK = 1e-3
_MOST_PARTS, _MOST_TIMES, _DEEPEST = MOST_EVENTS, 1 << 24, 12
_MOST_NOISE = 1e5  # In sensitivities; time and memory grow with it, and a table that it suits has no use for so much.
# Far above the claim by Rényi divergences, it is above it by any bound, and privacy losses of any
# size are not worked out.
_FAR = 4.0


def accounting_problems(manifest: Mapping[str, Any]) -> list[str]:
    """Where a manifest's claim does not follow from its plan and its accounting, a sentence each.

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


def _problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    guarantee, plan, accounting = manifest["guarantee"], manifest["plan"], manifest["accounting"]
    stages: Sequence[Mapping[str, Any]] = plan["stages"]
    for name in ("epsilon", "delta"):
        if plan[name] != guarantee[name]:
            yield f"the guarantee's {name} is {guarantee[name]:g}, the plan's {plan[name]:g}"
        together = math.fsum(stage[name] for stage in stages)
        if not together <= guarantee[name] * (1 + 1e-9):
            yield (
                f"the plan's stages are given {name} {together:g} together, and {guarantee[name]:g}"
                " is claimed"
            )
    _require_few(plan, accounting)
    planned = {
        (stage["name"], step["name"]): step["event"] for stage in stages for step in stage["steps"]
    }
    counted = {(step["stage"], step["name"]): step["event"] for step in accounting}
    listed = sum(len(stage["steps"]) for stage in stages)
    if planned != counted or not len(counted) == len(accounting) == listed:
        yield "the accounting does not list exactly the plan's steps with their events"
        return
    for step in (*(step for stage in stages for step in stage["steps"]), *accounting):
        noise = _noise_of(step["event"])
        if noise is not None and not math.isclose(step["noise"], noise, rel_tol=1e-9):
            yield (
                f"step {shown(step['name'])} is said to have noise {step['noise']:g}, and its event"
                f" has {noise:g}"
            )
    yield from _costs(guarantee, stages, accounting)


def _require_few(plan: Mapping[str, Any], accounting: Sequence[Mapping[str, Any]]) -> None:
    """Refuse more steps, or more different ones, than can be accounted for in a while."""
    steps = [step for stage in plan["stages"] for step in stage["steps"]]
    if max(len(steps), len(accounting), len(plan["stages"])) > MOST_STEPS:
        raise ValueError("more steps than any plan")
    events_of = {json.dumps(step["event"], sort_keys=True) for step in (*steps, *accounting)}
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

    None where it is a choice, a discovery or several kinds at once.
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
    guarantee: Mapping[str, Any],
    stages: Sequence[Mapping[str, Any]],
    accounting: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    totals: dict[str, list[float]] = {"epsilon_pld": [], "epsilon_rdp": []}
    for stage in stages:
        steps = [step for step in accounting if step["stage"] == stage["name"]]
        yield from _single_costs(steps, stage["delta"])
        found = _spent(
            json.dumps([step["event"] for step in steps]), stage["delta"], stage["epsilon"]
        )
        if not found.epsilon <= stage["epsilon"] * (1 + SLACK):
            yield (
                f"the steps of stage {shown(stage['name'])} cost ε = {found.epsilon:.6g} at δ ="
                f" {stage['delta']:g}, and the manifest gives them {stage['epsilon']:.6g}"
            )
            return
        for name, costs in totals.items():
            costs.append(getattr(found, name))
    for name, costs in totals.items():
        stated = guarantee["accountant"][name]
        if stated is not None and not _near(math.fsum(costs), stated):
            yield (
                f"the accountant's {name} is stated as {stated:.6g}, and is {math.fsum(costs):.6g}"
            )


def _single_costs(steps: Sequence[Mapping[str, Any]], delta: float) -> Iterator[str]:
    for step in steps:
        found = _alone(json.dumps(step["event"]), delta)
        if not _near(found, step["epsilon"]):
            yield (
                f"step {shown(step['name'])} costs ε = {found:.6g} alone, and the manifest states"
                f" {step['epsilon']:.6g}"
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
    """An event whose parameters can be worked with; ValueError otherwise."""
    _require_sane(data)
    return events.from_json(data)


def _require_sane(data: Any, depth: int = 0, times: int = 1) -> None:
    """Refuse parameters that cannot be worked with.

    ``times``: how often the event is repeated around itself.
    """
    if depth > _DEEPEST or not isinstance(data, Mapping):
        raise ValueError("an event is nested too deeply, or is none")
    count = data.get("count", 1)
    times *= count if isinstance(count, int) else 1
    if times > (MOST_SAMPLED_TIMES if data.get("event") == "poisson_sampled" else _MOST_TIMES):
        raise ValueError("an event is repeated too often")
    for key, value in data.items():
        parts = value if isinstance(value, list) else [value] if isinstance(value, Mapping) else []
        if len(parts) > _MOST_PARTS or (key == "count" and not 1 <= value <= _MOST_TIMES):
            raise ValueError("an event is repeated too often")
        if isinstance(value, bool) or (
            isinstance(value, int | float) and not (value >= 0 and math.isfinite(value))
        ):
            raise ValueError("an event has an impossible parameter")
        if key == "standard_deviation" and value > _MOST_NOISE * max(
            1.0, float(data.get("sensitivity", 1))
        ):
            raise ValueError("an event has more noise than can be accounted for")
        if key == "sensitivity" and value < 1:
            raise ValueError("an event that no row can change")
        for part in parts:
            _require_sane(part, depth + 1, times)
