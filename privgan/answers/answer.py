"""An answer: figures with their intervals, and where they come from."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from privgan.files.json_types import JsonDict
from privgan.notebook import card
from privgan.report.drawn_text import breadth

FORMAT = "privgan.answer/1"


class Origin(StrEnum):
    """Where a figure comes from."""

    MEASURED = "measured"
    PART = "measured in part, the rest by the model"
    MODEL = "not measured directly, model only"


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Standard deviations of a figure's errors, in its unit.

    Attributes:
        noise: The mechanisms' noise, which is known exactly.
        held_out: Customers that were left out of the counts for the audit, by coins.
        sampling: The table's customers as a sample; 0 where the table itself is meant.
        coding: Values of one code that the counts cannot tell apart.
        model: What was not measured; None where nothing tells how wrong the model is.
    """

    noise: float
    held_out: float
    sampling: float
    coding: float
    model: float | None

    @property
    def together(self) -> float | None:
        """All of them as one standard deviation; None where one is not known."""
        if self.model is None:
            return None
        parts = (self.noise, self.held_out, self.sampling, self.coding, self.model)
        return math.sqrt(sum(part**2 for part in parts))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The figure of one group.

    Attributes:
        group: Column to the group's label; empty where there are no groups.
        value: The figure: a number, or a moment as text; None where too few rows tell it.
        low: Lower end of the interval; None where it has none.
        high: Upper end of the interval.
        origin: Where it comes from; None where there is no figure.
        errors: Its errors; None where there is no figure, and of a quantile.
        unmeasured: Sets of columns of which the model tells how they go together.
        note: What else is to be known of it; empty for nothing.
    """

    group: Mapping[str, str]
    value: float | str | None
    low: float | str | None
    high: float | str | None
    origin: Origin | None
    errors: Errors | None
    unmeasured: tuple[tuple[str, ...], ...] = ()
    note: str = ""

    def to_json(self) -> JsonDict:
        """The figure as JSON values."""
        errors = {} if self.errors is None else {"standard_deviations": _errors(self.errors)}
        more = {"model_tells_of": [list(part) for part in self.unmeasured]}
        return {
            "group": dict(self.group),
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "origin": None if self.origin is None else self.origin.value,
            **errors,
            **(more if self.unmeasured else {}),
            **({"note": self.note} if self.note else {}),
        }


def _errors(errors: Errors) -> JsonDict:
    names = ("noise", "held_out", "sampling", "coding", "model")
    return {name: getattr(errors, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Figures for a question, each with a 95 % interval.

    Attributes:
        question: As it was asked.
        dataset: The data set's name.
        target: What the intervals are about: ``table`` or ``population``.
        level: The intervals' level.
        figures: One figure, or one a group.
        notes: What holds for all of them, a sentence each.

    >>> fitted.ask("share(segment = gold) by segment").header
    ('segment', 'value', 'low', 'high', 'origin')
    """

    question: str
    dataset: str
    target: str
    level: float
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> float | str | None:
        """The figure of an answer without groups; ValueError of one with groups."""
        if len(self.figures) != 1 or self.figures[0].group:
            raise ValueError("this answer has a figure for each group; read figures")
        return self.figures[0].value

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns of its table."""
        return (*(self.figures[0].group if self.figures else ()), *_HEADER)

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """Its table: a row for each figure."""
        return [
            (*one.group.values(), one.value, one.low, one.high, one.origin or one.note)
            for one in self.figures
        ]

    def to_json(self) -> JsonDict:
        """The answer as JSON values, following ``privgan/formats/answer.schema.json``."""
        return {
            "format": FORMAT,
            "question": self.question,
            "dataset": self.dataset,
            "target": self.target,
            "level": self.level,
            "answers": [one.to_json() for one in self.figures],
            "notes": list(self.notes),
        }

    def json_text(self) -> str:
        """The answer as JSON."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def csv_text(self) -> str:
        """The answer as a table of comma-separated values, with a line of names."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header)
        for row in self.rows:
            writer.writerow(["" if cell is None else cell for cell in row])
        return text.getvalue()

    def lines(self) -> Iterator[str]:
        """The answer as aligned lines for a terminal."""
        rows = [[_short(cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(map(breadth, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            padded = (
                cell + " " * (width - breadth(cell))
                for cell, width in zip(row, widths, strict=True)
            )
            yield "  ".join(padded).rstrip()
        yield from (f"note: {note}" for note in self.notes)

    def __repr__(self) -> str:
        """The question, and its figure or the number of figures."""
        one = self.figures[0] if len(self.figures) == 1 else None
        told = f"{len(self.figures)} figures" if one is None else spoken(one)
        return f"Answer({self.question!r}, {told})"

    def _repr_html_(self) -> str:
        facts = [("data set", self.dataset), ("intervals", f"{self.level:.0%}, {self.target}")]
        facts += [("note", note) for note in self.notes]
        rows = [[_short(cell) for cell in row] for row in self.rows]
        return card(self.question, facts, header=self.header, rows=rows)


_HEADER = ("value", "low", "high", "origin")


def _short(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:,.5g}" if isinstance(cell, float) else str(cell)


def spoken(figure: Figure) -> str:
    """A figure with its interval in words."""
    if figure.value is None:
        return figure.note
    if figure.low is None:
        return f"{_short(figure.value)}, no interval"
    return f"{_short(figure.value)}, {_short(figure.low)} to {_short(figure.high)}"
