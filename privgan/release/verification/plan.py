"""Check that privgan would make this plan for the stated schema, budget and row count."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any

from privgan.domain.measured import opened
from privgan.errors import UsageError
from privgan.files.limits import MOST_PLANNED_CODES, MOST_PLANNED_COLUMNS
from privgan.parts.forms import parts_with_fingerprint
from privgan.parts.part import Part, part_of
from privgan.planning.domain_stage import ROWS_OF_EACH, rows_of_each_of
from privgan.planning.plan import FORMAT, GeneratorKind, Plan, StepKind
from privgan.planning.plan_facts import PlanFacts, PlannedStep
from privgan.planning.planner import PlanOptions, make_plan, with_domain
from privgan.privacy.budget import PrivacyBudget
from privgan.release.verification.accounting import SLACK
from privgan.release.verification.integrity import shown
from privgan.release.verification.model_pieces import most_rows
from privgan.release.verification.released import SCHEMA, Released, differences
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema

_STAGES = (["model"], ["domain", "model"])
_EXACT = 1e-9
_KINDS = frozenset(StepKind)
_TRAINED = {
    "network": (StepKind.NETWORK.value, StepKind.NETWORK_AGAIN.value),
    "critic": (StepKind.CRITIC.value, StepKind.CRITIC_AGAIN.value),
}
_BEFORE_KINDS = frozenset({"0.1.0", "0.2.0", "0.3.0", "0.4.0"})
# Libraries of the plan's figures: other versions may change the last digits.
_REACHED_WITH = ("numpy", "dp-accounting")


def plan_problems(released: Released) -> Iterator[str]:
    """Contradictions of a plan with itself or with the public facts, a sentence each."""
    if not released.holds(SCHEMA):
        return
    plan = released.manifest.plan
    whole = plan.get("format") == FORMAT
    if released.ours and not whole:
        yield f"plan: its format is {shown(plan.get('format'))}, and this privgan writes {FORMAT}"
    found = [*_facts(released, plan), *_steps(released, plan), *_trained(plan)]
    yield from (f"plan: {problem}" for problem in found)
    few = is_planned_again(released.schema)
    if released.ours and whole and few and not found:
        yield from (f"plan: {problem}" for problem in _made_again(released, plan))


def is_planned_again(schema: Schema) -> bool:
    """Whether the plan can be computed again in a reasonable time.

    Very many columns or categories take too long.
    """
    codes = sum(
        len(column.categories) for column in schema.modelled if isinstance(column, Discrete)
    )
    return len(schema.labelled) <= MOST_PLANNED_COLUMNS and codes <= MOST_PLANNED_CODES


def _facts(released: Released, plan: PlanFacts) -> Iterator[str]:
    rows, declared = plan.get("rows"), plan.get("declared_rows")
    if rows is None:
        yield "states no row count"
        return
    if declared is not None and declared != rows:
        yield f"is made for {shown(rows)} rows, and {shown(declared)} are declared"
    each, most = plan.get("rows_of_each", [1.0]), released.schema.unit.max_rows
    if len(each) != most or not _are_shares(each):
        told = f"the shares of customers with 1, 2, … rows are {shown(each)}"
        yield f"{told}, of at most {most} rows each"
        return
    customers = rows / math.fsum(share * count for count, share in enumerate(each, start=1))
    if not plan.delta * customers < 1:
        told = f"delta {plan.delta:g} is not below 1 by the number of customers"
        yield f"{told}, {1 / max(customers, 1e-300):.3g}: whole customers could leave"
    yield from _stages(plan)
    made_for = plan.get("schema_fingerprint")
    measured = made_for not in {None, released.schema.fingerprint()}
    if measured and _opened(released.schema).fingerprint() != made_for:
        yield "is made for another schema than the one that is released"


def _stages(plan: PlanFacts) -> Iterator[str]:
    names = [stage.name for stage in plan.stages]
    if names not in _STAGES:
        yield f"its stages are {shown(names)}; a plan has 'model' alone, or 'domain' before it"
    if any(not stage.delta > 0 for stage in plan.stages):
        yield "a stage has no delta"


def _steps(released: Released, plan: PlanFacts) -> Iterator[str]:
    """Check the sensitivity of every event, and the noise of every choice and count."""
    yield from _part_problems(released.schema, plan)
    whole = plan.get("format") == FORMAT
    for step in plan.steps:
        if whole and step.kind not in _KINDS:
            yield f"step {shown(step.name)} is of kind {shown(step.kind)}, which no plan has"
            continue
        yield from _step_problems(step, most_rows(released, step.name))


def _part_problems(schema: Schema, plan: PlanFacts) -> Iterator[str]:
    """Check that the parts are the schema's, and none counts more rows than a customer may have."""
    stated = plan.get("parts", [])
    parts = _parts_stated(schema, plan)
    if [part.name for part in parts] != [found["name"] for found in stated]:
        yield "its parts are not those of the schema's histories or tables"
        return
    for part, found in zip(parts, stated, strict=True):
        most = found["max_rows_per_unit"]
        if not 1 <= most <= part.unit.max_rows:
            told = f"part {part.name} counts {shown(most)} rows of a customer"
            yield f"{told}, and one may have {part.unit.max_rows}"
        if found["schema_fingerprint"] != part.schema.fingerprint():
            yield f"part {part.name} is made for other columns than the schema gives it"


def _parts_stated(schema: Schema, plan: PlanFacts) -> tuple[Part, ...]:
    """The parts that a plan is of: those of this or an earlier version."""
    stated = plan.get("parts", [])
    return parts_with_fingerprint(schema, stated[0]["schema_fingerprint"] if stated else "")


def _step_problems(step: PlannedStep, most: int) -> Iterator[str]:
    name = shown(step.name)
    # A customer is in one cell of this histogram, whatever its number of rows.
    names = (ROWS_OF_EACH, rows_of_each_of(""))
    alone = step.kind == StepKind.ROWS_OF_EACH and step.name.startswith(names)
    wanted = 1 if alone else most
    for event in _parts(step.event):
        if "sensitivity" in event and event["sensitivity"] != wanted:
            told = f"step {name} counts {shown(event['sensitivity'])} rows of a customer"
            yield f"{told}, and a customer may have {wanted}"
    noise = _noise(step.event, most)
    if noise is not None and not math.isclose(step.noise, noise, rel_tol=_EXACT):
        told = f"step {name} is said to have noise {step.noise:g}"
        yield f"{told}, and its event has {noise:g}"


def _parts(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield event
    inner = event.get("of")
    for part in inner if isinstance(inner, list) else [inner] if inner else []:
        yield from _parts(part)


def _noise(event: Mapping[str, Any], most: int) -> float | None:
    """The noise of a choice, a count of rows or a discovery.

    That of other events is compared elsewhere.
    """
    if event["event"] == "exponential_mechanism":
        return 2 * most / float(event["epsilon"])
    if event["event"] == "discrete_laplace":
        return math.sqrt(2) / float(event["noise_parameter"])
    return float(event["standard_deviation"]) if event["event"] == "discovery" else None


def _are_shares(shares: Sequence[float]) -> bool:
    return min(shares) >= 0 and math.isclose(math.fsum(shares), 1, rel_tol=1e-6)


def _trained(plan: PlanFacts) -> Iterator[str]:
    """Check that the settings of what DP-SGD trains are its events'."""
    parts = {found["name"]: found for found in plan.get("parts", [])}
    for part, facts in (("", plan.raw), *parts.items()):
        if "settings" not in facts:
            continue
        own = [step for step in plan.steps if part_of(step.name, tuple(parts)) == part]
        for name, kinds in _TRAINED.items():
            # A plan of before there was a network names none.
            settings = facts["settings"].get(name)
            steps = {step.kind: step for step in own if step.kind in kinds}
            if (settings is None) != (kinds[0] not in steps):
                yield (
                    f"the {name}'s settings and the plan's steps do not both have a {name}, or none"
                )
            elif settings is not None:
                yield from _dpsgd_problems(plan.raw | facts, name, settings, steps)


def _dpsgd_problems(
    plan: Mapping[str, Any],
    name: str,
    settings: Mapping[str, Any],
    steps: Mapping[str, PlannedStep],
) -> Iterator[str]:
    """Check the events, the reserve, the clip norm and the expected batch of DP-SGD."""
    reserve, (phase, again) = settings["checkpoint_interval"], _TRAINED[name]
    if not bool(reserve) == bool(plan["resumable"]) == (again in steps):
        yield f"a resumable plan holds {name} steps in reserve, and no other does"
    for step in steps.values():
        wanted = settings["steps"] if step.kind == phase else reserve
        if _dpsgd_of(step) != (wanted, settings["sample_rate"], settings["noise_multiplier"]):
            told = f"is not what the {name}'s settings say: steps, sampling rate or noise"
            yield f"step {shown(step.name)} {told}"
    if settings["max_grad_norm"] <= 0:
        yield f"the {name}'s clip norm is not above 0"
    batch = _expected_batch(plan, settings["sample_rate"])
    if settings["expected_batch_size"] != batch:
        told = f"the {name}'s expected batch is {shown(settings['expected_batch_size'])}"
        yield f"{told}, and its sampling rate and the customers give {batch}"


def _dpsgd_of(step: PlannedStep) -> tuple[Any, Any, Any]:
    """Steps, sampling rate and noise multiplier of an event of DP-SGD."""
    event = step.event
    return event["count"], event["of"]["sample_rate"], event["of"]["of"]["noise_multiplier"]


def _expected_batch(plan: Mapping[str, Any], sample_rate: float) -> int:
    each = math.fsum(share * count for count, share in enumerate(plan["rows_of_each"], start=1))
    customers = plan["rows"] * (1 - plan["canary_probability"] / 2) / each
    return max(1, round(sample_rate * customers))


def _made_again(released: Released, stated: PlanFacts) -> Iterator[str]:
    """Compute the plan again from schema, budget, rows and settings, and compare."""
    try:
        plan = _planned(released.schema, stated)
    except UsageError as error:
        yield f"cannot be made for what the release states: {error}"
        return
    versions = released.manifest.versions
    same = all(versions.get(name) == metadata.version(name) for name in _REACHED_WITH)
    made = _as_written_by(released.version, json.loads(json.dumps(plan.to_json())))
    slack = _EXACT if same else SLACK
    places = differences(stated.raw, made, slack=slack)
    if places:
        told = "is not the one that this privgan makes for the same facts"
        yield f"{told}; it differs at {', '.join(places)}"


def _as_written_by(version: str | None, made: dict[str, Any]) -> dict[str, Any]:
    """The plan without what a former version did not write: the kinds of generator."""
    if version in _BEFORE_KINDS:
        del made["kind"], made["settings"]["network"]
    return made


def _planned(schema: Schema, stated: PlanFacts) -> Plan:
    facts = stated.raw
    plan = make_plan(
        _opened(schema),
        PrivacyBudget(epsilon=stated.epsilon, delta=stated.delta),
        public_rows=facts["declared_rows"],
        effort=facts["effort"],
        kind=GeneratorKind(facts.get("kind", GeneratorKind.AUTO)),
        marginal_share=facts["marginal_share"],
        options=PlanOptions(
            canary_probability=facts["canary_probability"],
            widest=facts["settings"]["marginals"]["widest"],
            resumable=facts["resumable"],
        ),
    )
    if not plan.domain_budget:
        return plan
    table_rows = facts.get("table_rows", {})
    each, parts = tuple(facts["rows_of_each"]), _parts_stated(schema, stated)
    return with_domain(plan, schema, facts["rows"], each, table_rows, parts)


def _opened(schema: Schema) -> Schema:
    """The schema before its measured facts were filled in."""
    return replace(schema, columns=tuple(opened(column) for column in schema.columns))
