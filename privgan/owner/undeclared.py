"""Find a table's texts that its schema does not declare, for the leak scan. PRIVATE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from privgan.owner.private_table import Sealed
from privgan.schema.columns import Column, Discrete, Numeric, OpenNumeric, OpenTemporal, Temporal
from privgan.schema.schema import Schema
from privgan.table.readings import canonical_text, moments_of, numbers_of


class UndeclaredTexts(Sealed):
    """The distinct texts of each column outside its declared domain.

    Args:
        schema: The public facts.
        texts: By label of a column, its texts.
    """

    def __init__(self, schema: Schema, texts: Mapping[str, tuple[str, ...]]) -> None:
        self.schema, self._texts = schema, texts

    def items(self) -> Iterator[tuple[Column, tuple[str, ...]]]:
        """Each column of the table with its undeclared texts; for the leak scan alone."""
        return (
            (column, self._texts[label])
            for label, column in self.schema.labelled
            if label in self._texts
        )

    def beside(self, name: str, of_table: UndeclaredTexts) -> UndeclaredTexts:
        """These texts and those of one of several tables.

        Args:
            name: The table's name.
            of_table: Its own texts.
        """
        own = {self.schema.label(name, column): texts for column, texts in of_table._texts.items()}
        return UndeclaredTexts(self.schema, {**self._texts, **own})


def undeclared_texts(frame: pd.DataFrame, schema: Schema) -> UndeclaredTexts:
    """The undeclared texts of a table.

    Args:
        frame: The table as read, before any value was mapped into the schema [rows, columns].
        schema: The public facts.
    """
    found = {
        column.name: tuple(_undeclared(frame[column.name], column, schema.missing_markers))
        for column in schema.columns
        if column.name in frame
    }
    return UndeclaredTexts(schema, found)


def _undeclared(values: pd.Series, column: Column, markers: tuple[str, ...]) -> Iterator[str]:
    distinct = pd.Series(values.dropna().unique(), dtype=object)
    if isinstance(column, Numeric | OpenNumeric):
        distinct = distinct[numbers_of(distinct, column).isna()]
    elif isinstance(column, Temporal | OpenTemporal):
        if pd.api.types.is_datetime64_any_dtype(values):
            return
        distinct = distinct[moments_of(distinct, column).isna()]
    known = {
        *markers,
        *column.missing_markers,
        *(column.categories if isinstance(column, Discrete) else ()),
    }
    for value in distinct:
        text = canonical_text(value).strip()
        if text not in known:
            yield text
