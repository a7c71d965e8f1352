"""Draft a schema from stated facts; facts that are not stated are left to be measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

import yaml

from privgan.errors import DocumentError, UsageError
from privgan.files.documents import shown
from privgan.files.json_types import JsonDict
from privgan.files.limits import MOST_COLUMNS
from privgan.interchange.drafted_column import DraftedColumn
from privgan.interchange.stated import StatedColumn, StatedTable
from privgan.naming import parameter
from privgan.schema.columns import Kind, Source
from privgan.schema.schema import Schema
from privgan.table.mistakes import ROW_UNIT
from privgan.table.schema_file import FORMAT, parse_schema


@dataclass(frozen=True)
class Imported:
    """A schema made from a foreign one.

    Attributes:
        schema: The schema.
        notes: What was guessed, what is left to be measured and what could not be kept, a sentence
            each.
    """

    schema: Schema
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class UnitChoice:
    """The protected unit, as the caller names it.

    Attributes:
        column: The column that names the person; None where the caller does not say.
        max_rows: The most rows of one; None where the caller does not say.
    """

    column: str | None = None
    max_rows: int | None = None


def imported(table: StatedTable, dataset: str, unit: UnitChoice | None = None) -> Imported:
    """Make the schema of a stated table.

    Args:
        table: What a foreign schema states.
        dataset: The data set's name in the ledger.
        unit: Who is protected; where nobody says, the table's key, else one row, each to be
            confirmed.

    Raises:
        DocumentError: The facts make no schema.
        UsageError: Rows of one person repeat and nobody says how often.
    """
    _check_columns(table)
    facts, notes = _unit(table, unit or UnitChoice())
    columns = [_with_unit(column, facts["unit"]) for column in table.columns]
    made = [DraftedColumn.of(column, table.source) for column in columns]
    data = {"format": FORMAT, "dataset": dataset, **facts, "columns": [part.item for part in made]}
    text = yaml.dump(data, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True)
    schema = parse_schema(text, name=f"{table.source}, as a schema")
    told = [f"{shown(part.item['name'])}: {note}" for part in made for note in part.notes]
    return Imported(schema, (*table.notes, *notes, *told))


def _check_columns(table: StatedTable) -> None:
    names = [column.name for column in table.columns]
    twice = (
        sorted({name for name in names if names.count(name) > 1})
        if len(names) <= MOST_COLUMNS
        else []
    )
    if not names:
        raise DocumentError(table.source, ["states no column"])
    if len(names) > MOST_COLUMNS:
        raise DocumentError(
            table.source, [f"states {len(names):,} columns, allowed: at most {MOST_COLUMNS:,}"]
        )
    if twice:
        raise DocumentError(table.source, [f"states the column {shown(twice[0])} twice"])


def _with_unit(column: StatedColumn, unit: str) -> StatedColumn:
    """Make the unit's column an identifier, whatever its type."""
    return replace(column, kind=Kind.IDENTIFIER, categories=None) if column.name == unit else column


def _unit(table: StatedTable, choice: UnitChoice) -> tuple[JsonDict, list[str]]:
    names = [column.name for column in table.columns]
    if choice.column is not None:
        if choice.column not in names:
            raise UsageError(
                f"{parameter('unit')} is {shown(choice.column)}; {table.source} states no such"
                " column"
            )
        return _named(choice.column, _rows(choice, table, choice.column), Source.DECLARED), []
    if choice.max_rows is not None and table.sequence is None:
        raise UsageError(
            f"{parameter('max_rows_per_unit')} needs {parameter('unit', 'COLUMN')}, the column that"
            " names the person"
        )
    if table.sequence is not None:
        rows = _rows(choice, table, table.sequence)
        return _named(table.sequence, rows, Source.CONFIRM), [
            f"the unit is {shown(table.sequence)}, as the sequence key says"
        ]
    if table.key is not None:
        note = (
            f"the unit is {shown(table.key)}: no two rows share one; name the person's id with"
            f" {parameter('unit')} where rows do"
        )
        return _named(table.key, 1, Source.CONFIRM), [note]
    note = (
        "the unit is one row, which nothing here states; where a person may have several rows, use"
        f" {parameter('unit')}"
    )
    return {"unit": ROW_UNIT, "unit_source": Source.CONFIRM.value}, [note]


def _rows(choice: UnitChoice, table: StatedTable, column: str) -> int:
    if choice.max_rows is None:
        told = (
            f"{table.source}: rows of one {shown(column)} may repeat, and no schema says how often"
        )
        raise UsageError(f"{told}; give {parameter('max_rows_per_unit')}")
    return choice.max_rows


def _named(column: str, rows: int, source: Source) -> JsonDict:
    return {"unit": column, "unit_source": source.value, "max_rows_per_unit": rows}
