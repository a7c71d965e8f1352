"""Check a report's files: JSON by its schema, inert HTML, plain Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files as packaged
from itertools import islice
from typing import Any

from privgan.errors import InternalError
from privgan.files.documents import strict_validator
from privgan.files.fields import REPORT_FILE, check_declared
from privgan.files.limits import LARGEST_PAGE, MOST_MISTAKES, MOST_TAGS
from privgan.files.strict_json import read_json

REPORT_JSON = "report.json"
_TOLD = 60  # Characters of a name in a message.
_TAGS = frozenset(
    re.findall(
        "[a-z0-9]+",
        "html head meta title style body a p header main section nav footer h1 h2 h3 h4 ul li div"
        " span strong bdi code br table caption thead tbody tr th td figure figcaption article dl"
        " dt dd details summary svg desc rect line polyline polygon circle path text",
    )
)
_LOADING = re.compile(r"url\(|src\(|image-set|@import|https?:|//", re.IGNORECASE)
_ADDRESSES = frozenset(
    {"src", "srcset", "action", "formaction", "data", "xlink:href", "background", "poster", "ping"}
)
_TEXTS = frozenset({"aria-label", "content"})
# A parser and a browser may differ about where other markup ends: comments, declarations, values in
# other quotes or in none. Nothing that was taken is given back (++): a page of any form is looked
# through once.
_ATTRIBUTE = r'\s++[A-Za-z][A-Za-z0-9:-]*+(?:="[^"<>]*+")?+'
_PLAIN_TAG = rf"!doctype html>|/[a-z][a-z0-9]*+>|[a-z][a-z0-9]*+(?:{_ATTRIBUTE})*+\s*+/?>"
_ODD_MARKUP = re.compile(rf"<(?!{_PLAIN_TAG})", re.IGNORECASE | re.ASCII)
# An escape character may begin another encoding of what follows.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Escapes of CSS and, in a picture's style, of HTML would hide from the search for what loads.
_ESCAPED_STYLE = re.compile(r"[<&\\]")
# Markdown is written with character references in place of all of these.
_MARKUP = re.compile(r"[<\[\]`\\]")


def check_report_json(name: str, content: bytes) -> None:
    """Check that each field of a report is declared, and that it follows its JSON Schema.

    Raises:
        InternalError: naming the fields, never a value.
    """
    value = read_json(content, REPORT_JSON)
    check_declared(name, value, REPORT_FILE)
    mistakes = report_mistakes(value)
    if mistakes:
        raise InternalError(f"{name}: does not follow its JSON Schema at {', '.join(mistakes[:8])}")


def check_harmless_html(name: str, content: bytes) -> None:
    """Check that a page can run or load nothing.

    Raises:
        InternalError: naming the element or attribute.
    """
    text = content.decode()
    refused = set(_refused_markup(text))
    # Python's parser takes quadratic time for markup without an end: it gets none.
    if not refused:
        page = _Page()
        page.feed(text)
        page.close()
        refused = page.refused
    if refused:
        told = ", ".join(sorted(part[:_TOLD] for part in refused)[:8])
        raise InternalError(f"{name}: holds what a report may not hold: {told}")


def _refused_markup(text: str) -> Iterator[str]:
    if len(text) > LARGEST_PAGE or text.count("<") > MOST_TAGS:
        yield "more text or markup than any report"
    elif _ODD_MARKUP.search(text):
        yield "markup in a form that no report is written in"
    elif _CONTROL.search(text):
        yield "a control character"


def check_plain_markdown(name: str, content: bytes) -> None:
    """Check that no value in Markdown could be markup.

    Markup is HTML, links, pictures, code or escapes.

    Raises:
        InternalError: naming the character.
    """
    found = _MARKUP.search(content.decode())
    if found:
        raise InternalError(
            f"{name}: holds the character {found.group()!r}, which no report writes"
        )


def report_mistakes(value: Any) -> list[str]:
    """Violations of the shareable report's JSON Schema; empty for none.

    It names no value.
    """
    found = islice(_validator().iter_errors(value), MOST_MISTAKES)
    errors = sorted(found, key=lambda error: error.json_path)
    return [f"{error.json_path} ({error.validator})" for error in errors]


@cache
def _validator() -> Any:
    from referencing import Registry, Resource

    schemas = [
        json.loads(
            packaged("privgan").joinpath(f"formats/{name}.schema.json").read_text(encoding="utf-8")
        )
        for name in ("report", "manifest")
    ]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    return strict_validator(schemas[0], registry=registry)


class _Page(HTMLParser):
    """Collects a page's content beyond text, tables and pictures."""

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
            if _is_active(key, value or ""):
                self.refused.add(f"<{tag} {key}>")
        if tag == "meta" and not _is_harmless_meta(attrs):
            self.refused.update(f"<meta {key}>" for key, _ in attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that ends at once.

        Browsers read the rest of the page as the text of such a style or title.
        """
        if tag in {"style", "title"}:
            self.refused.add(f"<{tag}/>")
        super().handle_startendtag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Text; a style must not load anything."""
        if self._inside == "style" and _loads(data, style=True):
            self.refused.add("<style> that loads")

    def close(self) -> None:
        """End the page; the text of an unclosed style was not handed out."""
        super().close()
        if self._inside == "style":
            self.refused.add("<style> without an end")


def _loads(text: str, *, style: bool) -> bool:
    return bool(_LOADING.search(text) or (style and _ESCAPED_STYLE.search(text)))


def _is_active(key: str, value: str) -> bool:
    """Whether an attribute could run, load or address anything."""
    if key.startswith("on") or key == "referrerpolicy" or key in _ADDRESSES:
        return True
    if key == "href" and not value.startswith("#"):
        return True
    return key not in _TEXTS and _loads(value, style=key == "style")


def _is_harmless_meta(attrs: list[tuple[str, str | None]]) -> bool:
    """Whether it states the encoding, restricts the page, or sets its width."""
    said = dict(attrs)
    if len(said) != len(attrs):
        return False
    return (
        (said.keys() == {"charset"} and said["charset"] == "utf-8")
        or (
            said.keys() == {"http-equiv", "content"}
            and said["http-equiv"] == "Content-Security-Policy"
        )
        or (said.keys() == {"name", "content"} and said["name"] == "viewport")
        or said == {"name": "referrer", "content": "no-referrer"}
    )
