"""Open a ledger by file path, SQLite URL or PostgreSQL URL."""

from __future__ import annotations

import os
from pathlib import Path

from privgan.errors import UsageError
from privgan.files.data_folder import data_folder
from privgan.files.secrets import NO_URL, may_hold_a_password
from privgan.ledger.database import LedgerStore
from privgan.ledger.postgres import SCHEMES, PostgresStore
from privgan.ledger.sqlite import SqliteStore
from privgan.ledger.store import TIMEOUT


def open_store(url: str | None, *, create: bool, timeout: float = TIMEOUT) -> LedgerStore:
    """Open a ledger; by default ``$PRIVGAN_LEDGER``, else the user's data folder."""
    given = url or os.environ.get("PRIVGAN_LEDGER") or str(data_folder() / "ledger.sqlite")
    scheme, separator, _ = given.partition("://")
    if separator and scheme in SCHEMES:
        return PostgresStore(given, data_folder(), create=create, timeout=timeout)
    if separator and not given.startswith("sqlite:///"):
        text = "give a file path, sqlite:///PATH or postgresql://user@host/database"
        raise UsageError(f"the ledger URL {scheme}://… is not supported; {text}")
    if not separator and may_hold_a_password(given):
        raise UsageError(f"the ledger's place is no path, {NO_URL}")
    return SqliteStore(
        Path(given.removeprefix("sqlite:///")).expanduser(), create=create, timeout=timeout
    )
