"""Render a report's document as HTML, PDF, Markdown or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from privgan.errors import UsageError
from privgan.files.fields import REPORT, check_declared
from privgan.naming import parameter
from privgan.report.attack_curves import SIZE
from privgan.report.compose import internal_document, shareable_document
from privgan.report.data import InternalReport, ShareableReport
from privgan.report.document import Document, plain
from privgan.report.drawn_text import breadth
from privgan.report.json_text import to_json, to_json_text
from privgan.report.markdown import to_markdown
from privgan.report.text import clean, number, short, words_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def environment_of(package: str, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """Jinja environment of a package's templates.

    Args:
        package: The package whose folder ``templates`` holds them.
        filters: Their filters beside ``number`` and ``short``.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "short": short, **filters}
    return environment


_VARIABLE = re.compile(r"var\((--[a-z-]+)\)")
_DECLARED = re.compile(r"(--[a-z-]+):([^;}]+)")
# The printer scales strokes with their picture, whatever vector-effect says.
_THIN = ".thin{stroke-width:.7}.point{stroke-width:5}.range{stroke-width:4}"
_THINNER = (
    ".base,.ceiling{stroke-width:.5;stroke-dasharray:none}"
    ".axis{stroke-width:.4}.point{stroke-width:2.2}"
)
_TORN = re.compile(r"(?<=\d) (?=%|×)|(?<=×) (?=10)")
_COORDINATES = re.compile(r"[0-9., -]*\Z")


def to_html(document: Document, *, printed: bool = False) -> str:
    """HTML page of a document.

    Args:
        document: The document to render.
        printed: For the printer of PDF files, which knows no style of a page inside pictures.
    """
    words = words_of(document.language)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            t=words.text,
            percent=words.percent,
            frame=SIZE,
            page_style=_markup(
                _style("palette.css", "style.css", "figures.css", *(["pdf.css"] if printed else []))
            ),
            svg_style=_markup(f"<style>{_resolved()}{_THIN}</style>" if printed else ""),
            row_style=_markup(f"<style>{_THINNER}</style>" if printed else ""),
        )
    )


def _style(*names: str) -> str:
    folder = files("privgan.report").joinpath("templates")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def _resolved() -> str:
    """The pictures' style with the light page's colours in place of variables."""
    light = dict(_DECLARED.findall(_style("palette.css").split("@media")[0]))
    return _VARIABLE.sub(lambda found: light[found.group(1)], _style("figures.css"))


def _markup(trusted: str) -> Markup:
    """Text of this package, which needs no escape."""
    from markupsafe import Markup

    return Markup(trusted)


def _verbatim(points: str) -> Any:
    """A list of coordinates of any length; anything else is refused."""
    if not _COORDINATES.match(points):
        raise ValueError("these are no coordinates")
    return _markup(points)


def _unbroken(text: str) -> str:
    """Text with no-break spaces between figures and per cent or powers of ten."""
    return _TORN.sub("\u00a0", text)


@cache
def _environment() -> Environment:
    filters: dict[str, Callable[..., Any]] = {
        "plain": plain,
        "verbatim": _verbatim,
        "unbroken": _unbroken,
        "breadth": breadth,
        "kind": lambda block: type(block).__name__,
    }
    return environment_of("privgan.report", filters)


def to_pdf(document: Document) -> bytes:
    """Pages of a document as PDF, tagged for screen readers.

    Raises:
        UsageError: WeasyPrint, or Pango below it, is not installed.
    """
    weasyprint = _weasyprint()
    page = weasyprint.HTML(
        string=to_html(document, printed=True), url_fetcher=_fetch_nothing, base_url=None
    )
    content: bytes = page.write_pdf(pdf_variant="pdf/ua-1")
    return content


def _otherwise() -> str:
    return f"{parameter('format', 'html')}, md or json"


def _weasyprint() -> Any:
    import logging

    try:
        import weasyprint
    except ImportError as error:
        raise UsageError(
            f"a PDF needs WeasyPrint: pip install 'privgan[pdf]', or take {_otherwise()}"
        ) from error
    except OSError as error:
        raise UsageError(
            "WeasyPrint does not find Pango; install it (Debian: apt-get install libpango-1.0-0"
            f" libpangoft2-1.0-0; macOS: brew install pango), or take {_otherwise()}"
        ) from error
    # The owner need not hear of screen rules that a printer ignores.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    return weasyprint


def _fetch_nothing(url: str, *_: Any, **__: Any) -> NoReturn:
    raise ValueError("a report loads nothing")


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
# Formats written with every release. They need nothing but privgan, and the leak scan can search
# every byte.
WRITTEN = ("html", "md", "json")


def render(data: Report, form: str = "html", language: str = "en") -> bytes:
    """A report in one form and language.

    Args:
        data: The report's data.
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
        check_declared("the shareable report", asdict(data), REPORT)
        return _FORMATS[form](data, shareable_document(data, words))
    return _FORMATS[form](data, internal_document(data, words))


def render_shareable(data: ShareableReport, form: str = "html", language: str = "en") -> str:
    """The report that leaves with a release, as text."""
    return render(data, form, language).decode()


def render_internal(data: InternalReport, form: str = "html", language: str = "en") -> str:
    """CONFIDENTIAL: the report for decision-makers, as text."""
    return render(data, form, language).decode()
