"""What a plan does for tasks: more of the budget, an uplift's triples, and words that say so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from privgan.cli.main import execute
from privgan.files.documents import json_schema
from privgan.planning.plan import Plan, StepKind
from privgan.planning.planner import make_plan
from privgan.planning.task_marginals import task_marginals
from privgan.planning.task_words import task_lines
from privgan.planning.workload import measured_at_once, task_factor
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask, SegmentsTask, Task, UpliftTask
from tests.tasks.campaign import SCHEMA, TEXT

BUDGET = PrivacyBudget(epsilon=3.0, delta=1e-6)
UPLIFT = UpliftTask(treatment="mailed", outcome="bought", treated="yes", positive="yes")
RESPONSE = ResponseTask(target="bought", positive="yes")
BARE = replace(SCHEMA, tasks=(), target="bought")


def _schema(*tasks: Task) -> Schema:
    return replace(BARE, tasks=tasks)


def _plan(schema: Schema, epsilon: float = 3.0) -> Plan:
    budget = PrivacyBudget(epsilon=epsilon, delta=1e-6)
    return make_plan(schema, budget, public_rows=20_000)


def _noise(plan: Plan, kind: StepKind) -> float:
    (step,) = plan.of_kind(kind)
    return step.noise


def test_a_task_is_measured_more_closely_and_the_budget_is_the_same() -> None:
    before, after = _plan(BARE), _plan(_schema(RESPONSE))
    assert _noise(after, StepKind.TARGET_DIFFERENCES) < _noise(before, StepKind.TARGET_DIFFERENCES)
    assert _noise(after, StepKind.PAIRS) > _noise(before, StepKind.PAIRS)
    assert before.cost is not None
    assert after.cost is not None
    assert after.cost.epsilon == pytest.approx(before.cost.epsilon, abs=2e-3)
    assert after.cost.epsilon <= BUDGET.epsilon


def test_without_a_task_nothing_changes() -> None:
    plain = _plan(BARE)
    assert task_factor(False) == 1.0
    assert not task_marginals(BARE).declared
    assert [step.name for step in plain.steps] == [
        step.name for step in _plan(_schema(SegmentsTask(clusters=3))).steps
    ]
    assert _noise(plain, StepKind.PAIRS) == _noise(
        _plan(_schema(SegmentsTask(clusters=3))), StepKind.PAIRS
    )


@pytest.mark.parametrize("epsilon", [0.5, 3.0])
def test_an_uplift_has_its_triples_whatever_the_budget(epsilon: float) -> None:
    schema = _schema(UPLIFT)
    plan, names = _plan(schema, epsilon), [column.name for column in schema.modelled]
    (step,) = plan.of_kind(StepKind.TASK_TRIPLES)
    assert step.name == "triples:task"
    wanted = measured_at_once(schema, plan.marginals)
    triples = wanted[StepKind.TASK_TRIPLES]
    assert step.mechanism is not None
    assert getattr(step.mechanism, "number", 0) == len(triples) == len(names) - 2
    for triple in triples:
        assert {names.index("mailed"), names.index("bought")} < set(triple)
    others = [*wanted.get(StepKind.TARGET_TRIPLES, ()), *wanted.get(StepKind.TRIPLES, ())]
    assert not set(triples) & set(others), "no marginal is paid for twice"


def test_treatments_and_named_segments_weigh_too() -> None:
    schema = _schema(UPLIFT, SegmentsTask(columns=("age", "region")))
    names = [column.name for column in schema.modelled]
    found = task_marginals(schema)
    assert {names[place] for place in found.targets} == {"mailed", "bought"}
    assert found.need(tuple(sorted((names.index("age"), names.index("region")))))
    assert not found.need(tuple(sorted((names.index("age"), names.index("income")))))


@pytest.mark.slow
def test_a_plan_with_tasks_follows_its_format_and_says_what_it_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = _plan(SCHEMA)
    told = json.loads(json.dumps(plan.to_json()))
    validator = Draft202012Validator(json_schema("privgan.plan/1"))
    assert [error.message for error in validator.iter_errors(told)] == []
    lines = list(task_lines(plan, SCHEMA))
    assert "task uplift: bought = yes by mailed = yes" in lines
    assert any("5 triples of treatment, outcome and another column" in line for line in lines)
    assert list(task_lines(_plan(BARE), BARE)) == []
    path = tmp_path / "schema.yaml"
    path.write_text(TEXT, encoding="utf-8")
    command = ["plan", "--schema", str(path), "--public-rows", "20000", "--epsilon", "3"]
    assert execute(command) == 0
    said = capsys.readouterr().out
    assert "task response: bought = yes" in said
    assert "triples:task" in said
    assert execute([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"][0]["kind"] == "response"
