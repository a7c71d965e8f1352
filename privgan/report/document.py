"""A report as a document: sections of blocks, from which HTML, Markdown, JSON and PDF are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

_SENTENCE = 60


class Look(StrEnum):
    """How a piece of text stands out; what it says never depends on it."""

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
    """A piece of text.

    Attributes:
        text: What it says, as it came: renderers make it harmless.
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
    """A warning that must not be overlooked."""

    text: Text


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list."""

    items: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to the first question.

    Attributes:
        look: GOOD, BAD or OPEN.
        heading: The answer itself.
        text: To whom and for what.
        points: What stands against it.
    """

    look: Look
    heading: Text
    text: Text
    points: tuple[Text, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stat:
    """One figure in large type, with what it means."""

    label: Text
    value: Text
    text: Text


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Figures beside each other."""

    stats: tuple[Stat, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table's column.

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
        caption: What it shows.
        columns: Its columns; empty for a list of facts with a name and a value each.
        rows: Its rows.
        folded: The text under which a page folds it away; empty where it is shown.
    """

    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Text, ...], ...]
    folded: Text = ()

    def holds_sentences(self, place: int) -> bool:
        """Whether a column needs more room than others, from 0."""
        return any(len(plain(row[place])) > _SENTENCE for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its text alternative.

    Attributes:
        drawing: Which drawing of ``figures.html.j2`` shows it.
        data: What is drawn: geometry and texts.
        title: What it shows.
        alternative: What is to be seen in it, in words.
        table: Its figures, where there is no picture.
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
    """Cards beside each other."""

    cards: tuple[Card, ...]


Block: TypeAlias = Paragraph | Note | Bullets | Answer | Stats | Table | Figure | Cards


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section.

    Attributes:
        name: Its name, unique in the document; the same in every language.
        heading: Its heading; empty for the first, whose Answer is one.
        blocks: What stands in it.
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
        kind: What kind of report it is, in words.
        name: Of what: the data set's name.
        lead: Size and day.
        mark: The mark of confidence; empty where it may be shared.
        sections: What stands in it.
        footer: What the reader must know at the end.
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
    """Texts one after another with something between."""
    found: list[Run] = []
    for text in texts:
        if found:
            found.append(Run(by))
        found += text
    return tuple(found)
