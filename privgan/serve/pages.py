"""The pages as HTML; every text of a release is shown as text."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from privgan.report.text import clean, number, raised, short

if TYPE_CHECKING:
    from jinja2 import Environment


_SMALL = 1e-3


def render(template: str, **values: Any) -> str:
    """One page.

    Args:
        template: The template's name without its ending.
        values: What it shows.
    """
    return _environment().get_template(f"{template}.html.j2").render(**values)


def cost(value: float) -> str:
    """An ε or a δ, rounded upwards: what is shown of a cost is never less than the cost."""
    digits = 3 if value < _SMALL else 4  # As many as number() writes.
    return number(raised(value, digits))


@cache
def style() -> str:
    """The pages' style sheet."""
    return files("privgan.serve").joinpath("templates/style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("privgan.serve"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "cost": cost, "short": short, "path": lambda text: quote(text, safe="")}
    return environment
