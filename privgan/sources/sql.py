"""SQL: which table a database is asked for, and errors that tell neither values nor secrets."""

from __future__ import annotations

from collections.abc import Sequence

from privgan.documents import did_you_mean, shown
from privgan.errors import TableError
from privgan.sources.options import SourceOptions

_MOST_TOLD = 200


def quoted(name: str) -> str:
    """A table's name as SQL, each part in quotes: ``"public"."customers"``."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def select_all(source: str, names: Sequence[str], options: SourceOptions) -> tuple[str, str]:
    """The query to send to a database file, and what it is in words.

    Args:
        source: The file, for messages.
        names: Its tables and views.
        options: The table or the query that the owner names.

    Raises:
        TableError: when the table is not there, or there are several and none is named.
    """
    if options.query is not None:
        return options.query, query_told(options)
    listed = ", ".join(shown(name) for name in names) or "none"
    if options.table is None and len(names) != 1:
        raise TableError(f"{source}: has {len(names)} tables ({listed}); name one with --table, or give --query")
    table = options.table or names[0]
    if table not in names:
        raise TableError(f"{source}: has no table {shown(table)}, but {listed}{did_you_mean(table, list(names))}")
    return f'select * from "{table.replace(chr(34), chr(34) * 2)}"', f"table {shown(table)}"


def query_told(options: SourceOptions) -> str:
    """A query by its hash: its text may hold a secret."""
    assert options.query_sha256 is not None
    return f"a query (SHA-256 {options.query_sha256[:12]}…)"


def without_unit(names: Sequence[str]) -> str | None:
    """A warning where no column of a query's result looks like whose row it is."""
    if any(name.lower() == "id" or name.lower().endswith(("id", "key", "number", "uuid", "_no")) for name in names):
        return None
    return (
        "the query selects no column that looks like a customer's id: where somebody may have several rows, "
        "select the id too, and name it under 'unit'"
    )


def first_line(message: str, *secrets: str | None) -> str:
    """The first line of a driver's message about a query's own text, without the secrets given."""
    line = message.strip().splitlines()[0][:_MOST_TOLD] if message.strip() else "no reason given"
    for secret in secrets:
        line = line.replace(secret, "***") if secret else line
    return line
