"""The picture of all attacks: every attack and the ceiling, all inside the frame."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import privgan
from privgan.metric import Metric
from privgan.privacy import tradeoff
from privgan.report.attack_curves import _SCORES, SIZE, attack_panels, best_attack
from privgan.report.data import InternalReport
from privgan.report.render import render_internal
from privgan.report.text import words_of

EN = words_of("en")
ROC = {"fpr": [0.001, 0.01, 0.5], "tpr": [0.01, 0.1, 0.8]}
METRICS = [
    Metric(name="attack.membership.auc", value=0.7, details={"roc": ROC}).to_json(),
    Metric(name="attack.membership.nearest_auc", value=0.7, details={"roc": ROC}).to_json(),
    Metric(
        name="attack.linkability.excess",
        value=0.1,
        details={"true_positive_rate": 0.1, "false_positive_rate": 0.0},
    ).to_json(),
    Metric.not_run("attack.inference.excess", "too small").to_json(),
]
TEMPLATES = Path(privgan.__file__).parent / "report" / "templates"
CLAIM = {"epsilon": 1.0, "delta": 1e-5}


def _pairs(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in points.split())]


def test_curves_and_ceiling_are_where_they_belong():
    straight, logarithmic = attack_panels(METRICS, CLAIM, EN)
    assert [curve.label for curve in straight.curves] == [
        "combined membership score (it decides)",
        "nearest synthetic row",
    ]
    assert _pairs(straight.curves[0].points) == [
        (0.0, 360.0),
        (0.4, 356.4),
        (3.6, 324.0),
        (180.0, 72.0),
        (360.0, 0.0),
    ]
    assert _pairs(logarithmic.curves[0].points)[:2] == [(0.0, 240.0), (120.0, 120.0)]
    for x, y in _pairs(straight.ceiling):
        # Points are rounded to a tenth, and the ceiling is at most e times as steep.
        assert 1 - y / SIZE == pytest.approx(
            tradeoff.of_budget(1.0, 1e-5).true_positive_rate(min(1.0, x / SIZE)), abs=1e-3
        )
    assert [(mark.letter, mark.label, mark.y) for mark in straight.marks] == [
        ("A", "linkability", 324.0)
    ]


def test_nothing_is_drawn_outside_the_frame():
    for panel in attack_panels(METRICS, CLAIM, EN):
        lines = [panel.chance, panel.ceiling, *(curve.points for curve in panel.curves)]
        places = [pair for line in lines for pair in _pairs(line)] + [
            (mark.x, mark.y) for mark in panel.marks
        ]
        assert all(0 <= x <= SIZE and 0 <= y <= SIZE for x, y in places)


def test_without_a_claim_there_is_no_ceiling_and_without_rates_no_picture():
    assert all(
        panel.ceiling == ""
        for panel in attack_panels(METRICS, {"epsilon": None, "delta": None}, EN)
    )
    assert attack_panels(METRICS[3:], CLAIM, EN) == ()
    assert attack_panels([], {}, EN) == ()


def test_the_internal_report_draws_it_whole(internal: InternalReport):
    page = render_internal(replace(internal, audit={"claim": CLAIM, "metrics": METRICS}))
    assert page.count('class="roc ceiling"') == 2
    assert page.count('class="roc r0"') == page.count('class="roc r2"') == 3
    assert "…" not in "".join(re.findall(r'points="([^"]*)"', page))
    assert "A is linkability" in page
    assert page.count('class="roc own"') == 3
    without = render_internal(replace(internal, audit={"metrics": []}, reach=None))
    assert 'class="roc' not in without


def test_the_best_attack_is_told_with_what_is_allowed_there(internal: InternalReport):
    best = best_attack(METRICS, CLAIM)
    assert best is not None
    assert (best.name, best.hits, best.alarms) == ("attack.membership.auc", 0.8, 0.5)
    assert best.limit == pytest.approx(tradeoff.of_budget(1.0, 1e-5).true_positive_rate(0.5))
    alone = [metric | {"name": "attack.singling_out.excess"} for metric in METRICS[2:3]]
    assert best_attack(alone, CLAIM) is None, "no ceiling applies to singling out"
    unclaimed = best_attack(METRICS, {"epsilon": None, "delta": None})
    assert unclaimed is not None
    assert unclaimed.limit is None
    page = render_internal(replace(internal, audit={"claim": CLAIM, "metrics": METRICS}), "md")
    assert "Best attack: combined membership score" in page


def test_each_curve_has_a_line_of_its_own() -> None:
    css = (TEMPLATES / "figures.css").read_text("utf-8")
    rules = [re.search(rf"\.r{style}\{{([^}}]+)\}}", css) for style in range(len(_SCORES))]
    assert all(rule and "stroke:" in rule[1] for rule in rules)
    assert len({rule[1] for rule in rules if rule}) == len(rules)
