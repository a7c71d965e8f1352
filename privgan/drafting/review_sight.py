"""Show a draft's facts beside the table: values and counts of real rows.

INTERNAL, for the owner's terminal alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, bounds_of, special_of
from privgan.drafting.proposals import Proposal, proposals
from privgan.drafting.review import Entry, Group, target_by_rule
from privgan.drafting.unit_proposal import RepeatingId, repeating_ids
from privgan.errors import TableError
from privgan.naming import parameter
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Open, OpenCategorical, Temporal
from privgan.schema.schema import Schema
from privgan.table.conform import rows_over_limit, typed_columns

RARE = 10
_SHOWN = 30


class Sight:
    """Table behind a review.

    Args:
        frame: The table as read [rows, columns].
        schema: The schema as it stands when the review begins.

    Raises:
        TableError: where a column of the schema is not in the table once.
    """

    def __init__(self, frame: pd.DataFrame, schema: Schema) -> None:
        lacking = [name for name in schema.names if list(map(str, frame.columns)).count(name) != 1]
        if lacking:
            raise TableError(
                f"the schema's columns are not in the table once each: {', '.join(lacking[:8])}; is"
                f" {parameter('sep')} right?"
            )
        self._frame = frame.rename(columns=str)
        self._read: dict[str, tuple[Column, tuple[str, ...], pd.Series]] = {}

    def _typed(self, name: str, schema: Schema) -> pd.Series:
        """Typed values of a column [rows], read again only where its facts have changed."""
        column, markers = replace(schema.column(name), sources={}), schema.missing_markers
        if name not in self._read or self._read[name][:2] != (column, markers):
            alone = Schema(
                dataset=schema.dataset,
                unit=PrivacyUnit(),
                columns=(column,),
                missing_markers=markers,
            )
            self._read[name] = column, markers, typed_columns(self._frame[[name]], alone)[name]
        return self._read[name][2]

    def repeating(self, schema: Schema) -> tuple[RepeatingId, ...]:
        """Columns that may be the privacy unit."""
        return repeating_ids(self._frame, schema)

    def dependencies(self, schema: Schema) -> tuple[Proposal, ...]:
        """Dependencies that the table shows."""
        return proposals(typed_columns(self._frame, schema), schema)

    def told(self, entry: Entry, schema: Schema) -> str:
        """Entry in words."""
        if entry.proposal is not None:
            return f"{entry.proposal}: {entry.proposal.reason}"
        if not entry.column:
            return self._of_table(entry, schema)
        return f"{entry.column}: {self._of_column(entry, schema)}"

    def _of_table(self, entry: Entry, schema: Schema) -> str:
        if entry.group is Group.TARGET:
            return (
                f"target: {target_by_rule(schema)}, by the fixed rule; name the column that the"
                " table is to predict"
            )
        if entry.group is Group.MARKERS:
            return f"in every column: {', '.join(map(repr, schema.missing_markers))}"
        over = rows_over_limit(self._frame, schema)
        left_out = f"; {over:,} rows are beyond that, and a run leaves them out" if over else ""
        return f"unit: {schema.unit}{left_out}"

    def _of_column(self, entry: Entry, schema: Schema) -> str:
        column = schema.column(entry.column)
        if entry.group is Group.PII:
            return f"{column.kind}, {column.role}"
        if entry.group is Group.ROLES:
            return str(column.role)
        if entry.group is Group.MARKERS:
            return _missing(column)
        if entry.group is Group.BOUNDS:
            return self._bounds(column, schema)
        if entry.group is Group.CATEGORIES:
            return self._categories(column, schema)
        return self._special(column, schema) if entry.group is Group.SENTINELS else _form(column)

    def _bounds(self, column: Column, schema: Schema) -> str:
        assert isinstance(column, Numeric | Temporal)
        told = f"{_value(column.lower, column)} to {_value(column.upper, column)}"
        numbers = as_numbers(self._typed(column.name, schema), column)
        for bound, value in zip(("lower", "upper"), bounds_of(column), strict=True):
            count = self._people(numbers == value, schema)
            if 0 < count < RARE and value not in special_of(column):
                told += f"; {bound} is the exact value of {count}"
        return told

    def _special(self, column: Column, schema: Schema) -> str:
        assert isinstance(column, Numeric | Temporal)
        numbers = as_numbers(self._typed(column.name, schema), column)
        found = zip(column.special_values, special_of(column), strict=True)
        return ", ".join(
            f"{_value(value, column)} in {np.mean(numbers == number):.1%} of the rows"
            for value, number in found
        )

    def _categories(self, column: Column, schema: Schema) -> str:
        if isinstance(column, OpenCategorical):
            return f"measured; what is not discovered goes under {column.other!r}"
        assert isinstance(column, Discrete)
        told = f"{len(column.categories)}: {_some(column.categories)}"
        rare = self.rare(column, schema)
        return (
            f"{told}; of fewer than {RARE}: {_some([f'{text} ({count})' for text, count in rare])}"
            if rare
            else told
        )

    def rare(self, column: Discrete, schema: Schema) -> list[tuple[str, int]]:
        """Categories that one to nine customers have, with the counts."""
        values = self._typed(column.name, schema)
        who = (
            self._frame[schema.unit.column].astype(str)
            if schema.unit.column
            else pd.Series(values.index, values.index)
        )
        pairs = pd.DataFrame({"value": values, "who": who}).dropna().drop_duplicates()
        counts = pairs["value"].value_counts()
        return sorted(
            ((str(text), int(count)) for text, count in counts.items() if count < RARE),
            key=lambda pair: pair[1],
        )

    def _people(self, rows: np.ndarray, schema: Schema) -> int:
        """Number of customers behind some of the rows [rows]."""
        return (
            int(self._frame.loc[rows, schema.unit.column].nunique())
            if schema.unit.column
            else int(rows.sum())
        )


def _some(texts: list[str] | tuple[str, ...]) -> str:
    more = f", and {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _value(value: Any, column: Column) -> str:
    """Bound or special value as short text."""
    if isinstance(column, Numeric):
        return (
            f"{value:.{column.decimals}f}".rstrip("0").rstrip(".")
            if column.decimals
            else f"{value:.0f}"
        )
    return f"{value:%Y-%m-%d}" if column.kind is Kind.DATE else str(value)


def _missing(column: Column) -> str:
    if not column.missing:
        return "never missing"
    texts = (
        f", also as {', '.join(map(repr, column.missing_markers))}"
        if column.missing_markers
        else ""
    )
    return f"may be missing{texts}"


def _form(column: Column) -> str:
    parts = [str(column.kind)]
    if isinstance(column, Numeric) or (isinstance(column, Open) and hasattr(column, "decimals")):
        parts += (
            [f"{column.decimals} decimal{'s' * (column.decimals != 1)}"]
            if column.kind == "float"
            else []
        )
    parts += [getattr(column, name) for name in ("format", "zone") if getattr(column, name, "")]
    return ", ".join(parts)
