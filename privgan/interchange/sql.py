"""Read a database's schema: types, keys, comments and CHECK constraints; no row is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from privgan.errors import TableError, UsageError
from privgan.files.limits import LARGEST_JSON
from privgan.interchange.documents import words
from privgan.interchange.notation import CLOCK, UUID
from privgan.interchange.sql_checks import Checked, read_check
from privgan.interchange.stated import (
    Facts,
    StatedColumn,
    StatedTable,
    facts_not_modelled,
    with_checks,
)
from privgan.interchange.tables import picked
from privgan.naming import parameter
from privgan.schema.columns import Kind, Role

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL, Inspector

_TYPE = re.compile(
    r"(?P<name>[a-z_][a-z_0-9]*(?: [a-z_]+)*) *(?:\((?P<inside>[^()]*)\))?(?P<after>[a-z \[\]]*)",
    re.DOTALL,
)
_LONGEST = 500
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_INTEGERS = words(
    "int integer int2 int4 int8 int16 int32 int64 int128 bigint smallint tinyint mediumint byteint"
    " serial bigserial smallserial uint uint8 uint16 uint32 uint64 hugeint ubigint uinteger"
    " usmallint utinyint long short"
)
_FLOATS = frozenset(
    {
        "float",
        "float4",
        "float8",
        "float16",
        "float32",
        "float64",
        "double",
        "double precision",
        "real",
    }
)
_DECIMALS = frozenset({"numeric", "decimal", "number", "bignumeric", "dec", "fixed"})
_MONEY = frozenset({"money", "smallmoney"})
_BOOLEANS = frozenset({"bool", "boolean", "bit", "logical"})
_MOMENTS = ("timestamp", "datetime", "smalldatetime", "timestamptz", "timestampntz", "timestampltz")
_UUIDS = frozenset({"uuid", "uniqueidentifier"})
_TEXTS = words(
    "text string varchar char character nvarchar nchar varchar2 nvarchar2 bpchar citext clob nclob "
    "longtext mediumtext tinytext ntext name"
)
_NOT_READ = words(
    "json jsonb xml bytea blob binary varbinary image raw bytes array struct map object variant"
    " super geography geometry interval inet cidr macaddr tsvector hstore list union record vector"
    " longblob mediumblob tinyblob"
)


def facts_of_type(text: str) -> Facts:
    """The facts that a SQL type's name states of a column.

    Args:
        text: Such as ``NUMERIC(10, 2)`` or ``timestamp with time zone``.
    """
    found = _TYPE.fullmatch(" ".join(text[:_LONGEST].lower().split()))
    name = found["name"] if found else ""
    inside, after = (found["inside"] or "", found["after"]) if found else ("", "")
    if "[]" in after or not _NOT_READ.isdisjoint((name, name.split(" ")[0])):
        return facts_not_modelled(repr(text[:40]))
    if name == "enum":
        return _enum(text)
    if _is_moment(name):
        return _moment(name + after)
    facts = _number(name, inside) or _plain(name, inside)
    if facts is None:
        return {"notes": (f"its type {text[:40]!r} has no kind of its own here",)}
    return facts


def _is_moment(name: str) -> bool:
    first = name.split(" ")[0].split("_")[0].rstrip("0123456789")
    return first in _MOMENTS or name.startswith("timestamp")


def _enum(text: str) -> Facts:
    labels = tuple(label.replace("''", "'") for label in _LABEL.findall(text))
    return {"kind": Kind.CATEGORICAL, "categories": labels or None}


def _moment(words: str) -> Facts:
    zoned = (
        ("tz" in words and "ntz" not in words)
        or "ltz" in words
        or ("with" in words and "without" not in words)
    )
    return {"kind": Kind.DATETIME} | (
        {"zone": "UTC", "notes": ("its moments are told in UTC",)} if zoned else {}
    )


def _number(name: str, inside: str) -> Facts | None:
    sizes = [int(size) for size in re.findall(r"[0-9]{1,4}", inside)]
    if name == "tinyint" and sizes == [1]:
        return {"kind": Kind.BOOLEAN, "sure": False, "labels": ("0", "1")}
    if name.removesuffix(" unsigned").removesuffix(" identity") in _INTEGERS:
        return {"kind": Kind.INTEGER}
    if name.removesuffix(" unsigned") in _FLOATS:
        return {"kind": Kind.FLOAT}
    if name in _MONEY:
        return {"kind": Kind.FLOAT, "decimals": 2}
    return _decimal(sizes) if name in _DECIMALS else None


def _decimal(sizes: list[int]) -> Facts:
    """A decimal type with the stated precision and scale; without a scale it is an integer."""
    if not sizes:
        return {"kind": Kind.FLOAT}
    scale = sizes[1] if len(sizes) > 1 else 0
    return {"kind": Kind.FLOAT, "decimals": scale} if scale else {"kind": Kind.INTEGER}


def _plain(name: str, inside: str) -> Facts | None:
    if name in _BOOLEANS and inside.strip() in {"", "1"}:
        return {"kind": Kind.BOOLEAN}
    if name == "date":
        return {"kind": Kind.DATE}
    if name.split(" ")[0] in {"time", "timetz"}:
        return {"kind": Kind.DATETIME, "format": CLOCK}
    if name in _UUIDS:
        return {"kind": Kind.IDENTIFIER, "pattern": UUID}
    if name in _TEXTS or name.split(" ")[0] in _TEXTS:
        return (
            {"longest": int(inside)}
            if inside.strip().isdecimal() and len(inside) < _LONGEST_SIZE
            else {}
        )
    return None


_LONGEST_SIZE = 12


SQLITE_MAGIC = b"SQLite format 3\0"
_POSTGRES = "postgresql"
_SECONDS = 10
_MOST_TEXT = LARGEST_JSON["manifest.json"]


def read_sql_schema(where: str, table: str | None = None) -> StatedTable:
    """Read the facts that a database states of a table.

    Args:
        where: A SQLAlchemy URL, or the path of an SQLite file.
        table: The table's name, ``schema.table`` where it is in another schema; needed where there
            are several.

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
    except exc.SQLAlchemyError as error:  # The message could show the URL's password.
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
        raise UsageError(
            "the URL of the database is none; write such as postgresql://user@host/name"
        ) from error
    if url.drivername == _POSTGRES:
        return url.set(drivername=f"{_POSTGRES}+psycopg")
    return _read_only(url) if url.get_backend_name() == "sqlite" else url


def _read_only(url: URL) -> URL:
    """Open SQLite read-only; otherwise it would create a missing file."""
    path = Path(url.database or "")
    if not path.is_file():
        raise TableError(f"{path}: no such file; give the path of an SQLite database")
    return url.set(
        database=f"file:{quote(str(path.absolute()))}", query={"mode": "ro", "uri": "true"}
    )


def _engine(url: URL, shown_url: str) -> Engine:
    from sqlalchemy import create_engine, exc

    options = {"connect_timeout": _SECONDS} if url.get_backend_name() == _POSTGRES else {}
    try:
        return create_engine(url, connect_args=options)
    except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            f"{shown_url}: no driver for {url.drivername} is installed; install it, or export the"
            " table"
        ) from error


@dataclass(frozen=True)
class _Table:
    """One table of a database, as SQLAlchemy's inspector finds it."""

    inspector: Inspector
    name: str
    schema: str | None

    @cached_property
    def primary(self) -> list[str]:
        """The columns of the primary key."""
        names: list[str] = self.inspector.get_pk_constraint(self.name, self.schema)[
            "constrained_columns"
        ]
        return names

    @cached_property
    def unique(self) -> set[str]:
        """The columns that are unique by themselves."""
        listed = self.inspector.get_unique_constraints(self.name, self.schema)
        return {part["column_names"][0] for part in listed if len(part["column_names"]) == 1}

    @cached_property
    def foreign(self) -> set[str]:
        """The first column of each foreign key."""
        listed = self.inspector.get_foreign_keys(self.name, self.schema)
        return {key["constrained_columns"][0] for key in listed}

    def columns(self) -> list[StatedColumn]:
        """The columns with their types and keys."""
        listed = self.inspector.get_columns(self.name, self.schema)
        return [self._keyed(_column(part)) for part in listed]

    def _keyed(self, column: StatedColumn) -> StatedColumn:
        if column.name in self.primary:
            alone = len(self.primary) == 1
            return replace(
                column, kind=Kind.IDENTIFIER, role=Role.IDENTIFIER, unique=alone, missing=False
            )
        if column.name in self.foreign:
            return replace(column, kind=Kind.IDENTIFIER, sure=False)
        return replace(column, unique=column.name in self.unique)

    def checks(self, columns: set[str]) -> tuple[list[Checked], list[str]]:
        """The facts of CHECK constraints, and notes on those that cannot be kept."""
        try:
            listed = self.inspector.get_check_constraints(self.name, self.schema)
        except NotImplementedError:
            return [], ["this database does not tell its CHECK constraints"]
        found: list[Checked] = []
        notes = []
        for part in listed:
            read = read_check(part["sqltext"], columns)
            found += read or []
            if read is None:
                told = str(part.get("name") or part["sqltext"])[:60]
                notes.append(f"the CHECK constraint {told!r} cannot be kept")
        return found, notes


def _stated(inspector: Inspector, table: str | None, source: str) -> StatedTable:
    found = _chosen(inspector, table, source)
    columns = found.columns()
    checks, notes = found.checks({column.name for column in columns})
    if len(found.primary) > 1:
        notes.append("the primary key has several columns, which no schema here can say")
    repeated = found.foreign - set(found.primary)
    notes += [_may_repeat(column.name) for column in columns if column.name in repeated]
    return StatedTable(
        source=source,
        name=found.name,
        columns=tuple(
            with_checks(column, [check for check in checks if check.column == column.name])
            for column in columns
        ),
        key=found.primary[0] if len(found.primary) == 1 else None,
        notes=tuple(notes),
    )


def _chosen(inspector: Inspector, table: str | None, source: str) -> _Table:
    schema, _, name = (table or "").rpartition(".")
    known = [*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)]
    if table is not None and table in known:
        schema, name = "", table
    return _Table(inspector, picked(source, known, name or None), schema or None)


def _may_repeat(column: str) -> str:
    told = f"{column!r} refers to another table and may repeat; if it names the person, give"
    return f"{told} {parameter('unit')} and {parameter('max_rows_per_unit')}"


def _column(part: Any) -> StatedColumn:
    labels = getattr(part["type"], "enums", None)
    facts = (
        {"kind": Kind.CATEGORICAL, "categories": tuple(labels)}
        if labels
        else facts_of_type(_type_text(part["type"]))
    )
    if facts.get("kind") is Kind.DATETIME and getattr(part["type"], "timezone", False):
        facts |= {"zone": "UTC", "notes": ("its moments are told in UTC",)}
    missing = bool(part.get("nullable", True))
    return StatedColumn(
        name=part["name"],
        missing=missing,
        description=(part.get("comment") or "")[:_MOST_TEXT],
        **facts,
    )


def _type_text(kind: Any) -> str:
    try:
        return str(kind)
    except Exception:  # A type of a dialect that has no name in standard SQL.
        return type(kind).__name__
