"""The ledger of a team in PostgreSQL; its MAC key is a file on each member's machine, never in the database."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy import exc

from privgan.errors import UsageError
from privgan.privacy.ledger_anchor import Anchor
from privgan.privacy.ledger_database import LedgerStore
from privgan.privacy.ledger_key import LedgerParts, obtain_key
from privgan.privacy.ledger_postgres_guard import SCHEMA as _SCHEMA
from privgan.privacy.ledger_postgres_guard import foreign_objects, protect
from privgan.privacy.ledger_store import TIMEOUT, check_tables, make_tables

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
# One lock for all who make a ledger at the same moment; any number that nothing else uses.
_MAKING = 7_723_519_402
_WRITING = 7_723_519_403
_PORT = 5432
_SECRETS = ("password", "sslpassword", "passfile")


class PostgresStore(LedgerStore):
    """A ledger in the schema ``privgan`` of a PostgreSQL database.

    Args:
        given: ``postgresql://user@host/database``; a password is better kept in the server's usual places (.pgpass).
        data_folder: The user's data folder, for the key where ``$PRIVGAN_LEDGER_KEY`` names none.
        create: Whether to make it where it does not exist.
        timeout: Seconds to wait for another process that holds it.
    """

    def __init__(self, given: str, data_folder: Path, *, create: bool, timeout: float = TIMEOUT) -> None:
        address = _address(given)
        self._timeout, self._secrets = timeout, _secrets(address)
        self.url = url = _without_secrets(address)
        self._engine = _connect(address, timeout)
        named = os.environ.get("PRIVGAN_LEDGER_KEY")
        key_path = Path(named).expanduser() if named else data_folder / "keys" / key_name(url)
        anchor = Anchor(key_path, f"at {_machine(key_path)}")
        parts = LedgerParts(
            url=url,
            exists=lambda: bool(self._tables()),
            make=self._make,
            keeps=self._keeps,
            anchor=anchor,
        )
        try:
            key, created_now = obtain_key(key_path, parts, create=create)
        except OSError as error:
            raise UsageError(f"{key_path}: the ledger's key cannot be used: {error.strerror or error}") from None
        except exc.DBAPIError as error:
            raise UsageError(f"{url}: {self._explain(error)}") from None
        super().__init__(
            url,
            self._engine,
            key,
            anchor=anchor,
            key_path=key_path,
            created_now=created_now,
            timeout=timeout,
        )

    def _tables(self) -> set[str]:
        with self._engine.connect() as connection:
            return _tables(connection)

    def _make(self, key: bytes) -> None:
        with self._engine.connect() as connection:
            connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_MAKING)))
            if _tables(connection):
                raise UsageError(
                    f"{self.url}: a ledger is there, made on another machine; put its key where "
                    "$PRIVGAN_LEDGER_KEY or your data folder has it"
                )
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
            make_tables(connection, key)
            self._protect(connection)
            connection.commit()

    def _keeps(self) -> str | None:
        with self._engine.connect() as connection:
            return check_tables(connection, self.url, _tables(connection))

    def _lock(self, connection: sql.Connection) -> None:
        """A lock for which SELECT and INSERT are enough; older versions lock the table."""
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_WRITING)))
        connection.exec_driver_sql(f"LOCK TABLE {_SCHEMA}.entries IN ROW EXCLUSIVE MODE")

    def _foreign(self, connection: sql.Connection) -> tuple[str, ...]:
        return foreign_objects(connection)

    def _protect(self, connection: sql.Connection) -> str | None:
        return protect(connection)

    def _explain(self, error: exc.DBAPIError) -> str:
        state = str(getattr(error.orig, "sqlstate", None) or "")
        text = " ".join(str(error.orig).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if state == "55P03":
            return f"another process has held the ledger for {self._timeout:g} s; wait until it ends, then try again"
        if state in {"42P01", "42703", "3F000"}:
            return f"is not a whole ledger ({text}); restore it from a copy"
        return f"the ledger could not be read or written ({text}); mend that, then try again"


def key_name(url: str) -> str:
    """The key's file name for a ledger's URL without its password."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", url.partition("://")[2]).strip("-")[:60]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.key"


def _machine(key_path: Path) -> str:
    """A name for this machine and this place of the key, which tells neither."""
    return hashlib.sha256(f"{socket.gethostname()}:{key_path.absolute()}".encode()).hexdigest()[:16]


def _address(given: str) -> sql.URL:
    try:
        address = sql.make_url(given)
    except (exc.ArgumentError, ValueError):
        raise UsageError("the ledger's URL cannot be read; write postgresql://user@host/database") from None
    if not address.database:
        raise UsageError("the ledger's URL names no database; write postgresql://user@host/database")
    return address.set(drivername="postgresql+psycopg")


def _secrets(address: sql.URL) -> tuple[str, ...]:
    found = [address.password, *(address.query.get(name) for name in _SECRETS)]
    return tuple(str(value) for value in found if value)


def _without_secrets(address: sql.URL) -> str:
    """The URL as it is shown, and as the key's file is named after it: one spelling for one ledger."""
    shown = sql.URL.create(
        "postgresql",
        username=address.username,
        host=address.host.lower() if address.host else None,
        port=None if address.port == _PORT else address.port,
        database=address.database,
        query=address.difference_update_query(_SECRETS).query,
    )
    return shown.render_as_string()


def _connect(address: sql.URL, timeout: float) -> sql.Engine:
    milliseconds = max(1, round(timeout * 1000))
    # A commit must be on the server's disk, and each statement must see what was committed before the lock was ours.
    # No function or operator of another schema stands in for the server's own.
    options = f"-c synchronous_commit=on -c lock_timeout={milliseconds} -c search_path=pg_catalog"
    try:
        engine = sql.create_engine(
            address,
            poolclass=sql.pool.NullPool,
            isolation_level="READ COMMITTED",
            connect_args={"options": options, "connect_timeout": max(2, round(timeout))},
        )
    except ModuleNotFoundError:
        raise UsageError("a ledger in PostgreSQL needs the extra: pip install 'privgan[postgres]'") from None
    return engine.execution_options(schema_translate_map={None: _SCHEMA})


def _tables(connection: sql.Connection) -> set[str]:
    return set(sql.inspect(connection).get_table_names(schema=_SCHEMA))
