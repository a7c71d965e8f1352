"""PostgreSQL: entries are only ever added, and nothing that is not ours acts on the tables."""

from __future__ import annotations

import sqlalchemy as sql

SCHEMA = "privgan"
_TRIGGER, _FUNCTION = "entries_stay", "refuse_change"
_BODY = "BEGIN RAISE EXCEPTION 'the entries of a ledger are only ever added to'; END"
_DEFINITION = (
    f"CREATE TRIGGER {_TRIGGER} BEFORE DELETE OR UPDATE OR TRUNCATE ON {SCHEMA}.entries "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.{_FUNCTION}()"
)
_PROTECT = (
    f"CREATE OR REPLACE FUNCTION {SCHEMA}.{_FUNCTION}() RETURNS trigger LANGUAGE plpgsql "
    f"SET search_path = pg_catalog AS $body${_BODY}$body$",
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
    """What acts on the ledger's tables and is not ours, in words."""
    found = connection.exec_driver_sql(_FOREIGN).all()
    return tuple(f"the ledger's tables have a {kind} {name!r} that privgan did not make" for kind, name in found)


def protect(connection: sql.Connection) -> str | None:
    """Let the entries only be added to.

    Returns:
        None where that holds; otherwise why this user cannot see to it.
    """
    if connection.exec_driver_sql(_IS_PROTECTED).scalar():
        return None
    may, owner = connection.exec_driver_sql(_OWNER).one()
    if not may:
        return f"its entries are not append-only yet; let their owner ({owner}) write to the ledger once"
    for statement in _PROTECT:
        connection.exec_driver_sql(statement)
    return None
