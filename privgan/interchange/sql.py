"""A table's own schema in a database: types, keys, comments and CHECK constraints; no row is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from privgan.errors import TableError, UsageError
from privgan.interchange.checked import with_checks
from privgan.interchange.sql_checks import Checked, read_check
from privgan.interchange.sql_types import facts_of_type
from privgan.interchange.stated import StatedColumn, StatedTable
from privgan.interchange.tables import picked
from privgan.limits import LARGEST_JSON
from privgan.table.columns import Kind, Role

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL, Inspector

SQLITE_MAGIC = b"SQLite format 3\0"
_POSTGRES = "postgresql"
_SECONDS = 10
_MOST_TEXT = LARGEST_JSON["manifest.json"]


def read_sql_schema(where: str, table: str | None = None) -> StatedTable:
    """What a database states of a table.

    Args:
        where: A SQLAlchemy URL, or the path of an SQLite file.
        table: The table's name, ``schema.table`` where it is in another schema; needed where there are several.

    Raises:
        UsageError: The URL is none, its driver is missing, or the table is not there.
        TableError: The database cannot be reached or read.
    """
    from sqlalchemy import exc, inspect

    url = _url(where)
    shown_url = url.render_as_string(hide_password=True)
    engine = _engine(url, shown_url)
    try:
        return _stated(inspect(engine), table, shown_url)
    except exc.SQLAlchemyError as error:  # Its message may hold the URL.
        told = "check host, port, name, user and password"
        raise TableError(f"{shown_url}: cannot be read ({type(error).__name__}); {told}") from error
    finally:
        engine.dispose()


def _url(where: str) -> URL:
    from sqlalchemy import exc, make_url
    from sqlalchemy.engine import URL as Address

    if "://" not in where:
        return _read_only(Address.create("sqlite", database=where))
    try:
        url = make_url(where)
    except (exc.ArgumentError, ValueError) as error:
        raise UsageError("the URL of the database is none; write such as postgresql://user@host/name") from error
    if url.drivername == _POSTGRES:
        return url.set(drivername=f"{_POSTGRES}+psycopg")
    return _read_only(url) if url.get_backend_name() == "sqlite" else url


def _read_only(url: URL) -> URL:
    """SQLite would make a file that is not there."""
    path = Path(url.database or "")
    if not path.is_file():
        raise TableError(f"{path}: no such file; give the path of an SQLite database")
    return url.set(database=f"file:{quote(str(path.absolute()))}", query={"mode": "ro", "uri": "true"})


def _engine(url: URL, shown_url: str) -> Engine:
    from sqlalchemy import create_engine, exc

    options = {"connect_timeout": _SECONDS} if url.get_backend_name() == _POSTGRES else {}
    try:
        return create_engine(url, connect_args=options)
    except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(f"{shown_url}: no driver for {url.drivername} is installed; install it, or export the table") from error


def _stated(inspector: Inspector, table: str | None, source: str) -> StatedTable:
    schema, _, name = (table or "").rpartition(".")
    known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if table is not None and table in known:
        schema, name = "", table
    name, where = picked(source, known, name or None), schema or None
    primary = inspector.get_pk_constraint(name, where)["constrained_columns"]
    unique = {part["column_names"][0] for part in inspector.get_unique_constraints(name, where) if len(part["column_names"]) == 1}
    foreign = {key["constrained_columns"][0] for key in inspector.get_foreign_keys(name, where)}
    columns = [_column(part) for part in inspector.get_columns(name, where)]
    columns = [_keyed(column, primary, unique, foreign) for column in columns]
    checks, notes = _checks(inspector, name, where, {column.name for column in columns})
    if len(primary) > 1:
        notes.append("the primary key has several columns, which no schema here can say")
    notes += [_may_repeat(column.name) for column in columns if column.name in foreign and column.name not in primary]
    return StatedTable(
        source=source,
        name=name,
        columns=tuple(with_checks(column, [check for check in checks if check.column == column.name]) for column in columns),
        key=primary[0] if len(primary) == 1 else None,
        notes=tuple(notes),
    )


def _may_repeat(column: str) -> str:
    return f"{column!r} refers to another table and may repeat; if it names the person, give --unit and --max-rows-per-unit"


def _column(part: Any) -> StatedColumn:
    labels = getattr(part["type"], "enums", None)
    facts = {"kind": Kind.CATEGORICAL, "categories": tuple(labels)} if labels else facts_of_type(_type_text(part["type"]))
    if facts.get("kind") is Kind.DATETIME and getattr(part["type"], "timezone", False):
        facts |= {"zone": "UTC", "notes": ("its moments are told in UTC",)}
    missing = bool(part.get("nullable", True))
    return StatedColumn(name=part["name"], missing=missing, description=(part.get("comment") or "")[:_MOST_TEXT], **facts)


def _type_text(kind: Any) -> str:
    try:
        return str(kind)
    except Exception:  # A type of a dialect that has no name in standard SQL.
        return type(kind).__name__


def _keyed(column: StatedColumn, primary: list[str], unique: set[str], foreign: set[str]) -> StatedColumn:
    if column.name in primary:
        alone = len(primary) == 1
        return replace(column, kind=Kind.IDENTIFIER, role=Role.IDENTIFIER, unique=alone, missing=False)
    if column.name in foreign:
        return replace(column, kind=Kind.IDENTIFIER, sure=False)
    return replace(column, unique=column.name in unique)


def _checks(inspector: Inspector, name: str, schema: str | None, columns: set[str]) -> tuple[list[Checked], list[str]]:
    try:
        listed = inspector.get_check_constraints(name, schema)
    except NotImplementedError:
        return [], ["this database does not tell its CHECK constraints"]
    found: list[Checked] = []
    notes = []
    for part in listed:
        read = read_check(part["sqltext"], columns)
        found += read or []
        if read is None:
            notes.append(f"the CHECK constraint {str(part.get('name') or part['sqltext'])[:60]!r} cannot be kept")
    return found, notes
