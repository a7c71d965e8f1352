"""Both reports in a real browser: two widths, light and dark, friendly and hostile data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from privgan.report.data import InternalReport, NoisyShape, RealShape, ShareableReport
from privgan.report.render import render_internal, render_shareable
from tests.browser.page import LOOKS, Browser, Page
from tests.browser.picture import HEIGHT, WIDTH, take
from tests.hostile import HOSTILE
from tests.report.conftest import outcome, verdict

pytestmark = pytest.mark.slow
REPORTS = ("shareable", "internal")
Render = Callable[..., Path]


def attacked(report: Any, text: str) -> Any:
    """A report in which every text that comes from outside is hostile."""
    column = {
        **report.schema["columns"][2],
        "name": text,
        "categories": [text, "b"],
        "description": text,
    }
    constraints = [{"at_most": [text, "b"], "description": text}, {"when": text, "then": text}]
    gate = outcome("guarantee.epsilon", text) | {
        "reason": text,
        "advice": text,
        "condition": text,
        "explanation": text,
    }
    kind = NoisyShape if isinstance(report, ShareableReport) else RealShape
    reference: dict[str, Any] = {"noisy" if kind is NoisyShape else "real": [1, 3]}
    context = {"reviewer": text, "purpose": text, "recipient": text, "expiry": "2999-01-01"}
    release = {**report.release, "dataset": text, "context": context, "retention": text}
    changed = {
        "schema": {
            **report.schema,
            "columns": [column, *report.schema["columns"]],
            "constraints": constraints,
        },
        "release": release,
        "shapes": (
            kind(
                column=text, kind="categorical", labels=[text, "b"], synthetic=[1, 2], **reference
            ),
            *report.shapes,
        ),
    }
    judged = {**verdict(), "purpose": text, "name": text, "outcomes": [gate]}
    if isinstance(report, InternalReport):
        return replace(report, verdict=judged, ledger=[{"who": text, "what": text}], **changed)
    return replace(report, policy=judged, **changed)


@pytest.fixture
def render(tmp_path: Path, shareable: ShareableReport, internal: InternalReport) -> Render:
    """Writes a report as the file that a recipient would open; with hostile texts where wanted."""

    def write(name: str, hostile: str | None = None, language: str = "en") -> Path:
        report: Any = shareable if name == "shareable" else internal
        report = report if hostile is None else attacked(report, hostile)
        text = (render_shareable if name == "shareable" else render_internal)(
            report, "html", language
        )
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def check_harmless(page: Page) -> None:
    """Nothing ran, nothing was asked for but the page itself, and the console is silent."""
    assert page.executed() == []
    assert page.complaints() == []
    assert page.requested() == {page.url}


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_reads_well(
    name: str, width: str, scheme: str, render: Render, browser: Browser
) -> None:
    page = browser.open(render(name).as_uri(), name, width, scheme)
    assert page.picture().startswith(b"\x89PNG")
    check_harmless(page)
    assert page.overflow() == (0, [])
    assert page.pictures_without_text() == []
    assert page.violations() == []


@pytest.mark.parametrize("width", sorted({width for width, _ in LOOKS}))
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_in_chinese_reads_well(
    name: str, width: str, render: Render, browser: Browser
) -> None:
    page = browser.open(render(name, language="zh").as_uri(), f"{name}-zh", width)
    check_harmless(page)
    assert page.overflow() == (0, [])
    assert page.pictures_without_text() == []
    assert page.violations() == []
    assert page.driver.execute_script("return document.documentElement.lang").startswith("zh")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_prints(name: str, render: Render, browser: Browser) -> None:
    page = browser.open(render(name).as_uri(), name)
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 2
    check_harmless(page)


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", REPORTS)
def test_hostile_texts_neither_run_nor_break_a_report(
    name: str, hostile: str, render: Render, browser: Browser
) -> None:
    page = browser.open(render(name, hostile).as_uri(), f"{name}-hostile", "phone")
    page.driver.execute_script(
        "for (const kind of ['mouseover', 'focus', 'click', 'error', 'load'])"
        " document.querySelectorAll('main *').forEach((part) => part.dispatchEvent(new"
        " Event(kind)))"
    )
    check_harmless(page)
    assert page.overflow() == (0, [])


def test_the_checks_see_what_they_look_for(tmp_path: Path, browser: Browser) -> None:
    """Without this, a browser that reports nothing would pass all the others."""
    path = tmp_path / "bad.html"
    path.write_text(
        "<!doctype html><html><title>x</title><body><script>window.privganHacked = 1; alert(2);"
        " console.error('spoken')</script><img src='missing.png'><svg role='img' width=10"
        " height=10></svg><p style='color:#ccc;background:#fff;width:3000px'>pale and"
        " wide</p></body></html>"
    )
    page = browser.open(path.as_uri(), "bad", "phone")
    assert page.executed() == [["privganHacked", "1"], ["alert", "2"]]
    assert any("spoken" in complaint for complaint in page.complaints())
    assert page.requested() == {path.as_uri(), (tmp_path / "missing.png").as_uri()}
    assert len(page.pictures_without_text()) == 2
    assert page.overflow()[0] > 0
    found = page.violations()
    for rule in ("color-contrast", "image-alt", "html-has-lang"):
        assert any(violation.startswith(rule) for violation in found)


def test_the_readme_s_picture_can_be_taken_again(
    render: Render, browser: Browser, tmp_path: Path
) -> None:
    picture = tmp_path / "report.png"
    take(browser, render("shareable"), picture)
    with Image.open(picture) as image:
        assert image.size == (WIDTH, HEIGHT)
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20
    assert picture.stat().st_size < 300_000
