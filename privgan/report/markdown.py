"""Write a document as Markdown (CommonMark with tables); no value can become markup.

Every character that could be structure is written as a character reference. In CommonMark a
reference is never structure. The scan of a release resolves it as in HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from privgan.report.document import (
    Answer,
    Block,
    Bullets,
    Cards,
    Document,
    Figure,
    Look,
    Note,
    Paragraph,
    Run,
    Section,
    Stat,
    Stats,
    Table,
    Text,
    plain,
)
from privgan.report.text import LONGEST_TEXT, short, words_of

# An underscore inside a word and a number's point are text. Equals signs and hashes are structure
# only at the start of a line.
_STRUCTURE = re.compile(r"[\\`*\[\]<>&|~!$@^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|://|(?i:www)\.")
_START = re.compile(r"^([-+>#=]|[0-9]+[.)](?=\s|$))")
_BLANK = "&#160;"  # Stands for an empty text; without it a list item or a paragraph would vanish.
_BOLD = frozenset({Look.STRONG, Look.GOOD, Look.BAD, Look.OPEN})


def to_markdown(document: Document) -> str:
    """Text of the document."""
    lines = [f"# {_inline(document.name)}", _inline(document.kind), _inline(document.lead)]
    if document.mark:
        lines.insert(0, f"**{_inline(document.mark)}**")
    for section in document.sections:
        lines += _section(section, document.language)
    lines += ["---", _inline(document.footer)]
    return "\n\n".join(lines) + "\n"


def _section(section: Section, language: str) -> Iterator[str]:
    if section.heading:
        yield f"## {_inline(section.heading)}"
    for block in section.blocks:
        yield from _block(block, language)


def _block(block: Block, language: str) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _inline(block.text)
        case Note():
            yield f"> {_inline(block.text)}"
        case Bullets():
            yield _list(block.items)
        case Answer():
            yield from _answer(block)
        case Stats():
            yield _list(tuple(_stat(stat) for stat in block.stats))
        case Cards():
            yield from _cards(block, language)
        case Table():
            yield from _table(block)
        case Figure():
            yield from _figure(block, language)


def _answer(answer: Answer) -> Iterator[str]:
    yield f"## {_inline(answer.heading)}"
    yield _inline(answer.text)
    if answer.points:
        yield _list(answer.points)


def _stat(stat: Stat) -> Text:
    return (*stat.label, Run(": "), Run(plain(stat.value), Look.STRONG), Run("; "), *stat.text)


def _cards(cards: Cards, language: str) -> Iterator[str]:
    for card in cards.cards:
        yield f"### {_inline(card.heading)}"
        for part in card.blocks:
            yield from _block(part, language)


def _figure(figure: Figure, language: str) -> Iterator[str]:
    label = words_of(language).text("page.figure")
    yield f"*{_escaped(label)}: {_inline(figure.title)}.* {_inline(figure.alternative)}"
    if figure.table:
        yield from _table(figure.table)


def _list(items: tuple[Text, ...]) -> str:
    return "\n".join(f"- {_inline(item)}" for item in items)


def _table(table: Table) -> Iterator[str]:
    yield f"*{_inline(table.caption)}*"
    width = len(table.columns) or 2
    heads = [_inline(column.heading) for column in table.columns] or [" "] * width
    marks = ["---:" if column.numeric else "---" for column in table.columns] or ["---"] * width
    rows = [heads, marks, *([_inline(cell) for cell in row] for row in table.rows)]
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _inline(text: Text) -> str:
    """A text on one line."""
    written = "".join(_run(run) for run in text)
    written = _START.sub(lambda found: _references(found.group()), written).strip()
    return written or _BLANK


def _run(run: Run) -> str:
    text = _escaped(short(run.text, LONGEST_TEXT))
    if run.look in _BOLD and text.strip():
        return f"**{text.strip()}**"
    return f" ({text})" if run.look is Look.SMALL else text


def _escaped(text: str) -> str:
    return _STRUCTURE.sub(lambda found: _references(found.group()), text)


def _references(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)
