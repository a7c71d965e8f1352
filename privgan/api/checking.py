"""Hold a table against a schema. INTERNAL: counts are real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from privgan.api.inputs import table_of
from privgan.notebook import card
from privgan.owner.owners_table import TableAsRead
from privgan.owner.related_rows import told_tables
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions


@dataclass(frozen=True, kw_only=True)
class Conformity:
    """How a table departs from a schema. INTERNAL: counts are real; no value stands in it.

    Attributes:
        violations: What a fit would refuse, a sentence each.
        broken: Constraints that real rows break; a fit takes such rows as they are.
        suspicions: What may be wrong with the schema although the table fits it.
        over_limit: Rows beyond the most that one customer may have.
        related: What is to be told of several tables and their keys, a sentence each.

    >>> schema.check(customers)
    Conformity(fits, INTERNAL)
    """

    violations: tuple[str, ...]
    broken: tuple[str, ...]
    suspicions: tuple[str, ...]
    over_limit: int
    related: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether a fit would take the table as it is."""
        return not self.violations

    def __repr__(self) -> str:
        """Whether it fits."""
        return (
            f"Conformity({'fits' if self.fits else f'{len(self.violations)} violations'}, INTERNAL)"
        )

    def _repr_html_(self) -> str:
        rows = [("violation", told) for told in self.violations]
        rows += [("broken constraint", told) for told in self.broken]
        rows += [("suspicion", told) for told in self.suspicions]
        rows += [("related tables", told) for told in self.related]
        title = "The table fits the schema" if self.fits else "The table does not fit the schema"
        return card(
            title, [("rows over the unit's limit", self.over_limit)], rows=rows, internal=True
        )


def check_table(table: Any, schema: Schema) -> Conformity:
    """Hold a table against a schema: one of the unpaid looks."""
    found = TableAsRead.read(table_of(table), SourceOptions(), schema).check(schema)
    broken = [
        f"{schema.constraints[place]}: "
        + ("cannot be checked" if count is None else f"{count} rows break it")
        for place, count in found.broken
    ]
    return Conformity(
        violations=tuple(map(str, found.violations)),
        broken=tuple(broken),
        suspicions=tuple(map(str, found.suspicions)),
        over_limit=found.over_limit,
        related=(*found.keys, *told_tables(found.tables, schema)),
    )
