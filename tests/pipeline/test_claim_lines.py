"""A plan's first lines: its own curve, the worst case, and the precision of shares."""

from __future__ import annotations

from privgan.pipeline.preflight import claim_lines
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.release.guarantee import accounting, claim
from privgan.schema.columns import Discrete, Kind
from privgan.schema.schema import Schema

SCHEMA = Schema(
    dataset="d",
    unit=PrivacyUnit(),
    columns=tuple(
        Discrete(name=name, kind=Kind.CATEGORICAL, categories=("x", "y", "z")) for name in "abc"
    ),
)
BUDGET = PrivacyBudget(epsilon=3, delta=1e-6)


def _lines(rows: int | None) -> tuple[str, ...]:
    plan = make_plan(SCHEMA, BUDGET, public_rows=rows)
    return claim_lines(claim(plan, SCHEMA, secret=True), accounting(plan))


def test_the_plans_own_curve_comes_first_and_the_worst_case_below_it() -> None:
    own, worst, precise = _lines(20_000)
    assert own.startswith("by this plan's own trade-off curve an attacker is right at most 6")
    assert own.endswith("at 1 % false alarms")
    assert worst.startswith("worst case: ε = 3, δ = 1e-06 for one row")
    assert "95.3 %" in worst
    assert "95.3 %" not in own
    assert precise.startswith("expected noise: ±")
    assert "in a count of two columns" in precise


def test_where_the_row_count_is_measured_it_says_that_no_curve_is_known() -> None:
    unknown, worst = _lines(None)
    assert unknown.startswith("the plan's own trade-off curve is not known")
    assert unknown.endswith("the worst case of ε and δ holds")
    assert worst.startswith("worst case: ")
