"""Markdown and JSON of a report: read by independent parsers, and back again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from privgan.errors import InternalError, UsageError
from privgan.files.fields import REPORT_FILE, fields_of
from privgan.metrics import LANGUAGES
from privgan.release.report_files import (
    check_harmless_html,
    check_plain_markdown,
    check_report_json,
    report_mistakes,
)
from privgan.report.data import InternalReport, ShareableReport
from privgan.report.json_text import internal_of, shareable_of
from privgan.report.render import render, render_internal, render_shareable

HASH = "ab" * 32


@pytest.fixture
def complete(shareable: ShareableReport) -> ShareableReport:
    """A release's report with every part of the manifest."""
    release = {**shareable.release, "ledger": {"head": HASH}, "plan": {"rows": 50_000.0}}
    return replace(shareable, release=release)


def _markdown(text: str) -> list[Any]:
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_tells_the_same(shareable: ShareableReport, language: str) -> None:
    page, markdown, value = (
        render_shareable(shareable, form, language) for form in ("html", "md", "json")
    )
    sections = json.loads(value)["sections"]
    plain_page = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", page))
    told = "".join(token.content for token in _rendered(markdown))
    for section in sections:
        assert section["heading"] in plain_page
        for block in section["blocks"]:
            for text in (block.get("text", ""), *block.get("items", ())):
                assert _bare(text) in _bare(told), text
            if block["kind"] in {"paragraph", "note", "list"}:
                for text in (block.get("text", ""), *block.get("items", ())):
                    assert _bare(text) in _bare(_unescaped(plain_page)), text


def _bare(text: str) -> str:
    return re.sub(r"[\s()]", "", text)


def _unescaped(text: str) -> str:
    import html

    return html.unescape(text)


def _rendered(markdown: str) -> list[Any]:
    return [
        leaf
        for token in _markdown(markdown)
        for leaf in token.children or []
        if leaf.type == "text"
    ]


def test_markdown_is_headings_lists_and_tables(internal: InternalReport) -> None:
    tokens = _markdown(render_internal(internal, "md"))
    kinds = {token.type for token in tokens}
    assert {"heading_open", "bullet_list_open", "table_open", "paragraph_open"} <= kinds
    assert not kinds & {"html_block", "code_block", "fence"}
    inline = {leaf.type for token in tokens for leaf in token.children or []}
    assert inline <= {
        "text",
        "strong_open",
        "strong_close",
        "em_open",
        "em_close",
        "softbreak",
        "text_special",
    }
    assert sum(token.type == "heading_open" and token.tag == "h1" for token in tokens) == 1
    assert render_internal(internal, "md").startswith("**CONFIDENTIAL")


def test_a_shareable_report_follows_its_schema_and_every_field_has_a_source(
    complete: ShareableReport,
) -> None:
    for language in LANGUAGES:
        value = json.loads(render_shareable(complete, "json", language))
        assert report_mistakes(value) == []
        assert value["language"] == language
        assert None not in dict(fields_of(value, REPORT_FILE)).values()


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("kind",), "internal", "$.kind"),
        (("data", "release", "guarantee", "epsilon"), -1, "epsilon"),
        (("data", "release", "policy"), {}, "$.data.release"),
        (("data", "policy", "status"), "FAIL", "$.data.policy.status"),
        (("data", "audit"), {}, "$.data"),
        (("data", "trends", "real"), [[0.5]], "$.data.trends"),
        (("data", "steps", 0, "epsilon"), "3", "$.data.steps[0].epsilon"),
        (("sections",), [], "$.sections"),
    ],
)
def test_a_report_that_departs_from_its_schema_is_refused(
    complete: ShareableReport, path: tuple[Any, ...], value: Any, told: str
) -> None:
    report = json.loads(render_shareable(complete, "json"))
    holder = report
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    assert any(told in mistake for mistake in report_mistakes(report))
    with pytest.raises(InternalError):
        check_report_json("report.json", json.dumps(report).encode())


@pytest.mark.parametrize("language", LANGUAGES)
def test_json_holds_everything_that_the_other_forms_are_made_from(
    complete: ShareableReport, internal: InternalReport, language: str
) -> None:
    again = shareable_of(json.loads(render_shareable(complete, "json")))
    assert asdict(again).keys() == asdict(complete).keys()
    for form in ("html", "md", "json"):
        assert render(again, form, language) == render(complete, form, language)
    inside = internal_of(json.loads(render_internal(internal, "json")))
    for form in ("html", "md", "json"):
        assert render(inside, form, language) == render(internal, form, language)


def test_a_report_of_the_wrong_kind_is_not_read(
    shareable: ShareableReport, internal: InternalReport
) -> None:
    with pytest.raises(UsageError, match="'internal'"):
        shareable_of(json.loads(render_internal(internal, "json")))
    with pytest.raises(UsageError, match="'shareable'"):
        internal_of(json.loads(render_shareable(shareable, "json")))
    with pytest.raises(UsageError, match="format is 'docx'"):
        render(shareable, "docx")


def test_data_without_a_declared_source_are_not_rendered(shareable: ShareableReport) -> None:
    telling = replace(shareable, release={**shareable.release, "audit": {"auc": 0.7}})
    for form in ("html", "md", "json"):
        with pytest.raises(InternalError, match=r"release\.audit"):
            render_shareable(telling, form)


def test_infinity_is_written_as_json_can(internal: InternalReport) -> None:
    metrics = [{**internal.audit["metrics"][0], "value": float("inf")}]
    value = json.loads(
        render_internal(replace(internal, audit={"metrics": metrics}), "json"),
        parse_constant=pytest.fail,
    )
    assert value["data"]["audit"]["metrics"][0]["value"] == "inf"


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<p>x</p><script>1</script>", "<script>"),
        ('<svg><image href="#x"/></svg>', "<image>"),
        ('<p onclick="x()">', "<p onclick>"),
        ('<a href="https://example.org">x</a>', "<a href>"),
        ('<a href="javascript:x">x</a>', "<a href>"),
        ('<meta http-equiv="refresh" content="0">', "<meta http-equiv>"),
        ('<p style="background:url(x)">', "<p style>"),
        ("<style>@import 'x'</style>", "style"),
        ("<iframe></iframe>", "<iframe>"),
        ("<!--><script>x</script>-->", "markup in a form"),
        ("<!--x--!><script>x</script>-->", "markup in a form"),
        ("<!x><!---><img src=x onerror=x>-->", "markup in a form"),
        ("<![CDATA[><script>x</script>]]>", "markup in a form"),
        ("<?x ><script>x</script>", "markup in a form"),
        ("</p <script>x</script>", "markup in a form"),
        ("<style></style foo><script>x</script>", "markup in a form"),
        ("<style></style foo><script>x</script></style>", "markup in a form"),
        ("<title></title x><script>x</script></title>", "markup in a form"),
        ('<p title=`"><script>x</script>`>', "markup in a form"),
        ("<p", "markup in a form"),
        ("<style>a{} <b></b></style>", "style"),
        ("<style/>@import 'x'</style>", "<style/>"),
        ("<style>@import 'x'", "<style> without an end"),
        ("<style>a{background:u\\72l(x)}</style>", "style"),
        ("<svg><style>@im&#112;ort 'x'</style></svg>", "style"),
        ('<p style="background:\\75rl(x)">', "<p style>"),
        ('<svg><rect fill="url(https://x.invalid/#a)"/></svg>', "<rect fill>"),
        ('<meta name="referrer" content="unsafe-url">', "<meta name>"),
        ('<meta charset="iso-2022-jp">', "<meta charset>"),
        ('<a referrerpolicy="unsafe-url">', "<a referrerpolicy>"),
        ("<p>\x1b$B</p>", "a control character"),
    ],
)
def test_a_page_that_could_do_something_is_refused(page: str, told: str) -> None:
    with pytest.raises(InternalError, match=re.escape(told)):
        check_harmless_html("report.html", page.encode())


@pytest.mark.parametrize("text", ["<b>", "[x](y)", "`x`", "a\\_b"])
def test_markdown_with_markup_is_refused(text: str) -> None:
    with pytest.raises(InternalError, match=r"report\.md"):
        check_plain_markdown("report.md", text.encode())


def test_what_is_written_passes_the_checks(complete: ShareableReport) -> None:
    for language in LANGUAGES:
        check_harmless_html("report.html", render(complete, "html", language))
        check_plain_markdown("report.md", render(complete, "md", language))
        check_report_json("report.json", render(complete, "json", language))
