"""Define gates on the columns of a release.

A gate may require that columns are dropped, invented, or take few values. The schema is public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from privgan.files.json_types import JsonDict
from privgan.policy.gates import Scope, Texts

_SHOWN = 5


class ColumnComparison(StrEnum):
    """The condition of a column gate."""

    DROPPED = "dropped"
    INVENTED = "invented"
    AT_MOST_VALUES = "at_most_values"


@dataclass(frozen=True, kw_only=True)
class ColumnFact:
    """Facts of one column in the released schema.

    Attributes:
        name: Its name.
        kind: Its kind, e.g. ``date``.
        role: Its role, e.g. ``quasi-identifier``.
        invented: Whether its values are invented and never modelled.
        values: Number of different values by the schema; None if not bounded.
    """

    name: str
    kind: str
    role: str
    invented: bool
    values: int | None


@dataclass(frozen=True, kw_only=True)
class ColumnGate(Texts):
    """One condition on the columns with one of the names, roles and kinds.

    Attributes:
        names: Names; empty for any.
        roles: Roles; empty for any.
        kinds: Kinds; empty for any.
        comparison: The condition on each such column.
        threshold: The number of values for AT_MOST_VALUES, else True.
    """

    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    comparison: ColumnComparison
    threshold: int | bool

    @property
    def scope(self) -> Scope:
        """Always public, since the schema is public."""
        return Scope.PUBLIC

    @property
    def fact(self) -> str:
        """Name of the gate, e.g. ``schema.columns[role=identifier]``."""
        chosen = (f"{part}={'|'.join(values)}" for part, values in self.selection().items())
        return f"schema.columns[{','.join(chosen)}]"

    def selection(self) -> dict[str, list[str]]:
        """The columns that the gate applies to."""
        chosen = {"name": self.names, "role": self.roles, "kind": self.kinds}
        return {part: list(values) for part, values in chosen.items() if values}

    def breaking(self, columns: Sequence[ColumnFact]) -> tuple[str, ...]:
        """Names of the columns that violate the condition."""
        return tuple(
            column.name for column in columns if self._selects(column) and not self._holds(column)
        )

    def _selects(self, column: ColumnFact) -> bool:
        pairs = ((self.names, column.name), (self.roles, column.role), (self.kinds, column.kind))
        return all(not chosen or value in chosen for chosen, value in pairs)

    def _holds(self, column: ColumnFact) -> bool:
        if self.comparison is ColumnComparison.DROPPED:
            return False
        if column.invented or self.comparison is ColumnComparison.INVENTED:
            return column.invented
        return column.values is not None and column.values <= self.threshold

    def condition(self, lang: str = "en") -> str:
        """The condition in words; in Chinese if ``lang`` is ``zh``."""
        words = _CONDITIONS[self.comparison][lang == "zh"]
        return words.format(self.threshold)

    def to_json(self) -> JsonDict:
        """The gate as JSON values."""
        return {
            "fact": self.fact,
            "columns": self.selection(),
            "comparison": self.comparison.value,
            "threshold": self.threshold,
            "scope": self.scope.value,
            **self.texts_json(),
        }


_CONDITIONS = {
    ColumnComparison.DROPPED: ("dropped: no such column", "删除：不得含有此类列"),
    ColumnComparison.INVENTED: ("invented", "其值须为虚构"),
    ColumnComparison.AT_MOST_VALUES: (
        "at most {} different values each",
        "每列不超过 {} 个不同取值",
    ),
}


def listed(names: Sequence[str]) -> str:
    """Column names for a sentence, cut to the first few."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
