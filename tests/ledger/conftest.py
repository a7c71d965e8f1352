"""Ledgers for tests, in SQLite and in a PostgreSQL server that the tests start."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from privgan.ledger.ledger import PrivacyLedger

PASSWORD = "not-to-be-told"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a ledger is, and a way to its tables past the ledger."""

    kind: str
    url: str
    key: Path
    execute: Callable[[str], list[Any]]

    @property
    def anchor(self) -> Path:
        """The anchor's file."""
        return self.key.with_suffix(".head")

    def tamper(self, *statements: str) -> None:
        """Run SQL as an intruder: remove the ledger's triggers first, and restore them after."""
        if self.kind == "sqlite":
            triggers = self.execute("select name, sql from sqlite_master where type = 'trigger'")
            before = [f"drop trigger {name}" for name, _ in triggers]
            after = [definition for _, definition in triggers]
        else:
            before = ["alter table entries disable trigger all"]
            after = ["alter table entries enable always trigger entries_stay"]
        for statement in (*before, *statements, *after):
            self.execute(statement)


def _programs() -> Path | None:
    """The folder of PostgreSQL's server programs."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found = shutil.which("initdb")
    folders += [Path(found).resolve().parent] if found else []
    return next(
        (folder for folder in sorted(folders, reverse=True) if (folder / "postgres").exists()), None
    )


def _unprivileged() -> dict[str, Any]:
    """The user to run PostgreSQL as, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A running server: its URL without a database."""
    programs = _programs()
    if programs is None:
        if os.environ.get("PRIVGAN_REQUIRE_SERVERS") == "1":
            pytest.fail(
                "no PostgreSQL server is installed, and PRIVGAN_REQUIRE_SERVERS=1 asks for one"
            )
        pytest.skip("no PostgreSQL server is installed (initdb and postgres)")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    rights = _unprivileged()
    if rights:
        os.chown(folder, rights["user"], rights["group"])
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    initialise = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        "tester",
        "--no-locale",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    initialise += ["--auth=scram-sha-256", f"--pwfile={password}"]
    subprocess.run(
        initialise, check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=120, **rights
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [
        f"port={port}",
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={folder}",
        "max_connections=100",
    ]
    options = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            **rights,
        )
    url = f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}"
    try:
        _wait_for(url, server, folder / "log")
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        server.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            psycopg.connect(f"{url}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


def _in_postgres(url: str, statement: str, schema: str = "privgan") -> list[Any]:
    import psycopg

    with psycopg.connect(url, autocommit=True, options=f"-c search_path={schema}") as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _in_sqlite(path: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(statement).fetchall()
        connection.commit()
    finally:
        connection.close()
    return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Where a ledger can be made."""
    if request.param == "sqlite":
        path = tmp_path / "ledger.sqlite"
        key = path.with_name(path.name + ".key")
        return Place(
            kind="sqlite",
            url=str(path),
            key=key,
            execute=lambda statement: _in_sqlite(path, statement),
        )
    server = request.getfixturevalue("postgres_server")
    name = f"ledger_{uuid.uuid4().hex[:12]}"
    _in_postgres(f"{server}/postgres", f"create database {name}", "public")
    key = tmp_path / "team.key"
    monkeypatch.setenv("PRIVGAN_LEDGER_KEY", str(key))
    url = f"{server}/{name}"
    return Place(
        kind="postgres", url=url, key=key, execute=lambda statement: _in_postgres(url, statement)
    )


@pytest.fixture
def child(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Calls a mode of ledger_child.py in a process of its own."""

    def call(mode: str, url: str, **arguments: Any) -> dict[str, Any]:
        command = [
            sys.executable,
            str(Path(__file__).with_name("ledger_child.py")),
            mode,
            url,
            json.dumps(arguments),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found | {"stderr": done.stderr}

    return call


@pytest.fixture
def ledger(place: Place) -> PrivacyLedger:
    """A new ledger."""
    return PrivacyLedger.open(place.url)
