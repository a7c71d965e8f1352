"""Read a customer table from a file and write a synthetic one.

Values stay text until a schema gives them a type.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from privgan.notation.moments import is_clock
from privgan.schema.columns import Column, Discrete, Invented, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions, read_source
from privgan.table.presenting import as_written, escaped_frame


def read_table(path: Path | str | Any, *, sep: str | None = None) -> pd.DataFrame:
    """Read a table from files or a database, as ``privgan.sources.read_source`` does.

    Args:
        path: Where the table is; or an Arrow table, a pandas or polars frame.
        sep: The separator of a text file, one character or ``tab``; None to recognise it.

    Returns:
        A frame [rows, columns]; of text for a text file, of the source's own types else.

    Raises:
        TableError: when it is missing, unreadable, empty, or has unnamed or repeated columns.

    >>> read_table("customers.csv", sep=",").shape
    (600, 5)
    """
    return read_source(path, SourceOptions(sep=sep)).frame()


def write_tables(
    chunks: Iterable[pd.DataFrame], schema: Schema, parquet: Path | None, text: Path | None
) -> int:
    """Write presented rows chunk by chunk as Parquet and as comma-separated text.

    A missing value is an empty cell. In the text, formulas of spreadsheets are escaped; Parquet
    holds every value as it is.

    Returns:
        The number of rows written.

    Returns:
        The number of rows written.
    """
    with closing(TableWriter(schema, parquet, text)) as writer:
        for chunk in chunks:
            writer.write(chunk)
    return writer.rows


class TableWriter:
    """Writes presented rows chunk by chunk, as ``write_tables`` does.

    Attributes:
        rows: The number of rows written so far.

    Args:
        schema: The public facts.
        parquet: The Parquet file; None for none.
        text: The text file; None for none.
    """

    def __init__(self, schema: Schema, parquet: Path | None, text: Path | None) -> None:
        self._schema, self._parquet, self._text = schema, parquet, text
        self._writer: Any = None
        self.rows, self._begun = 0, False

    def write(self, chunk: pd.DataFrame) -> None:
        """Write the next rows."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._parquet is not None:
            known = self._writer.schema if self._writer else None
            table = pa.Table.from_pandas(chunk, preserve_index=False, schema=known)
            self._writer = self._writer or pq.ParquetWriter(
                self._parquet, without_nulls(table.schema, self._schema)
            )
            self._writer.write_table(table.cast(self._writer.schema))
        if self._text is not None:
            with self._text.open("a" if self._begun else "w", encoding="utf-8", newline="") as file:
                file.write(csv_text(chunk, self._schema, header=not self._begun))
        self.rows, self._begun = self.rows + len(chunk), True

    def close(self) -> None:
        """End the Parquet file."""
        if self._writer is not None:
            self._writer.close()


def csv_text(frame: pd.DataFrame, schema: Schema, *, header: bool) -> str:
    """Presented rows as comma-separated text, as a release holds them.

    Args:
        frame: The rows [rows, columns].
        schema: The public facts.
        header: Whether the line of column names comes first.
    """
    cells = escaped_frame(as_written(frame, schema))
    written: str = cells.to_csv(index=False, header=header, quoting=quoting(schema))
    return written


def quoting(schema: Schema) -> Literal[0, 2]:
    """Quoting mode of the csv module for a frame.

    A carriage return and a leading byte order mark survive only inside quotes, and so does a line
    of column names that is blank.
    """
    stated = [text for column in schema.columns for text in (column.name, *_texts(column))]
    return (
        csv.QUOTE_NONNUMERIC
        if any("\r" in text or "\ufeff" in text for text in stated)
        or not "".join(schema.names).strip()
        else csv.QUOTE_MINIMAL
    )


def _texts(column: Column) -> tuple[str, ...]:
    if isinstance(column, Discrete):
        return *column.categories, *column.missing_markers
    if isinstance(column, Temporal | Numeric):
        return column.format, *column.missing_markers
    return (column.pattern, *column.missing_markers) if isinstance(column, Invented) else ()


def without_nulls(found: Any, schema: Schema) -> Any:
    """Replace null types of a chunk by the types of later chunks.

    A column that is all missing in the first chunk may hold text or times of day in the next.
    """
    import pyarrow as pa

    clocks = {
        column.name
        for column in schema.columns
        if isinstance(column, Temporal) and is_clock(column.format)
    }
    kinds = {name: pa.time64("us") for name in clocks}
    fields = [
        (
            field.with_type(kinds.get(field.name, pa.string()))
            if pa.types.is_null(field.type)
            else field
        )
        for field in found
    ]
    return pa.schema(fields)
