"""Which column is to be predicted: named by the schema, or chosen from the columns alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from privgan.errors import TableError
from privgan.table.columns import Column, Discrete, Kind, Numeric
from privgan.table.schema import Schema

TARGET_KINDS = frozenset({Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT})


def choose_target(columns: Sequence[Column]) -> str | None:
    """The target column, chosen from the schema alone.

    The Discrete column with the fewest categories of those with two or more, the last one of several; without one the
    last Numeric column; None where there is neither.
    """
    return choose_class(columns) or choose_number(columns)


def choose_class(columns: Sequence[Column]) -> str | None:
    """The target of a classification by :func:`choose_target`'s rule, or None."""
    discrete = [
        column for column in columns if isinstance(column, Discrete) and len(column.categories) >= 2 and not column.is_presence
    ]
    return min(reversed(discrete), key=lambda column: len(column.categories)).name if discrete else None


def choose_number(columns: Sequence[Column]) -> str | None:
    """The target of a regression by :func:`choose_target`'s rule, or None."""
    numeric = [column.name for column in columns if isinstance(column, Numeric)]
    return numeric[-1] if numeric else None


def require_target(columns: Sequence[Column], name: str) -> Column:
    """The column to predict; TableError where a name is no modelled discrete or numeric column."""
    found = {column.name: column for column in columns}
    if name not in found:
        raise TableError(f"target {name!r} is not a modelled column; choose one of {', '.join(found)}")
    column = found[name]
    if column.kind not in TARGET_KINDS:
        raise TableError(f"target {name!r} is a {column.kind.value} column; choose a discrete or numeric one")
    return column


def with_target(schema: Schema, name: str | None) -> Schema:
    """A schema that names a target; as it is where the name is None. TableError where no such column can be predicted."""
    return schema if name is None else replace(schema, target=require_target(schema.modelled, name).name)
