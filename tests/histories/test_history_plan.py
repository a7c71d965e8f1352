"""The plan of histories: its parts, their noise, and what they cost together."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from privgan.errors import UsageError
from privgan.files.documents import json_schema
from privgan.planning.error_floor import illegible
from privgan.planning.plan import GeneratorKind, Plan
from privgan.planning.planner import PlanOptions, make_plan, with_domain
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema
from privgan.schema.tasks import ForecastTask, RecommendationTask
from privgan.table.schema_file import parse_schema
from tests.histories.purchases import SCHEMA

EACH = (0.4, 0.2, 0.15, 0.1, 0.1, 0.05)


def _plan(schema: Schema, epsilon: float = 3.0, rows: int = 60_000) -> Plan:
    plan = make_plan(schema, PrivacyBudget(epsilon=epsilon), public_rows=rows)
    return with_domain(plan, schema, rows, EACH)


def test_all_parts_together_cost_no_more_than_the_budget() -> None:
    plan = _plan(parse_schema(SCHEMA))
    spent = accountant.spent([step.event for step in plan.steps], plan.model_budget.delta)
    assert 0.97 * plan.model_budget.epsilon < spent.epsilon <= plan.model_budget.epsilon
    assert plan.cost == spent
    names = [step.name for step in plan.steps]
    assert len(set(names)) == len(names)
    for part in plan.parts:
        own = {f"{part.name}.{step.name}" for step in part.plan.steps}
        assert own == {name for name in names if name.startswith(f"{part.name}.")}


def test_each_step_counts_its_parts_rows_of_a_customer() -> None:
    plan = _plan(parse_schema(SCHEMA), epsilon=20.0, rows=600_000)
    customers, events = plan.parts
    assert customers.plan.unit.max_rows == 1
    assert 1 < events.plan.unit.max_rows <= 6
    for part in plan.parts:
        for step in part.plan.steps:
            assert step.mechanism is not None
            whole = getattr(step.mechanism, "histogram", step.mechanism)
            assert whole.sensitivity == part.plan.unit.max_rows


def test_fewer_rows_of_a_customer_are_measured_where_noise_is_strong() -> None:
    schema = parse_schema(SCHEMA)
    most = [_plan(schema, epsilon).parts[1].plan.unit.max_rows for epsilon in (0.5, 3.0, 30.0)]
    assert most == sorted(most)
    assert most[0] < most[-1]


def test_codes_that_another_part_measures_cost_nothing_again() -> None:
    plan = _plan(parse_schema(SCHEMA))
    fine = [step.name for step in plan.steps if "cells:" in step.name]
    assert [name for name in fine if name.startswith("cells:")] == []
    assert "events.cells:mean amount" not in fine
    assert "events.cells:amount before" not in fine
    assert {"events.cells:amount", "customers.cells:mean amount"} <= set(fine)


def test_what_is_ranked_or_forecast_is_counted_more_closely() -> None:
    schema = parse_schema(SCHEMA)
    others = [f"m{number}" for number in range(100)]
    (channel,) = (part for part in schema.columns if part.name == "channel")
    assert isinstance(channel, Discrete)
    many = replace(channel, categories=(*channel.categories, *others))
    columns = tuple(many if part is channel else part for part in schema.columns)
    plain = replace(schema, columns=columns)
    ranked = replace(plain, tasks=(RecommendationTask(column="channel"),))
    timed = replace(plain, tasks=(ForecastTask(date="day"),))
    # Of a plan with more rows of each customer, noise is compared by row.
    noise, ranks, times = (_noise_by_row(_plan(facts)) for facts in (plain, ranked, timed))
    assert ranks["events.cells:channel"] < 0.7 * noise["events.cells:channel"]
    assert ranks["events.cells:amount"] < 1.2 * noise["events.cells:amount"]
    assert times["marginal:day"] < 0.5 * noise["marginal:day"]
    assert times["events.pairs"] < 1.05 * noise["events.pairs"]


def _noise_by_row(plan: Plan) -> dict[str, float]:
    most = {part.name: part.plan.unit.max_rows for part in plan.parts}
    return {step.name: step.noise / most.get(step.name.split(".")[0], 1) for step in plan.steps}


def test_the_plan_follows_its_form_and_is_made_again_from_its_facts() -> None:
    schema = parse_schema(SCHEMA)
    plan = _plan(schema)
    written = json.loads(json.dumps(plan.to_json()))
    jsonschema.validate(written, json_schema("privgan.plan/1"))
    assert [part["name"] for part in written["parts"]] == ["customers", "events"]
    assert _plan(schema).fingerprint() == plan.fingerprint()
    assert "parts" not in _plan(replace(schema, history=None)).to_json()
    assert illegible(plan, schema).pairs is None


def test_histories_have_no_gan() -> None:
    with pytest.raises(UsageError, match="of histories the generator is 'gan'; allowed: auto"):
        make_plan(
            parse_schema(SCHEMA),
            PrivacyBudget(epsilon=3),
            public_rows=5_000,
            kind=GeneratorKind.GAN,
        )


def test_a_network_of_the_events_has_its_share_of_their_budget() -> None:
    schema = parse_schema(SCHEMA)
    plan = make_plan(
        schema, PrivacyBudget(epsilon=3), public_rows=60_000, kind=GeneratorKind.NETWORK
    )
    plan = with_domain(plan, schema, 60_000, EACH)
    customers, events = plan.parts
    assert (customers.plan.kind, events.plan.kind) == ("mixture", "network")
    assert events.plan.network is not None
    assert customers.plan.trained is None
    spent = accountant.spent([step.event for step in plan.steps], plan.model_budget.delta)
    assert 0.97 * plan.model_budget.epsilon < spent.epsilon <= plan.model_budget.epsilon
    alone, step = _plan(schema), plan.step("events.network")
    assert step.event == events.plan.network.event
    # Half of the events' budget is the network's: the marginals' noise grows by about √2.
    for name, least, most in (("events.pairs", 1.3, 1.55), ("customers.pairs", 0.95, 1.1)):
        assert least < plan.step(name).noise / alone.step(name).noise < most
    written = json.loads(json.dumps(plan.to_json()))
    jsonschema.validate(written, json_schema("privgan.plan/1"))


def test_dp_sgd_needs_a_network_and_writes_no_checkpoints() -> None:
    budget, schema = PrivacyBudget(epsilon=3), parse_schema(SCHEMA)
    with pytest.raises(UsageError, match="it must be 1, for only a network has DP-SGD there"):
        make_plan(schema, budget, public_rows=5_000, marginal_share=0.5)
    with pytest.raises(UsageError, match="and histories have none"):
        make_plan(
            schema,
            budget,
            public_rows=5_000,
            kind=GeneratorKind.NETWORK,
            options=PlanOptions(resumable=True),
        )
    plan = make_plan(schema, budget, public_rows=5_000, options=PlanOptions(resumable=True))
    assert not with_domain(plan, schema, 5_000, EACH).resumable
