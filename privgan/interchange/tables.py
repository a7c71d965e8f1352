"""One table of the several that a foreign schema may hold."""

from __future__ import annotations

from privgan.documents import did_you_mean, shown
from privgan.errors import UsageError
from privgan.interchange.node import Node

_MOST_TOLD = 10


def chosen(root: Node, key: str, table: str | None) -> tuple[str, Node]:
    """Name and place of the table that is meant.

    Args:
        root: The document.
        key: The key of the mapping of tables.
        table: The table's name; needed where there are several.
    """
    found = dict(root.at(key).items())
    name = picked(root.file, list(found), table)
    return name, found[name]


def picked(source: str, names: list[str], table: str | None) -> str:
    """The name that is meant; UsageError where it is none, or nobody says which."""
    if table is None and len(names) == 1:
        return names[0]
    told = ", ".join(shown(name) for name in names[:_MOST_TOLD]) + (" …" if len(names) > _MOST_TOLD else "")
    if not names:
        raise UsageError(f"{source}: holds no table")
    if table is None:
        raise UsageError(f"{source}: holds {len(names)} tables; name one with --table: {told}")
    if table not in names:
        raise UsageError(f"{source}: has no table {shown(table)}, it has {told}{did_you_mean(table, names)}")
    return table
