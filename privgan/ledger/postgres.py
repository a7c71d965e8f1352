"""Keep a team's ledger in PostgreSQL: append-only by trigger; each member holds the key."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy import exc

from privgan.errors import UsageError
from privgan.ledger.anchor import Anchor
from privgan.ledger.database import LedgerKey, LedgerStore
from privgan.ledger.key import LedgerParts, obtain_key
from privgan.ledger.store import TIMEOUT, check_tables, make_tables

SCHEMA = "privgan"
_TRIGGER, _FUNCTION = "entries_stay", "refuse_change"
_BODY = "BEGIN RAISE EXCEPTION 'the entries of a ledger are only ever added to'; END"
_DEFINITION = (
    f"CREATE TRIGGER {_TRIGGER} BEFORE DELETE OR UPDATE OR TRUNCATE ON {SCHEMA}.entries "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.{_FUNCTION}()"
)
_PROTECT = (
    (
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{_FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
        f"SET search_path = pg_catalog AS $body${_BODY}$body$"
    ),
    f"DROP TRIGGER IF EXISTS {_TRIGGER} ON {SCHEMA}.entries",
    _DEFINITION,
    # Also where a session claims to be a replica's.
    f"ALTER TABLE {SCHEMA}.entries ENABLE ALWAYS TRIGGER {_TRIGGER}",
    f"REVOKE ALL ON {SCHEMA}.entries, {SCHEMA}.meta FROM PUBLIC",
)
_OURS = f"""
    SELECT oid FROM pg_class WHERE relname IN ('entries', 'meta')
    AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '{SCHEMA}')
"""
# Each names a kind and an object; all in one question, since every transaction asks it.
_FOREIGN = f"""
    WITH ours AS ({_OURS})
    SELECT 'trigger', tgname::text FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM ours)
        AND NOT tgisinternal AND pg_get_triggerdef(oid) <> $def${_DEFINITION}$def$
    UNION ALL SELECT 'changed function', proname::text FROM pg_proc
        WHERE oid IN (SELECT tgfoid FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM ours)
                      AND tgname = '{_TRIGGER}')
        AND (prosrc <> $def${_BODY}$def$ OR prosecdef
             OR prolang <> (SELECT oid FROM pg_language WHERE lanname = 'plpgsql'))
    UNION ALL SELECT 'rule', rulename::text FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM ours)
    UNION ALL SELECT 'policy', polname::text FROM pg_policy WHERE polrelid IN (SELECT oid FROM ours)
    UNION ALL SELECT 'row security on table', relname::text FROM pg_class
        WHERE oid IN (SELECT oid FROM ours) AND (relrowsecurity OR relforcerowsecurity)
    UNION ALL SELECT 'relation that is no plain and durable table', relname::text FROM pg_class
        WHERE oid IN (SELECT oid FROM ours)
        AND (relkind <> 'r' OR relpersistence <> 'p' OR relispartition)
    UNION ALL SELECT 'inheritance of table', inhrelid::regclass::text FROM pg_inherits
        WHERE inhrelid IN (SELECT oid FROM ours) OR inhparent IN (SELECT oid FROM ours)
    UNION ALL SELECT 'constraint', conname::text FROM pg_constraint
        WHERE (conrelid IN (SELECT oid FROM ours) OR confrelid IN (SELECT oid FROM ours))
        AND contype NOT IN ('p', 'n')
    UNION ALL SELECT 'index', indexrelid::regclass::text FROM pg_index
        WHERE indrelid IN (SELECT oid FROM ours) AND NOT indisprimary
    UNION ALL SELECT 'default of column', attname::text FROM pg_attribute
        WHERE attrelid IN (SELECT oid FROM ours) AND (atthasdef OR attgenerated <> '')
"""
_IS_PROTECTED = f"""
    SELECT count(*) FROM pg_trigger
    WHERE tgrelid IN ({_OURS}) AND tgname = '{_TRIGGER}' AND tgenabled = 'A'
"""
_OWNER = f"""
    SELECT pg_has_role(relowner, 'USAGE'), pg_get_userbyid(relowner)::text
    FROM pg_class WHERE oid IN ({_OURS}) AND relname = 'entries'
"""


def foreign_objects(connection: sql.Connection) -> tuple[str, ...]:
    """Foreign objects that act on the ledger's tables, in words."""
    found = connection.exec_driver_sql(_FOREIGN).all()
    return tuple(
        f"the ledger's tables have a {kind} {name!r} that privgan did not make"
        for kind, name in found
    )


def protect(connection: sql.Connection) -> str | None:
    """Make entries append-only by triggers.

    Returns:
        None where that holds; otherwise why this user cannot see to it.
    """
    if connection.exec_driver_sql(_IS_PROTECTED).scalar():
        return None
    may, owner = connection.exec_driver_sql(_OWNER).one()
    if not may:
        return (
            f"its entries are not append-only yet; let their owner ({owner}) write to the ledger"
            " once"
        )
    for statement in _PROTECT:
        connection.exec_driver_sql(statement)
    return None


SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
# One lock for all who make a ledger at the same moment; any number that nothing else uses.
_MAKING = 7_723_519_402
_WRITING = 7_723_519_403
_PORT = 5432
_SECRETS = ("password", "sslpassword", "passfile")


class PostgresStore(LedgerStore):
    """A ledger in the schema ``privgan`` of a PostgreSQL database.

    Args:
        given: ``postgresql://user@host/database``; a password is better kept in the server's usual
            places (.pgpass).
        data_folder: The user's data folder, for the key where ``$PRIVGAN_LEDGER_KEY`` names none.
        create: Whether to make it where it does not exist.
        timeout: Seconds to wait for another process that holds it.
    """

    def __init__(
        self, given: str, data_folder: Path, *, create: bool, timeout: float = TIMEOUT
    ) -> None:
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
            raise UsageError(
                f"{key_path}: the ledger's key cannot be used: {error.strerror or error}"
            ) from None
        except exc.DBAPIError as error:
            raise UsageError(f"{url}: {self._explain(error)}") from None
        super().__init__(
            url,
            self._engine,
            LedgerKey(key, key_path, created_now),
            anchor=anchor,
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
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            make_tables(connection, key)
            self._protect(connection)
            connection.commit()

    def _keeps(self) -> str | None:
        with self._engine.connect() as connection:
            return check_tables(connection, self.url, _tables(connection))

    def _lock(self, connection: sql.Connection) -> None:
        """Take a lock that needs only SELECT and INSERT; older versions lock the table."""
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_WRITING)))
        connection.exec_driver_sql(f"LOCK TABLE {SCHEMA}.entries IN ROW EXCLUSIVE MODE")

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
            return (
                f"another process has held the ledger for {self._timeout:g} s; wait until it ends,"
                " then try again"
            )
        if state in {"42P01", "42703", "3F000"}:
            return f"is not a whole ledger ({text}); restore it from a copy"
        return f"the ledger could not be read or written ({text}); mend that, then try again"


def key_name(url: str) -> str:
    """The key's file name, from the ledger's URL without its password."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", url.partition("://")[2]).strip("-")[:60]
    return f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.key"


def _machine(key_path: Path) -> str:
    """A name for this machine and key's place that reveals neither."""
    return hashlib.sha256(f"{socket.gethostname()}:{key_path.absolute()}".encode()).hexdigest()[:16]


def _address(given: str) -> sql.URL:
    try:
        address = sql.make_url(given)
    except (exc.ArgumentError, ValueError):
        raise UsageError(
            "the ledger's URL cannot be read; write postgresql://user@host/database"
        ) from None
    if not address.database:
        raise UsageError(
            "the ledger's URL names no database; write postgresql://user@host/database"
        )
    return address.set(drivername="postgresql+psycopg")


def _secrets(address: sql.URL) -> tuple[str, ...]:
    found = [address.password, *(address.query.get(name) for name in _SECRETS)]
    return tuple(str(value) for value in found if value)


def _without_secrets(address: sql.URL) -> str:
    """The URL as shown, and as the key's file is named after it.

    One spelling for each ledger.
    """
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
    # A commit must be on the server's disk, and each statement must see what was committed before
    # the lock was ours. No function or operator of another schema stands in for the server's own.
    options = f"-c synchronous_commit=on -c lock_timeout={milliseconds} -c search_path=pg_catalog"
    try:
        engine = sql.create_engine(
            address,
            poolclass=sql.pool.NullPool,
            isolation_level="READ COMMITTED",
            connect_args={"options": options, "connect_timeout": max(2, round(timeout))},
        )
    except ModuleNotFoundError:
        raise UsageError(
            "a ledger in PostgreSQL needs the extra: pip install 'privgan[postgres]'"
        ) from None
    return engine.execution_options(schema_translate_map={None: SCHEMA})


def _tables(connection: sql.Connection) -> set[str]:
    return set(sql.inspect(connection).get_table_names(schema=SCHEMA))
