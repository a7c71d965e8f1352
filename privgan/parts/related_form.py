"""Derive from a schema what the part of each related table holds: its rows, given the parent's.

Rows without a history are exchangeable: they look at another row of their parent in random order,
which says how alike the rows of one parent are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from privgan.domain.frames import positions_of
from privgan.parts.number_classes import NumberClasses
from privgan.parts.part import Part, public
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Kind
from privgan.schema.schema import Schema
from privgan.schema.tables import TableFacts

# Shares of the model's budget: of the root's part, and of all children together; the rest measures
# single columns of the root.
ROOT_SHARE, CHILDREN_SHARE = 0.35, 0.55
# With more columns of its own a row does not look at another one: pairs would cost too much.
_MOST_REMEMBERED = 6
# Up to so many rows each number is a class by itself.
_COUNTS_ALONE = 10


@dataclass(frozen=True)
class RelatedForm:
    """The views of related tables, and the names of their columns.

    Args:
        schema: The public facts, with related tables and no open column.
    """

    schema: Schema

    def own(self, table: str) -> tuple[Column, ...]:
        """A table's own modelled columns."""
        return self.schema.alone(table).modelled

    def children(self, table: str) -> tuple[TableFacts, ...]:
        """The tables whose rows belong to rows of a table."""
        return tuple(child for child in self.schema.tables if child.parent.table == table)

    def count(self, child: TableFacts) -> str:
        """Name of the number of a child's rows, among the columns of its parent and its own."""
        return self._free(f"number of {child.name}")

    def classes(self, child: TableFacts) -> NumberClasses:
        """Classes of the number of a child's rows under one row of its parent."""
        return NumberClasses(0, _COUNTS_ALONE, child.longest)

    def numbers(self, child: TableFacts, labels: pd.Series, rng: np.random.Generator) -> np.ndarray:
        """A number of a child's rows [parents], int64, of each class [parents].

        Args:
            child: The child.
            labels: The classes.
            rng: Public randomness.
        """
        classes = self.classes(child)
        places = positions_of(labels, classes.labels)
        some = places > 0  # The first class is that of no row.
        found = np.zeros(len(places), dtype=np.int64)
        found[some] = classes.drawn(places[some], rng)
        return found

    def above(self, column: Column) -> str:
        """Name of a parent's column among those of a child."""
        return self._free(f"{column.name} above")

    def before(self, column: Column) -> str:
        """Name of an own column's value in another row of the parent."""
        return self._free(f"{column.name} before")

    def remembered(self, child: TableFacts) -> tuple[Column, ...]:
        """The own columns of which a row looks at the value in another row of its parent."""
        own = self.own(child.name)
        few = len(own) <= _MOST_REMEMBERED
        return own if few and child.longest > 1 else ()

    def context(self, child: TableFacts) -> tuple[str, ...]:
        """Names of the columns that are known before a child's row is drawn."""
        return tuple(column.name for column in self._context(child))

    @property
    def lenders(self) -> dict[str, tuple[str, str]]:
        """By column of the root the part and column whose codes it has."""
        root = self.schema.root
        return {column.name: (root, column.name) for column in self.own(root)}

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The root's part, then each child's, parents first."""
        return (self._root(), *map(self._child, self.schema.tables))

    def _root(self) -> Part:
        own, counts = self.own(self.schema.root), self._counts(self.schema.root)
        return Part(
            name=self.schema.root,
            schema=Schema(
                dataset=self.schema.dataset,
                unit=PrivacyUnit(column=self.schema.unit.column),
                columns=(*map(public, own), *counts),
                target=self.schema.target,
                constraints=self.schema.constraints,
            ),
            share=ROOT_SHARE,
        )

    def _child(self, child: TableFacts) -> Part:
        own, above = self.own(child.name), child.parent.table
        drawn = (*map(public, own), *self._counts(child.name))
        parents = {self.above(column): (above, column.name) for column in self.own(above)}
        siblings = {
            self.before(column): (child.name, column.name) for column in self.remembered(child)
        }
        return Part(
            name=child.name,
            schema=Schema(
                dataset=self.schema.dataset,
                unit=PrivacyUnit(column=self.schema.unit.column, max_rows=child.max_rows),
                columns=(*self._context(child), *drawn),
                target=self.count(child),
                constraints=child.constraints,
            ),
            context=self.context(child),
            parent=above,
            share=CHILDREN_SHARE / len(self.schema.tables),
            derived=len(self.context(child)),
            borrowed={**parents, self.count(child): (above, self.count(child)), **siblings},
        )

    def _context(self, child: TableFacts) -> Iterator[Column]:
        """The parent's columns, the number of its rows, and another of them."""
        for column in self.own(child.parent.table):
            yield replace(public(column), name=self.above(column))
        yield self._count(child)
        for column in self.remembered(child):
            yield replace(public(column), name=self.before(column), missing=True)

    def _counts(self, table: str) -> Iterator[Column]:
        """The number of rows of each child."""
        yield from map(self._count, self.children(table))

    def _count(self, child: TableFacts) -> Column:
        """The class of the number of a child's rows; more than the longest count as so many."""
        labels = self.classes(child).labels
        return Discrete(name=self.count(child), kind=Kind.ORDINAL, categories=labels)

    def _free(self, name: str) -> str:
        """A name that no column of any table has."""
        taken = {column.name for _, column in self.schema.labelled}
        while name in taken:
            name += "*"
        return name
