"""Where ledger entries are kept: append-only rows, hash-chained with a MAC, in SQLite."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event as sql_event
from sqlalchemy import exc

from privgan.errors import UsageError

VERSION = 1
_METADATA = sql.MetaData()
_META = sql.Table("meta", _METADATA, sql.Column("key", sql.Text, primary_key=True), sql.Column("value", sql.Text))
_ENTRIES = sql.Table(
    "entries",
    _METADATA,
    sql.Column("sequence", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("time", sql.Text, nullable=False),
    sql.Column("dataset", sql.Text, nullable=False),
    sql.Column("run", sql.Text, nullable=False),
    sql.Column("kind", sql.Text, nullable=False),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("previous", sql.Text, nullable=False),
    sql.Column("mac", sql.Text, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        sequence: Counted from 1 without gaps.
        time: UTC, ISO 8601.
        dataset: The data set concerned.
        run: The run concerned, or empty.
        kind: What happened: introduce, lifetime, run, stage, charge, checkpoint, resume, candidate, attempt, release,
            refuted, clear, closed or purge.
        body: The particulars.
        previous: The MAC of the entry before.
        mac: HMAC-SHA256 over all of the above.
    """

    sequence: int
    time: str
    dataset: str
    run: str
    kind: str
    body: Mapping[str, Any]
    previous: str
    mac: str


def default_path() -> Path:
    """``$PRIVGAN_LEDGER``'s stand-in: the user's data folder."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "privgan" / "ledger.sqlite"


def open_store(url: str | None, *, create: bool) -> LedgerStore:
    """Open a ledger by file path or ``sqlite:///`` URL."""
    given = url or os.environ.get("PRIVGAN_LEDGER") or str(default_path())
    if "://" in given and not given.startswith("sqlite:///"):
        raise UsageError(f"the ledger URL {given.split('://')[0]}://… is not supported; give a file path or sqlite:///PATH")
    return LedgerStore(Path(given.removeprefix("sqlite:///")).expanduser(), create=create)


class LedgerStore:
    """A ledger file and its MAC key, which lies beside it with mode 0600.

    Args:
        path: The SQLite file.
        create: Whether to make it where it does not exist.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path, self.url = path, str(path)
        self._key_path = path.with_name(path.name + ".key")
        self.created_now = not path.exists()
        if self.created_now and not create:
            raise UsageError(f"{path}: there is no ledger; make one with 'privgan ledger init'")
        if self.created_now and self._key_path.exists():
            raise UsageError(f"{path}: the ledger is gone but its key is there; restore the file, never start afresh silently")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._key = self._read_key()
            self._engine = sql.create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})
            sql_event.listen(self._engine, "connect", _durable)
            self._prepare()
        except OSError as error:
            raise UsageError(f"{path}: the ledger cannot be used: {error.strerror or error}") from error
        except exc.DatabaseError as error:
            raise UsageError(f"{path}: is not a readable ledger ({error.orig}); restore it from a copy") from error

    def _read_key(self) -> bytes:
        if self.created_now:
            handle = os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(os.urandom(32).hex().encode())
        if not self._key_path.exists():
            raise UsageError(f"{self._key_path}: the ledger's key is missing; restore it beside the ledger")
        try:
            return bytes.fromhex(self._key_path.read_text().strip())
        except ValueError as error:
            raise UsageError(f"{self._key_path}: is not the ledger's key; restore it beside the ledger") from error

    def _prepare(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            tables = set(sql.inspect(connection).get_table_names())
            if not self.created_now and not {"meta", "entries"} <= tables:
                raise UsageError(f"{self.path}: is not a whole ledger (a table of it is gone); restore it from a copy")
            _METADATA.create_all(connection)
            version = connection.execute(sql.select(_META.c.value).where(_META.c.key == "version")).scalar()
            if version is None:
                connection.execute(_META.insert().values(key="version", value=str(VERSION)))
            elif version != str(VERSION):
                raise UsageError(f"{self.path}: is a ledger of version {version}; this privgan reads version {VERSION}")
            connection.commit()

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        with self._engine.connect() as connection:
            return Transaction(connection, self._key).entries()

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the chain: edited, removed or reordered entries; empty when it is whole."""
        with self._engine.connect() as connection:
            return Transaction(connection, self._key).problems()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Hold the ledger alone; what is appended is on the disk when the block ends, or nothing is."""
        with self._engine.connect() as connection:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield Transaction(connection, self._key)
                connection.commit()
            except exc.OperationalError as error:
                raise UsageError(f"{self.path}: the ledger could not be written ({error.orig}); nothing was charged") from error


class Transaction:
    """Reads and appends on one connection, between taking the ledger's lock and committing."""

    def __init__(self, connection: sql.Connection, key: bytes) -> None:
        self._connection, self._key = connection, key

    def entries(self, dataset: str | None = None) -> tuple[Entry, ...]:
        """All entries, or those of one data set, oldest first."""
        rows = self._connection.execute(sql.select(_ENTRIES).order_by(_ENTRIES.c.sequence)).mappings()
        try:
            return tuple(_entry(dict(row)) for row in rows if dataset in (None, row["dataset"]))
        except ValueError as error:
            raise UsageError("the ledger holds an entry that cannot be read; restore it from a copy") from error

    def append(self, dataset: str, run: str, kind: str, body: Mapping[str, Any]) -> None:
        """Add an entry at the end."""
        last = self._connection.execute(sql.select(_ENTRIES).order_by(_ENTRIES.c.sequence.desc()).limit(1)).first()
        row = {
            "sequence": (last.sequence if last else 0) + 1,
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "dataset": dataset,
            "run": run,
            "kind": kind,
            "body": json.dumps(dict(body), sort_keys=True),
            "previous": last.mac if last else "",
        }
        self._connection.execute(_ENTRIES.insert().values(**row, mac=self._mac(row)))

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the chain; empty when it is whole."""
        found, previous = [], ""
        rows = self._connection.execute(sql.select(_ENTRIES).order_by(_ENTRIES.c.sequence)).mappings().all()
        for position, row in enumerate(rows, start=1):
            if row["sequence"] != position:
                found.append(f"entry {position} is missing (found {row['sequence']})")
                break
            if row["previous"] != previous:
                found.append(f"entry {position} does not follow the entry before it")
            if not hmac.compare_digest(row["mac"], self._mac(dict(row))):
                found.append(f"entry {position} was changed after it was written")
            previous = row["mac"]
        return tuple(found)

    def _mac(self, row: Mapping[str, Any]) -> str:
        text = json.dumps([row[key] for key in ("sequence", "time", "dataset", "run", "kind", "body", "previous")])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "body": json.loads(row["body"])})


def _durable(connection: Any, _record: Any) -> None:
    """Wait for the disk on every commit, and leave BEGIN to us."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=60000")
