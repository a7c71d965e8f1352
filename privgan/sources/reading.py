"""Read any source of a table as one Arrow table, with notes on what was recognised."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.sources.arrow_types import SourceTable, with_plain_types
from privgan.sources.columnar import read_arrow, read_frame, read_parquet
from privgan.sources.database_files import read_duckdb, read_sqlite
from privgan.sources.delimited import read_text
from privgan.sources.files import PACKED, Form, check_unchanged, form_of
from privgan.sources.json_rows import read_json
from privgan.sources.options import DATABASE, SourceOptions
from privgan.sources.parts import joined, parts_of
from privgan.sources.servers import (
    database_name,
    file_of,
    is_url,
    public_url,
    read_server,
    without_unit,
)
from privgan.sources.spreadsheets import read_sheet

FORMS_OF_URLS = {"sqlite": Form.SQLITE, "duckdb": Form.DUCKDB}
_PLAIN = SourceOptions()
# An index without a name, as pandas keeps it in Arrow files.
_ROW_NUMBERS = re.compile(r"__index_level_[0-9]+__")


def read_source(spec: Any, options: SourceOptions = _PLAIN, *, shared: bool = False) -> SourceTable:
    """Read a table.

    Args:
        spec: A path; a folder or pattern of files of one form; the URL of a database; an Arrow
            table; or a frame.
        options: What is not to be recognised.
        shared: Whether several sources share the options: what this one cannot heed is passed over,
            not refused.

    Returns:
        The table, and what was recognised.

    Raises:
        TableError: when it cannot be read whole, names are empty or repeat, or there are no rows;
            with file, line and column where there are some, and never with a value or a secret.
    """
    if isinstance(spec, str | Path):
        return (
            _of_url(str(spec), options, shared)
            if is_url(spec)
            else _of_path(Path(spec), options, shared)
        )
    table, kind = read_frame(spec)
    return _made(kind, "", table, text=False)


def source_name(spec: Any) -> str:
    """Name of a source's file, folder or database; it holds nothing secret."""
    if not isinstance(spec, str | Path):
        return "the given table"
    path = Path(database_name(str(spec)) if is_url(spec) else spec)
    return path.stem if path.suffix.lower() in PACKED else path.name


def _of_url(url: str, options: SourceOptions, shared: bool) -> SourceTable:
    file = file_of(url)
    if file is not None:
        return _of_path(Path(file[1]), options, shared, FORMS_OF_URLS[file[0]])
    name = public_url(url)
    options = options.fitting(name, DATABASE, shared=shared)
    table, told = read_server(url, options)
    return _made(name, told, table, text=False, options=options)


def _of_path(
    path: Path, options: SourceOptions, shared: bool, form: Form | None = None
) -> SourceTable:
    files = parts_of(path)
    form = form or form_of(files[0])
    options = options.fitting(str(path), form.nature, shared=shared)
    read = [_of_file(file, form, options) for file in files]
    tables, ways = (
        [with_plain_types(table) for table, _ in read],
        dict.fromkeys(way for _, way in read),
    )
    table = tables[0] if len(tables) == 1 else joined(form, files, tables)
    told = " / ".join(ways) if len(files) == 1 else f"{len(files)} files, {' / '.join(ways)}"
    return _made(str(path), told, table, text=form is Form.TEXT, options=options)


def _of_file(path: Path, form: Form, options: SourceOptions) -> tuple[pa.Table, str]:
    with check_unchanged(path):
        if form is Form.TEXT:
            return read_text(path, options)
        if form is Form.SHEET:
            return read_sheet(path, options.sheet)
        if form is Form.JSON:
            return read_json(path, options.encoding)
        if form is Form.DUCKDB:
            return read_duckdb(path, options)
        if form is Form.SQLITE:
            return read_sqlite(path, options)
        return (read_parquet if form is Form.PARQUET else read_arrow)(path), form.value


def _made(
    name: str, told: str, table: pa.Table, *, text: bool, options: SourceOptions = _PLAIN
) -> SourceTable:
    if table.num_rows == 0 or table.num_columns == 0:
        raise TableError(f"{name}: the table has no {'rows' if table.num_columns else 'columns'}")
    rows = f"{table.num_rows:,} row{'s' * (table.num_rows != 1)}"
    recognised = f"{name}: {', '.join(part for part in (told, rows) if part)}"
    warning = without_unit(table.schema.names) if options.query is not None else None
    table, left_out = _without_row_numbers(name, table)
    said = tuple(line for line in (recognised, left_out, warning) if line)
    return SourceTable(table=with_plain_types(table), said=said, text=text)


def _without_row_numbers(name: str, table: pa.Table) -> tuple[pa.Table, str]:
    """Table without the row numbers that pandas wrote, and a line that says so."""
    numbers = [column for column in table.schema.names if _ROW_NUMBERS.fullmatch(column)]
    if not numbers or len(numbers) == table.num_columns:
        return table, ""
    line = f"{name}: the row numbers that pandas wrote ({', '.join(numbers)}) are left out"
    return table.drop_columns(numbers), line
