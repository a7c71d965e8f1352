"""Define ledger entries: append-only rows, hash-chained with a MAC, each with its author."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import hmac
import json
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from privgan.errors import UsageError
from privgan.ledger.anchor import EMPTY, Head
from privgan.naming import call, parameter


def account_name() -> str:
    """The account that runs, as ``user@host``."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return f"unknown@{socket.gethostname()}"


def check_named(who: str, why: str) -> None:
    """Check that a person and a reason are named."""
    for name, text in ((parameter("who"), who), (parameter("why"), why)):
        if not text.strip():
            raise UsageError(f"{name} is empty; a person must answer for this, with a reason")


VERSION = 1
TIMEOUT = 60.0
# Kinds of entries that the chain itself knows.
CLOCK, GAP, RESTORED = "clock", "gap", "restored"
# What may still be written of a run of before a gap: nothing that spends, judges or releases.
_AFTER_GAP = frozenset({"closed", "purge", "refuted"})
CLOCK_TOLERANCE = dt.timedelta(minutes=5)
METADATA = sql.MetaData()
META = sql.Table(
    "meta", METADATA, sql.Column("key", sql.Text, primary_key=True), sql.Column("value", sql.Text)
)
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
    """One entry of the ledger.

    Attributes:
        sequence: Counted from 1 without gaps.
        time: UTC, ISO 8601; never before the entry before, but for a repaired clock.
        dataset: The data set concerned.
        run: The run concerned, or empty.
        kind: What happened: announced, introduce, accept, lifetime, run, stage, charge, checkpoint,
            resume, candidate, attempt, release, refuted, clear, closed, purge, gap, restored or
            clock.
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


class Transaction:
    """Reads and appends on one connection, between taking the ledger's lock and committing.

    Attributes:
        appended: The rows that were added.
        gap: In the acceptance of a restored ledger: how it departs from its anchor; else None.
        lost: In that case the entry that the anchor names, where it can be read.
    """

    def __init__(self, connection: sql.Connection, key: bytes, url: str) -> None:
        self._connection, self._key, self._url = connection, key, url
        self.appended: list[dict[str, Any]] = []
        self._known: dict[str | None, tuple[Entry, ...]] = {}
        self.gap: str | None = None
        self.lost: Head | None = None

    def entries(self, dataset: str | None = None) -> tuple[Entry, ...]:
        """All entries, or those of one data set, oldest first.

        They are read once: nobody else writes while the ledger's lock is held, and what this
        transaction appends is added.
        """
        if dataset not in self._known:
            everything = self._known.get(None)
            self._known[dataset] = (
                self._read(dataset)
                if everything is None
                else tuple(entry for entry in everything if entry.dataset == dataset)
            )
        return self._known[dataset]

    def _read(self, dataset: str | None) -> tuple[Entry, ...]:
        query = sql.select(ENTRIES).order_by(ENTRIES.c.sequence)
        if dataset is not None:
            query = query.where(ENTRIES.c.dataset == dataset)
        try:
            return tuple(_entry(dict(row)) for row in self._connection.execute(query).mappings())
        except (ValueError, TypeError):
            raise UsageError(
                f"{self._url}: the ledger holds an entry that cannot be read; restore it from a"
                " copy"
            ) from None

    def kinds(self, run: str) -> Counter[str]:
        """The number of entries of each kind that a run has."""
        return Counter(
            self._connection.execute(
                sql.select(ENTRIES.c.kind).where(ENTRIES.c.run == run)
            ).scalars()
        )

    def head(self) -> Head:
        """The newest entry."""
        last = self._last()
        return Head(sequence=last.sequence, mac=str(last.mac)) if last else EMPTY

    def mac_of(self, sequence: int) -> str | None:
        """The MAC of an entry; None where there is no such entry."""
        query = sql.select(ENTRIES.c.mac).where(ENTRIES.c.sequence == sequence)
        return self._connection.execute(query).scalar()

    def append(self, dataset: str, run: str, kind: str, body: Mapping[str, Any]) -> None:
        """Add an entry at the end, and read it again."""
        self._check_after_gap(run, kind)
        last = self._last()
        row = {
            "sequence": (last.sequence if last else 0) + 1,
            "time": self._time(last.time if last else None, repairs=kind == CLOCK),
            "dataset": dataset,
            "run": run,
            "kind": kind,
            "body": json.dumps(dict(body), sort_keys=True),
            "previous": last.mac if last else "",
        }
        row["mac"] = chain_mac(self._key, row)
        self._connection.execute(ENTRIES.insert().values(**row))
        self.check_stored([row], "nothing was charged")
        self.appended.append(row)
        added = _entry(row)
        for name, entries in self._known.items():
            if name in (None, dataset):
                self._known[name] = (*entries, added)

    def check_stored(self, rows: Sequence[Mapping[str, Any]], result: str) -> None:
        """Check that the database holds the rows as they were appended.

        Raises:
            UsageError: naming the entry, and what became of the request.
        """
        numbers = [row["sequence"] for row in rows]
        query = sql.select(ENTRIES).where(ENTRIES.c.sequence.in_(numbers))
        found = {row["sequence"]: dict(row) for row in self._connection.execute(query).mappings()}
        for row in rows:
            if found.get(row["sequence"]) != row:
                text = f"entry {row['sequence']} is not there as it was written"
                cause = "the database changes or removes what is added"
                raise UsageError(
                    f"{self._url}: {text}: {cause}; mend that, then verify it; {result}"
                )

    def problems(self, since: Head = EMPTY) -> tuple[str, ...]:
        """Problems of the chain; empty when it is whole.

        Args:
            since: The entry that is known to be right, from which on the chain is looked at.
        """
        found: list[str] = []
        query = sql.select(ENTRIES).order_by(ENTRIES.c.sequence)
        if since.sequence:
            query = query.where(ENTRIES.c.sequence >= since.sequence)
        rows = self._connection.execute(query).mappings().all()
        previous = rows[0]["previous"] if since.sequence and rows else ""
        for position, row in enumerate(rows, start=max(since.sequence, 1)):
            if row["sequence"] != position:
                found.append(f"entry {position} is missing (found {row['sequence']})")
                break
            if row["previous"] != previous:
                found.append(f"entry {position} does not follow the entry before it")
            if not hmac.compare_digest(
                str(row["mac"]).encode(), chain_mac(self._key, dict(row)).encode()
            ):
                found.append(f"entry {position} was changed after it was written")
            previous = row["mac"]
        return tuple(found)

    def keyed(self, text: str) -> str:
        """Hash a text under the ledger's key; without the key it reveals nothing."""
        return hmac.new(self._key, f"keyed:{text}".encode(), hashlib.sha256).hexdigest()[:24]

    def newest_time(self) -> str | None:
        """The newest entry's time, where it is too far ahead of the clock to append."""
        last = self._last()
        return last.time if last and self._ahead(last.time, utc_now()) > CLOCK_TOLERANCE else None

    def _last(self) -> sql.Row[Any] | None:
        return self._connection.execute(
            sql.select(ENTRIES).order_by(ENTRIES.c.sequence.desc()).limit(1)
        ).first()

    def _check_after_gap(self, run: str, kind: str) -> None:
        """Check that a run did not begin before a gap.

        Its actions in the lost entries are not known.
        """
        if not run or kind in _AFTER_GAP:
            return
        gap = self._connection.execute(
            sql.select(sql.func.max(ENTRIES.c.sequence)).where(ENTRIES.c.kind == GAP)
        ).scalar()
        if gap is None:
            return
        own = sql.select(sql.func.min(ENTRIES.c.sequence)).where(ENTRIES.c.run == run)
        start = self._connection.execute(own).scalar()
        if start is not None and start < gap:
            raise UsageError(
                f"{self._url}: run {run} began before entry {gap}, by which a restored ledger was"
                " accepted; what it did in the lost entries is not known; fit anew"
            )

    def _time(self, newest: str | None, *, repairs: bool) -> str:
        """The time of a new entry, never before the newest one within the tolerance.

        Beyond the tolerance the clock is not trusted.
        """
        now = utc_now()
        text = now.isoformat(timespec="milliseconds")
        if newest is None or newest <= text or repairs:
            return text
        if self._ahead(newest, now) > CLOCK_TOLERANCE:
            raise UsageError(
                f"{self._url}: this machine's clock says {text[:19]}, the ledger's newest entry is"
                f" of {newest[:19]} (UTC): the clock runs backwards; set it right, or where the"
                " entry's clock stood in the future, let a person repair that:"
                f" {call('PrivacyLedger.repair_clock')}; nothing was charged"
            )
        return newest

    def _ahead(self, newest: str, now: dt.datetime) -> dt.timedelta:
        try:
            return dt.datetime.fromisoformat(newest) - now
        except (ValueError, TypeError):
            raise UsageError(
                f"{self._url}: the newest entry's time is no time; verify the ledger, then"
                " restore it"
            ) from None


def utc_now() -> dt.datetime:
    """The clock, in UTC."""
    return dt.datetime.now(dt.UTC)


def chain_mac(key: bytes, row: Mapping[str, Any]) -> str:
    """The MAC of an entry, over the previous entry's MAC too."""
    text = json.dumps([row[name] for name in _CHAINED])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def fingerprint(key: bytes) -> str:
    """The stored value that recognises the ledger's key without revealing it."""
    return hmac.new(key, b"privgan ledger key", hashlib.sha256).hexdigest()


def make_tables(connection: sql.Connection, key: bytes) -> None:
    """Make an empty ledger in the connection's transaction."""
    METADATA.create_all(connection)
    rows = [{"key": "version", "value": str(VERSION)}, {"key": "key", "value": fingerprint(key)}]
    connection.execute(META.insert(), rows)


def check_tables(connection: sql.Connection, url: str, tables: set[str]) -> str | None:
    """Check that the database is a whole ledger of this version.

    Returns its key's fingerprint, None in ledgers that stored none.

    Args:
        connection: Connected to the ledger.
        url: Where it is.
        tables: The tables that are there.
    """
    if not {"meta", "entries"} <= tables:
        raise UsageError(
            f"{url}: is not a whole ledger (a table of it is gone); restore it from a copy"
        )
    meta = {row.key: row.value for row in connection.execute(sql.select(META))}
    version = meta.get("version")
    if version != str(VERSION):
        raise UsageError(
            f"{url}: is a ledger of version {version}; this privgan reads version {VERSION}"
        )
    return meta.get("key")


def _entry(row: Mapping[str, Any]) -> Entry:
    body = json.loads(row["body"])
    if not isinstance(body, dict):
        raise TypeError("an entry's body is a mapping")
    return Entry(**{**row, "body": body})
