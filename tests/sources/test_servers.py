"""Database servers: read to the end or not at all, and no secret told."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import TableError
from privgan.sources import SourceOptions, read_source
from tests.ledger.conftest import PASSWORD

_ONE = SourceOptions(query="select 1 as id")
GONE = (
    "select case when n = 60000 then pg_terminate_backend(pg_backend_pid())::int else n end as id"
    " from generate_series(1, 90000) n"
)


def _refused(url: str, options: SourceOptions, secret: str) -> str:
    with pytest.raises(TableError) as error:
        read_source(url, options)
    whole = "".join(traceback.format_exception(error.value))
    assert secret not in whole
    return str(error.value)


@pytest.mark.parametrize(
    ("url", "options", "told"),
    [
        (
            "postgresql+psycopg://me:hunter2@127.0.0.1:{port}/shop",
            _ONE,
            "it went away, or refused the connection",
        ),
        (
            "postgresql+psycopg://me@127.0.0.1:{port}/shop?password=hunter2",
            _ONE,
            "it went away, or refused the connection",
        ),
        (
            "postgresql+psycopg://me:hunter2@127.0.0.1:{port}/shop?sslmode=hunter2",
            _ONE,
            "went away",
        ),
        (
            "postgresql+psycopg://me:hunter2@127.0.0.1/shop",
            SourceOptions(),
            "table='NAME', or query='SQL'",
        ),
        (
            "postgresql+psycopg://me:hunter2@127.0.0.1/shop",
            SourceOptions(sheet="x"),
            "sheet is for Excel",
        ),
        ("nobase://me:hunter2@host/shop", _ONE, "no driver for it is installed"),
        ("mysql+pymysql://me:hunter2@host/shop", _ONE, "no driver for it is installed"),
        ("s3://me:hunter2@bucket/key.csv", _ONE, "no driver for it is installed"),
        ("postgresql://me:hunter2@host:port/shop", _ONE, "no URL of a database"),
        ("adbc+nobase://me:hunter2@host/shop", _ONE, "needs the package adbc-driver-nobase"),
    ],
)
def test_what_cannot_be_reached_is_told_without_the_password(
    url: str, options: SourceOptions, told: str
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert told in _refused(url.format(port=port), options, "hunter2")


def test_sqlite_urls_make_no_file(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        read_source(f"sqlite:///{tmp_path}/gone.sqlite", _ONE)
    assert list(tmp_path.iterdir()) == []


def _url(server: str, driver: str = "+psycopg", password: str = PASSWORD) -> str:
    return (
        server.replace("postgresql:", f"postgresql{driver}:").replace(PASSWORD, password)
        + "/postgres"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select nothing from pg_class", ("SQLSTATE 42703", '"nothing" does not exist')),
        ("selec 1", ("SQLSTATE 42601",)),
        (
            "select 10 / (n - 70000) as id from generate_series(1, 90000) n",
            ("fails on a value (SQLSTATE 22012)",),
        ),
        (
            "select cast('CANARY' || n as int) as id from generate_series(1, 9) n",
            ("fails on a value (SQLSTATE 22P02)",),
        ),
        (GONE, ("it went away",)),
        ("create table made (x int)", ("SQLSTATE",)),
        ("select 1 as id, 2 as id", ("in columns 1, 2",)),
    ],
)
def test_a_query_that_fails_is_not_half_used(
    postgres_server: str, query: str, told: tuple[str, ...]
) -> None:
    message = _refused(_url(postgres_server), SourceOptions(query=query), PASSWORD)
    for part in told:
        assert part in message
    assert "CANARY" not in message
    assert "tester:***@127.0.0.1" in message


@pytest.mark.slow
def test_a_wrong_password_is_not_told_either(postgres_server: str) -> None:
    message = _refused(_url(postgres_server, password="wrong-one"), _ONE, "wrong-one")
    assert "cannot be read" in message


@pytest.mark.slow
def test_the_password_may_come_from_the_environment(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVGAN_SOURCE_PASSWORD", PASSWORD)
    url = _url(postgres_server).replace(f":{PASSWORD}@", "@")
    read = read_source(url, _ONE)
    assert read.table.to_pydict() == {"id": [1]}
    assert PASSWORD not in " ".join(read.said)


@pytest.mark.slow
def test_rows_stream_in_batches_and_keep_percent_signs_and_colons(postgres_server: str) -> None:
    query = "select n as id, '100%' as share, ':x' as mark from generate_series(1, 120000) n"
    table = read_source(_url(postgres_server), SourceOptions(query=query)).table
    assert table.num_rows == 120_000
    assert table.column("id").num_chunks > 1
    assert table.slice(0, 1).to_pylist() == [{"id": 1, "share": "100%", "mark": ":x"}]


@pytest.mark.slow
def test_servers_types_become_arrow_s(postgres_server: str) -> None:
    query = (
        "select 1::bigint as id, 2.50::numeric(8, 2) as price, true as flag, gen_random_uuid() as"
        " u, '10.0.0.1'::inet as ip, date '2020-01-01' as day, timestamptz '2020-01-01 00:00+00' as"
        " at, interval '1 hour' as took, null::int as nothing"
    )
    kinds = {
        field.name: str(field.type)
        for field in read_source(_url(postgres_server), SourceOptions(query=query)).table.schema
    }
    assert kinds["id"] == "int64"
    assert kinds["price"].startswith("decimal128")
    assert (kinds["flag"], kinds["u"], kinds["ip"], kinds["day"]) == (
        "bool",
        "string",
        "string",
        "date32[day]",
    )
    assert kinds["at"].startswith("timestamp[us, tz=")
    assert kinds["took"] == "duration[us]"


@pytest.mark.parametrize(
    ("query", "warned"),
    [("select tier from customers", True), ("select customer_id from customers", False)],
)
def test_a_query_without_an_id_is_warned_of(query: str, warned: bool, tmp_path: Path) -> None:
    from tests.sources.customers import FILES

    FILES["customers.sqlite"](tmp_path / "customers.sqlite")
    read = read_source(tmp_path / "customers.sqlite", SourceOptions(query=query))
    assert any("selects no column that looks like" in line for line in read.said) == warned
    assert SourceOptions(query=query).query_sha256[:12] in read.said[0]


def test_a_recorded_query_is_a_hash_and_must_come_again() -> None:
    options = SourceOptions(query="select 'hunter2'", encoding="utf-8")
    recorded: dict[str, Any] = options.recorded()
    assert "hunter2" not in str(recorded)
    assert SourceOptions.again(recorded, "select 'hunter2'") == options
    for query, told in ((None, "is missing"), ("select 'hunter3'", "is not the one")):
        with pytest.raises(TableError, match=told):
            SourceOptions.again(recorded, query)
    with pytest.raises(TableError, match="is not the one"):
        SourceOptions.again(SourceOptions().recorded(), "select 1")
