"""Hostile names of columns, categories and recipients break no page, Markdown or JSON."""

from __future__ import annotations

import html
import json
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from privgan.release.report_files import check_harmless_html, check_plain_markdown
from privgan.report.data import InternalReport, NoisyShape, ShareableReport
from privgan.report.render import render_internal, render_shareable
from privgan.report.text import HIDDEN, short

NASTY = st.one_of(
    st.text(min_size=1, max_size=80),
    st.text(alphabet="<>&\"'`|*_[]()#\\!{}~=+-@$:/.\n\r\t 1ax", min_size=1, max_size=60),
    st.sampled_from(
        (
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "</svg></style></title><script>",
            "=cmd|' /C calc'!A0",
            "@SUM(1+1)*cmd",
            "evil\u202etxt.exe",
            "\u2066\u200b\ufeff\u0007\x00\x1b[31m",
            "[x](javascript:alert(1))",
            "![x](https://example.org/x.png)",
            "<https://example.org>",
            "https://example.org www.example.org a@b.org",
            "| a | b |\n|---|---|",
            "```\n# heading\n```",
            "- item\n1. one\n> quote\n---\n===",
            "&lt;b&gt; &#60; &amp;",
            "\\*\\_\\`",
            "{{ 7 * 7 }}{% include 'x' %}",
            "<!-- --> <![CDATA[ ]]>",
            "\ud800",
            "x" * 10_000,
            "表" * 700,
            "\u2028\u2029\x85",
        )
    ),
)


class Both:
    """Both reports, with a short name for Hypothesis' messages."""

    def __init__(self, *reports: Any) -> None:
        self.reports = reports
        self._harmless: dict[tuple[Any, str], str] = {}

    def harmless(self, report: Any, render: Any, form: str = "html") -> str:
        """The report with a harmless text in every place; made once."""
        if (render, form) not in self._harmless:
            self._harmless[render, form] = render(_with(report, "plain"), form)
        return self._harmless[render, form]

    def __repr__(self) -> str:
        return "both reports"


@pytest.fixture
def both(shareable: ShareableReport, internal: InternalReport) -> Both:
    return Both((shareable, render_shareable), (internal, render_internal))


SETTINGS = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Skeleton(HTMLParser):
    """A page's elements, their attributes' names and its text, without classes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs if name != "class")))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _with(report: Any, text: str) -> Any:
    column = {
        **report.schema["columns"][2],
        "name": text,
        "categories": [text, "b"],
        "description": text,
    }
    constraints = [{"at_most": [text, "b"], "description": text}, {"when": text, "then": text}]
    schema = {**report.schema, "unit": text, "columns": [column], "constraints": constraints}
    context = dict.fromkeys(("recipient", "purpose", "reviewer", "expiry"), text)
    guarantee = {
        **report.release["guarantee"],
        "conditional_facts": [text],
        "not_promised": [text],
        "neighbouring_relation": text,
    }
    release = {
        **report.release,
        "dataset": text,
        "context": context,
        "guarantee": guarantee,
        "versions": {text: text},
    }
    changed = {"schema": schema, "release": release}
    if isinstance(report, ShareableReport):
        policy = {
            **report.policy,
            "name": text,
            "purpose": text,
            "outcomes": [_outcome(report.policy, text, text)],
        }
        shape = NoisyShape(
            column=text, kind="categorical", labels=[text, "b"], noisy=[1, -3], synthetic=[0, 0]
        )
        trends = replace(report.trends, columns=[text, "b", text])
        return replace(report, policy=policy, shapes=[shape], trends=trends, **changed)
    waived = {
        **_outcome(report.verdict, text, "WAIVED"),
        "waiver": dict.fromkeys(("who", "why", "until"), text),
    }
    verdict = {
        **report.verdict,
        "name": text,
        "status": "FAIL",
        "outcomes": [waived, _outcome(report.verdict, text, "FAIL")],
    }
    entry = {**report.ledger[1], "particulars": text, "run": text, text: text}
    metric = {
        **report.audit["metrics"][4],
        "name": f"attack.{text}",
        "method": text,
        "source": text,
    }
    return replace(
        report,
        verdict=verdict,
        ledger=[entry],
        audit={"verdict": text, "metrics": [metric]},
        **changed,
    )


def _outcome(policy: Any, text: str, status: str) -> dict[str, Any]:
    told = dict.fromkeys(
        ("fact", "reason", "advice", "value", "condition", "explanation", "comparison"), text
    )
    return {**policy["outcomes"][0], **told, "status": status}


@SETTINGS
@given(text=NASTY)
def test_a_page_keeps_its_skeleton_and_shows_the_text(text: str, both: Both) -> None:
    for report, render in both.reports:
        page = render(_with(report, text))
        check_harmless_html("page", page.encode())
        found, harmless = Skeleton(page), Skeleton(both.harmless(report, render))
        assert found.elements == harmless.elements
        assert short(text, 80).strip() in " ".join(found.texts) or not short(text, 80).strip()
        assert not {
            character for character in page if unicodedata.category(character) in HIDDEN
        } - {"\n"}
        assert "x" * 700 not in page


@SETTINGS
@example(text="\r")
@example(text=" ")
@given(text=NASTY)
def test_markdown_keeps_its_structure_and_shows_the_text(text: str, both: Both) -> None:
    for report, render in both.reports:
        written = render(_with(report, text), "md")
        check_plain_markdown("text", written.encode())
        found, harmless = (
            _structure(made) for made in (written, both.harmless(report, render, "md"))
        )
        assert found == harmless
        assert not {
            character for character in written if unicodedata.category(character) in HIDDEN
        } - {"\n"}
        words = "".join(html.unescape(written).split())
        assert "".join(short(text, 80).split()) in words


def _structure(markdown: str) -> list[str]:
    """Every block, and every inline element that is not text."""
    tokens = (
        MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    )
    inline = {"text", "softbreak", "text_special"}
    return [token.type for token in tokens] + [
        leaf.type
        for token in tokens
        for leaf in token.children or []
        if leaf.type not in inline and not leaf.type.startswith(("em_", "strong_"))
    ]


@SETTINGS
@given(text=NASTY)
def test_json_keeps_every_text_exactly(text: str, both: Both) -> None:
    for report, render in both.reports:
        written = render(_with(report, text), "json")
        assert not {
            character for character in written if unicodedata.category(character) in HIDDEN
        } - {"\n"}
        value = json.loads(written.encode().decode(), parse_constant=lambda _: 1 / 0)
        assert value["data"]["schema"]["columns"][0]["name"] == text
        assert value["data"]["schema"]["columns"][0]["categories"] == [text, "b"]
        assert value["data"]["release"]["context"]["recipient"] == text


def test_text_of_a_catalogue_is_not_a_template(shareable: ShareableReport) -> None:
    page = render_shareable(_with(shareable, "{recipient} {{ 7 * 7 }}"))
    assert "{recipient} {{ 7 * 7 }}" in page
    assert "49" not in Skeleton(page).texts
