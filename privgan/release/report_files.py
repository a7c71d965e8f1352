"""Hold a report's files against what a release may hold: JSON by its schema, HTML that does nothing, plain Markdown."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files as packaged
from typing import Any

from privgan.errors import InternalError
from privgan.release.fields import REPORT_FILE, require_declared

REPORT_JSON = "report.json"
_TAGS = frozenset(
    re.findall(
        "[a-z0-9]+",
        "html head meta title style body a p header main section nav footer h1 h2 h3 h4 ul li div span strong bdi code br "
        "table caption thead tbody tr th td figure figcaption article dl dt dd details summary "
        "svg desc rect line polyline polygon circle path text",
    )
)
_LOADING = re.compile(r"url\(|@import|https?:|//", re.IGNORECASE)
_ADDRESSES = frozenset({"src", "srcset", "action", "formaction", "data", "xlink:href", "background", "poster", "ping"})
# Markdown is written with character references in place of all of these.
_MARKUP = re.compile(r"[<\[\]`\\]")


def require_report_json(name: str, content: bytes) -> None:
    """Refuse a report with a field that has no declared source, or that does not follow the report's JSON Schema.

    Raises:
        InternalError: naming the fields, never a value.
    """
    value = json.loads(content.decode())
    require_declared(name, value, REPORT_FILE)
    mistakes = report_mistakes(value)
    if mistakes:
        raise InternalError(f"{name}: does not follow its JSON Schema at {', '.join(mistakes[:8])}")


def require_harmless_html(name: str, content: bytes) -> None:
    """Refuse a page that could run or load anything.

    Raises:
        InternalError: naming the element or attribute.
    """
    page = _Page()
    page.feed(content.decode())
    page.close()
    if page.refused:
        raise InternalError(f"{name}: holds what a report may not hold: {', '.join(sorted(page.refused)[:8])}")


def require_plain_markdown(name: str, content: bytes) -> None:
    """Refuse Markdown in which a value could be markup: HTML, links, pictures, code or escapes.

    Raises:
        InternalError: naming the character.
    """
    found = _MARKUP.search(content.decode())
    if found:
        raise InternalError(f"{name}: holds the character {found.group()!r}, which no report writes")


def report_mistakes(value: Any) -> list[str]:
    """Where a shareable report departs from its JSON Schema; empty when nowhere. It names no value."""
    errors = sorted(_validator().iter_errors(value), key=lambda error: error.json_path)
    return [f"{error.json_path} ({error.validator})" for error in errors]


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    schemas = [
        json.loads(packaged("privgan").joinpath(f"formats/{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("report", "manifest")
    ]
    registry = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas)
    return Draft202012Validator(schemas[0], registry=registry)


class _Page(HTMLParser):
    """Collects what a page holds beyond text, tables and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element with its attributes."""
        self._inside = tag
        if tag not in _TAGS:
            self.refused.add(f"<{tag}>")
        for key, value in attrs:
            address = key in _ADDRESSES or (key == "href" and not (value or "").startswith("#"))
            loading = key == "style" and _LOADING.search(value or "")
            refresh = key == "http-equiv" and value != "Content-Security-Policy"
            if key.startswith("on") or address or loading or refresh:
                self.refused.add(f"<{tag} {key}>")

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Text; a style must not load anything."""
        if self._inside == "style" and _LOADING.search(data):
            self.refused.add("<style> that loads")
