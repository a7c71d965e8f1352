"""Draft a schema from a table: an unpaid look, INTERNAL until a person confirms it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import pandas as pd
import pyarrow as pa
import yaml

from privgan.drafting.absence import blank_texts
from privgan.drafting.columns import Drafted, drafted_column
from privgan.drafting.distinct import distinct_columns
from privgan.drafting.notes import Note, Topic
from privgan.drafting.texts import Room
from privgan.drafting.unit_proposal import chosen, notes_of, proposed
from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.naming import parameter
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenCategorical,
    Source,
    Temporal,
)
from privgan.schema.schema import Schema, choose_target
from privgan.schema.tasks import RegressionTask, ResponseTask, Task
from privgan.table.schema_file import dump_schema

_NAMED = re.compile(r"\s*- name: ")
_LINE_ENDS = re.compile(r"[\r\n\x85\u2028\u2029]")


def draft_text(draft: Draft, comment: str = "") -> str:
    """Draft as YAML text, which ``parse_schema`` reads back to the drafted schema.

    Args:
        draft: The draft.
        comment: What is to stand on top.
    """
    head = "\n".join([comment, *told(draft.notes)]) if draft.notes else comment
    text = dump_schema(
        draft.schema, comment="\n".join(_one_line(line) for line in head.splitlines())
    )
    places = iter(_places(draft.schema))
    lines = (_with_notes(line, places, draft.notes) for line in text.split("\n"))
    return "\n".join(lines) + "".join(f"# {line}\n" for line in _tasks_told(draft.schema))


def _tasks_told(schema: Schema) -> Iterator[str]:
    """How to say what the table is for, on the column of the fixed rule; nothing without one."""
    columns = [column for column in schema.columns if not column.invented]
    name = choose_target(columns)
    if name is None:
        return
    column = schema.column(name)
    task: Task = RegressionTask(target=name)
    if isinstance(column, Discrete):
        meant = "VALUE" if len(column.categories) > 2 else None  # No real one in a comment.
        task = ResponseTask(target=name, positive=meant)
    line = yaml.safe_dump(
        task.to_json(), default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000
    )
    yield "What the table is for, which is then measured more closely and audited, such as"
    yield "tasks:"
    yield f"  - {_one_line(line.strip())}"
    yield "Kinds: response, scorecard, regression: target; uplift: treatment, outcome; segments"


def told(notes: Iterable[Note]) -> Iterator[str]:
    """Notes as lines, grouped by topic.

    What several columns have in common is said once.
    """
    for topic, group in groupby(notes, key=lambda note: note.topic):
        yield f"{topic.value}:"
        columns: dict[str, list[str]] = {}
        for note in group:
            columns.setdefault(note.text, []).append(shown(note.column))
        for text, names in columns.items():
            yield f"  {', '.join(names)}: {_one_line(text)}"


def _places(schema: Schema) -> list[str]:
    """What the notes of a file's named entries are about, in the file's order.

    Of several tables these are each table, and its columns as ``table.column``.
    """
    if not schema.tables:
        return list(schema.names)
    tables = {schema.root: schema.columns} | {part.name: part.columns for part in schema.tables}
    return [
        place
        for name, columns in tables.items()
        for place in (name, *(f"{name}.{column.name}" for column in columns))
    ]


def _with_notes(line: str, names: Iterator[str], notes: Iterable[Note]) -> str:
    named = _NAMED.match(line)
    if named is None:
        return line
    name, indent = next(names, None), line[: len(line) - len(line.lstrip())]
    told = (f"{indent}# {_one_line(note.text)}" for note in notes if note.column == name)
    return "\n".join([*told, line])


def _one_line(text: str) -> str:
    return _LINE_ENDS.sub(" ", text)


_MOST_CATEGORIES, _ALL_CATEGORIES, _LEAST_CATEGORIES = 1_000, 100_000, 40
_BLANKS = frozenset({""})


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A drafted schema.

    Attributes:
        schema: The schema; each fact is marked ``confirm``, or ``assumed_public``.
        notes: What does not fit, what was given up, what to look at; no cell's value stands in
            them.
    """

    schema: Schema
    notes: tuple[Note, ...] = ()


def draft_schema(
    table: pa.Table | pd.DataFrame,
    dataset: str,
    *,
    assume_public: bool = False,
    measured: bool = True,
) -> Draft:
    """Draft a schema from a table.

    Args:
        table: The table as read [rows, columns].
        dataset: The data set's name.
        assume_public: Take all drafted facts as they are, marked ``assumed_public``; else each is
            marked ``confirm``.
        measured: Whether many or rare categories are left to be measured; else all are listed,
            where that is possible.

    Returns:
        A schema with bounds rounded outwards, and notes. A column that names people or things and
        repeats is its unit; else one row is, which a person must check.

    Raises:
        TableError: where a cell holds several values, or where no column can be modelled.
    """
    source = Source.ASSUMED_PUBLIC if assume_public else Source.CONFIRM
    drafts, blanks = drafted_columns(table, room_for(table.shape[1], measured))
    columns, unit, notes = _with_unit(drafts)
    if not any_modelled(columns):
        raise TableError(
            "no column of the table can be modelled: each looks like an identifier or free text;"
            f" is {parameter('sep')} right?"
        )
    markers = tuple(sorted(blanks))
    schema = Schema(
        dataset=dataset,
        unit=unit,
        columns=tuple(with_sources(column, source) for column in columns),
        missing_markers=markers,
        unit_source=source,
        missing_markers_source=source if markers != ("",) else Source.DECLARED,
    )
    return Draft(schema=schema, notes=notes)


def drafted_columns(
    table: pa.Table | pd.DataFrame, room: Room
) -> tuple[list[Drafted], frozenset[str]]:
    """Draft each column of a table by itself.

    Args:
        table: The table as read [rows, columns].
        room: How many categories a column may list.

    Returns:
        The columns, and the texts that mean missing.
    """
    blanks: set[str] = set(_BLANKS)
    drafts: list[Drafted] = []
    for values in distinct_columns(table):
        blanks |= blank_texts(values)
        drafts.append(drafted_column(values, room))
    return drafts, frozenset(blanks)


def any_modelled(columns: Iterable[Column]) -> bool:
    """Whether anything of some columns is modelled: not all are invented in every row."""
    return not all(isinstance(column, Invented) and not column.presence for column in columns)


def room_for(columns: int, measured: bool) -> Room:
    """Number of categories that a column may list, so that the file stays readable."""
    most = _ALL_CATEGORIES // max(1, columns)
    return Room(max(_LEAST_CATEGORIES, min(_MOST_CATEGORIES, most) if measured else most), measured)


def _with_unit(drafts: Sequence[Drafted]) -> tuple[list[Column], PrivacyUnit, tuple[Note, ...]]:
    """Columns with the proposed unit, and all notes in the order of their topics."""
    candidates = [draft.candidate for draft in drafts if draft.candidate is not None]
    notes = [note for draft in drafts for note in draft.notes]
    taken = chosen(candidates)
    if taken is None:
        return [draft.column for draft in drafts], PrivacyUnit(), ordered(notes)
    unit, name = proposed(taken), taken.column.name
    columns = [beside_unit(draft, taken.column) for draft in drafts]
    others = [each for each in candidates if each is not taken]
    return columns, unit, ordered([*notes_of(unit, taken, others), *_but_of(name, notes)])


def _but_of(column: str, notes: Iterable[Note]) -> Iterator[Note]:
    """Notes on other columns."""
    return (note for note in notes if note.column != column)


def beside_unit(draft: Drafted, unit: Column) -> Column:
    """Column of a schema with a unit, which a column names.

    An identifier that was given up as text because it repeats is restored: beside a unit it may.
    """
    column, candidate = draft.column, draft.candidate
    if column.name == unit.name:
        return unit
    if candidate is None or column.kind is not Kind.TEXT:
        return column
    return replace(candidate.column, presence=candidate.column.missing)


def ordered(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Notes in the order of their topics."""
    order = list(Topic)
    return tuple(sorted(notes, key=lambda note: order.index(note.topic)))


def with_sources(column: Column, source: Source) -> Column:
    """A column whose facts come from one source; categories that are to be measured do not."""
    facts = dict.fromkeys((*_own_facts(column), "kind", "missing", "role"), source)
    if column.missing_markers:
        facts["missing_markers"] = source
    if isinstance(column, OpenCategorical):
        facts["categories"] = Source.MEASURED
    return replace(column, sources=facts)


def _own_facts(column: Column) -> list[str]:
    """Facts that a column of its kind states."""
    if isinstance(column, OpenCategorical):
        return ["categories", "other"]
    if isinstance(column, Discrete):
        return ["labels" if column.kind is Kind.BOOLEAN else "categories"]
    if isinstance(column, Numeric):
        decimals = ["decimals"] if column.kind is Kind.FLOAT else []
        return ["lower", "upper", *decimals, *_stated(column, "special_values", "format")]
    if isinstance(column, Temporal):
        return ["lower", "upper", "format", *_stated(column, "special_values", "zone")]
    return ["pattern"] if column.kind is Kind.IDENTIFIER else []


def _stated(column: Column, *facts: str) -> list[str]:
    return [fact for fact in facts if getattr(column, fact)]


def dataset_name(path: Path) -> str:
    """Name of a data set, made from a file's name."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")
    return name[:64] or "table"
