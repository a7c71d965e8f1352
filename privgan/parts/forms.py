"""Say which parts the model of a schema has: of histories, of related tables, of this version."""

from __future__ import annotations

from collections.abc import Collection

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
    return RelatedForm.with_root(schema, root).parts if schema.tables else parts_of(schema)


def parts_with_fingerprint(schema: Schema, root: str) -> tuple[Part, ...]:
    """The parts of this or an earlier version, by the fingerprint of the first one's columns."""
    if schema.tables:
        earlier = RelatedForm(schema, means=False).parts
        if earlier[0].schema.fingerprint() == root:
            return earlier
    return parts_of(schema)


def lenders_of(schema: Schema) -> dict[str, tuple[str, str]]:
    """By column of a table in parts the part and column whose codes it has."""
    return RelatedForm(schema).lenders if schema.tables else HistoryForm(schema).lenders
