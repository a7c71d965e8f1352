"""A document as Markdown (CommonMark with tables), in which no value can become markup.

Everything that could be structure is written as a character reference: a reference is never
structure in CommonMark, and the scan of a release resolves it as it does HTML's.
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
    Stats,
    Table,
    Text,
    plain,
)
from privgan.report.text import LONGEST_TEXT, short, words_of

# An underscore inside a word is text, a number's point too; a sign of equality or a hash is
# structure at a line's start alone.
_STRUCTURE = re.compile(r"[\\`*\[\]<>&|~!$@^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|://|(?i:www)\.")
_START = re.compile(r"^([-+>#=]|[0-9]+[.)](?=\s|$))")
_BLANK = "&#160;"  # A text of blanks alone; without it a list's item or a paragraph would be none.
_BOLD = frozenset({Look.STRONG, Look.GOOD, Look.BAD, Look.OPEN})


def to_markdown(document: Document) -> str:
    """The document's text."""
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
    if isinstance(block, Paragraph):
        yield _inline(block.text)
    elif isinstance(block, Note):
        yield f"> {_inline(block.text)}"
    elif isinstance(block, Bullets):
        yield _list(block.items)
    elif isinstance(block, Answer):
        yield f"## {_inline(block.heading)}"
        yield _inline(block.text)
        if block.points:
            yield _list(block.points)
    elif isinstance(block, Stats):
        yield _list(
            tuple(
                (*stat.label, Run(": "), Run(plain(stat.value), Look.STRONG), Run("; "), *stat.text)
                for stat in block.stats
            )
        )
    elif isinstance(block, Cards):
        for card in block.cards:
            yield f"### {_inline(card.heading)}"
            for part in card.blocks:
                yield from _block(part, language)
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        yield from _figure(block, language)


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
