"""The first card: attack limits by the plan's own curve, and usefulness."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from privgan.planning.accounted_step import AccountedStep
from privgan.planning.planner import make_plan
from privgan.planning.risk import curve_of
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.release.guarantee import accounting
from privgan.report.data import InternalReport, PlanStep, ShareableReport
from privgan.report.odds import RATES, odds, reach_of
from privgan.report.precision import precision_of
from privgan.report.render import render_internal, render_shareable
from privgan.report.text import ceiling_percent
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema

SCHEMA = Schema(
    dataset="d",
    unit=PrivacyUnit(),
    columns=(
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=89),
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=("gold", "tin")),
        Discrete(name="city", kind=Kind.CATEGORICAL, categories=tuple("abcdef")),
    ),
)
CLAIM = {"epsilon": 3.0, "delta": 1e-6}


def _plain(page: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).replace("\u00a0", " ")
    return re.sub(r"\s+", " ", text)


def test_the_reach_is_that_of_the_plan() -> None:
    plan = make_plan(SCHEMA, PrivacyBudget(epsilon=3, delta=1e-6), public_rows=20_000)
    found, own = reach_of(**CLAIM, steps=accounting(plan)), curve_of(plan)
    assert found is not None
    assert (found.certainty, found.advantage) == (own.certainty(), own.advantage())
    assert found.hits == own.true_positive_rate(0.01)
    assert list(found.curve) == [own.true_positive_rate(rate) for rate in RATES]
    worst = odds(3.0, 1e-6)
    assert found.certainty < 0.7 < 0.95 < worst.certainty
    assert all(mine <= most for mine, (_, most) in zip(found.curve, worst.curve, strict=True))


def test_a_plan_of_two_stages_and_an_infinite_epsilon_have_no_curve_of_their_own() -> None:
    event = {"event": "discrete_gaussian", "standard_deviation": 9.0, "sensitivity": 1}
    model, domain = (
        AccountedStep(
            name=stage,
            kind="measure",
            noise=9.0,
            expected_error=None,
            event=event,
            epsilon=3.0,
            stage=stage,
        )
        for stage in ("model", "domain")
    )
    assert reach_of(**CLAIM, steps=[model]) is not None
    assert reach_of(**CLAIM, steps=[domain, model]) is None
    assert reach_of(**CLAIM, steps=[]) is None
    for epsilon in (None, math.inf):
        assert reach_of(epsilon, 1e-6, [model]) is None


@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_the_plans_own_figures_come_before_the_worst_case(
    shareable: ShareableReport, form: str
) -> None:
    assert shareable.reach is not None
    told = _plain(render_shareable(shareable, form))
    own, worst = (
        ceiling_percent(shareable.reach.certainty),
        ceiling_percent(odds(3.0, 1e-6).certainty),
    )
    assert (
        told.index("An attacker is right at most")
        < told.index(own)
        < told.index("The worst case of")
    )
    assert told.index(own) < told.index(worst)
    assert "by this plan’s own trade-off curve" in told


def test_without_a_curve_the_worst_case_is_said_to_be_one(shareable: ShareableReport) -> None:
    told = _plain(render_shareable(replace(shareable, reach=None)))
    assert "No trade-off curve of the plan itself is known here" in told
    assert "in the worst case of ε and δ" in told
    assert "by this plan’s own" not in told
    assert told.index("An attacker is right at most") < told.index("95.3 %")


def _step(kind: str, error: float | None) -> PlanStep:
    return PlanStep(name=kind, kind=kind, epsilon=1.0, expected_error=error)


def test_precision_is_the_plans_largest_expected_error() -> None:
    steps = [
        _step("1-way marginal", 0.001),
        _step("2-way marginals", 0.002),
        _step("differences in 2-way marginals", 0.004),
        _step("2-way marginals of the target", 0.0001),
        _step("chosen marginal", 0.009),
        _step("choice of a marginal", None),
    ]
    found = precision_of(steps)
    assert (found.one, found.two, found.every_pair, found.distance) == (0.001, 0.004, True, None)
    chosen = precision_of([steps[0], steps[4]])
    assert (chosen.two, chosen.every_pair) == (0.009, False)
    assert precision_of([]).one is None


def test_usefulness_is_told_from_noise_alone(shareable: ShareableReport) -> None:
    steps = [_step("1-way marginal", 0.0012), _step("2-way marginals", 0.0031)]
    told = _plain(render_shareable(replace(shareable, steps=steps)))
    for text in (
        "Shares are good to within",
        "±0.31 %",
        "For one column: 0.12 %",
        "from the noisy ones on average",
    ):
        assert text in told
    assert "Shares are good" not in _plain(render_shareable(replace(shareable, steps=steps[:0])))
    assert "±0.12 %" in _plain(render_shareable(replace(shareable, steps=steps[:1])))


def test_the_internal_report_begins_with_what_was_measured(internal: InternalReport) -> None:
    page = render_internal(internal)
    told = _plain(page)
    assert (
        told.index("Measured attack")
        < told.index("Measured usefulness")
        < told.index("An attacker is right")
    )
    assert "Trained on real rows: 0.919" in told
    names = re.findall(r'<h2 id="([a-z-]+)"', page)
    assert names[:4] == ["answer", "attacks", "utility", "means"]


def test_an_internal_report_without_an_audit_begins_with_the_noise(
    internal: InternalReport,
) -> None:
    audit: dict[str, Any] = {"verdict": "NOT RUN", "metrics": []}
    told = _plain(render_internal(replace(internal, audit=audit)))
    assert "Measured attack" not in told
    assert told.index("Shares are good to within") < told.index("An attacker is right")
