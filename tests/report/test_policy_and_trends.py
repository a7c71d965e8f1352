"""Waivers, Chinese texts of a policy, maps of associations, and the ledger's line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from privgan.report.associations import difference_map, heat_map, pairs_by_strength
from privgan.report.data import InternalReport, RealTrends, ShareableReport
from privgan.report.ledger_line import HEIGHT, WIDTH, ledger_line
from privgan.report.render import render_internal, render_shareable

WAIVER = {"who": "A. Officer", "why": "small group, checked by hand", "until": "2027-01-31"}


def _with_waiver(internal: InternalReport) -> InternalReport:
    first, *rest = internal.verdict["outcomes"]
    waived = {
        **first,
        "status": "WAIVED",
        "waiver": WAIVER,
        "reason_zh": "超过上限的保护太弱。",
        "clause": "Recital 26",
    }
    return replace(
        internal,
        verdict={**internal.verdict, "purpose_zh": "供机构内部使用。", "outcomes": [waived, *rest]},
    )


def _plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page))


def test_a_waived_gate_says_who_why_and_until_when(internal: InternalReport) -> None:
    report = _with_waiver(internal)
    for form in ("html", "md", "json"):
        told = _plain(render_internal(report, form))
        for text in (
            "One gate was waived",
            "Waived by A. Officer until 2027-01-31: small group, checked by hand",
            "Recital 26",
        ):
            assert text in told, form
    assert '<span class="tag open">Waived</span>' in render_internal(report)


def test_the_recipient_is_told_of_a_waived_public_gate(shareable: ShareableReport) -> None:
    first, *rest = shareable.policy["outcomes"]
    policy = {
        **shareable.policy,
        "outcomes": [{**first, "status": "WAIVED", "waiver": WAIVER}, *rest],
    }
    told = _plain(render_shareable(replace(shareable, policy=policy)))
    assert "One gate was waived" in told
    assert "Waived by A. Officer until 2027-01-31" in told
    assert "waived" not in _plain(render_shareable(shareable))


def test_chinese_texts_of_gates_and_policies_are_used(internal: InternalReport) -> None:
    told = _plain(render_internal(_with_waiver(internal), language="zh"))
    for text in (
        "超过上限的保护太弱。",
        "由 A. Officer 豁免至 2027-01-31",
        "供机构内部使用。",
        "有 1 项要求被豁免",
    ):
        assert text in told
    assert "A partner may hold other data." in told  # The other gate has no Chinese text.
    assert "超过上限的保护太弱。" not in _plain(render_internal(_with_waiver(internal)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_blocks_stands_at_the_top_with_what_to_do(
    internal: InternalReport, language: str
) -> None:
    first, *rest = internal.verdict["outcomes"]
    missing = {**first, "status": "MISSING", "value": None, "advice": "Name a reviewer."}
    verdict = {**internal.verdict, "status": "INCONCLUSIVE", "outcomes": [missing, *rest]}
    told = _plain(render_internal(replace(internal, verdict=verdict), language=language))
    assert told.index("Name a reviewer.") < told.index("ε = 3")


def test_the_shareable_map_knows_synthetic_rows_only(
    shareable: ShareableReport, internal: InternalReport
) -> None:
    page, inside = render_shareable(shareable), render_internal(internal)
    assert "Only synthetic rows were used" in page
    assert "Map of differences" not in page
    assert "Map of differences between real and synthetic associations" in inside
    assert "-0.90" in inside
    assert "-0.90" not in page
    assert isinstance(internal.trends, RealTrends)
    without = render_internal(replace(internal, trends=shareable.trends))
    assert "Map of differences" not in without


def test_a_map_has_a_square_for_each_pair_and_darker_means_stronger() -> None:
    triangle = [[0.5], [-0.9, None]]
    drawn = heat_map(["a", "b", "c"], lower=triangle)
    assert [(square.x, square.y, square.negative) for square in drawn.squares] == [
        (0, 16, False),
        (0, 32, True),
    ]
    assert drawn.squares[0].strength < drawn.squares[1].strength <= 1
    assert [
        (pair.first, pair.second, pair.value)
        for pair in pairs_by_strength(["a", "b", "c"], triangle)
    ] == [
        ("a", "c", -0.9),
        ("a", "b", 0.5),
    ]
    both = heat_map(["a", "b", "c"], lower=triangle, upper=[[0.1], [0.2, 0.3]])
    assert {(square.x, square.y) for square in both.squares} == {
        (0, 16),
        (0, 32),
        (16, 0),
        (32, 0),
        (32, 16),
    }


def test_differences_are_absolute_and_the_largest_comes_first() -> None:
    _, pairs = difference_map(["a", "b", "c"], [[0.5], [-0.9, None]], [[0.4], [0.1, 0.2]])
    found = [(pair.first, pair.second, round(pair.value, 6), pair.of) for pair in pairs]
    assert found == [
        ("a", "c", 1.0, (-0.9, 0.1)),
        ("b", "c", 0.2, (0.0, 0.2)),
        ("a", "b", 0.1, (0.5, 0.4)),
    ]


def _entry(kind: str, day: int, epsilon: float | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "run": f"r{day}",
        "time": f"2026-11-{day:02}T10:00:00+00:00",
        "epsilon": epsilon,
    }


def test_the_line_of_the_ledger_adds_up_and_stays_inside() -> None:
    entries = [
        _entry("budget", 1, 9.0),
        _entry("run", 2, 1.0),
        _entry("charge", 2, None),
        _entry("run", 12, 2.5),
    ]
    line = ledger_line(entries, 10.0)
    assert [(step.run, step.total) for step in line.steps] == [("r2", 1.0), ("r12", 3.5)]
    pairs = [tuple(map(float, pair.split(","))) for pair in line.points.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in pairs)
    assert [x for x, _ in pairs] == sorted(x for x, _ in pairs)
    assert [y for _, y in pairs] == sorted((y for _, y in pairs), reverse=True)
    assert line.lifetime is not None
    assert line.lifetime < min(y for _, y in pairs)
    assert [step.run for step in line.ends] == ["r2", "r12"]
    assert ledger_line(entries[:1], None).steps == ()


def test_a_named_target_is_told_in_the_model_card(shareable: ShareableReport) -> None:
    named = replace(shareable, schema={**shareable.schema, "target": "segment"})
    for language, told in (("en", "Column that it mainly predicts"), ("zh", "主要用于预测的列")):
        assert told in render_shareable(named, "md", language)
        assert told not in render_shareable(shareable, "md", language)
