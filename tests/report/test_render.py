"""The reports are self-contained, complete, safe, and state their assumptions."""

from __future__ import annotations

import copy
import datetime as dt
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from privgan.policy import evaluate, load_policy
from privgan.privacy.budget import PrivacyUnit
from privgan.report.data import InternalReport, NoisyShape, ShareableReport, guarantee_of
from privgan.report.odds import odds
from privgan.report.render import render_internal, render_shareable
from privgan.report.text import ceiling_percent, cost, number, short, words_of
from privgan.schema.columns import Discrete, Invented, Kind, Numeric, Source, Temporal
from privgan.schema.schema import Schema

VOID = {"meta", "link", "br", "img", "input", "hr"}
SVG_LEAVES = {"circle", "path", "rect", "line", "polygon", "polyline"}


class Outline(HTMLParser):
    """Collects tags, headings and attributes, and checks that every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(params=["shareable", "internal"])
def page(
    request: pytest.FixtureRequest, shareable: ShareableReport, internal: InternalReport
) -> str:
    return (
        render_shareable(shareable) if request.param == "shareable" else render_internal(internal)
    )


def test_page_loads_nothing_and_runs_nothing(page: str) -> None:
    outline = Outline(page)
    assert not {"script", "link", "iframe", "object", "embed", "img", "form"} & {
        tag for tag, _ in outline.tags
    }
    for _, attributes in outline.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
        assert "src" not in attributes
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert len(page.encode()) < 3_000_000


def test_page_is_accessible(page: str) -> None:
    outline = Outline(page)
    names = [tag for tag, _ in outline.tags]
    assert outline.open == []
    assert (
        names.count("h1")
        == names.count("main")
        == names.count("header")
        == names.count("footer")
        == 1
    )
    assert all(
        later - earlier <= 1
        for earlier, later in zip(outline.headings, outline.headings[1:], strict=False)
    )
    assert names.count("table") == names.count("caption")
    identifiers = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    labelled = {
        attributes["aria-labelledby"] for tag, attributes in outline.tags if tag == "section"
    }
    assert labelled <= set(identifiers)
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert 'aria-hidden="true"' in svg or (
            'role="img"' in svg and "<title>" in svg and "<desc>" in svg
        )


@pytest.mark.parametrize("report", ["shareable", "internal"])
def test_every_section_is_there(
    report: str, shareable: ShareableReport, internal: InternalReport
) -> None:
    expected = [
        "answer",
        "means",
        "guarantee",
        "steps",
        "shapes",
        "trends",
        "policy",
        "not-promised",
        "dictionary",
    ]
    expected += ["card", "standards", "provenance"]
    page = render_shareable(shareable) if report == "shareable" else render_internal(internal)
    expected += (
        ["attacks", "utility", "subgroups", "metrics", "ledger"] if report == "internal" else []
    )
    assert sorted(re.findall(r'<h2 id="([a-z-]+)"', page)) == sorted(expected)


def test_shareable_shows_its_figures(shareable: ShareableReport) -> None:
    page = render_shareable(shareable).replace("\u00a0", " ")
    for text in (
        "This table may be released under its policy",
        "Northwind Analytics",
        "ε = 3",
        "95.3 %",
        "90.6 %",
        "20.1 %",
        "1 × 10⁻⁶",
        "50,000",
    ):
        assert text in page
    for text in (
        "and 112 more",
        "marginal:age",
        "PLD 2.981",
        "Whether a run happened",
        "Not promised",
    ):
        assert text in page
    points = re.search(r'<polyline points="([^"]*)" class="outline"', page)
    assert points
    assert re.fullmatch(r"([\d.]+,[\d.]+ ?){41}", points.group(1))


def test_a_plan_without_dp_sgd_is_said_to_have_none(shareable: ShareableReport) -> None:
    told = "No budget went to DP-SGD"
    assert told not in render_shareable(shareable)
    assert told in render_shareable(replace(shareable, steps=shareable.steps[:2]))


def test_shareable_says_nothing_internal(shareable: ShareableReport) -> None:
    page = render_shareable(shareable)
    assert "CONFIDENTIAL" not in page
    assert not re.search(r"attack\.|utility\.|fidelity\.", page)


def test_internal_shows_the_audit(internal: InternalReport) -> None:
    page = render_internal(internal)
    assert page.count("CONFIDENTIAL") >= 3
    for text in (
        "attack.membership.advantage",
        "0.021",
        "no numeric target was named",
        "NOT_REFUTED",
        "2026-12-24",
    ):
        assert text in page
    assert 'class="ceiling"' in page


@pytest.mark.parametrize(
    ("status", "words"),
    [("FAIL", "must not be released"), ("INCONCLUSIVE", "Not yet"), ("PASS", "may be released")],
)
def test_internal_answers_first(internal: InternalReport, status: str, words: str) -> None:
    failed = {
        **internal.verdict["outcomes"][0],
        "status": "FAIL",
        "advice": "Too large: plan with less.",
    }
    verdict = {
        **internal.verdict,
        "status": status,
        "outcomes": [failed] if status != "PASS" else [],
    }
    page = render_internal(replace(internal, verdict=verdict))
    assert words in page
    assert ("Too large: plan with less." in page) == (status != "PASS")


def _with_guarantee(report: Any, **changes: Any) -> Any:
    release = copy.deepcopy(dict(report.release))
    release["guarantee"] |= changes
    return replace(report, release=release)


def test_every_epsilon_is_conditional(shareable: ShareableReport) -> None:
    text = "conditional on 2 assumed public facts"
    facts = ["segment.categories", "age.upper"]
    page = render_shareable(
        _with_guarantee(shareable, conditional_facts=facts, conditional_text=text)
    )
    plain = re.sub(
        r"<[^>]+>", " ", re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)
    )
    for found in re.finditer(r"ε = [\d.]+", plain):
        assert text in plain[found.start() : found.start() + 80], plain[
            found.start() : found.start() + 80
        ]
    assert all(fact in page for fact in facts)


def test_weak_guarantee_is_called_weak(shareable: ShareableReport) -> None:
    assert "The guarantee is weak" in render_shareable(_with_guarantee(shareable, epsilon=10.5))
    assert "The guarantee is weak" not in render_shareable(_with_guarantee(shareable, epsilon=10.0))
    assert "The guarantee is weak" in render_shareable(_with_guarantee(shareable, epsilon=1e300))


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "evil\u202etxt.exe",
    "bell\x07null\x00",
    "x" * 10_000,
    "{{ 7 * 7 }}",
    "</style></title>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_values_are_harmless(
    text: str, shareable: ShareableReport, internal: InternalReport
) -> None:
    column = {
        **shareable.schema["columns"][2],
        "name": text,
        "categories": [text, "b"],
        "description": text,
    }
    constraints = [
        {"at_most": [text, "b"], "description": text},
        {"when": text, "then": text},
        {"combinations": [text, "b"], "allowed": [[text, None]]},
    ]
    schema = {**shareable.schema, "columns": [column], "constraints": constraints}
    shape = NoisyShape(
        column=text, kind="categorical", labels=[text, "b"], noisy=[1, -3], synthetic=[0, 0]
    )
    release = {
        **shareable.release,
        "dataset": text,
        "context": {"recipient": text, "purpose": text},
    }
    changed = {"schema": schema, "release": release}
    for page in (
        render_shareable(replace(shareable, shapes=[shape], **changed)),
        render_internal(replace(internal, ledger=[{text: text}], **changed)),
    ):
        tags = {tag for tag, _ in Outline(page).tags}
        assert not tags & {"script", "img"}
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", page)
        assert "x" * 700 not in page
        assert "{{" not in text or "{{ 7 * 7 }}" in page


def test_constraints_stand_below_the_columns(shareable: ShareableReport) -> None:
    assert "Every synthetic row holds" not in render_shareable(shareable)
    constraints = [
        {"below": ["first", "last"]},
        {"at_most": ["clicks", "views"], "description": "only what was shown"},
        {"when": "orders = 0", "then": "spend = 0"},
        {"combinations": ["t", "u"], "allowed": [["x", "y"], ["z", None]]},
    ]
    page = render_shareable(
        replace(shareable, schema={**shareable.schema, "constraints": constraints})
    )
    words = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page))
    for told in (
        "first is below last",
        "clicks is at most views",
        "only what was shown",
        "when orders = 0, then spend = 0",
        "one of 2 combinations of t, u",
    ):
        assert told in words


@pytest.mark.slow
def test_many_columns_and_bins_stay_small(shareable: ShareableReport) -> None:
    bins = [str(i) for i in range(500)]
    shape = NoisyShape(
        column="c", kind="float", labels=bins, noisy=[1.0] * 500, synthetic=[2.0] * 500
    )
    page = render_shareable(replace(shareable, shapes=[shape] * 200))
    assert "140 more columns are not drawn" in page
    assert len(page.encode()) < 3_000_000


def test_release_without_context_is_for_whom_the_policy_is_for(shareable: ShareableReport) -> None:
    page = render_shareable(replace(shareable, release={**shareable.release, "context": {}}))
    assert shareable.policy["purpose"] in page


def test_empty_report_renders(shareable: ShareableReport, internal: InternalReport) -> None:
    assert render_shareable(replace(shareable, shapes=(), steps=()))
    assert render_internal(replace(internal, shapes=(), steps=(), audit={}, ledger=()))


@pytest.mark.parametrize(
    ("epsilon", "advantage", "hits"),
    [(0.1, 0.05, 0.0111), (1, 0.4621, 0.0272), (3, 0.9051, 0.2009), (8, 0.9993, 0.9997)],
)
def test_odds_match_the_reference(epsilon: float, advantage: float, hits: float) -> None:
    found = odds(epsilon, 1e-5)
    assert found.advantage == pytest.approx(advantage, abs=1e-4)
    assert found.hits == pytest.approx(hits, abs=1e-4)
    assert found.posterior + 1 / (1 + 2.718281828459045**epsilon) == pytest.approx(1)


def test_numbers_in_words() -> None:
    assert [number(v) for v in (None, 0.0, 1e-6, 2.5e-7, 3.0, 12345.0, 7, 0.123456)] == [
        "–",
        "0",
        "1 × 10⁻⁶",
        "2.5 × 10⁻⁷",
        "3",
        "12,345",
        "7",
        "0.1235",
    ]
    assert short("a\tb\u200f") == "a b⟨U+200F⟩"


@pytest.mark.parametrize(
    "share",
    [0.0, 1e-6, 0.00123, 0.0111, 0.2009, 0.5, 0.52498, 0.95258, 0.9991, 0.99994, 0.999999, 1.0],
)
def test_a_ceiling_is_never_rounded_down(share: float) -> None:
    told = float(ceiling_percent(share).removesuffix(" %")) / 100
    assert share - 1e-11 <= told <= min(1.0, share + max(1e-6, 0.2 * min(share, 1 - share)))


def test_every_epsilon_of_the_guarantee_has_its_delta_unit_and_relation(
    page: str, shareable: ShareableReport
) -> None:
    guarantee = shareable.release["guarantee"]
    text = re.sub(r"<(?:/?(?:bdi|code|strong))>", "", page)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    assert f"at δ = {number(guarantee['delta'])}" in text
    assert (
        f"for {guarantee['unit']}; neighbouring tables: {guarantee['neighbouring_relation']}"
        in text
    )
    for found in re.finditer(r"ε = [\d.,]+", text):
        nearby = text[found.end() : found.end() + 160]
        assert "δ" in nearby or "alone" in text[max(0, found.start() - 160) : found.end() + 160], (
            nearby
        )


def test_real_schema_verdict_and_release_render(
    shareable: ShareableReport, internal: InternalReport
) -> None:
    """The JSON of the pipeline's own classes renders."""
    schema = Schema(
        dataset="customers",
        unit=PrivacyUnit(),
        columns=(
            Discrete(
                name="city",
                kind=Kind.CATEGORICAL,
                categories=("a", "b"),
                sources={"categories": Source.CONFIRM},
            ),
            Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=90, missing=True),
            Temporal(
                name="joined",
                kind=Kind.DATE,
                lower=dt.datetime(2000, 1, 1),
                upper=dt.datetime(2026, 1, 1),
                format="%Y-%m-%d",
            ),
            Invented(name="id", kind=Kind.IDENTIFIER),
        ),
    ).to_json()
    verdict = evaluate(load_policy("internal-analytics"), {"guarantee.epsilon": math.inf})
    page = render_internal(replace(internal, schema=schema, verdict=verdict.to_json()))
    assert "must not be released" in page
    assert "guarantee.epsilon is inf; it must be at most 10" in re.sub("<[^>]+>", "", page)
    assert "2000-01-01" in page
    assert render_shareable(replace(shareable, schema=schema))


@pytest.mark.parametrize(
    ("epsilon", "shown"),
    [(3, "3"), (1.23441, "1.235"), (0.3, "0.3"), (12.3401, "12.35"), (2.0, "2")],
)
def test_a_printed_epsilon_is_never_below_the_claim(
    epsilon: float, shown: str, shareable: ShareableReport
) -> None:
    told = words_of("en").epsilon(replace(guarantee_of(shareable.release), epsilon=epsilon))
    assert told == f"ε = {shown} at δ = 1 × 10⁻⁶"


def test_a_cost_is_never_shown_too_small() -> None:
    values = (3.0, 2.3451, 1e-6, 1.00001e-6, 1.0001e6, 0.0)
    assert [cost(value) for value in values] == [
        "3",
        "2.346",
        "1 × 10⁻⁶",
        "1.01 × 10⁻⁶",
        "1,010,000",
        "0",
    ]
    assert cost(5e-324) == number(5e-324)
