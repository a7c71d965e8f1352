"""Say which parts the model of a schema has: of histories, of related tables, of this version."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from privgan.parts.history_form import HistoryForm
from privgan.parts.part import Part
from privgan.parts.related_form import RelatedForm
from privgan.schema.schema import Schema


def parts_of(schema: Schema) -> tuple[Part, ...]:
    """The parts of a schema without open columns; none of one table of exchangeable rows."""
    if schema.tables:
        return RelatedForm(schema).parts
    return () if schema.history is None else HistoryForm(schema).parts


def parts_with(schema: Schema, root: Collection[str]) -> tuple[Part, ...]:
    """The parts of this or an earlier version, by the columns of the first one."""
    if schema.tables:
        return RelatedForm.with_root(schema, root).parts
    return () if schema.history is None else HistoryForm.with_customers(schema, root).parts


def parts_with_fingerprint(schema: Schema, root: str) -> tuple[Part, ...]:
    """The parts of this or an earlier version, by the fingerprint of the first one's columns."""
    for parts in _earlier(schema):
        if parts[0].schema.fingerprint() == root:
            return parts
    return parts_of(schema)


def _earlier(schema: Schema) -> Iterator[tuple[Part, ...]]:
    """The parts of earlier versions."""
    if schema.tables:
        yield RelatedForm(schema, means=False).parts
    elif schema.history is not None:
        yield HistoryForm(schema, usual_told=True).parts


def lenders_of(schema: Schema) -> dict[str, tuple[str, str]]:
    """By column of a table in parts the part and column whose codes it has."""
    return RelatedForm(schema).lenders if schema.tables else HistoryForm(schema).lenders
