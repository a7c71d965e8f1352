"""Make a report in any of its forms from its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType

from privgan.errors import UsageError
from privgan.fields import REPORT, require_declared
from privgan.report.compose import internal_document, shareable_document
from privgan.report.data import InternalReport, ShareableReport
from privgan.report.document import Document
from privgan.report.html import to_html
from privgan.report.json_text import to_json, to_json_text
from privgan.report.markdown import to_markdown
from privgan.report.pdf import to_pdf
from privgan.report.words import words_of

Report = ShareableReport | InternalReport
_FORMATS: Mapping[str, Callable[[Report, Document], bytes]] = MappingProxyType(
    {
        "html": lambda _, document: to_html(document).encode(),
        "md": lambda _, document: to_markdown(document).encode(),
        "json": lambda data, document: to_json_text(to_json(data, document)).encode(),
        "pdf": lambda _, document: to_pdf(document),
    }
)
FORMATS = tuple(_FORMATS)
# Those that are written with every release: they need nothing but privgan, and every byte of them can be searched.
WRITTEN = ("html", "md", "json")


def render(data: Report, form: str = "html", language: str = "en") -> bytes:
    """A report in one form and language.

    Args:
        data: What it says.
        form: One of FORMATS.
        language: ``en`` or ``zh``.

    Raises:
        InternalError: The data of a shareable report hold a field without a declared source.
        UsageError: There is no such form or language, or a PDF cannot be made on this machine.
    """
    if form not in _FORMATS:
        raise UsageError(f"the report's format is {form!r}; it must be one of {', '.join(FORMATS)}")
    words = words_of(language)
    if isinstance(data, ShareableReport):
        require_declared("the shareable report", asdict(data), REPORT)
        return _FORMATS[form](data, shareable_document(data, words))
    return _FORMATS[form](data, internal_document(data, words))


def render_shareable(data: ShareableReport, form: str = "html", language: str = "en") -> str:
    """The report that leaves with a release, as text."""
    return render(data, form, language).decode()


def render_internal(data: InternalReport, form: str = "html", language: str = "en") -> str:
    """CONFIDENTIAL: the report for the people who decide, as text."""
    return render(data, form, language).decode()
