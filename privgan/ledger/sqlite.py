"""Keep the ledger in an SQLite file, with its key beside it."""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy import exc
from sqlalchemy.schema import CreateTable

from privgan.errors import UsageError
from privgan.ledger.anchor import Anchor
from privgan.ledger.database import LedgerKey, LedgerStore
from privgan.ledger.key import LedgerParts, obtain_key
from privgan.ledger.store import ENTRIES, META, TIMEOUT, check_tables, make_tables

_REFUSED = "SELECT raise(ABORT, 'the entries of a ledger are only ever added to')"
_NEXT = "(SELECT coalesce(max(sequence), 0) + 1 FROM entries)"
# INSERT OR REPLACE deletes past the trigger on deletes; the one on inserts lets a next entry in
# only.
_TRIGGERS = {
    "entries_stay": f"CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN {_REFUSED}; END",
    "entries_keep": f"CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN {_REFUSED}; END",
    "entries_grow": (
        f"CREATE TRIGGER entries_grow BEFORE INSERT ON entries WHEN NEW.sequence <> {_NEXT} BEGIN"
        f" {_REFUSED}; END"
    ),
}


class SqliteStore(LedgerStore):
    """A ledger file and its MAC key, which lies beside it with mode 0600.

    Args:
        path: The SQLite file; through a link its target, so that all its names share one key and
            one lock.
        create: Whether to make it where it does not exist.
        timeout: Seconds to wait for another process that holds it.
    """

    def __init__(self, path: Path, *, create: bool, timeout: float = TIMEOUT) -> None:
        if path.is_symlink() and not path.exists():
            raise UsageError(
                f"{path}: the ledger is a link to {os.readlink(path)}, which is not there; restore"
                " that file"
            )
        if path.is_dir():
            raise UsageError(f"{path}: is a folder; name the ledger's file")
        self._path, self._timeout = path.resolve(), timeout
        _check_one_name(self._path)
        url = str(path)
        engine = _connect(self._path, timeout)
        key_path = self._path.with_name(self._path.name + ".key")
        anchor = Anchor(key_path, "beside its file")
        parts = LedgerParts(
            url=url,
            exists=self._path.exists,
            make=self._make,
            keeps=lambda: self._keeps(engine, url),
            anchor=anchor,
        )
        try:
            key, created_now = obtain_key(key_path, parts, create=create)
        except OSError as error:
            raise UsageError(
                f"{url}: the ledger cannot be used: {error.strerror or error}"
            ) from None
        except exc.DBAPIError as error:
            raise UsageError(f"{url}: {self._explain(error)}") from None
        super().__init__(
            url,
            engine,
            LedgerKey(key, key_path, created_now),
            anchor=anchor,
            timeout=timeout,
        )

    def _make(self, key: bytes) -> None:
        """Make the ledger under another name first, so that it is never seen half made."""
        unfinished = self._path.with_name(f"{self._path.name}.{uuid.uuid4().hex}")
        engine = _connect(unfinished, self._timeout, "rwc")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                make_tables(connection, key)
                self._protect(connection)
                connection.commit()
            unfinished.chmod(0o600)
            os.replace(unfinished, self._path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _keeps(self, engine: sql.Engine, url: str) -> str | None:
        with engine.connect() as connection:
            return check_tables(connection, url, set(sql.inspect(connection).get_table_names()))

    def _lock(self, connection: sql.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def _foreign(self, connection: sql.Connection) -> tuple[str, ...]:
        """Foreign objects in the file: all but the ledger's own tables and triggers."""
        expected = {
            table.name: _plain(str(CreateTable(table).compile(connection)))
            for table in (META, ENTRIES)
        }
        expected |= {name: _plain(text) for name, text in _TRIGGERS.items()}
        found = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master")
        return tuple(
            f"the ledger's file holds a {row.type} {row.name!r} that privgan did not make"
            for row in found
            if not _is_key_index(row) and expected.get(row.name) != _plain(row.sql or "")
        )

    def _protect(self, connection: sql.Connection) -> str | None:
        found = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).scalars()
        for name in _TRIGGERS.keys() - set(found):
            connection.exec_driver_sql(_TRIGGERS[name])
        return None

    def _explain(self, error: exc.DBAPIError) -> str:
        text = str(error.orig)
        if "locked" in text or "busy" in text:
            return (
                f"another process has held the ledger for {self._timeout:g} s; wait until it ends,"
                " then try again"
            )
        if (
            isinstance(error, (exc.OperationalError, exc.IntegrityError))
            and "no such table" not in text
        ):
            return f"the ledger could not be read or written ({text}); mend that, then try again"
        return f"is not a readable ledger ({text}); restore it from a copy"


def _check_one_name(path: Path) -> None:
    """Check that the file has no hard links.

    SQLite's journal lies beside one name; after a crash another name would miss it.
    """
    if path.exists() and path.stat().st_nlink > 1:
        text = "has another name (a hard link), by which a crash could undo what is charged"
        raise UsageError(
            f"{path}: the ledger's file {text}; remove the other name, or copy it there"
        )


def _connect(path: Path, timeout: float, mode: str = "rw") -> sql.Engine:
    """Connect; without "c" in the mode SQLite does not recreate a removed file."""
    uri = f"file:{quote(str(path))}?mode={mode}"

    def connection() -> sqlite3.Connection:
        opened = sqlite3.connect(
            uri, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        # Wait for the disk on every commit, the journal's removal included.
        opened.execute("PRAGMA synchronous=EXTRA")
        return opened

    return sql.create_engine("sqlite://", creator=connection, poolclass=sql.pool.NullPool)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _is_key_index(row: sql.Row[Any]) -> bool:
    """Whether SQLite made this index itself for a table's primary key."""
    return row.type == "index" and row.sql is None and row.tbl_name in {META.name, ENTRIES.name}
