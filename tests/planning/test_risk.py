"""A requested risk limit becomes the ε whose plan keeps it, or is refused.

It is checked on the very plan, with few plans made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from privgan.errors import UsageError
from privgan.planning.plan import Plan, events_of
from privgan.planning.planner import make_plan, with_domain
from privgan.planning.risk import (
    PLANS,
    MaxAdvantage,
    MaxTruePositiveRate,
    RiskLimit,
    budget_for,
    curve_of,
)
from privgan.privacy import tradeoff
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from tests.thinning import some

SCHEMA = Schema(
    dataset="risks",
    unit=PrivacyUnit(),
    columns=(
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=("a", "b", "c")),
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=95),
        Discrete(name="left", kind=Kind.BOOLEAN, categories=("no", "yes")),
    ),
)


def planner(
    rows: int | None, share: float = 0.6
) -> tuple[Callable[[PrivacyBudget], Plan], list[Plan]]:
    made: list[Plan] = []

    def plan(budget: PrivacyBudget) -> Plan:
        made.append(
            make_plan(SCHEMA, budget, public_rows=rows, marginal_share=share, effort="quick")
        )
        return made[-1]

    return plan, made


@pytest.mark.parametrize("share", some([0.5, 1.0], 2))
@pytest.mark.parametrize(
    "limit",
    [
        MaxAdvantage(0.02),
        MaxAdvantage(0.2),
        MaxAdvantage(0.9),
        MaxTruePositiveRate(0.012, 0.01),
        MaxTruePositiveRate(0.05, 0.01),
        MaxTruePositiveRate(0.9, 0.1),
    ],
    ids=str,
)
def test_the_plan_keeps_the_limit_and_comes_close_to_it(limit: RiskLimit, share: float) -> None:
    make, made = planner(20_000, share)
    found = budget_for(limit, make)
    assert len(made) <= PLANS == 8
    assert not found.worst_case
    plan = make_plan(SCHEMA, found.budget, public_rows=20_000, marginal_share=share, effort="quick")
    own = limit.risk(curve_of(plan))
    assert own == found.risk <= limit.most
    assert limit.shift(own) >= 0.98 * limit.shift(limit.most)
    by_losses = limit.risk(tradeoff.of_events(events_of(plan.steps).values()))
    assert by_losses <= limit.most
    worst = limit.risk(tradeoff.of_budget(found.budget.epsilon, found.budget.delta))
    assert worst > limit.most, "the plan's own curve allows more ε than (ε, δ) alone would"


@pytest.mark.parametrize("limit", [MaxAdvantage(0.2), MaxTruePositiveRate(0.05, 0.01)], ids=str)
def test_a_plan_whose_second_stage_is_not_known_rests_on_the_worst_case(limit: RiskLimit) -> None:
    make, made = planner(None)
    found = budget_for(limit, make)
    assert len(made) <= 2
    assert found.worst_case
    assert "worst case" in str(found)
    assert "stage 2 is not known" in str(found)
    assert found.risk == limit.risk(tradeoff.of_budget(found.budget.epsilon, found.budget.delta))
    assert 0.999 * limit.most <= found.risk <= limit.most
    plan = make(found.budget)
    assert limit.risk(curve_of(with_domain(plan, SCHEMA, 20_000))) == found.risk, (
        "nor after stage 1: its noise was adaptive"
    )


def test_more_risk_means_more_epsilon_and_a_smaller_delta_less() -> None:
    make, _ = planner(20_000, 1.0)
    epsilons = [budget_for(MaxAdvantage(most), make).budget.epsilon for most in (0.05, 0.2, 0.5)]
    assert epsilons == sorted(set(epsilons))
    assert budget_for(MaxAdvantage(0.2), make, delta=1e-9).budget.epsilon > epsilons[1]


@pytest.mark.parametrize(
    ("limit", "delta", "told"),
    [
        (MaxAdvantage(1e-5), 1e-6, "no plan is that private"),
        (MaxAdvantage(0.05), 0.1, "no plan is that private"),
        (MaxTruePositiveRate(0.0100001, 0.01), 1e-6, "no plan is that private"),
        (MaxAdvantage(0.001), 1e-6, "too small for this plan"),
    ],
    ids=str,
)
def test_what_cannot_be_reached_is_refused(limit: RiskLimit, delta: float, told: str) -> None:
    make, _ = planner(20_000, 1.0)
    if told.startswith("too small"):
        make = _only_above(make, 0.1)
    with pytest.raises(UsageError, match=told):
        budget_for(limit, make, delta=delta)


def test_a_limit_that_every_plan_keeps_is_refused() -> None:
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=0.1), public_rows=20_000, marginal_share=1.0)
    with pytest.raises(UsageError, match="ε above 100, which protects nobody"):
        budget_for(
            MaxAdvantage(0.5), lambda budget: replace(plan, budget=budget, model_budget=budget)
        )


@pytest.mark.slow
def test_a_limit_next_to_certainty_is_found_all_the_same() -> None:
    make, made = planner(20_000, 1.0)
    found = budget_for(MaxAdvantage(1 - 1e-6), make)
    assert len(made) <= PLANS
    assert 0.9 < found.risk <= 1 - 1e-6


def _only_above(
    make: Callable[[PrivacyBudget], Plan], least: float
) -> Callable[[PrivacyBudget], Plan]:
    def plan(budget: PrivacyBudget) -> Plan:
        if budget.epsilon < least:
            raise UsageError(f"epsilon = {budget.epsilon:g} is too small for this plan")
        return make(budget)

    return plan


@pytest.mark.parametrize("advantage", [0.0, 1.0, -0.1, 2.0, float("nan"), float("inf")])
def test_an_impossible_advantage_is_refused(advantage: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        MaxAdvantage(advantage)


@pytest.mark.parametrize(
    ("found", "alarms"),
    [(0.01, 0.05), (0.05, 0.05), (1.0, 0.1), (0.1, 0.0), (float("nan"), 0.1), (0.1, -0.1)],
)
def test_impossible_rates_are_refused(found: float, alarms: float) -> None:
    with pytest.raises(UsageError, match="both must be above 0 and below 1"):
        MaxTruePositiveRate(found, alarms)


def test_a_plan_of_one_stage_has_the_lower_of_its_two_ceilings() -> None:
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=2), public_rows=20_000, marginal_share=1.0)
    curve, worst = curve_of(plan), tradeoff.of_budget(2.0, 1e-6)
    assert curve.advantage() < 0.6 * worst.advantage()
    assert curve_of(replace(plan, steps=())).advantage() == worst.advantage()
