"""Draft the schema of related tables: an unpaid look, INTERNAL until a person confirms it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from privgan.drafting.columns import Drafted
from privgan.drafting.draft import (
    Draft,
    any_modelled,
    beside_unit,
    drafted_columns,
    ordered,
    room_for,
    with_sources,
)
from privgan.drafting.identifiers import pattern_of
from privgan.drafting.key_columns import of_tables
from privgan.drafting.notes import Note, Topic
from privgan.drafting.relations import Link, Relations, relations
from privgan.drafting.unit_proposal import rounded_rows
from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.naming import parameter
from privgan.privacy.budget import PrivacyUnit
from privgan.related.keys import Links, linked
from privgan.schema.columns import Column, Invented, Kind, Role, Source, Temporal
from privgan.schema.schema import Schema
from privgan.schema.tables import LEFT_OUT, Parent, TableFacts

_MOST_ROWS, _FEWEST_ROWS = 20, 2
RELATED_NOTE = (
    "INTERNAL draft. Check each fact against what is publicly known, and keys, max_rows_per_unit"
    " and longest of each table; then confirm all with 'privgan schema review', or replace"
    " 'confirm' by 'declared'."
)
Tables = Mapping[str, pa.Table | pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class _DraftedTable:
    """Draft of one table: its columns, and what to look at."""

    columns: tuple[Column, ...]
    notes: tuple[Note, ...]
    blanks: frozenset[str]


def draft_related(
    tables: Tables, dataset: str, *, assume_public: bool = False, leave_out: bool = False
) -> Draft:
    """Draft a schema from related tables.

    Args:
        tables: Each table as read [rows, columns], by its name.
        dataset: The data set's name.
        assume_public: Take all drafted facts as they are, marked ``assumed_public``; else each is
            marked ``confirm``.
        leave_out: Whether rows that name no row of their parent are left out, not refused.

    Returns:
        A schema with ``tables``, and notes. The root is the table that no other lends a key to.
        Rows a customer and rows a parent are rounded upwards.

    Raises:
        TableError: where keys do not join the tables to one tree, rows lack a parent or a key, or
            no column can be modelled. It tells names and numbers of rows, and never a value.
    """
    found = relations(of_tables(tables))
    source = Source.ASSUMED_PUBLIC if assume_public else Source.CONFIRM
    width = sum(table.shape[1] for table in tables.values())
    drafts = {name: _drafted(name, tables[name], found, width) for name in tables}
    if not any(any_modelled(draft.columns) for draft in drafts.values()):
        raise TableError("no column of any table can be modelled: each looks like an identifier")
    markers = tuple(sorted(frozenset().union(*(draft.blanks for draft in drafts.values()))))
    schema = Schema(
        dataset=dataset,
        unit=PrivacyUnit(column=found.unit, related=True),
        columns=_with_sources(drafts[found.root], source),
        missing_markers=markers,
        unit_source=source,
        missing_markers_source=source if markers != ("",) else Source.DECLARED,
        root=found.root,
        tables=tuple(
            _facts(link, found, _with_sources(drafts[name], source), leave_out)
            for name, link in found.parents.items()
        ),
    )
    links = _linked(tables, schema)
    sized = tuple(_sized(table, links) for table in schema.tables)
    notes = [note for draft in drafts.values() for note in draft.notes]
    relating = (*_told(found, links, sized), *_order_notes(found, sized))
    return Draft(schema=replace(schema, tables=sized), notes=(*relating, *ordered(notes)))


def _with_sources(draft: _DraftedTable, source: Source) -> tuple[Column, ...]:
    return tuple(with_sources(column, source) for column in draft.columns)


def _drafted(
    name: str, table: pa.Table | pd.DataFrame, found: Relations, width: int
) -> _DraftedTable:
    """Draft of a table; its keys are identifiers, and a child's facts are listed, not measured."""
    root = name == found.root
    drafts, blanks = drafted_columns(table, room_for(width, measured=root))
    keys = _keys(name, found)
    unit = keys[found.unit if root else found.parents[name].column.name]
    columns = tuple(_column(draft, unit, keys) for draft in drafts)
    notes = tuple(
        replace(note, column=f"{name}.{note.column}")
        for draft in drafts
        for note in draft.notes
        if note.column not in keys
    )
    return _DraftedTable(columns=columns, notes=notes, blanks=blanks)


def _column(draft: Drafted, unit: Column, keys: Mapping[str, Column]) -> Column:
    return keys.get(draft.column.name) or beside_unit(draft, unit)


def _keys(name: str, found: Relations) -> dict[str, Column]:
    """Columns of a table that name its rows or others', as identifiers."""
    own = found.key_of(name)
    keys: dict[str, Column] = {}
    if own is not None:
        keys = {own.name: _identifier(own.name, pattern_of(own.values))}
    above = [link for link in (found.parents.get(name), *found.passed) if link is not None]
    return keys | {
        link.column.name: _identifier(link.column.name, pattern_of(link.key.values))
        for link in above
        if link.child == name
    }


def _identifier(name: str, pattern: str) -> Invented:
    return Invented(name=name, kind=Kind.IDENTIFIER, role=Role.IDENTIFIER, pattern=pattern)


def _facts(
    link: Link, found: Relations, columns: tuple[Column, ...], leave_out: bool
) -> TableFacts:
    key = found.key_of(link.child)
    return TableFacts(
        name=link.child,
        parent=Parent(table=link.parent, column=link.column.name),
        columns=columns,
        max_rows=_FEWEST_ROWS,
        key=None if key is None else key.name,
        leaves_out_orphans=leave_out,
    )


def _linked(tables: Tables, schema: Schema) -> Links:
    """Whose row each row is; TableError where rows have no parent, or keys are no keys."""
    frames = {schema.root: _only(tables[schema.root], (schema.unit.column or "",))}
    frames |= {table.name: _only(tables[table.name], table.keys) for table in schema.tables}
    links = linked(frames, schema)
    if links.violations:
        told = "; ".join(map(str, links.violations))
        leave = parameter("without_parent", LEFT_OUT)
        raise TableError(f"the keys do not fit: {told} (a draft with {leave} says so itself)")
    return links


def _only(table: pa.Table | pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    wanted = [*dict.fromkeys(names)]
    return table[wanted] if isinstance(table, pd.DataFrame) else table.select(wanted).to_pandas()


def _sized(table: TableFacts, links: Links) -> TableFacts:
    """A table with its rows a customer and its rows a parent, rounded upwards."""
    most = rounded_rows(_largest(links.customers[table.name]))
    longest = max(_FEWEST_ROWS, rounded_rows(_largest(links.parents[table.name])))
    return replace(table, max_rows=max(_FEWEST_ROWS, min(most, _MOST_ROWS)), longest=longest)


def _largest(owners: np.ndarray) -> int:
    return int(np.unique(owners, return_counts=True)[1].max(initial=1))


def _told(found: Relations, links: Links, tables: tuple[TableFacts, ...]) -> Iterator[Note]:
    """What was found of each table, and what is to be chosen."""
    said = f"the root: no other table lends it a key; {found.unit} is the unit, whom to protect"
    yield Note(Topic.RELATIONS, found.root, said)
    for table in tables:
        link = found.parents[table.name]
        how = "by its name" if link.by_name else "by its values alone; check that it is right"
        told = f"{link.column.name} names its row of {shown(link.parent)}, found {how}"
        yield Note(Topic.RELATIONS, table.name, told)
        yield Note(Topic.RELATIONS, table.name, _sizes(table, links.customers[table.name]))
    for link in found.passed:
        told = f"names rows of {shown(link.parent)} too, and a nearer table does; it is invented"
        where = f"{link.child}.{link.column.name}"
        yield Note(Topic.RELATIONS, where, f"{told}, and matches nothing: better left out")


def _sizes(table: TableFacts, customers: np.ndarray) -> str:
    """What is proposed as a customer's rows, and whether rows are beyond that."""
    each = np.unique(customers, return_counts=True)[1]
    limits = f"max_rows_per_unit {table.max_rows} and longest {table.longest} are proposed"
    told = f"a customer has up to {rounded_rows(_largest(customers)):,} rows"
    rest = f", and some rows are beyond {table.max_rows}" if each.max() > table.max_rows else ""
    return f"{limits}, choose both: {told}{rest}"


def _order_notes(found: Relations, tables: tuple[TableFacts, ...]) -> Iterator[Note]:
    """Which tables' rows may be put in order of time."""
    for table in tables:
        moments = [column.name for column in table.columns if _orders(column)]
        if moments and table.parent.table == found.root:
            told = f"where its rows are a history, write 'order: {moments[0]}' and 'history: true'"
            yield Note(Topic.RELATIONS, table.name, f"{told}, in one table alone")


def _orders(column: Column) -> bool:
    return isinstance(column, Temporal) and not column.missing and not column.special_values
