"""Define a report as a document of sections and blocks, for all output formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

_SENTENCE = 60


class Look(StrEnum):
    """Emphasis of a piece of text; its meaning never depends on it."""

    PLAIN = "plain"
    NAME = "name"
    CODE = "code"
    STRONG = "strong"
    SMALL = "small"
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True)
class Run:
    """A piece of text with one look.

    Attributes:
        text: The text as it came; renderers make it harmless.
        look: How it stands out. NAME is for every value that came from outside: its direction is
            isolated.
    """

    text: str
    look: Look = Look.PLAIN


Text: TypeAlias = tuple[Run, ...]


def plain(text: Text) -> str:
    """A text without looks."""
    return "".join(run.text for run in text)


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A paragraph."""

    text: Text


@dataclass(frozen=True, kw_only=True)
class Note:
    """A prominent warning."""

    text: Text


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list."""

    items: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer to the report's first question.

    Attributes:
        look: GOOD, BAD or OPEN.
        heading: The answer itself.
        text: To whom and for what.
        points: The points against it.
    """

    look: Look
    heading: Text
    text: Text
    points: tuple[Text, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stat:
    """One figure in large type, with its meaning."""

    label: Text
    value: Text
    text: Text


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Adjacent figures."""

    stats: tuple[Stat, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """Column of a table.

    Attributes:
        heading: Its heading.
        numeric: Whether it holds numbers.
    """

    heading: Text
    numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; the first cell of a row is its heading.

    Attributes:
        caption: The table's caption.
        columns: Its columns; empty for a list of facts with a name and a value each.
        rows: Its rows.
        folded: The text under which a page folds it away; empty if it is shown.
    """

    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Text, ...], ...]
    folded: Text = ()

    def holds_sentences(self, place: int) -> bool:
        """Whether a column, counted from 0, needs more room than others."""
        return any(len(plain(row[place])) > _SENTENCE for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its text alternative.

    Attributes:
        drawing: Name of the drawing in ``figures.html.j2``.
        data: Geometry and texts of the drawing.
        title: The figure's title.
        alternative: Text alternative of the picture.
        table: Its figures, if there is no picture.
    """

    drawing: str
    data: Any
    title: Text
    alternative: Text
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """Blocks under a small heading."""

    heading: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Adjacent cards."""

    cards: tuple[Card, ...]


Block: TypeAlias = Paragraph | Note | Bullets | Answer | Stats | Table | Figure | Cards


@dataclass(frozen=True, kw_only=True)
class Section:
    """Section of a report.

    Attributes:
        name: Its name, unique in the document; the same in every language.
        heading: Its heading; empty for the first, whose Answer is one.
        blocks: Its blocks.
    """

    name: str
    heading: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A report in one language.

    Attributes:
        language: ``en`` or ``zh``.
        title: The page's title.
        kind: The kind of report, in words.
        name: Of what: the data set's name.
        lead: Size and day.
        mark: The mark of confidence; empty if it may be shared.
        sections: Its sections.
        footer: Closing text for the reader.
    """

    language: str
    title: Text
    kind: Text
    name: Text
    lead: Text
    mark: Text
    sections: tuple[Section, ...]
    footer: Text


def joined(texts: Iterable[Text], by: str = ", ") -> Text:
    """Texts joined with a separator."""
    found: list[Run] = []
    for text in texts:
        if found:
            found.append(Run(by))
        found += text
    return tuple(found)
