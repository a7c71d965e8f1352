"""Derive policy facts from a released schema, which is public."""

from __future__ import annotations

from collections import Counter

from privgan.domain.value_sets import Axis
from privgan.policy.column_gates import ColumnFact
from privgan.policy.facts import FactValue
from privgan.schema.columns import Column, Discrete, Numeric, Role, Source, Temporal
from privgan.schema.schema import Schema


def schema_facts(schema: Schema) -> dict[str, FactValue]:
    """Facts that follow from the schema alone."""
    found = Counter(column.role for _, column in schema.labelled)
    return {
        "guarantee.unit_declared": schema.unit_source is Source.DECLARED,
        "guarantee.max_rows_per_unit": schema.unit.max_rows,
        "schema.assumed_public_facts": len(schema.facts_from(Source.ASSUMED_PUBLIC)),
        "schema.unmodelled_pii": sum(column.invented for _, column in schema.labelled),
        "schema.identifiers": found[Role.IDENTIFIER],
        "schema.quasi_identifiers": found[Role.QUASI_IDENTIFIER],
        "schema.sensitive_columns": found[Role.SENSITIVE],
    }


def column_facts(schema: Schema) -> tuple[ColumnFact, ...]:
    """Facts of each column for column gates, from the released schema."""
    return tuple(
        ColumnFact(
            name=label,
            kind=str(column.kind),
            role=str(column.role),
            invented=column.invented,
            values=_values(column),
        )
        for label, column in schema.labelled
    )


def _values(column: Column) -> int | None:
    """Number of different values of a column by its schema, without missing.

    None if that is not bounded.
    """
    if isinstance(column, Discrete):
        return len(column.categories)
    if isinstance(column, Numeric):
        return Axis(column).last + 1
    if isinstance(column, Temporal):
        return Axis(column).last + 1
    return None
