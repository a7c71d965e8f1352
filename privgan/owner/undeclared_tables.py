"""Hold related tables as they were read, before a schema tells how they hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from privgan.drafting.draft import Draft
from privgan.drafting.related_draft import draft_related
from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.owner.owners_table import TableAsRead
from privgan.owner.private_table import Sealed
from privgan.schema.tables import LEFT_OUT
from privgan.sources import (
    SourceOptions,
    SourceTable,
    read_source,
    related_sources,
    table_names,
)

REFUSED = "refused"
_FEWEST = 2


class UndeclaredTables(Sealed):
    """An owner's related tables before there is a schema, as they were read.

    Args:
        sources: What each source gave, by the table's name.
        said: What was recognised, a line each.
        without_parent: What a run is to do with rows whose parent is not there: ``refused`` or
            ``left_out``.
    """

    def __init__(
        self, sources: Mapping[str, SourceTable], said: tuple[str, ...], without_parent: str
    ) -> None:
        self._child_tables, self._without_parent = dict(sources), without_parent
        self.said = said

    def draft(self, dataset: str, *, assume_public: bool = False) -> Draft:
        """Unpaid look: draft one schema. INTERNAL until a person has confirmed each fact."""
        return draft_related(
            {name: source.table for name, source in self._child_tables.items()},
            dataset,
            assume_public=assume_public,
            leave_out=self._without_parent == LEFT_OUT,
        )


def read_undeclared(
    spec: Any,
    options: SourceOptions,
    names: Sequence[str] = (),
    *,
    without_parent: str = REFUSED,
) -> TableAsRead | UndeclaredTables:
    """Read a table, or several related ones, that have no schema yet.

    Args:
        spec: As for ``TableAsRead.read``. It holds several tables where it is a mapping, a folder
            whose files or folders have different columns, or a database of which no table is named.
        options: How it is to be read.
        names: The tables that belong together; all of them where none is named.
        without_parent: What a run is to do with rows whose parent is not there: ``refused`` or
            ``left_out``.

    Raises:
        TableError: when a table is missing, stands there twice, is unreadable or empty.
        UsageError: when what is said of several tables is said of one.
    """
    if len(names) == 1:
        told = f"names one table, {names[0]!r}; name those that belong together, or none for all"
        raise UsageError(f"{parameter('tables')} {told}")
    several = tuple(dict.fromkeys(names or table_names(spec, options)))
    if len(several) < _FEWEST:
        if without_parent != REFUSED:
            told = f"{parameter('without_parent', without_parent)} is for related tables"
            raise UsageError(f"{told}, and one table is there; leave it out")
        return TableAsRead.read(spec, options)
    found = related_sources(spec, several, options)
    read = {name: read_source(place, given) for name, (place, given) in found.places.items()}
    # Frames have no name of their own to be told by.
    named = isinstance(spec, Mapping)
    lines = [f"{name}: " * named + line for name, one in read.items() for line in one.said]
    return UndeclaredTables(read, (*lines, *found.said), without_parent)
