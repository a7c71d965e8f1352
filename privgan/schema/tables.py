"""Define related tables: children of a root table, whose key names the customer.

Every row of a child belongs to one row of its parent, and so to one customer. The rows of one
parent are exchangeable, or a history in order of time.
"""

from __future__ import annotations

from dataclasses import dataclass

from privgan.files.json_types import JsonDict
from privgan.schema.columns import Column
from privgan.schema.constraints import Constraint
from privgan.schema.history import HistoryFacts

DEFAULT_LONGEST = 100
LEFT_OUT = "left_out"


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The parent of a table.

    Attributes:
        table: The parent's name.
        column: The child's column that holds the parent's key.
    """

    table: str
    column: str


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """Facts about a child table.

    Attributes:
        name: The table's name: that of its file, or of its table in a database.
        parent: The table whose rows its own rows belong to.
        columns: The columns, in the order of the released table.
        max_rows: The most rows of one customer that are measured (k).
        longest: The most rows that one row of the parent has in the synthetic tables.
        key: The column that names a row; None where no table names this one as its parent.
        leaves_out_orphans: Whether rows whose parent is not there are left out, not refused.
        constraints: What every synthetic row holds beside the columns' own facts.
        history: How the rows of one parent fit together; None where they are exchangeable.
    """

    name: str
    parent: Parent
    columns: tuple[Column, ...]
    max_rows: int
    longest: int = DEFAULT_LONGEST
    key: str | None = None
    leaves_out_orphans: bool = False
    constraints: tuple[Constraint, ...] = ()
    history: HistoryFacts | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of its keys: the parent's first."""
        return (self.parent.column,) if self.key is None else (self.parent.column, self.key)

    def relation(self) -> JsonDict:
        """All facts but the columns as JSON values, as in a schema file."""
        parent = {"table": self.parent.table, "column": self.parent.column}
        stated: JsonDict = {
            "name": self.name,
            "key": self.key,
            "parent": parent,
            "max_rows_per_unit": self.max_rows,
            "longest": self.longest,
            "without_parent": LEFT_OUT if self.leaves_out_orphans else None,
            "constraints": [part.to_json() for part in self.constraints] or None,
            **self._order(),
        }
        return {key: value for key, value in stated.items() if value is not None}

    def _order(self) -> JsonDict:
        """``order`` and ``history`` as in a schema file; the longest history is the table's own."""
        if self.history is None:
            return {}
        stated = {key: found for key, found in self.history.lists().items() if found}
        return {"order": self.history.order, "history": stated or True}
