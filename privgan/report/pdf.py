"""A document as PDF, by WeasyPrint, which needs Pango on the machine."""

from __future__ import annotations

from typing import Any, NoReturn

from privgan.errors import UsageError
from privgan.report.document import Document
from privgan.report.html import to_html


def to_pdf(document: Document) -> bytes:
    """The document's pages; tagged, so that a screen reader follows them.

    Raises:
        UsageError: WeasyPrint, or Pango below it, is not installed.
    """
    weasyprint = _weasyprint()
    page = weasyprint.HTML(string=to_html(document, printed=True), url_fetcher=_fetch_nothing, base_url=None)
    content: bytes = page.write_pdf(pdf_variant="pdf/ua-1")
    return content


def _weasyprint() -> Any:
    import logging

    try:
        import weasyprint
    except ImportError as error:
        raise UsageError("a PDF needs WeasyPrint: pip install 'privgan[pdf]', or take --format html, md or json") from error
    except OSError as error:
        raise UsageError(
            "WeasyPrint does not find Pango; install it (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0; "
            "macOS: brew install pango), or take --format html, md or json"
        ) from error
    # Rules for screens that a printer ignores are no news to the owner.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    return weasyprint


def _fetch_nothing(url: str, *_: Any, **__: Any) -> NoReturn:
    raise ValueError("a report loads nothing")
