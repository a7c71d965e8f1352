"""A document as one HTML file that needs no network and runs no script."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from privgan.report.attack_curves import SIZE
from privgan.report.document import Document, plain
from privgan.report.environment import environment_of
from privgan.report.words import words_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_VARIABLE = re.compile(r"var\((--[a-z-]+)\)")
_DECLARED = re.compile(r"(--[a-z-]+):([^;}]+)")
# The printer scales strokes with their picture, whatever vector-effect says.
_THIN = ".thin{stroke-width:.7}.point{stroke-width:5}.range{stroke-width:4}"
_THINNER = ".base,.ceiling{stroke-width:.5;stroke-dasharray:none}.axis{stroke-width:.4}.point{stroke-width:2.2}"
_COORDINATES = re.compile(r"[0-9., -]*\Z")


def to_html(document: Document, *, printed: bool = False) -> str:
    """The page.

    Args:
        document: What it says.
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
            page_style=_markup(_style("palette.css", "style.css", "figures.css", *(["pdf.css"] if printed else []))),
            svg_style=_markup(f"<style>{_resolved()}{_THIN}</style>" if printed else ""),
            row_style=_markup(f"<style>{_THINNER}</style>" if printed else ""),
        )
    )


def _style(*names: str) -> str:
    folder = files("privgan.report").joinpath("templates")
    return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


def _resolved() -> str:
    """The pictures' style with the colours of the light page in place of variables."""
    light = dict(_DECLARED.findall(_style("palette.css").split("@media")[0]))
    return _VARIABLE.sub(lambda found: light[found.group(1)], _style("figures.css"))


def _markup(trusted: str) -> Markup:
    """Text of this package, which is no value and needs no escape."""
    from markupsafe import Markup

    return Markup(trusted)


def _verbatim(points: str) -> Any:
    """A list of coordinates, which may be longer than any text; anything else is refused."""
    if not _COORDINATES.match(points):
        raise ValueError("these are no coordinates")
    return _markup(points)


@cache
def _environment() -> Environment:
    return environment_of("privgan.report", {"plain": plain, "verbatim": _verbatim, "kind": lambda block: type(block).__name__})
