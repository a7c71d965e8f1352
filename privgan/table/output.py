"""Write synthetic rows chunk by chunk in the usual kinds of table files."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.frames import with_columns
from privgan.errors import LibraryError, UsageError
from privgan.naming import parameter
from privgan.schema.columns import Column, Kind, Temporal
from privgan.schema.schema import Schema
from privgan.table.files import quoting, write_tables
from privgan.table.presenting import as_written, escaped_frame, is_duration

TABLE = "synthetic"
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".sqlite": "sqlite",
    ".duckdb": "duckdb",
}
_MOST_SHEET_ROWS = 1_048_575
_LARGEST_SHEET_INTEGER = 10**15
_EARLIEST_SHEET_DAY = pd.Timestamp(
    "1900-03-01"
)  # Before it Excel counts 29 February 1900, which never was.
_SHEET_FORMATS = {Kind.DATE: "yyyy-mm-dd", Kind.DATETIME: "yyyy-mm-dd hh:mm:ss"}

Put = Callable[[pd.DataFrame], None]


def format_of(out: Path, asked: str | None) -> str:
    """Kind of file to write: the requested one, else by the file's name.

    Raises:
        UsageError: when neither tells.
    """
    found = asked or _SUFFIXES.get(out.suffix.lower())
    if found is None:
        raise UsageError(
            f"{out}: its name does not tell the format; end it in {', '.join(_SUFFIXES)}, or give"
            f" {parameter('format')}"
        )
    return found


def write_rows(chunks: Iterable[pd.DataFrame], schema: Schema, out: Path, form: str) -> int:
    """Write presented rows, chunk by chunk.

    Text files hold moments as the schema writes them, and escape formulas of spreadsheets. Typed
    files hold typed values; a database file has one table, ``synthetic``.

    Args:
        chunks: The rows [rows, columns].
        schema: The public facts.
        out: The file.
        form: csv, parquet, tsv, feather, jsonl, xlsx, sqlite or duckdb.

    Returns:
        The number of rows written.

    Raises:
        UsageError: when there are more rows than a sheet holds.
        LibraryError: when a library is missing.
    """
    if form in {"csv", "parquet"}:
        return write_tables(chunks, schema, *((out, None) if form == "parquet" else (None, out)))
    rows = 0
    with _WRITERS[form](out, schema) as put:
        for chunk in chunks:
            put(chunk.reset_index(drop=True))
            rows += len(chunk)
    return rows


@contextmanager
def _tab_separated(out: Path, schema: Schema) -> Iterator[Put]:
    with out.open("w", encoding="utf-8", newline="") as file:

        def put(chunk: pd.DataFrame) -> None:
            cells = escaped_frame(as_written(chunk, schema))
            cells.to_csv(
                file, sep="\t", index=False, header=file.tell() == 0, quoting=quoting(schema)
            )

        yield put


@contextmanager
def _feather(out: Path, schema: Schema) -> Iterator[Put]:
    import pyarrow as pa

    from privgan.table.files import without_nulls

    writers: list[Any] = []

    def put(chunk: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(
            chunk, preserve_index=False, schema=writers[0][1] if writers else None
        )
        if not writers:
            kept = without_nulls(table.schema, schema).remove_metadata()
            writers.append((pa.ipc.new_file(str(out), kept), kept))
        writer, kept = writers[0]
        writer.write_table(table.cast(kept))

    try:
        yield put
    finally:
        for writer, _ in writers:
            writer.close()


@contextmanager
def _json_lines(out: Path, schema: Schema) -> Iterator[Put]:
    with out.open("w", encoding="utf-8", newline="\n") as file:

        def put(chunk: pd.DataFrame) -> None:
            text = _without_moments(chunk, schema).to_json(
                orient="records", lines=True, force_ascii=False, double_precision=15
            )
            file.write(text if text.endswith("\n") else text + "\n")

        yield put


@contextmanager
def _sqlite(out: Path, schema: Schema) -> Iterator[Put]:
    with closing(sqlite3.connect(out)) as connection:

        def put(chunk: pd.DataFrame) -> None:
            _without_moments(chunk, schema).to_sql(
                TABLE, connection, index=False, if_exists="append"
            )

        yield put
        connection.commit()


@contextmanager
def _duckdb(out: Path, schema: Schema) -> Iterator[Put]:
    import duckdb
    import pyarrow as pa

    from privgan.table.files import without_nulls

    with closing(duckdb.connect(str(out))) as connection:
        made: list[Any] = []

        def put(chunk: pd.DataFrame) -> None:
            table = pa.Table.from_pandas(
                chunk, preserve_index=False, schema=made[0] if made else None
            )
            table = table.cast(
                made[0] if made else without_nulls(table.schema, schema).remove_metadata()
            )
            connection.register("chunk", table)
            connection.execute(
                f"insert into {TABLE} from chunk" if made else f"create table {TABLE} as from chunk"
            )
            connection.unregister("chunk")
            made.append(table.schema)

        yield put


@contextmanager
def _sheet(out: Path, schema: Schema) -> Iterator[Put]:
    try:
        import xlsxwriter
    except ImportError as error:
        raise LibraryError(
            "writing spreadsheets needs XlsxWriter; install privgan[excel], or write a CSV file"
        ) from error
    with xlsxwriter.Workbook(str(out), {"constant_memory": True}) as book:
        sheet = book.add_worksheet(TABLE)
        forms = {
            kind: book.add_format({"num_format": form}) for kind, form in _SHEET_FORMATS.items()
        }
        written = [0]

        def put(chunk: pd.DataFrame) -> None:
            if written[0] + len(chunk) > _MOST_SHEET_ROWS:
                raise UsageError(
                    f"{out}: a sheet holds {_MOST_SHEET_ROWS:,} rows; make fewer"
                    f" {parameter('rows')}, or another {parameter('format')}"
                )
            if not written[0]:
                for place, name in enumerate(chunk.columns):
                    sheet.write_string(0, place, str(name))
            kinds = [forms.get(schema.column(str(name)).kind) for name in chunk.columns]
            for row in _for_sheet(chunk, schema).itertuples(index=False, name=None):
                written[0] += 1
                for place, value in enumerate(row):
                    _write_cell(sheet, written[0], place, value, kinds[place])

        yield put


def _for_sheet(chunk: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Presented rows as objects for a spreadsheet.

    Moments that no sheet can hold become text: with a zone, of a clock alone, or too early.
    """
    texts = _without_moments(chunk, schema)
    changed = {}
    for column in _moments(chunk, schema):
        values, name = chunk[column.name], column.name
        days = (
            pd.api.types.is_datetime64_any_dtype(values)
            and getattr(values.dtype, "tz", None) is None
        )
        held = (values >= _EARLIEST_SHEET_DAY) if days else pd.Series(False, index=values.index)
        changed[name] = values.astype(object).where(held, texts[name])
    return with_columns(chunk, changed).astype(object)


def _write_cell(sheet: Any, row: int, place: int, value: Any, form: Any) -> None:
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return
    if isinstance(value, pd.Timestamp):
        sheet.write_datetime(row, place, value.to_pydatetime(), form)
    elif isinstance(value, bool | np.bool_):
        sheet.write_boolean(row, place, bool(value))
    elif isinstance(value, int | float | np.number) and abs(float(value)) < _LARGEST_SHEET_INTEGER:
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, str(value))


def _moments(chunk: pd.DataFrame, schema: Schema) -> list[Column]:
    return [
        c for c in schema.columns if (isinstance(c, Temporal) or is_duration(c)) and c.name in chunk
    ]


def _without_moments(chunk: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Presented rows with moments and durations as texts; None where missing."""
    names = [column.name for column in _moments(chunk, schema)]
    written = as_written(chunk[names], schema)
    texts = {name: written[name].astype(object).where(chunk[name].notna(), None) for name in names}
    return with_columns(chunk, texts)


_WRITERS: dict[str, Callable[[Path, Schema], Any]] = {
    "tsv": _tab_separated,
    "feather": _feather,
    "jsonl": _json_lines,
    "xlsx": _sheet,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
}
