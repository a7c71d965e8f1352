"""Hold the typed rows of related tables, and find how tables as read depart from their schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from privgan.domain.measured import clamp_measured
from privgan.drafting.suspicions import Suspicion, suspicions
from privgan.errors import InternalError
from privgan.owner.private_table import Sealed, WholeRows
from privgan.parts.history_views import View
from privgan.parts.part import Part
from privgan.parts.related_form import RelatedForm
from privgan.parts.related_views import RelatedFrames, related_view
from privgan.privacy.randomness import SecretStream
from privgan.related.keys import Links, linked
from privgan.schema.schema import Schema
from privgan.table.conform import typed_rows
from privgan.table.presenting import restored
from privgan.table.typed_values import Violation
from privgan.table.violations import broken_constraints


class RelatedWhole(WholeRows):
    """All rows of the kept-in customers in all tables. PRIVATE: for views alone.

    Args:
        rows: The rows, each linked to its parent's.
    """

    def __init__(self, rows: RelatedFrames) -> None:
        self._related_rows = rows

    def clamped(self, schema: Schema) -> RelatedWhole:
        """The same rows, those of the root mapped into the schema's measured facts."""
        rows = self._related_rows
        root = clamp_measured(rows.frames[schema.root], schema)
        return RelatedWhole(replace(rows, frames={**rows.frames, schema.root: root}))

    def customers_of(self, name: str) -> np.ndarray:
        """Whose each row of a table is [rows]."""
        return self._related_rows.customers[name]

    def view(self, part: Part, schema: Schema, coins: SecretStream) -> View:
        """The view of a table's part: each row a function of one customer's rows alone.

        Args:
            part: The part.
            schema: The public facts.
            coins: Put a parent's rows in order.
        """
        shuffle = coins.words(len(self._related_rows.customers[part.name]))
        return related_view(part.name, RelatedForm(schema), self._related_rows, shuffle)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RelatedRows(Sealed):
    """Typed rows of related tables, each linked to its parent's. PRIVATE.

    Attributes:
        typed_frames: By table its typed rows [rows, modelled columns], of the root with its key.
        parent_places: Of each child's rows the place of the parent's row.
        root_places: Of each table's rows the place of the root's row.
        parent_names: Of each child its parent.
    """

    typed_frames: Mapping[str, pd.DataFrame]
    parent_places: Mapping[str, np.ndarray]
    root_places: Mapping[str, np.ndarray]
    parent_names: Mapping[str, str]

    def whole(self, kept_in: np.ndarray) -> RelatedWhole:
        """All rows of some customers.

        Args:
            kept_in: Which of the root's rows [rows], bool.
        """
        return RelatedWhole(self._of(kept_in))

    def audited(self, root: pd.DataFrame, kept_in: np.ndarray) -> RelatedFrames:
        """Unpaid look: all rows of some customers, for the audit alone. INTERNAL.

        Args:
            root: The root's rows as a run took them [rows, modelled columns].
            kept_in: Which of them [rows], bool.
        """
        rows = self._of(kept_in)
        (name,) = self.typed_frames.keys() - self.parent_names.keys()
        return replace(rows, frames={**rows.frames, name: root[kept_in].reset_index(drop=True)})

    def _of(self, kept_in: np.ndarray) -> RelatedFrames:
        frames, parents, customers = dict[str, pd.DataFrame](), dict[str, np.ndarray](), {}
        for name, frame in self.typed_frames.items():
            kept = kept_in[self.root_places[name]]
            frames[name] = frame[kept].reset_index(drop=True)
            customers[name] = self.root_places[name][kept]
            if name in self.parent_places:
                places = self.parent_places[name][kept]
                above = kept_in[self.root_places[self.parent_names[name]]]
                parents[name] = (np.cumsum(above) - 1)[places]
        return RelatedFrames(frames=frames, parents=parents, customers=customers)

    def hashed(self) -> Iterator[bytes]:
        """The children's rows and links in order, for the salted hash of the canaries' list."""
        for name, places in self.parent_places.items():
            frame = self.typed_frames[name]
            hashes = (pd.util.hash_pandas_object(frame[column], index=False) for column in frame)
            yield from (found.to_numpy().tobytes() for found in hashes)
            yield places.tobytes()


@dataclass(frozen=True, kw_only=True, eq=False)
class TableConformity:
    """What a run of several tables takes as it is of one of them. INTERNAL: counts are real.

    Attributes:
        name: The table.
        broken: Place and number of rows of each of its constraints that its rows break.
        suspicions: What makes its schema doubtful although it fits.
        over_limit: Rows that are not measured, because their customers have too many.
    """

    name: str
    broken: tuple[tuple[int, int | None], ...]
    suspicions: tuple[Suspicion, ...]
    over_limit: int


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RelatedReading(Sealed):
    """Related tables as read, with their links. PRIVATE.

    Attributes:
        read_frames: By table its rows as read [rows, columns].
        links: Whose row each row is.
        schema: The public facts.
    """

    read_frames: Mapping[str, pd.DataFrame]
    links: Links
    schema: Schema

    @classmethod
    def of(cls, frames: Mapping[str, pd.DataFrame], schema: Schema) -> RelatedReading:
        """Link the rows of tables as read."""
        plain = {name: restored(frame, schema.alone(name)) for name, frame in frames.items()}
        return cls(read_frames=plain, links=linked(plain, schema), schema=schema)

    def typed(self) -> tuple[RelatedRows, tuple[Violation, ...]]:
        """All rows of customers with the schema's types, and every violation."""
        frames: dict[str, pd.DataFrame] = {}
        found: list[Violation] = []
        for name in self.read_frames:
            typed, problems = typed_rows(self._kept(name), self.schema.alone(name))
            frames[name] = self._modelled(name, typed)
            found += (self._labelled(name, problem) for problem in problems)
        found += self.links.violations
        if self.links.unlinked and not found:
            raise InternalError(f"rows of {self.links.unlinked} have no parents")
        rows = RelatedRows(
            typed_frames=frames,
            parent_places=self.links.parents,
            root_places=self.links.customers,
            parent_names={table.name: table.parent.table for table in self.schema.tables},
        )
        return rows, tuple(found)

    def tables(self) -> tuple[TableConformity, ...]:
        """What a run takes as it is, table by table. INTERNAL."""
        return tuple(self._table(name) for name in self.read_frames)

    def _kept(self, name: str) -> pd.DataFrame:
        return self.read_frames[name][self.links.kept[name]]

    def _modelled(self, name: str, typed: pd.DataFrame) -> pd.DataFrame:
        """Typed rows without the columns that only link them; the root's key names the unit."""
        root, alone = name == self.schema.root, self.schema.alone(name)
        keep = [column.name for column in alone.modelled if column.name in typed]
        keep += [key for key in (alone.unit.column,) if root and key is not None and key in typed]
        return typed[keep].reset_index(drop=True)

    def _labelled(self, name: str, violation: Violation) -> Violation:
        """A violation with its table, whose rows are counted among all rows as read."""
        rows = violation.rows
        if rows is not None:
            rows = rows.reindex(self.read_frames[name].index, fill_value=False)
        return replace(violation, column=f"{name}.{violation.column}", rows=rows)

    def _table(self, name: str) -> TableConformity:
        rows, alone = self._kept(name), self.schema.alone(name)
        return TableConformity(
            name=name,
            broken=broken_constraints(rows, alone),
            suspicions=suspicions(rows, alone),
            over_limit=self._over_limit(name),
        )

    def _over_limit(self, name: str) -> int:
        """Rows beyond the most of a customer that are measured; of the root none are."""
        if name == self.schema.root or name in self.links.unlinked:
            return 0
        each = np.unique(self.links.customers[name], return_counts=True)[1]
        return int((each - self.schema.child(name).max_rows).clip(min=0).sum())


def told_tables(found: tuple[TableConformity, ...], schema: Schema) -> Iterator[str]:
    """What a run takes as it is of each table, a line each. INTERNAL."""
    for table in found:
        constraints = schema.alone(table.name).constraints
        for place, count in table.broken:
            rows = "cannot be checked" if count is None else f"{count} rows break it"
            yield f"table {table.name}: {constraints[place]}: {rows}; a fit takes them as they are"
        for doubt in table.suspicions:
            yield f"suspicion: table {table.name}: {doubt}"
        if table.over_limit:
            limit = f"max_rows_per_unit = {schema.child(table.name).max_rows}"
            told = "a run leaves them out, picked at random"
            yield f"table {table.name}: {table.over_limit} rows are beyond {limit}; {told}"
