"""Read database servers through SQLAlchemy or ADBC, in batches; errors hide values and secrets.

A password is in the URL, in the variable PRIVGAN_SOURCE_PASSWORD, or where the driver itself looks.
It is never shown. Of a driver's messages only those about the query's own text are shown: others
may hold values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.sources.arrow_types import check_names
from privgan.sources.gathering import BATCH, Gatherer
from privgan.sources.options import SourceOptions

_MOST_TOLD = 200


def quoted(name: str) -> str:
    """Name of a table as SQL, each part in quotes: ``"public"."customers"``."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def select_all(source: str, names: Sequence[str], options: SourceOptions) -> tuple[str, str]:
    """Query to send to a database file, and its description.

    Args:
        source: The file, for messages.
        names: Its tables and views.
        options: The table or the query that the owner names.

    Raises:
        TableError: when the table is not there, or there are several and none is named.
    """
    if options.query is not None:
        return options.query, query_told(options)
    listed = ", ".join(shown(name) for name in names) or "none"
    if options.table is None and len(names) != 1:
        raise TableError(
            f"{source}: has {len(names)} tables ({listed}); name one with {parameter('table')}, or"
            f" give {parameter('query')}"
        )
    table = options.table or names[0]
    if table not in names:
        raise TableError(
            f"{source}: has no table {shown(table)}, but {listed}{did_you_mean(table, list(names))}"
        )
    return f'select * from "{table.replace(chr(34), chr(34) * 2)}"', f"table {shown(table)}"


def query_told(options: SourceOptions) -> str:
    """Query by its hash: its text may hold a secret."""
    assert options.query_sha256 is not None
    return f"a query (SHA-256 {options.query_sha256[:12]}…)"


def without_unit(names: Sequence[str]) -> str | None:
    """Warning where no column of a query's result looks like the customer's id."""
    if any(
        name.lower() == "id" or name.lower().endswith(("id", "key", "number", "uuid", "_no"))
        for name in names
    ):
        return None
    return (
        "the query selects no column that looks like a customer's id: where somebody may have"
        " several rows, select the id too, and name it under 'unit'"
    )


def first_line(message: str, *secrets: str | None) -> str:
    """First line of a driver's message about a query's own text, without the given secrets."""
    line = message.strip().splitlines()[0][:_MOST_TOLD] if message.strip() else "no reason given"
    for secret in secrets:
        line = line.replace(secret, "***") if secret else line
    return line


PASSWORD = "PRIVGAN_SOURCE_PASSWORD"
ADBC = "adbc+"
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+._-]*://")
# SQLSTATE classes whose messages name only the query, the user or the database.
_ABOUT_THE_QUERY = ("42", "28", "3D", "3F")
_WENT_AWAY = "it went away, or refused the connection or the query"


def is_url(source: object) -> bool:
    """Whether a source is the URL of a database."""
    return isinstance(source, str) and _SCHEME.match(source) is not None


def file_of(url: str) -> tuple[str, str] | None:
    """Kind and path of a database file that a ``sqlite:///`` or ``duckdb:///`` URL names.

    None for servers.
    """
    made = _parsed(url)
    backend = made.get_backend_name()
    return (
        (backend, str(made.database or ""))
        if backend in {"sqlite", "duckdb"} and not url.startswith(ADBC)
        else None
    )


def public_url(url: str) -> str:
    """URL without its password and parameters, which may hold one too."""
    made = _parsed(url)
    told = made.set(query={}).render_as_string(hide_password=True)
    return (ADBC if url.startswith(ADBC) else "") + str(told)


def database_name(url: str) -> str:
    """Name of a URL's database, or of its host."""
    made = _parsed(url)
    return str(made.database or made.host or made.get_backend_name())


def _parsed(url: str) -> Any:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        made = make_url(url.removeprefix(ADBC))
    except (ArgumentError, ValueError):
        scheme = url.split("://")[0]
        raise TableError(
            f"{scheme}://…: is no URL of a database; write it as"
            " postgresql+psycopg://user@host/database"
        ) from None
    password = os.environ.get(PASSWORD)
    return made.set(password=password) if made.password is None and password else made


def read_server(url: str, options: SourceOptions) -> tuple[pa.Table, str]:
    """Read a table or a query from a server, in batches from the server's own cursor.

    Args:
        url: SQLAlchemy's URL, or ``adbc+`` before one that an ADBC driver takes.
        options: The table or the query.

    Returns:
        The table [rows, columns]; and what was read.

    Raises:
        TableError: when the server cannot be reached, goes away, or the query fails, also half-way;
            nothing is used then.
    """
    told = _asked(url, options)
    if url.startswith(ADBC):
        with _adbc_reader(url, options) as reader:
            return reader.read_all(), told
    return _from_sqlalchemy(url, options), told


def _asked(url: str, options: SourceOptions) -> str:
    """What is to be read, in words."""
    if options.table is None and options.query is None:
        raise TableError(
            f"{public_url(url)}: say what to read: {parameter('table', 'NAME')}, or"
            f" {parameter('query', 'SQL')}"
        )
    return query_told(options) if options.query is not None else f"table {shown(options.table)}"


def server_batches(url: str, options: SourceOptions) -> Iterator[tuple[pa.Table, str]]:
    """Read what ``read_server`` reads piece by piece, each with what was read."""
    told = _asked(url, options)
    if url.startswith(ADBC):
        with _adbc_reader(url, options) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch]), told
        return
    for names, rows in _partitions(url, options):
        if rows:
            gathered = Gatherer(names)
            gathered.add(rows)
            yield gathered.table(), told


def _from_sqlalchemy(url: str, options: SourceOptions) -> pa.Table:
    gathered: Gatherer | None = None
    for names, rows in _partitions(url, options):
        gathered = gathered or Gatherer(names)
        if rows:
            gathered.add(rows)
    return gathered.table() if gathered else pa.table({})


def server_tables(url: str) -> tuple[str, ...]:
    """Names of the tables of a server's own schema, without views; none through ADBC.

    Raises:
        TableError: when the server cannot be reached.
    """
    if url.startswith(ADBC):
        return ()
    from sqlalchemy import inspect

    engine = _engine(url)
    try:
        with _driver_errors(url):
            return tuple(sorted(inspect(engine).get_table_names()))
    finally:
        engine.dispose()


def _partitions(
    url: str, options: SourceOptions
) -> Iterator[tuple[list[str], Sequence[Sequence[Any]]]]:
    """Names and rows of a result, batch by batch; one batch without rows where there are none."""
    engine = _engine(url)
    try:
        with _driver_errors(url), engine.connect() as plain:
            read_only = {"postgresql_readonly": True} if engine.dialect.name == "postgresql" else {}
            connection = plain.execution_options(
                stream_results=True, no_parameters=True, **read_only
            )
            result = connection.exec_driver_sql(
                options.query or f"select * from {_quoted(engine, options.table or '')}"
            )
            if not result.returns_rows:
                raise TableError(f"{public_url(url)}: the query returns no rows; give a select")
            names = list(result.keys())
            check_names(public_url(url), names)
            yield names, []
            for rows in result.yield_per(BATCH).partitions():
                yield names, rows
    finally:
        engine.dispose()


def _quoted(engine: Any, table: str) -> str:
    return ".".join(engine.dialect.identifier_preparer.quote(part) for part in table.split("."))


def _engine(url: str) -> Any:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    made = _parsed(url)
    try:
        return create_engine(made, poolclass=NullPool)
    except (NoSuchModuleError, ImportError):
        told = (
            "no driver for it is installed (for PostgreSQL: privgan[postgres], and"
            " postgresql+psycopg://)"
        )
        raise TableError(f"{public_url(url)}: {told}") from None
    except (SQLAlchemyError, TypeError, ValueError) as error:
        raise TableError(
            f"{public_url(url)}: is no URL that its driver takes ({type(error).__name__})"
        ) from None


@contextmanager
def _driver_errors(url: str) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except TableError:
        raise
    except Exception as error:
        original = getattr(error, "orig", None) if isinstance(error, SQLAlchemyError) else error
        raise TableError(_told(url, original or error)) from None


def _told(url: str, error: BaseException) -> str:
    state = str(getattr(error, "sqlstate", None) or "")
    reason = f"{_WENT_AWAY} ({type(error).__name__}{f', SQLSTATE {state}' if state else ''})"
    if state.startswith(_ABOUT_THE_QUERY):
        diagnosis = getattr(error, "diag", None)
        message = getattr(diagnosis, "message_primary", None) or str(error)
        reason = f"{first_line(message, _parsed(url).password)} (SQLSTATE {state})"
    elif state.startswith("22"):
        reason = f"the query fails on a value (SQLSTATE {state})"
    return f"{public_url(url)}: cannot be read to the end: {reason}; nothing of it was used"


@contextmanager
def _adbc_reader(url: str, options: SourceOptions) -> Iterator[Any]:
    """A reader of a result's batches, whose columns have names of their own."""
    made = _parsed(url)
    backend = made.get_backend_name()
    try:
        driver = import_module(f"adbc_driver_{backend}.dbapi")
    except ImportError:
        raise TableError(f"{public_url(url)}: needs the package adbc-driver-{backend}") from None
    uri = str(made.database) if backend == "sqlite" else made.render_as_string(hide_password=False)
    query = options.query or f"select * from {quoted(options.table or '')}"
    with (
        _driver_errors(url),
        closing(driver.connect(uri)) as connection,
        closing(connection.cursor()) as cursor,
    ):
        cursor.execute(query)
        reader = cursor.fetch_record_batch()
        check_names(public_url(url), reader.schema.names)
        yield reader
