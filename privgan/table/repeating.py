"""Columns that name people and repeat: whom a table may have to protect beyond single rows. INTERNAL."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pandas as pd

from privgan.privacy.unit import PrivacyUnit
from privgan.table.columns import Column, Invented, Kind, Role, Source
from privgan.table.schema import Schema

_ID = re.compile(r"(?:^|[_ .-])(?i:id|uuid|guid|key|number|no|nr)$|[a-z](?:Id|ID|Key|No|Nr|Number)$")
_PERSON = re.compile(r"customer|client|user|person|member|patient|subscriber|employee|student|account|household|kunde", re.I)
_NUMBERED = frozenset({Kind.INTEGER, Kind.CATEGORICAL, Kind.TEXT, Kind.ORDINAL})
_FEW_VALUES, _ROWS_EACH, _MOST_ROWS = 12, 20, 20
_LIMITS = (1, 2, 5, 10, 20)


@dataclass(frozen=True, kw_only=True)
class RepeatingId:
    """A column that names people or things and repeats.

    Attributes:
        name: The column.
        different: How many different ones there are.
        largest: The most rows of one.
    """

    name: str
    different: int
    largest: int

    @property
    def unit(self) -> PrivacyUnit:
        """The unit that it would be, with the largest number of rows, rounded upwards and at most 20."""
        return PrivacyUnit(column=self.name, max_rows=next((limit for limit in _LIMITS if limit >= self.largest), _MOST_ROWS))


def repeating_ids(frame: pd.DataFrame, schema: Schema) -> tuple[RepeatingId, ...]:
    """The columns of a table that may be its privacy unit, the likeliest first: named after people, then the fewest.

    Args:
        frame: The table as read [rows, columns].
        schema: The public facts.
    """
    found = [each for column in schema.columns if (each := _repeating(frame[column.name], column, schema)) is not None]
    return tuple(sorted(found, key=lambda each: (not _PERSON.search(each.name), each.different)))


def _repeating(values: pd.Series, column: Column, schema: Schema) -> RepeatingId | None:
    named = column.kind in _NUMBERED and bool(_ID.search(column.name))
    if not named and column.kind is not Kind.IDENTIFIER:
        return None
    texts = values.astype(object).map(str, na_action="ignore")
    if texts.isna().any() or texts.isin([*schema.missing_markers, *column.missing_markers]).any():
        return None
    counts = texts.value_counts()
    if not _FEW_VALUES < len(counts) < len(texts) <= _ROWS_EACH * len(counts):
        return None
    return RepeatingId(name=column.name, different=len(counts), largest=int(counts.iloc[0]))


def with_unit(schema: Schema, unit: PrivacyUnit) -> Schema:
    """The schema with a unit that a person declared; its column becomes an identifier that is never missing."""
    columns = tuple(_identifier(column) if column.name == unit.column else column for column in schema.columns)
    return replace(schema, unit=unit, unit_source=Source.DECLARED, columns=columns)


def _identifier(column: Column) -> Column:
    if isinstance(column, Invented) and column.kind is Kind.IDENTIFIER:
        sources = {fact: source for fact, source in column.sources.items() if fact != "repeats"}
        return replace(column, presence=False, empty=False, repeats=False, sources=sources)
    return Invented(
        name=column.name,
        kind=Kind.IDENTIFIER,
        role=Role.IDENTIFIER,
        description=column.description,
        sources=dict.fromkeys(("pattern", "kind", "missing", "role"), Source.DECLARED),
    )
