"""A report in another version's words: does it still say what its data say, and nothing else?

Templates and words change from version to version, figures and claims do not. Every text that this
version would not write itself is searched for figures, for each ε and δ, and for who is protected.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, TypeAlias

from privgan.release.integrity import shown
from privgan.release.numbers_in_text import claims_in, numbers_in
from privgan.report.text import cost, number, raised
from privgan.report.words import words_of

_Json: TypeAlias = Mapping[str, Any]
_Texts: TypeAlias = Sequence[str]
_Claims: TypeAlias = set[tuple[str, str]]
_BLANK = re.compile(r"[\s*|()]+")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?!visible)|(?<![a-z-])content\s*:|"
    r"font-size\s*:\s*0|font\s*:\s*0|text-indent|clip|"
    r"(?<![a-z-])opacity\s*:|color\s*:\s*transparent|unicode-bidi|direction\s*:|transform\s*:",
    re.IGNORECASE,
)
_PRINTED, _NESTED = "@media print", 2
_NEEDED = frozenset({"answer", "guarantee", "not-promised"})
_SIZES = re.compile(r"(?:(?:max|min)-width:[0-9.]+px;?)*\Z")
_LONGEST_SEEN = 400  # Files cut longer texts than their JSON does.
_HEAD, _LONGEST_HEAD, _LONGEST_GAP = 8, 400, 24
_MARKS = re.compile(r"[-#>:;.,…]+")
_LONGEST_WORDS = 60  # A label that this version does not write: longer ones could be sentences.


def section_problems(report: _Json, composed: _Json, manifest: _Json) -> Iterator[str]:
    """Hold the sections of a report against those that this version makes of the same data.

    Args:
        report: The report's JSON.
        composed: The JSON that this version makes of its data.
        manifest: The manifest.
    """
    own = {section["name"]: list(_strings(section)) for section in composed["sections"]}
    everything = [composed["title"], *(text for texts in own.values() for text in texts)]
    known, claims, units = set(everything), claims_in(everything), _units(report)
    if report["title"] not in known:
        figures = numbers_in(composed["title"])
        yield from _foreign("its title", report["title"], figures, claims, units)
    said: list[str] = []
    for section in report["sections"]:
        texts = list(_strings(section))
        said += texts
        figures = numbers_in(" \n ".join(own.get(section["name"], everything)))
        for text in texts:
            if text not in known:
                where = f"its section {shown(section['name'])}"
                yield from _foreign(where, text, figures, claims, units)
    yield from _unsaid(report, composed, said, manifest)


def _foreign(where: str, text: str, figures: set[str], claims: _Claims, units: _Units) -> Iterator[str]:
    more = numbers_in(text) - figures
    if more:
        yield f"{where} shows {shown(sorted(more)[0])}, which its data do not give there"
    wrong = claims_in([text]) - claims
    if wrong:
        name, value = min(wrong)
        yield f"{where} states {name} = {shown(value)}, and its data do not"
    other = units.wrong_in(text)
    if other:
        yield f"{where} says that {shown(other)} is protected, and its data do not"


def _unsaid(
    report: Mapping[str, Any],
    composed: Mapping[str, Any],
    said: Sequence[str],
    manifest: Mapping[str, Any],
) -> Iterator[str]:
    """What every version's report says: ε, δ, who is protected, what is not promised, its release."""
    together, words = "\n".join(said), words_of(report["language"])
    guarantee, schema = manifest["guarantee"], report["data"]["schema"]
    for name, value in (("ε", guarantee["epsilon"]), ("δ", guarantee["delta"])):
        if (name, words.cost(value)) not in claims_in(said):
            yield f"its sections do not state {name} = {words.cost(value)}"
    unit = "".join(run.text for run in words.unit(schema))
    if _short(unit) not in _short(together):
        yield f"its sections do not say who is protected: {shown(unit)}"
    plain = _short(together)
    for sentence in guarantee["not_promised"]:
        if not any(_short(form) in plain for form in (sentence, words.phrase(sentence))):
            yield f"its sections do not say that this is not promised: {shown(sentence)}"
    if manifest["release_id"] not in together:
        yield "its sections do not name the release"
    if not {section["name"] for section in report["sections"]} >= _NEEDED:
        yield "its sections lack the answer, the guarantee or what is not promised"


def visible_problems(form: str, text: str, own: str, report: Mapping[str, Any]) -> Iterator[str]:
    """Hold what a reader sees of a report's page or Markdown against the text in its JSON.

    Args:
        form: ``html`` or ``md``.
        text: The file.
        own: The file that this version makes of the same data.
        report: The report's JSON.
    """
    seen, mine = _seen(form, text), _seen(form, own)
    yield from seen.hidden
    place, stream, between = 0, _short("".join(seen.texts)), list[str]()
    for wanted in filter(_short, _in_order(form, report)):
        short = _short(wanted[:_LONGEST_SEEN])
        at = stream.find(short, place)
        if at < 0:
            yield f"does not show, at its place, {shown(wanted)}"
            return
        between.append(stream[place:at])
        place = at + len(short)
        rest = _short(wanted)[len(short) :]
        place += _alike(rest, stream[place : place + len(rest)])
    told = [
        report["title"],
        *(part for section in report["sections"] for part in _strings(section)),
    ]
    claims = claims_in((*told, "".join(mine.texts), *mine.texts))
    if form == "html":
        yield from _pieces(seen, [*told, *mine.texts], claims)
    else:
        yield from _gaps([*between, stream[place:]], mine.texts)
    wrong = claims_in(["".join(seen.texts)]) - claims
    if wrong:
        yield f"states {min(wrong)[0]} = {shown(min(wrong)[1])}, and its JSON does not"


def _pieces(seen: _Seen, known: Sequence[str], claims: set[tuple[str, str]]) -> Iterator[str]:
    """Each text of a page is one of the JSON's, or of this version's page, or names no figure."""
    whole, fragments = {_short(part) for part in known}, _short("\n".join(known))
    figures = numbers_in("\n".join(known))
    for piece in dict.fromkeys((*seen.texts, *seen.labels)):
        short = _short(piece).removesuffix("…")
        numbers = numbers_in(piece)
        if not short or short in whole or (short in fragments and numbers <= figures):
            continue
        if numbers or claims_in([piece]) - claims or len(piece) > _LONGEST_WORDS:
            yield f"shows {shown(piece.strip())}, which is not in its JSON"
            return


def _gaps(gaps: Sequence[str], own: Sequence[str]) -> Iterator[str]:
    """Between two texts of the JSON, Markdown has marks and labels alone; a head before all of them."""
    stream = _short("".join(own))
    figures = numbers_in(_short("\n".join((*own[:_HEAD], *own[-_HEAD:]))))
    for place, gap in enumerate(gaps):
        ends = place in {0, len(gaps) - 1}
        left = gap if ends else _MARKS.sub("", gap)
        if len(gap) > _LONGEST_GAP and gap in stream:
            continue  # Of very long texts the JSON holds less.
        more = numbers_in(left) - (figures if ends else set())
        if more or len(left) > (_LONGEST_HEAD if ends else _LONGEST_GAP):
            yield f"shows {shown(left)}, which is not in its JSON"
            return


def unreported_problems(form: str, text: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Of a report without its JSON: whether each ε and δ that it shows is the manifest's."""
    allowed = {written for value in _numbers(manifest) for written in _written(value)}
    for name, value in sorted(claims_in(["".join(_seen(form, text).texts)])):
        if value.rstrip(",.;") not in allowed:
            yield f"states {name} = {shown(value)}, and the manifest does not"


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _written(value: float) -> set[str]:
    return {number(value), cost(value), f"{value:g}", f"{raised(value, 6):g}", str(value)}


class _Units:
    """Who could be protected, in a language's words, and who is."""

    def __init__(self, language: str, schema: Mapping[str, Any]) -> None:
        words = words_of(language)
        right = "".join(run.text for run in words.unit(schema))
        self._right = right
        forms = [words.texts[f"guarantee.unit_{name}"] for name in ("row", "one", "many")]
        parts = [re.escape(form).replace(r"\{column\}", r"\S{1,200}?") for form in reversed(forms)]
        self._forms = re.compile("|".join(parts).replace(r"\{most\}", "[0-9,]+"))

    def wrong_in(self, text: str) -> str:
        """Somebody else who is said to be protected; empty where none is."""
        left = text.replace(self._right, "")
        found = self._forms.search(left)
        return found.group() if found else ""


def _units(report: Mapping[str, Any]) -> _Units:
    return _Units(report["language"], report["data"]["schema"])


def _strings(value: Any, key: str = "") -> Iterator[str]:
    """Every text of a section, in its order."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if name not in {"name", "kind"}:
                yield from _strings(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part, key)
    elif isinstance(value, str):
        yield value


def _in_order(form: str, report: Mapping[str, Any]) -> Iterator[str]:
    """Every text that must be seen, in its order."""
    for section in report["sections"]:
        yield section["heading"]
        figure = False
        for block in section["blocks"]:
            drawn = figure and block["kind"] == "table" and form == "html"
            figure = block["kind"] == "figure"
            for name, part in block.items():
                if name == "kind":
                    continue
                # A page draws what a picture's table holds; in a card it has the card's heading.
                if not (drawn or (figure and form == "html" and name == "heading")):
                    yield from _strings(part)


class _Seen:
    """What a reader sees of a file."""

    def __init__(self, texts: _Texts, labels: _Texts = (), hidden: _Texts = ()) -> None:
        self.texts, self.labels, self.hidden = texts, labels, hidden


def _seen(form: str, text: str) -> _Seen:
    if form == "md":
        return _Seen([html.unescape(line) + "\n" for line in text.splitlines()])
    page = _Page()
    page.feed(text)
    page.close()
    return _Seen(page.texts, page.labels, page.hidden)


class _Page(HTMLParser):
    """Texts, labels and what could hide or turn a text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.labels: list[str] = []
        self.hidden: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element."""
        if tag not in {"meta", "br"}:
            self._inside.append(tag)
        for key, value in attrs:
            if key == "hidden" or (key == "style" and not _SIZES.match(value or "")):
                self.hidden.append(f"an element <{tag}> may hide or move what it says")
            if key in {"aria-label", "title", "alt", "placeholder", "value"} and value:
                self.labels.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without an end."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """A text."""
        if "style" in self._inside:
            if _hides(data):
                self.hidden.append("its style may hide or change what it says")
        else:
            self.texts.append(data)


def _hides(style: str) -> bool:
    """Whether a style sheet can hide a text on the screen; on paper it may leave links out."""
    for found in _HIDING.finditer(style):
        *_, printed = style[: found.start()].rpartition(_PRINTED)
        deep = printed.count("{") - printed.count("}") >= _NESTED
        inside = deep and _PRINTED in style[: found.start()]
        if not (inside and found.group().startswith("display")):
            return True
    return False


def _alike(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _short(text: str) -> str:
    """A text without blanks and marks of Markdown: how lines are broken changes nothing."""
    return _BLANK.sub("", text)
