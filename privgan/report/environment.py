"""How templates are read and what they may print: every value as text, hidden signs made visible, nothing undefined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from privgan.report.text import clean, number, short

if TYPE_CHECKING:
    from jinja2 import Environment


def environment_of(package: str, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """The environment of a package's templates.

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
