"""Read a customer table from a file and write a synthetic one; values stay text until a schema gives them a type."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from privgan.documents import shown
from privgan.errors import TableError
from privgan.table.columns import Column, Discrete, Invented, Numeric, Temporal
from privgan.table.moments import is_clock
from privgan.table.presenting import as_written
from privgan.table.schema import Schema
from privgan.table.spreadsheet import escaped_frame

_MOST_PLACES = 10
_BLOCK = 1 << 20
PARQUET = {".parquet", ".pq"}
_SEPARATORS = {"\\t": "\t", "tab": "\t"}


def read_table(path: Path | str, *, sep: str = ",") -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Args:
        path: The file; ``.parquet`` and ``.pq`` are read as Parquet, all else as delimited text.
        sep: The separator of a text file; one character, or ``\\t``.

    Returns:
        A frame [rows, columns]; of text for a text file, of the file's own types for Parquet.

    Raises:
        TableError: when the file is missing, unreadable, empty, or has unnamed or repeated columns.
    """
    path = Path(path)
    if path.is_dir() or not path.exists():
        raise TableError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; give the path of a CSV or Parquet file")
    frame = _read_parquet(path) if path.suffix.lower() in PARQUET else _read_text(path, _SEPARATORS.get(sep, sep))
    if frame.empty:
        raise TableError(f"{path}: the table has no rows")
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    try:
        _refuse_repeated(path, pq.read_schema(path).names)
        # Through float, one missing value would change all other customers' integers above 2^53.
        return pq.read_table(path).to_pandas(integer_object_nulls=True)
    except TableError:
        raise
    except Exception as error:
        raise TableError(f"{path}: is not a readable Parquet file ({type(error).__name__})") from error


def _read_text(path: Path, sep: str) -> pd.DataFrame:
    if len(sep) != 1 or sep in '\r\n"':
        raise TableError(f"--sep is {shown(sep)}; it must be one character other than a quote, or \\t")
    _refuse_nul(path)
    header = _header(path, sep)
    try:
        frame = pd.read_csv(
            path,
            sep=sep,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            names=header,
            skiprows=1,
            on_bad_lines="error",
            skip_blank_lines=len(header) > 1,
        )
        if not isinstance(frame.index, pd.RangeIndex):
            raise pd.errors.ParserError
        # pandas fills a line that is too short with empty cells.
        if len(header) > 1 and frame[header[-1]].eq("").any():
            _refuse_short_lines(path, sep, len(header))
        return frame
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=header)
    except pd.errors.ParserError as error:
        raise TableError(
            f"{path}: a line has more fields than the header's {len(header)} columns; check --sep {shown(sep)} and the quoting"
        ) from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: is not UTF-8 text; save it as UTF-8") from error


def _refuse_short_lines(path: Path, sep: str, columns: int) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=sep)
        line = next((reader.line_num for row in reader if 0 < len(row) < columns), None)
    if line is not None:
        raise TableError(
            f"{path}: line {line} has fewer fields than the header's {columns} columns; check --sep {shown(sep)} and the quoting"
        )


def _refuse_nul(path: Path) -> None:
    """A NUL byte would cut the value that holds it short, silently."""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                if b"\0" in block:
                    raise TableError(f"{path}: is not a text table: it holds a NUL byte; save it as UTF-8 text")
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from error


def _header(path: Path, sep: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=sep), [])
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: is not a text table in UTF-8; give a CSV or Parquet file") from error
    if not header:
        raise TableError(f"{path}: is empty; it needs a header line and rows")
    _refuse_repeated(path, header)
    if "" in header:
        raise TableError(
            f"{path}: column {header.index('') + 1} of the header has no name; name it, or drop it where it is a row number"
            " (pandas writes one without index=False)"
        )
    return header


def _refuse_repeated(path: Path, names: list[str]) -> None:
    # Places and no names: of a table without a header line these would be a customer's values.
    places = [str(place) for place, name in enumerate(names, start=1) if names.count(name) > 1]
    if places:
        told = f"one name more than once, in columns {', '.join(places[:_MOST_PLACES])}"
        raise TableError(f"{path}: the header has {told}; each column needs a name of its own")


def write_tables(chunks: Iterable[pd.DataFrame], schema: Schema, parquet: Path | None, text: Path | None) -> int:
    """Write presented rows chunk by chunk as Parquet and as comma-separated text; a missing value is an empty cell.

    In the text, what a spreadsheet would run as a formula is escaped; Parquet holds every value as it is.

    Returns:
        The number of rows written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer, rows = None, 0
    try:
        for chunk in chunks:
            if parquet is not None:
                table = pa.Table.from_pandas(chunk, preserve_index=False, schema=writer.schema if writer else None)
                writer = writer or pq.ParquetWriter(parquet, _without_nulls(table.schema, schema))
                writer.write_table(table.cast(writer.schema))
            if text is not None:
                with text.open("a" if rows else "w", encoding="utf-8", newline="") as file:
                    file.write(csv_text(chunk, schema, header=not rows))
            rows += len(chunk)
    finally:
        if writer is not None:
            writer.close()
    return rows


def csv_text(frame: pd.DataFrame, schema: Schema, *, header: bool) -> str:
    """Presented rows as comma-separated text, as a release holds them.

    Args:
        frame: The rows [rows, columns].
        schema: The public facts.
        header: Whether the line of column names comes first.
    """
    cells = escaped_frame(as_written(frame, schema))
    written: str = cells.to_csv(index=False, header=header, quoting=_quoting(schema))
    return written


def _quoting(schema: Schema) -> Literal[0, 2]:
    """A carriage return ends a line, and a byte order mark at the start is dropped, unless quotes stand around them."""
    stated = [text for column in schema.columns for text in (column.name, *_texts(column))]
    return csv.QUOTE_NONNUMERIC if any("\r" in text or "\ufeff" in text for text in stated) else csv.QUOTE_MINIMAL


def _texts(column: Column) -> tuple[str, ...]:
    if isinstance(column, Discrete):
        return *column.categories, *column.missing_markers
    if isinstance(column, Temporal | Numeric):
        return column.format, *column.missing_markers
    return (column.pattern, *column.missing_markers) if isinstance(column, Invented) else ()


def _without_nulls(found: Any, schema: Schema) -> Any:
    """A column that is all missing in the first chunk may hold text, or times of day, in the next."""
    import pyarrow as pa

    clocks = {column.name for column in schema.columns if isinstance(column, Temporal) and is_clock(column.format)}
    kinds = {name: pa.time64("us") for name in clocks}
    fields = [field.with_type(kinds.get(field.name, pa.string())) if pa.types.is_null(field.type) else field for field in found]
    return pa.schema(fields)
