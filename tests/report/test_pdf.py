"""PDF of a report: same content, Chinese if a font is there, and a clear error."""

from __future__ import annotations

import builtins
import io
import re
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from privgan.errors import UsageError
from privgan.report.data import ShareableReport
from privgan.report.render import _fetch_nothing, render


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        pytest.skip(f"WeasyPrint or Pango is not there: {error}")
    return weasyprint


def _text(content: bytes) -> str:
    pypdf = pytest.importorskip("pypdf")
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def _has_chinese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    return bool(
        subprocess.run(
            ["fc-list", ":lang=zh-cn"], capture_output=True, text=True, check=True
        ).stdout.strip()
    )


def _short(report: ShareableReport) -> ShareableReport:
    return replace(report, shapes=report.shapes[:1], trends=None, groups=())


@pytest.mark.slow
def test_a_pdf_says_what_the_page_says(shareable: ShareableReport) -> None:
    _weasyprint()
    pypdf = pytest.importorskip("pypdf")
    content = render(_short(shareable), "pdf")
    told = _text(content)
    for text in (
        "This table may be released under its policy",
        "Northwind Analytics",
        "95.3 %",
        "Data dictionary",
        "NIST SP 800-226",
        "segment",
    ):
        assert text.replace(" ", "") in told
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert reader.metadata is not None
    assert reader.metadata.title == "Synthetic table loyalty-customers: release report"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert not {"/JavaScript", "/EmbeddedFiles"} & set(reader.trailer["/Root"].get("/Names", {}))
    assert "/OpenAction" not in reader.trailer["/Root"]


def test_chinese_is_in_the_pdf(shareable: ShareableReport) -> None:
    _weasyprint()
    if not _has_chinese_font():
        pytest.skip("no font for Chinese on this machine (Debian: fonts-noto-cjk)")
    told = _text(render(_short(shareable), "pdf", "zh"))
    for text in ("本表可以按策略发布", "隐私预算", "合成数据", "差分隐私", "数据字典"):
        assert text in told


def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, shareable: ShareableReport
) -> None:
    given = builtins.__import__

    def refuse(error: Exception) -> Any:
        def without(name: str, *more: Any, **others: Any) -> Any:
            if name == "weasyprint":
                raise error
            return given(name, *more, **others)

        return without

    monkeypatch.setattr(builtins, "__import__", refuse(ImportError("no weasyprint")))
    with pytest.raises(UsageError, match=r"pip install 'privgan\[pdf\]'"):
        render(shareable, "pdf")
    monkeypatch.setattr(
        builtins, "__import__", refuse(OSError("cannot load library 'libpango-1.0-0'"))
    )
    with pytest.raises(UsageError, match="apt-get install libpango"):
        render(shareable, "pdf")


def test_a_pdf_loads_nothing() -> None:
    with pytest.raises(ValueError, match="loads nothing"):
        _fetch_nothing("file:///etc/hostname")
