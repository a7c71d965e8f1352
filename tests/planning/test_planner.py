"""The planner is a public function that never plans more than its budget.

Each step's mechanism is the charged one.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.planning.plan import Plan, StepKind, events_of
from privgan.planning.planner import PlanOptions, make_plan, with_domain
from privgan.planning.second_stage import number_of_cells
from privgan.privacy import events
from privgan.privacy.accountant import spent
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.mechanisms import CountHistogram, Selection, TotalCount
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema

SCHEMA = Schema(
    dataset="plans",
    unit=PrivacyUnit(),
    columns=(
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=("a", "b", "c"), missing=True),
        Numeric(name="spend", kind=Kind.FLOAT, lower=0, upper=900, decimals=2),
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=95),
        Discrete(name="left", kind=Kind.BOOLEAN, categories=("no", "yes")),
    ),
)
ONE_COLUMN = replace(SCHEMA, columns=SCHEMA.columns[:1])


@cache
def _plan(
    epsilon: float = 2.0, rows: int | None = 20_000, *, delta: float = 1e-6, **more: object
) -> Plan:
    if "canary_probability" in more:
        more["options"] = PlanOptions(canary_probability=more.pop("canary_probability"))  # type: ignore[arg-type]
    return make_plan(SCHEMA, PrivacyBudget(epsilon=epsilon, delta=delta), public_rows=rows, **more)  # type: ignore[arg-type]


def _noise_of(step_event: events.DpEvent) -> float:
    """The noise that an event says, read without the plan's help."""
    if isinstance(step_event, events.DiscreteGaussian):
        return step_event.standard_deviation
    if isinstance(step_event, events.ExponentialMechanism):
        return 2 / step_event.epsilon
    assert isinstance(step_event, events.SelfComposed)
    if isinstance(step_event.event, events.DiscreteGaussian):
        return _noise_of(step_event.event)
    return float(step_event.event.event.noise_multiplier)


def test_the_same_facts_give_the_same_plan_and_no_others() -> None:
    first, again = _plan(), _plan.__wrapped__()
    assert first == again
    assert first.fingerprint() == again.fingerprint()
    other_schema = replace(
        SCHEMA,
        columns=(*SCHEMA.columns[:2], replace(SCHEMA.columns[2], upper=96.0), SCHEMA.columns[3]),
    )
    unplanned = [
        _plan(2.1, None),
        _plan(rows=None),
        _plan(rows=None, delta=2e-6),
        _plan(rows=None, effort="quick"),
        _plan(rows=None, canary_probability=0.1),
        _plan(rows=None, marginal_share=0.9),
        make_plan(other_schema, PrivacyBudget(epsilon=2.0), public_rows=None),
    ]
    assert len({plan.fingerprint() for plan in [first, *unplanned]}) == 8
    declared = [_plan(rows=rows, marginal_share=1.0).fingerprint() for rows in (20_000, 20_001)]
    assert declared[0] != declared[1]


def test_planning_opens_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    _plan.__wrapped__(marginal_share=1.0)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the planner opened a file")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    assert _plan.__wrapped__(1.5, marginal_share=1.0).steps


@pytest.mark.slow
@settings(max_examples=3, derandomize=True)
@given(
    st.floats(0.1, 6),
    st.integers(500, 400_000),
    st.sampled_from(["quick", "standard"]),
    st.sampled_from([0.5, 1.0]),
)
def test_a_plan_never_costs_more_than_its_budget_and_wastes_little(
    epsilon: float, rows: int, effort: str, share: float
) -> None:
    plan = _plan(epsilon, rows, delta=1e-7, effort=effort, marginal_share=share)
    cost = spent(events_of(plan.steps).values(), plan.model_budget.delta).epsilon
    assert cost <= plan.model_budget.epsilon
    assert plan.cost is not None
    assert plan.cost.epsilon == pytest.approx(cost)
    assert cost >= 0.97 * epsilon


@pytest.mark.parametrize("rows", [20_000, None])
def test_each_steps_mechanism_noise_and_event_are_one(rows: int | None) -> None:
    plan = _plan(rows=rows)
    plan = plan if rows else with_domain(plan, SCHEMA, 19_876)
    assert len({step.name for step in plan.steps}) == len(plan.steps)
    for step in plan.steps:
        assert step.noise == pytest.approx(_noise_of(step.event), rel=1e-12)
        if step.kind is StepKind.CRITIC:
            assert plan.critic is not None
            assert step.event == plan.critic.event
        else:
            assert step.mechanism is not None
            assert step.mechanism.event == step.event
        assert events.from_json(step.to_json()["event"]) == step.event
    kinds = [step.kind for step in plan.steps]
    assert kinds.count(StepKind.MARGINAL) == 4
    assert kinds.count(StepKind.CELL_HISTOGRAM) == 2
    assert kinds.count(StepKind.SELECTION) == kinds.count(StepKind.CHOSEN_MARGINAL) > 0


def test_rounds_measure_more_precisely_as_they_go_on() -> None:
    noises = [step.noise for step in _plan().of_kind(StepKind.CHOSEN_MARGINAL)]
    assert noises == sorted(noises, reverse=True)
    assert noises[0] / noises[-1] == pytest.approx(2.0, rel=1e-3)


def test_an_undeclared_row_count_is_a_stage_of_its_own() -> None:
    plan = _plan(rows=None)
    assert (plan.rows, plan.steps, plan.cost, plan.critic) == (None, (), None, None)
    assert plan.domain_budget is not None
    assert plan.domain_cost is not None
    (step,) = plan.domain_steps
    assert step.mechanism is not None
    assert step.event == step.mechanism.event
    cost = spent([step.event], plan.domain_budget.delta).epsilon
    assert (
        0.97 * plan.domain_budget.epsilon
        <= cost
        == plan.domain_cost.epsilon
        <= plan.domain_budget.epsilon
    )
    assert plan.domain_budget.epsilon + plan.model_budget.epsilon == pytest.approx(
        plan.budget.epsilon
    )
    assert plan.domain_budget.delta + plan.model_budget.delta == pytest.approx(plan.budget.delta)
    after = with_domain(plan, SCHEMA, 12_345)
    assert after.declared_rows is None
    assert after.rows == 12_345
    assert (
        spent(events_of(after.steps).values(), after.model_budget.delta).epsilon
        <= after.model_budget.epsilon
    )


@pytest.mark.parametrize("rows", [20_000, None])
def test_the_ledger_approves_what_the_planner_plans(tmp_path: Path, rows: int | None) -> None:
    plan = _plan(rows=rows)
    with PrivacyLedger.open(str(tmp_path / "l.sqlite")).run(
        "plans", plan.budget, secret=True
    ) as run:
        if plan.domain_budget is not None:
            run.approve("domain", events_of(plan.domain_steps), plan.domain_budget)
            plan = with_domain(plan, SCHEMA, 20_500)
        run.approve("model", events_of(plan.steps), plan.model_budget)
        assert run.charge(plan.steps[0].name, plan.steps[0].event).event == plan.steps[0].event
        total = run.total()
    assert total is not None
    assert total.epsilon == pytest.approx(plan.budget.epsilon)


@pytest.mark.parametrize(
    ("rows", "delta", "told"),
    [
        (499, 1e-6, "at least 500"),
        (0, 1e-6, "at least 500"),
        (-5, 1e-6, "at least 500"),
        (1_000, 1e-3, "below 0.001"),
    ],
)
def test_row_counts_that_do_not_go_with_the_budget_are_refused(
    rows: int, delta: float, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        _plan(rows=rows, delta=delta)
    unknown = _plan(rows=None, delta=delta)
    with pytest.raises(UsageError, match=r"noisy row count"):
        with_domain(unknown, SCHEMA, rows)


@pytest.mark.parametrize(
    "more",
    [
        {"effort": "great"},
        {"canary_probability": 0.51},
        {"canary_probability": -0.1},
        {"canary_probability": float("nan")},
        {"marginal_share": 0.01},
        {"marginal_share": 1.1},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(more: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        _plan(**more)


def test_several_rows_of_one_customer_set_every_sensitivity() -> None:
    """Counts and scores move by up to k rows; customers' histogram and critic's sum by one."""
    several = replace(SCHEMA, unit=PrivacyUnit(column="id", max_rows=3))
    plan = make_plan(several, PrivacyBudget(epsilon=1), public_rows=None, marginal_share=0.8)
    assert [step.name for step in plan.domain_steps] == ["row-count", "rows-of-each"]
    count, each = (step.mechanism for step in plan.domain_steps)
    assert isinstance(count, TotalCount)
    assert isinstance(each, CountHistogram)
    assert (count.sensitivity, each.sensitivity) == (3, 1)
    plan = with_domain(plan, several, 9_000, (0.2, 0.3, 0.5))
    assert plan.kept_in_customers == pytest.approx(0.9 * 9_000 / 2.3)
    assert plan.critic is not None
    assert plan.critic.expected_batch_size == round(
        plan.critic.sample_rate * plan.kept_in_customers
    )
    for step in plan.steps:
        if isinstance(step.mechanism, (CountHistogram, Selection)):
            assert step.mechanism.sensitivity == 3
    one = with_domain(
        make_plan(SCHEMA, PrivacyBudget(epsilon=1), public_rows=None, marginal_share=0.8),
        SCHEMA,
        9_000,
    )
    first, last = (made.of_kind(StepKind.CHOSEN_MARGINAL)[0].noise for made in (one, plan))
    assert last > 2.9 * first


def test_delta_is_held_against_customers_not_rows() -> None:
    several = replace(SCHEMA, unit=PrivacyUnit(column="id", max_rows=3))
    plan = make_plan(several, PrivacyBudget(epsilon=1, delta=2e-4), public_rows=9_000)
    assert with_domain(plan, several, 9_000, (0.0, 0.0, 1.0)).steps
    with pytest.raises(UsageError, match="noisy number of customers of 9000 it must be below"):
        with_domain(plan, several, 9_000, (1.0, 0.0, 0.0))


def test_a_resumable_plan_holds_one_interval_in_reserve() -> None:
    plain = make_plan(
        SCHEMA, PrivacyBudget(epsilon=1), public_rows=5_000, effort="quick", marginal_share=0.6
    )
    plan = make_plan(
        SCHEMA,
        PrivacyBudget(epsilon=1),
        public_rows=5_000,
        effort="quick",
        marginal_share=0.6,
        options=PlanOptions(resumable=True),
    )
    assert plan.critic is not None
    assert plain.critic is not None
    assert plan.steps[-1].event == plan.critic.event_of(plan.critic.checkpoint_interval)
    assert plan.critic.checkpoint_interval * 20 >= plan.critic.steps
    assert (
        plain.critic.noise_multiplier
        < plan.critic.noise_multiplier
        < 1.1 * plain.critic.noise_multiplier
    )


def test_one_column_is_planned_without_rounds() -> None:
    plan = make_plan(ONE_COLUMN, PrivacyBudget(epsilon=1), public_rows=5_000, marginal_share=1.0)
    assert [step.kind for step in plan.steps] == [StepKind.MARGINAL]
    assert plan.critic is None
    assert 0.97 <= spent([plan.steps[0].event], 1e-6).epsilon <= 1.0


def test_fine_cells_are_more_where_their_noise_is_small_beside_the_rows() -> None:
    found = [
        number_of_cells(rows, noise)
        for rows, noise in ((600, 80.0), (10_000, 50.0), (40_000, 50.0), (10**6, 5.0))
    ]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (192, 1_024)
    assert found[1] < found[2]
    schema, budget = SCHEMA, PrivacyBudget(epsilon=3.0, delta=1e-6)
    plan = make_plan(schema, budget, public_rows=30_000)
    noise = next(step.noise for step in plan.of_kind(StepKind.CELL_HISTOGRAM))
    assert plan.marginals.max_cells == number_of_cells(plan.kept_in_rows, noise)
