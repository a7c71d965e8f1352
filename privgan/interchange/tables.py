"""Choose one table of a foreign schema, and order its columns as the data does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from privgan.errors import TableError, UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.interchange.documents import Node
from privgan.interchange.drafting import Imported
from privgan.naming import parameter
from privgan.schema.columns import Invented, Kind, Role, Source

_MOST_TOLD = 10
_GUESSED = dict.fromkeys(("kind", "missing", "role"), Source.CONFIRM)


def ordered(found: Imported, names: Sequence[str], table: str) -> Imported:
    """Order the schema's columns as in a table.

    A column without stated facts is invented, and to be confirmed.

    Args:
        found: What was imported.
        names: The table's columns.
        table: The table's name, for messages.

    Raises:
        TableError: The table lacks columns that the schema states.
    """
    lacking = [name for name in found.schema.names if name not in names]
    if lacking:
        told = ", ".join(shown(name) for name in lacking[:_MOST_TOLD])
        raise TableError(
            f"{table}: lacks {len(lacking)} columns that the schema states: {told}; rename them, or"
            " drop them there"
        )
    known = {column.name: column for column in found.schema.columns}
    notes = [
        f"{shown(name)}: is not stated: it is invented, and not modelled, until you say more"
        for name in names
        if name not in known
    ]
    columns = tuple(known.get(name) or _invented(name) for name in names)
    return Imported(replace(found.schema, columns=columns), (*found.notes, *notes))


def _invented(name: str) -> Invented:
    return Invented(name=name, kind=Kind.TEXT, missing=True, role=Role.OTHER, sources=_GUESSED)


def chosen(root: Node, key: str, table: str | None) -> tuple[str, Node]:
    """Name and place of the chosen table.

    Args:
        root: The document.
        key: The key of the mapping of tables.
        table: The table's name; needed where there are several.
    """
    found = dict(root.at(key).items())
    name = picked(root.file, list(found), table)
    return name, found[name]


def picked(source: str, names: list[str], table: str | None) -> str:
    """The chosen name.

    UsageError where it is missing, or ambiguous.
    """
    if table is None and len(names) == 1:
        return names[0]
    told = ", ".join(shown(name) for name in names[:_MOST_TOLD]) + (
        " …" if len(names) > _MOST_TOLD else ""
    )
    if not names:
        raise UsageError(f"{source}: holds no table")
    if table is None:
        raise UsageError(
            f"{source}: holds {len(names)} tables; name one with {parameter('table')}: {told}"
        )
    if table not in names:
        raise UsageError(
            f"{source}: has no table {shown(table)}, it has {told}{did_you_mean(table, names)}"
        )
    return table
