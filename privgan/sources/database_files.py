"""Read DuckDB and SQLite files, opened read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.sources.arrow_types import check_names
from privgan.sources.gathering import BATCH, Gatherer
from privgan.sources.options import SourceOptions
from privgan.sources.servers import first_line, select_all

_NOTHING_USED = "nothing of it was used"


def read_duckdb(path: Path, options: SourceOptions) -> tuple[pa.Table, str]:
    """Read a table of a DuckDB file, or a query's result.

    Args:
        path: The file.
        options: The table or the query.

    Returns:
        The table [rows, columns] with DuckDB's own types as Arrow's; and what was read.

    Raises:
        TableError: when the file, the table or the query cannot be read to its end.
    """
    import duckdb

    with _duckdb_errors(path):
        with closing(duckdb.connect(str(path), read_only=True)) as connection:
            result, told = _duckdb_result(path, options, connection)
            return result.to_arrow_table(), told


def duckdb_batches(path: Path, options: SourceOptions) -> Iterator[tuple[pa.Table, str]]:
    """Read what ``read_duckdb`` reads piece by piece, each with what was read."""
    import duckdb

    with (
        _duckdb_errors(path),
        closing(duckdb.connect(str(path), read_only=True)) as connection,
    ):
        result, told = _duckdb_result(path, options, connection)
        # DuckDB before 1.4 has the second name alone.
        read = getattr(result, "to_arrow_reader", None) or result.fetch_arrow_reader
        for batch in read(BATCH):
            yield pa.Table.from_batches([batch]), told


def _duckdb_result(path: Path, options: SourceOptions, connection: Any) -> tuple[Any, str]:
    """A query's result, whose columns have names of their own, and what it reads."""
    names = [row[0] for row in connection.execute(_DUCKDB_NAMES).fetchall()]
    query, told = select_all(str(path), names, options)
    result = connection.sql(query)
    if result is None:
        raise TableError(f"{path}: the query returns no rows; give a select")
    check_names(str(path), result.columns)
    return result, told


_DUCKDB_NAMES = (
    "select table_name from information_schema.tables where table_schema = current_schema()"
    " and table_catalog = current_catalog() order by 1"
)


def duckdb_tables(path: Path) -> tuple[str, ...]:
    """Names of a DuckDB file's tables, without its views."""
    import duckdb

    with (
        _duckdb_errors(path),
        closing(duckdb.connect(str(path), read_only=True)) as connection,
    ):
        found = connection.execute(_DUCKDB_TABLES).fetchall()
    return tuple(row[0] for row in found)


_DUCKDB_TABLES = (
    "select table_name from information_schema.tables where table_schema = current_schema()"
    " and table_catalog = current_catalog() and table_type = 'BASE TABLE' order by 1"
)


@contextmanager
def _duckdb_errors(path: Path) -> Iterator[None]:
    """Translate the driver's errors; only messages about the query's text are shown.

    Others may hold values.
    """
    import duckdb

    try:
        yield
    except (duckdb.ParserException, duckdb.CatalogException, duckdb.BinderException) as error:
        raise TableError(f"{path}: the query cannot be run: {first_line(str(error))}") from None
    except (duckdb.Error, pa.ArrowException) as error:
        told = (
            f"cannot be read to the end ({type(error).__name__}); {_NOTHING_USED}; check the file"
            " and the query"
        )
        raise TableError(f"{path}: {told}") from None


def read_sqlite(path: Path, options: SourceOptions) -> tuple[pa.Table, str]:
    """Read a table of a SQLite file, or a query's result.

    SQLite gives each value its own type. A column of whole numbers becomes integers, one of mixed
    values text, and 0 and 1 under a declared BOOLEAN truth values.

    Args:
        path: The file.
        options: The table or the query.

    Returns:
        The table [rows, columns]; and what was read.

    Raises:
        TableError: when the file, the table or the query cannot be read to its end.
    """
    with _sqlite_errors(path), closing(_sqlite(path)) as connection:
        cursor, told, name = _sqlite_cursor(path, options, connection)
        table = _gathered(str(path), cursor)
        return (table if options.query else _with_booleans(table, connection, name)), told


def sqlite_batches(path: Path, options: SourceOptions) -> Iterator[tuple[pa.Table, str]]:
    """Read what ``read_sqlite`` reads piece by piece, each with what was read.

    A piece has types of its own; truth values stay 0 and 1.
    """
    with _sqlite_errors(path), closing(_sqlite(path)) as connection:
        cursor, told, _ = _sqlite_cursor(path, options, connection)
        names = [item[0] for item in cursor.description]
        check_names(str(path), names)
        while rows := cursor.fetchmany(BATCH):
            gathered = Gatherer(names)
            gathered.add(rows)
            yield gathered.table(), told


def _sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _sqlite_cursor(
    path: Path, options: SourceOptions, connection: sqlite3.Connection
) -> tuple[Any, str, str]:
    """A query's cursor, what it reads, and the name of its table."""
    names = [row[0] for row in connection.execute(_SQLITE_NAMES)]
    query, told = select_all(str(path), names, options)
    cursor = connection.execute(query)
    if cursor.description is None:
        raise TableError(f"{path}: the query returns no rows; give a select")
    return cursor, told, options.table or next(iter(names), "")


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        told = (
            f"cannot be read to the end ({first_line(str(error))}); {_NOTHING_USED}; check the file"
            " and the query"
        )
        raise TableError(f"{path}: {told}") from None


_SQLITE_NAMES = (
    "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite\\_%'"
    " escape '\\' order by 1"
)


def sqlite_tables(path: Path) -> tuple[str, ...]:
    """Names of a SQLite file's tables, without its views."""
    with _sqlite_errors(path), closing(_sqlite(path)) as connection:
        return tuple(row[0] for row in connection.execute(_SQLITE_TABLES))


_SQLITE_TABLES = (
    "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%'"
    " escape '\\' order by 1"
)


def _gathered(source: str, cursor: Any) -> pa.Table:
    names = [item[0] for item in cursor.description]
    check_names(source, names)
    gathered = Gatherer(names)
    while rows := cursor.fetchmany(BATCH):
        gathered.add(rows)
    return gathered.table()


def _with_booleans(table: pa.Table, connection: sqlite3.Connection, name: str) -> pa.Table:
    declared = connection.execute("select name, type from pragma_table_info(?)", (name,)).fetchall()
    for column, kind in declared:
        index = table.schema.get_field_index(column)
        if (
            kind.upper().startswith("BOOL")
            and index >= 0
            and pa.types.is_integer(table.schema.field(index).type)
        ):
            values = table.column(index)
            if set(values.unique().to_pylist()) <= {0, 1, None}:
                table = table.set_column(index, column, values.cast(pa.bool_()))
    return table
