"""Render the pages as HTML; texts of a release are always escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from privgan.report.render import environment_of
from privgan.report.text import cost

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: Any) -> str:
    """Render one page.

    Args:
        template: The template's name without its ending.
        values: What it shows.
    """
    return _environment().get_template(f"{template}.html.j2").render(**values)


@cache
def style() -> str:
    """The pages' style sheet."""
    return files("privgan.serve").joinpath("templates/style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return environment_of(
        "privgan.serve", {"cost": cost, "path": lambda text: quote(text, safe="")}
    )
