"""The own schema of SQL tables: types, keys, comments and CHECK constraints."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from privgan.errors import TableError, UsageError
from privgan.interchange.drafting import UnitChoice
from privgan.interchange.importing import import_schema, kind_of
from privgan.interchange.sql import facts_of_type
from privgan.interchange.sql_checks import Checked, read_check
from tests.interchange.test_reading import items

_CUSTOMERS = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    email VARCHAR(200) NOT NULL UNIQUE,
    age SMALLINT NOT NULL CHECK (age >= 18 AND age < 120),
    tier TEXT CHECK (tier IN ('basic', 'silver', 'it''s gold')),
    balance NUMERIC(10, 2) CHECK (balance BETWEEN -100 AND 5000.5),
    born DATE,
    seen TIMESTAMP,
    vip BOOLEAN NOT NULL,
    photo BLOB,
    stars INT CHECK (stars IN (3, 1, 2)),
    CHECK (length(email) > 3)
)"""
_ORDERS = """
CREATE TABLE "the orders" (
    customer_id INTEGER REFERENCES customers (id),
    line INTEGER,
    amount DOUBLE,
    note CLOB,
    PRIMARY KEY (customer_id, line)
)"""
_EVENTS = """
CREATE TABLE events (
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    at DATETIME,
    price DECIMAL(8, 3) CHECK (price > 0)
)"""
_MEASURES = (
    "CREATE TABLE measures (sensor VARCHAR(8), value REAL, until TIME, raw JSON, big BIGINT)"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database of a shop, with rows that nobody may read."""
    path = tmp_path / "shop %20?.db"
    with sqlite3.connect(path) as connection:
        for table in (_CUSTOMERS, _ORDERS, _EVENTS, _MEASURES):
            connection.execute(table)
        connection.execute(
            "INSERT INTO customers VALUES (1, 'zephyrine@x.org', 44, 'basic', 1, '1', '2', 1,"
            " NULL, 1)"
        )
    return path


TABLES = [
    (
        "customers",
        "id",
        {
            "id": {"kind": "identifier", "missing": False, "role": "identifier"},
            "email": {"kind": "email", "missing": False},
            "age": {"kind": "integer", "lower": 18, "upper": 119, "source:lower": "declared"},
            "tier": {
                "kind": "categorical",
                "categories": ["basic", "silver", "it's gold"],
                "missing": True,
            },
            "balance": {"kind": "float", "lower": -100, "upper": 5000.5, "decimals": 2},
            "born": {"kind": "date", "lower": None},
            "seen": {"kind": "datetime"},
            "vip": {"kind": "boolean", "missing": False},
            "photo": {"kind": "text"},
            "stars": {"kind": "ordinal", "categories": ["1", "2", "3"]},
        },
        ("the CHECK constraint 'length(email) > 3' cannot be kept",),
    ),
    (
        "the orders",
        None,
        {
            "customer_id": {"kind": "identifier"},
            "amount": {"kind": "float"},
            "note": {"kind": "text", "source:kind": "confirm"},
        },
        ("the primary key has several columns",),
    ),
    (
        "events",
        None,
        {
            "customer_id": {"kind": "identifier"},
            "price": {"kind": "float", "decimals": 3, "lower": None},
        },
        ("'customer_id' refers to another table and may repeat",),
    ),
    (
        "measures",
        None,
        {
            "sensor": {"kind": "categorical", "categories": None},
            "value": {"kind": "float"},
            "until": {"kind": "datetime", "format": "%H:%M:%S"},
            "raw": {"kind": "text"},
            "big": {"kind": "integer"},
        },
        (),
    ),
]


@pytest.mark.parametrize(
    ("table", "unit", "columns", "notes"), TABLES, ids=[table for table, *_ in TABLES]
)
def test_a_tables_own_schema_is_read(
    shop: Path, table: str, unit: str | None, columns: dict, notes: tuple
) -> None:
    assert kind_of(str(shop)) == "sql"
    found = import_schema(str(shop), table=table)
    assert found.schema.unit.column == unit
    made = items(found.schema)
    for name, facts in columns.items():
        for fact, value in facts.items():
            assert made[name].get(fact) == value, f"{name}.{fact}"
    for part in notes:
        assert any(part in note for note in found.notes), (part, found.notes)


def test_no_row_is_read(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    said: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        found = import_schema(str(shop), table="customers")
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    assert said
    assert all("PRAGMA" in text or "sqlite_master" in text for text in said)
    assert "zephyrine" not in repr(found)


def test_a_named_unit_of_a_foreign_key(shop: Path) -> None:
    found = import_schema(
        str(shop), table="events", unit=UnitChoice(column="customer_id", max_rows=30)
    )
    assert (found.schema.unit.column, found.schema.unit.max_rows) == ("customer_id", 30)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql://ann:hunter2@127.0.0.1:1/shop",
            "postgresql+psycopg://ann:***@127.0.0.1:1/shop: cannot be read",
        ),
        ("nodialect://ann:hunter2@x/shop", "no driver for nodialect is installed"),
        ("sqlite:////nowhere/at/all.db", "no such file"),
        ("post gres://ann:hunter2@[x", "the URL of the database is none"),
    ],
)
def test_a_database_that_cannot_be_read_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        import_schema(url, table="t")
    assert told in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_table_that_is_not_there_is_told_and_none_is_made(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no table 'customer', it has"):
        import_schema(str(shop), table="customer")
    with pytest.raises(UsageError, match="holds 4 tables; name one"):
        import_schema(str(shop))
    with pytest.raises(TableError, match="no such file"):
        import_schema(str(tmp_path / "new.db"), kind="sql", table="t")
    assert not (tmp_path / "new.db").exists()


CHECKS = [
    ("age >= 18", [("age", "lower", (18.0,))]),
    ("(18 < age)", [("age", "above", (18.0,))]),
    ("((age >= 18) AND (age <= 99))", [("age", "lower", (18.0,)), ("age", "upper", (99.0,))]),
    (
        "age BETWEEN 1 AND 5 AND tier = 'a'",
        [("age", "lower", (1.0,)), ("age", "upper", (5.0,)), ("tier", "values", ("a",))],
    ),
    (
        "((tier)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
        [("tier", "values", ("a", "b"))],
    ),
    ('"Age" > (0)::numeric', [("age", "above", (0.0,))]),
    ("`age` <= -5", [("age", "upper", (-5.0,))]),
    ("[age] in (1, 2)", [("age", "values", (1.0, 2.0))]),
    ("tier IN ('a')", [("tier", "values", ("a",))]),
    ("tier IS NOT NULL AND age < 5", [("age", "below", (5.0,))]),
    ("age >= 18 OR age = 0", None),
    ("NOT (age > 3)", None),
    ("length(tier) < 9", None),
    ("tier LIKE 'a%'", None),
    ("age > 1 + 2", None),
    ("age < other", None),
    ("age <> 3", None),
    ("other > 3", None),
    ("tier NOT IN ('a')", None),
    ("", None),
    ("(" * 5000 + "age > 3" + ")" * 5000, None),
    ("age > 1 AND " * 2000 + "age > 1", None),
]


@pytest.mark.parametrize(("text", "expected"), CHECKS, ids=[text[:40] for text, _ in CHECKS])
def test_a_check_is_read_whole_or_not_at_all(text: str, expected: list | None) -> None:
    found = read_check(text, {"age", "tier"})
    assert found == (None if expected is None else [Checked(*part) for part in expected])


TYPES = [
    ("INTEGER", "integer", {}),
    ("bigint unsigned", "integer", {}),
    ("NUMBER(38,0)", "integer", {}),
    ("numeric(10, 2)", "float", {"decimals": 2}),
    ("DOUBLE PRECISION", "float", {}),
    ("money", "float", {"decimals": 2}),
    ("tinyint(1)", "boolean", {"labels": ("0", "1")}),
    ("timestamp without time zone", "datetime", {"zone": None}),
    ("timestamp(6) with time zone", "datetime", {"zone": "UTC"}),
    ("TIMESTAMP_NTZ", "datetime", {"zone": None}),
    ("timestamptz", "datetime", {"zone": "UTC"}),
    ("datetime2(7)", "datetime", {"zone": None}),
    ("uuid", "identifier", {"pattern": "00000000-0000-4000-8000-{:012x}"}),
    ("enum('a','b,c')", "categorical", {"categories": ("a", "b,c")}),
    ("character varying(20)", None, {"longest": 20}),
    ("text[]", "text", {}),
    ("ARRAY<STRING>", None, {}),
    ("struct", "text", {}),
    ("x" * 10_000, None, {}),
    ("", None, {}),
]


@pytest.mark.parametrize(("text", "kind", "facts"), TYPES, ids=[text[:30] for text, *_ in TYPES])
def test_a_types_name_is_a_kind(text: str, kind: str | None, facts: dict) -> None:
    found = facts_of_type(text)
    assert found.get("kind") == kind
    assert all(found.get(fact) == value for fact, value in facts.items())


_OF_POSTGRES = """
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE SCHEMA sales;
CREATE TABLE sales.people (
    id uuid PRIMARY KEY,
    mood mood,
    age integer NOT NULL CHECK (age BETWEEN 18 AND 120),
    tier character varying(20) CHECK (tier IN ('basic', 'gold')),
    balance numeric(10, 2) CHECK (balance > -100 AND balance <= 5000),
    born date CHECK (born >= '1900-01-01'::date AND born < '2020-01-01'::date),
    seen timestamp with time zone,
    tags text[],
    doc jsonb,
    lasted interval
);
COMMENT ON COLUMN sales.people.age IS 'in years';
"""


@pytest.mark.slow
def test_a_postgres_tables_own_schema_is_read(postgres_server: str) -> None:
    import psycopg

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE interchange")
    url = f"{postgres_server}/interchange"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_OF_POSTGRES)
    found = import_schema(url, table="sales.people")
    made = items(found.schema)
    wanted = {
        "id": {"kind": "identifier", "pattern": "00000000-0000-4000-8000-{:012x}"},
        "mood": {"kind": "categorical", "categories": ["sad", "it's ok", "happy"]},
        "age": {
            "kind": "integer",
            "lower": 18,
            "upper": 120,
            "missing": False,
            "description": "in years",
        },
        "tier": {"kind": "categorical", "categories": ["basic", "gold"]},
        "balance": {"kind": "float", "lower": -99.99, "upper": 5000, "decimals": 2},
        "born": {"kind": "date", "lower": "1900-01-01T00:00:00", "upper": "2019-12-31T00:00:00"},
        "seen": {"kind": "datetime", "zone": "UTC"},
        "tags": {"kind": "text"},
        "doc": {"kind": "text"},
        "lasted": {"kind": "text"},
    }
    for name, facts in wanted.items():
        assert {fact: made[name].get(fact) for fact in facts} == facts, name
    assert found.schema.unit.column == "id"
    with pytest.raises(UsageError, match="has no table 'peple'"):
        import_schema(url, table="sales.peple")
