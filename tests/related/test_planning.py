"""The plan of related tables: parts, sensitivities, and what is asked for in vain."""

from __future__ import annotations

import pytest

from privgan.errors import UsageError
from privgan.planning.plan import GeneratorKind, Plan, StepKind
from privgan.planning.planner import make_plan, with_domain
from privgan.privacy.accountant import spent
from privgan.privacy.budget import PrivacyBudget
from tests.related.shop import schema

ROWS = {"orders": (2_000, 1_000, 500, 200, 100), "lines": (900, 700, 500, 300, *[100] * 8)}


def _planned(epsilon: float = 3.0, rows: dict[str, tuple[int, ...]] | None = None) -> Plan:
    first = make_plan(schema(), PrivacyBudget(epsilon=epsilon), public_rows=5_000)
    return with_domain(first, schema(), 5_000, (1.0,), rows or ROWS)


def test_the_customers_with_each_number_of_rows_are_counted_first() -> None:
    plan = make_plan(schema(), PrivacyBudget(epsilon=3), public_rows=5_000)
    assert [step.name for step in plan.domain_steps] == [
        "rows-of-each:orders",
        "rows-of-each:lines",
    ]
    for step in plan.domain_steps:
        assert step.kind is StepKind.ROWS_OF_EACH
        assert step.event.sensitivity == 1  # type: ignore[attr-defined]
    assert not plan.steps


def test_every_step_of_a_part_has_the_sensitivity_of_its_rows() -> None:
    plan = _planned()
    assert [part.name for part in plan.parts] == ["customers", "orders", "lines"]
    most = {part.name: part.plan.unit.max_rows for part in plan.parts}
    assert most["customers"] == 1
    assert most["orders"] <= 5
    assert most["lines"] <= 12
    for step in plan.steps:
        wanted = most.get(step.name.partition(".")[0], 1)
        mechanism = getattr(step.mechanism, "histogram", step.mechanism)
        assert mechanism is not None
        assert mechanism.sensitivity == wanted, step.name  # type: ignore[union-attr]


def test_all_parts_together_cost_what_the_budget_allows() -> None:
    for epsilon in (1.0, 3.0):
        plan = _planned(epsilon)
        cost = spent([step.event for step in plan.steps], plan.model_budget.delta)
        assert cost.epsilon <= plan.model_budget.epsilon
        assert cost.epsilon > 0.97 * plan.model_budget.epsilon
        assert plan.domain_budget is not None
        assert plan.domain_budget.epsilon + plan.model_budget.epsilon == pytest.approx(epsilon)


def test_nothing_is_measured_among_what_is_known_before_a_row() -> None:
    plan = _planned()
    orders = plan.parts[1].plan
    pairs = [step for step in orders.steps if step.name.startswith(("pairs", "differences"))]
    number = sum(step.mechanism.number for step in pairs)  # type: ignore[union-attr]
    # Of 10 columns, 2 are the parent's, one is their number, and 3 are another row's.
    assert number == 10 * 9 // 2 - 6 * 5 // 2


def test_more_customers_let_more_rows_of_each_be_measured() -> None:
    many = {name: tuple(1_000 * count for count in each) for name, each in ROWS.items()}
    few, large = _planned(), _planned(rows=many)
    for one, other in zip(few.parts, large.parts, strict=True):
        assert one.plan.unit.max_rows <= other.plan.unit.max_rows


def test_a_plan_is_the_same_whenever_it_is_made() -> None:
    assert _planned().fingerprint() == _planned().fingerprint()
    stated = _planned().to_json()
    assert stated["table_rows"] == {name: list(each) for name, each in ROWS.items()}


def test_networks_and_checkpoints_are_refused() -> None:
    budget = PrivacyBudget(epsilon=3)
    for kind in (GeneratorKind.NETWORK, GeneratorKind.GAN):
        with pytest.raises(UsageError, match="of related tables the generator is"):
            make_plan(schema(), budget, public_rows=5_000, kind=kind)
    with pytest.raises(UsageError, match=r"of related tables the share of the marginals is 0.5"):
        make_plan(schema(), budget, public_rows=5_000, marginal_share=0.5)
