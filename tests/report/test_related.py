"""The internal report shows each further table, a picture a question, in both languages."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from privgan.audit.related.customers import Customers, Family
from privgan.audit.related.measures import NAMES, related_metrics
from privgan.metric import none_run
from privgan.metrics import LANGUAGES
from privgan.report.data import InternalReport, ShareableReport
from privgan.report.render import render_internal, render_shareable
from privgan.report.sections.related import related_sections
from privgan.report.text import words_of
from tests.related.shop import frames, schema
from tests.related.test_views import related

HOSTILE = "<script>alert(1)</script>"
# Two further tables have a picture each of their numbers of rows.
TITLES = ("children", "children", "within", "columns", "pairs", "parent_pairs")


@cache
def _metrics() -> tuple[dict[str, Any], ...]:
    family = Family.of(schema(), related(frames(120)))
    real, made = (Customers.of(family, related(frames(120, seed))) for seed in (0, 1))
    return tuple(metric.to_json() for metric in related_metrics(real, made, 0))


@pytest.fixture
def report(internal: InternalReport) -> InternalReport:
    """The internal report of related tables."""
    metrics = [*internal.audit["metrics"], *_metrics()]
    return replace(internal, audit={**internal.audit, "metrics": metrics})


def test_there_is_one_picture_a_question(report: InternalReport) -> None:
    (section,) = related_sections(_metrics(), words_of("en"))
    pictures = [block for block in section.blocks if type(block).__name__ == "Figure"]
    assert [picture.drawing for picture in pictures] == ["pairs"] * len(TITLES)
    for picture in pictures:
        rows = picture.data["rows"]
        places = [row[key] for row in rows for key in ("reference", "synthetic")]
        places += [mark for row in rows for mark in row.get("marks", ())]
        assert 0.0 <= min(places) <= max(places) <= 98.0 + 1e-9
        assert len(picture.table.rows) == len(rows)
    html = render_internal(report)
    for title in TITLES:
        assert words_of("en").texts[f"related.{title}"].split("{")[0] in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_and_language_tells_the_figures(report: InternalReport, language: str) -> None:
    text, heading = render_internal(report, "md", language), words_of(language)("related.heading")
    told = text.split(f"## {heading[0].text}\n")[1].split("\n## ")[0]
    within = next(metric for metric in _metrics() if metric["name"] == "fidelity.related.within")
    for column in within["details"]["columns"]:
        assert column["column"] in told
        assert f"{column['real']:.3f}".lstrip("-") in told
    assert "lines.product × orders.channel" in told
    assert heading[0].text in render_internal(report, "json", language)


def test_a_report_of_one_table_has_no_such_section(
    internal: InternalReport, shareable: ShareableReport
) -> None:
    heading = words_of("en").texts["related.heading"]
    assert heading not in render_internal(internal)
    assert heading not in render_shareable(shareable)


def test_figures_that_were_not_run_say_why_once() -> None:
    metrics = [metric.to_json() for metric in none_run(NAMES, "no rows")]
    (section,) = related_sections(metrics, words_of("en"))
    assert len(section.blocks) == 2
    assert "no rows" in str(section.blocks[1])


def test_a_hostile_name_is_harmless(report: InternalReport) -> None:
    def spoiled(metric: dict[str, Any]) -> dict[str, Any]:
        details = dict(metric["details"])
        for key in ("columns", "marginals"):
            if ".related." in metric["name"] and key in details:
                renamed = [
                    {**part, "column": HOSTILE, "columns": [HOSTILE], "table": HOSTILE}
                    for part in details[key]
                ]
                details[key] = renamed
        return {**metric, "details": details}

    metrics = [spoiled(metric) for metric in report.audit["metrics"]]
    html = render_internal(replace(report, audit={**report.audit, "metrics": metrics}))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
