"""Ledger entries: append-only rows, hash-chained with a MAC; the same in every database."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc

from privgan.errors import UsageError

VERSION = 1
TIMEOUT = 60.0
CLOCK_TOLERANCE = dt.timedelta(minutes=5)
METADATA = sql.MetaData()
META = sql.Table("meta", METADATA, sql.Column("key", sql.Text, primary_key=True), sql.Column("value", sql.Text))
ENTRIES = sql.Table(
    "entries",
    METADATA,
    sql.Column("sequence", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("time", sql.Text, nullable=False),
    sql.Column("dataset", sql.Text, nullable=False),
    sql.Column("run", sql.Text, nullable=False),
    sql.Column("kind", sql.Text, nullable=False),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("previous", sql.Text, nullable=False),
    sql.Column("mac", sql.Text, nullable=False),
)
_CHAINED = ("sequence", "time", "dataset", "run", "kind", "body", "previous")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger.

    Attributes:
        sequence: Counted from 1 without gaps.
        time: UTC, ISO 8601; never before the entry before.
        dataset: The data set concerned.
        run: The run concerned, or empty.
        kind: What happened: announced, introduce, accept, lifetime, run, stage, charge, checkpoint, resume, candidate,
            attempt, release, refuted, clear, closed or purge.
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


class LedgerStore(ABC):
    """A database with a ledger in it, opened.

    Args:
        url: Where it is, without a password.
        engine: Connects to it.
        key: The MAC key.
        key_path: The key's file.
        created_now: Whether it was made by this opening.
    """

    def __init__(self, url: str, engine: sql.Engine, key: bytes, *, key_path: Path, created_now: bool) -> None:
        self.url, self.key_path, self.created_now = url, key_path, created_now
        self._engine, self._key = engine, key

    @abstractmethod
    def _lock(self, connection: sql.Connection) -> None:
        """Wait until no other process writes, and keep others from writing until the connection's transaction ends."""

    @abstractmethod
    def _explain(self, error: exc.DBAPIError) -> str:
        """What went wrong, in words, and what to do."""

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        with self._connected() as connection:
            return Transaction(connection, self._key, self.url).entries()

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the chain: edited, removed or reordered entries; empty when it is whole."""
        with self._connected() as connection:
            return Transaction(connection, self._key, self.url).problems()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Hold the ledger alone; what is appended is on the disk when the block ends, or nothing is."""
        result = "; nothing was charged"
        try:
            with self._engine.connect() as connection:
                self._lock(connection)
                yield Transaction(connection, self._key, self.url)
                result = "; it may have been recorded, but no row was read for it"
                connection.commit()
        except exc.DBAPIError as error:
            raise UsageError(f"{self.url}: {self._explain(error)}{result}") from None

    @contextmanager
    def _connected(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except exc.DBAPIError as error:
            raise UsageError(f"{self.url}: {self._explain(error)}") from None


class Transaction:
    """Reads and appends on one connection, between taking the ledger's lock and committing."""

    def __init__(self, connection: sql.Connection, key: bytes, url: str) -> None:
        self._connection, self._key, self._url = connection, key, url

    def entries(self, dataset: str | None = None) -> tuple[Entry, ...]:
        """All entries, or those of one data set, oldest first."""
        query = sql.select(ENTRIES).order_by(ENTRIES.c.sequence)
        if dataset is not None:
            query = query.where(ENTRIES.c.dataset == dataset)
        try:
            return tuple(_entry(dict(row)) for row in self._connection.execute(query).mappings())
        except (ValueError, TypeError):
            raise UsageError(f"{self._url}: the ledger holds an entry that cannot be read; restore it from a copy") from None

    def kinds(self, run: str) -> Counter[str]:
        """How many entries of each kind a run has."""
        return Counter(self._connection.execute(sql.select(ENTRIES.c.kind).where(ENTRIES.c.run == run)).scalars())

    def append(self, dataset: str, run: str, kind: str, body: Mapping[str, Any]) -> None:
        """Add an entry at the end."""
        last = self._connection.execute(sql.select(ENTRIES).order_by(ENTRIES.c.sequence.desc()).limit(1)).first()
        row = {
            "sequence": (last.sequence if last else 0) + 1,
            "time": self._time(last.time if last else None),
            "dataset": dataset,
            "run": run,
            "kind": kind,
            "body": json.dumps(dict(body), sort_keys=True),
            "previous": last.mac if last else "",
        }
        self._connection.execute(ENTRIES.insert().values(**row, mac=chain_mac(self._key, row)))

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the chain; empty when it is whole."""
        found, previous = [], ""
        rows = self._connection.execute(sql.select(ENTRIES).order_by(ENTRIES.c.sequence)).mappings().all()
        for position, row in enumerate(rows, start=1):
            if row["sequence"] != position:
                found.append(f"entry {position} is missing (found {row['sequence']})")
                break
            if row["previous"] != previous:
                found.append(f"entry {position} does not follow the entry before it")
            if not hmac.compare_digest(str(row["mac"]).encode(), chain_mac(self._key, dict(row)).encode()):
                found.append(f"entry {position} was changed after it was written")
            previous = row["mac"]
        return tuple(found)

    def keyed(self, text: str) -> str:
        """A hash of a text that says nothing to anyone without the ledger's key."""
        return hmac.new(self._key, f"keyed:{text}".encode(), hashlib.sha256).hexdigest()[:24]

    def _time(self, newest: str | None) -> str:
        """Now; within the tolerance never before the newest entry, further back the clock cannot be believed."""
        now = utc_now()
        text = now.isoformat(timespec="milliseconds")
        if newest is None or newest <= text:
            return text
        try:
            ahead = dt.datetime.fromisoformat(newest) - now
        except (ValueError, TypeError):
            raise UsageError(f"{self._url}: the newest entry's time is no time; verify the ledger, then restore it") from None
        if ahead > CLOCK_TOLERANCE:
            raise UsageError(
                f"{self._url}: this machine's clock says {text[:19]}, the ledger's newest entry is of {newest[:19]} (UTC): "
                "the clock runs backwards; set it right; nothing was charged"
            )
        return newest


def utc_now() -> dt.datetime:
    """The clock, in UTC."""
    return dt.datetime.now(dt.UTC)


def chain_mac(key: bytes, row: Mapping[str, Any]) -> str:
    """The MAC of an entry, which holds the MAC of the entry before."""
    text = json.dumps([row[name] for name in _CHAINED])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def fingerprint(key: bytes) -> str:
    """What a ledger keeps to recognise its key; it does not tell the key."""
    return hmac.new(key, b"privgan ledger key", hashlib.sha256).hexdigest()


def make_tables(connection: sql.Connection, key: bytes) -> None:
    """An empty ledger, in the connection's transaction."""
    METADATA.create_all(connection)
    rows = [{"key": "version", "value": str(VERSION)}, {"key": "key", "value": fingerprint(key)}]
    connection.execute(META.insert(), rows)


def check_tables(connection: sql.Connection, url: str, tables: set[str]) -> str | None:
    """Refuse what is no whole ledger of this version; the fingerprint of its key, None in ledgers that kept none.

    Args:
        connection: Connected to the ledger.
        url: Where it is.
        tables: The tables that are there.
    """
    if not {"meta", "entries"} <= tables:
        raise UsageError(f"{url}: is not a whole ledger (a table of it is gone); restore it from a copy")
    meta = {row.key: row.value for row in connection.execute(sql.select(META))}
    version = meta.get("version")
    if version != str(VERSION):
        raise UsageError(f"{url}: is a ledger of version {version}; this privgan reads version {VERSION}")
    return meta.get("key")


def _entry(row: Mapping[str, Any]) -> Entry:
    body = json.loads(row["body"])
    if not isinstance(body, dict):
        raise TypeError("an entry's body is a mapping")
    return Entry(**{**row, "body": body})
