"""Check that a report in a former version's words shows exactly its data's figures.

Words change from version to version; figures, claims and warnings do not. A former report is
compared with the text that this privgan makes of the same data.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, TypeAlias

from privgan.release.manifest import Manifest
from privgan.release.verification.integrity import shown
from privgan.release.verification.numbers_in_text import claims_in, numbers_in
from privgan.release.verification.released import REPORT, Released
from privgan.report.json_text import shareable_of
from privgan.report.render import render_shareable
from privgan.report.text import Words, words_of

_Json: TypeAlias = Mapping[str, Any]
_FORMS = ("html", "md")
_MARKUP = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)
_BLANK = re.compile(r"\s+")
_INLINE = re.compile(r"(?:(?:max|min)-width:[0-9.]+px;?)*")
# SHA-256 of the style sheets of all versions before 0.4.0, and of 0.4.0: another one could hide
# what a page says.
_FORMER_SHEETS = {
    "0cf2aeae90182b81d3c228754c9dd4aad5e9aa3698595442757586138effad97",
    "6a34ed36c49bae57752c781d7c6d10ab7b51abea6cf74c4c343aa3279fec230d",
}


@dataclass(frozen=True)
class _Given:
    """The texts that a report may show, from its data.

    Attributes:
        figures: Every number.
        claims: Every ε and δ.
    """

    figures: set[str]
    claims: set[tuple[str, str]]


def former_problems(released: Released) -> Iterator[str]:
    """Figures that a former report adds to its data, and statements that it lacks."""
    report, language = released.report, released.report["language"]
    data = shareable_of(report)
    made = [_seen(form, render_shareable(data, form, language)) for form in _FORMS]
    written = [*made, json.dumps(report["data"], ensure_ascii=False)]
    given = _Given(figures=numbers_in("\n".join(written)), claims=claims_in(made))
    texts = {REPORT: "\n".join(_strings([report["title"], report["sections"]]))}
    for form in _FORMS:
        if released.holds(f"report.{form}"):
            texts[f"report.{form}"] = _seen(form, released.content(f"report.{form}").decode())
    if released.holds("report.html"):
        page = released.content("report.html").decode()
        yield from _style_problems(page, render_shareable(data, "html", language))
    for name, text in texts.items():
        yield from (
            f"{name}: {problem}" for problem in _problems(text, given, released, words_of(language))
        )


def _problems(text: str, given: _Given, released: Released, words: Words) -> Iterator[str]:
    for figure in sorted(numbers_in(text) - given.figures)[:1]:
        yield f"shows {shown(figure)}, which its data do not give"
    for name, value in sorted(claims_in([text]) - given.claims)[:1]:
        yield f"states {name} = {shown(value)}, and its data do not"
    plain = _BLANK.sub("", text)
    for said in _required(released.manifest, words):
        if not any(_BLANK.sub("", form) in plain for form in said):
            yield f"does not say {shown(said[0])}"


def _style_problems(page: str, own: str) -> Iterator[str]:
    """Parts of a page that could hide, move or add to its text."""
    found, ours = _Parts.of(page), _Parts.of(own)
    if not {*map(_digest, found.sheets)} <= _FORMER_SHEETS | {*map(_digest, ours.sheets)}:
        yield "report.html: its style is none that privgan wrote, and may hide what it says"
    if not all(_INLINE.fullmatch(style) for style in found.styles):
        yield "report.html: an element's style may hide or move what it says"
    foreign = sorted(found.names - ours.names)
    if foreign:
        yield f"report.html: {shown(foreign[0])} stands in no page that privgan writes"


class _Parts(HTMLParser):
    """The style sheets, inline styles, and names of tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[str] = []
        self.styles: list[str] = []
        self.names: set[str] = set()
        self._in_sheet = False

    @classmethod
    def of(cls, page: str) -> _Parts:
        """The parts of a page."""
        parts = cls()
        parts.feed(page)
        parts.close()
        return parts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag with its attributes."""
        self.names |= {f"<{tag}>", *(f"{tag} {name}" for name, _ in attrs)}
        self.styles += [value or "" for name, value in attrs if name == "style"]
        self._in_sheet = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """A style sheet ends."""
        self._in_sheet = False

    def handle_data(self, data: str) -> None:
        """Note a style sheet."""
        if self._in_sheet:
            self.sheets.append(data)


def _digest(sheet: str) -> str:
    return hashlib.sha256(sheet.encode()).hexdigest()


def _required(manifest: Manifest, words: Words) -> Iterator[tuple[str, ...]]:
    """The statements of every version's report, each in several accepted forms."""
    guarantee = manifest.guarantee
    yield (
        words.text(
            "guarantee.epsilon",
            epsilon=words.cost(guarantee.epsilon),
            delta=words.cost(guarantee.delta),
        ),
    )
    for sentence in guarantee.not_promised:
        yield words.phrase(sentence), sentence
    yield (manifest.release_id,)


def _strings(value: Any) -> Iterator[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    parts = (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    )
    for part in parts:
        yield from _strings(part)


def _seen(form: str, text: str) -> str:
    """The visible text of a page or of Markdown."""
    return html.unescape(_MARKUP.sub(" ", text) if form == "html" else text)
