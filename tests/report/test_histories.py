"""The internal report shows whole customers, each question beside two halves of the real ones."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from privgan.metrics import LANGUAGES
from privgan.report.data import InternalReport, ShareableReport
from privgan.report.render import render_internal, render_shareable
from privgan.report.sections.histories import history_sections
from privgan.report.text import words_of
from tests.audit.events import figures, independent, inputs, population

TITLES = ("gaps", "length", "cohorts", "transitions", "rfm")
HOSTILE = "<script>alert(1)</script>"


@cache
def _metrics() -> tuple[dict[str, Any], ...]:
    real, holdout = population(600)
    found = figures(inputs(real, holdout, independent(real, 1)))
    return tuple(metric.to_json() for metric in found.values())


@pytest.fixture
def report(internal: InternalReport) -> InternalReport:
    """The internal report of a schema with a history."""
    metrics = [*internal.audit["metrics"], *_metrics()]
    return replace(internal, audit={**internal.audit, "metrics": metrics})


def test_there_is_one_picture_a_question_with_both_halves(report: InternalReport) -> None:
    (section,) = history_sections(_metrics(), words_of("en"))
    pictures = [block for block in section.blocks if type(block).__name__ == "Figure"]
    assert [picture.drawing for picture in pictures] == ["pairs"] * len(TITLES)
    for picture in pictures:
        rows = picture.data["rows"]
        assert rows
        assert all(len(row["marks"]) <= 2 for row in rows)
        places = [row[key] for row in rows for key in ("reference", "synthetic")]
        places += [mark for row in rows for mark in row["marks"]]
        assert max(places) <= 98.0 + 1e-9
        assert min(places) >= 0.0
        assert len(picture.table.rows) == len(rows)
    html = render_internal(report)
    assert html.count("two halves of the real</li>") == len(TITLES)
    for title in TITLES:
        words = words_of("en").texts[f"histories.{title}"].split("{")[0]
        assert words in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_and_language_tells_the_figures(report: InternalReport, language: str) -> None:
    text = render_internal(report, "md", language)
    heading = words_of(language).texts["histories.heading"]
    assert f"## {heading}\n" in text
    told = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    within = next(m for m in _metrics() if m["name"] == "fidelity.history.within")
    assert f"{within['details']['real']:.4g}" in told
    assert re.search(r"\| R5 F5 M[1-5] \|", told)
    assert heading in render_internal(report, "json", language)


def test_a_report_without_a_history_has_no_such_section(
    internal: InternalReport, shareable: ShareableReport
) -> None:
    heading = words_of("en").texts["histories.heading"]
    assert heading not in render_internal(internal)
    assert heading not in render_shareable(shareable)
    assert "two halves of the real" not in render_internal(internal)
    assert history_sections(internal.audit["metrics"], words_of("en")) == []


def test_a_figure_that_was_not_run_says_why_once() -> None:
    metrics = [{**metric, "value": None, "reason": "no names"} for metric in _metrics()]
    (section,) = history_sections(metrics, words_of("en"))
    assert len(section.blocks) == 2
    assert "no names" in str(section.blocks[1])


def test_a_hostile_category_is_harmless(report: InternalReport) -> None:
    def spoiled(metric: dict[str, Any]) -> dict[str, Any]:
        if metric["name"] != "fidelity.history.transitions":
            return metric
        labels = [HOSTILE + label for label in metric["details"]["labels"]]
        details = {**metric["details"], "labels": labels, "column": HOSTILE}
        return {**metric, "details": details}

    metrics = [spoiled(metric) for metric in report.audit["metrics"]]
    html = render_internal(replace(report, audit={**report.audit, "metrics": metrics}))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
