"""An imported schema in the order of a table's columns; values are not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from privgan.documents import shown
from privgan.errors import TableError
from privgan.interchange.drafting import Imported
from privgan.table.columns import Invented, Kind, Role, Source

_MOST_TOLD = 10
_GUESSED = dict.fromkeys(("kind", "missing", "role"), Source.CONFIRM)


def ordered(found: Imported, names: Sequence[str], table: str) -> Imported:
    """The schema with a table's columns, in its order; a column that it does not state is invented, and to be confirmed.

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
        raise TableError(f"{table}: lacks {len(lacking)} columns that the schema states: {told}; rename them, or drop them there")
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
