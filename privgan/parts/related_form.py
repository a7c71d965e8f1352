"""Derive from a schema what the part of each related table holds: its rows, given the parent's.

Rows without a history are exchangeable: they look at another row of their parent in random order,
which says how alike the rows of one parent are. Rows with one look at the row before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from privgan.parts.number_classes import NumberClasses
from privgan.parts.ordered_form import MOST_AVERAGED, OrderedForm
from privgan.parts.part import Part, public
from privgan.parts.summaries import mean_column
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Kind, Numeric
from privgan.schema.constraints import Constraint, WhenThen
from privgan.schema.schema import Schema
from privgan.schema.tables import TableFacts

# Shares of the model's budget: of the root's part, and of all children together; the rest measures
# single columns of the root. Means at the root's rows are worth more of it.
_SHARES, _SHARES_WITH_MEANS = (0.35, 0.55), (0.45, 0.48)
# With more columns of its own a row does not look at another one: pairs would cost too much.
_MOST_REMEMBERED = 6
# Up to so many rows each number is a class by itself.
_COUNTS_ALONE = 10


@dataclass(frozen=True)
class RelatedForm:
    """The views of related tables, and the names of their columns.

    Args:
        schema: The public facts, with related tables and no open column.
        means: Whether a customer's row tells means of its children's numbers; it did not in 0.5.
    """

    schema: Schema
    means: bool = True

    @classmethod
    def with_root(cls, schema: Schema, columns: Collection[str]) -> RelatedForm:
        """The form of this or an earlier version whose root's part has some columns."""
        earlier = cls(schema, means=False)
        return earlier if set(earlier.parts[0].schema.names) == set(columns) else cls(schema)

    def own(self, table: str) -> tuple[Column, ...]:
        """A table's own modelled columns."""
        return self.schema.alone(table).modelled

    def children(self, table: str) -> tuple[TableFacts, ...]:
        """The tables whose rows belong to rows of a table."""
        return tuple(child for child in self.schema.tables if child.parent.table == table)

    @cached_property
    def histories(self) -> dict[str, OrderedForm]:
        """The forms of the tables whose rows have an order, by table."""
        return {
            child.name: self._ordered(child)
            for child in self.schema.tables
            if child.history is not None
        }

    def _ordered(self, child: TableFacts) -> OrderedForm:
        """The form of a table with an order."""
        assert child.history is not None
        above = [replace(public(column), name=name) for name, column in self._above(child)]
        counts = [self._count(of) for of in self.children(child.name)]
        own = self.schema.alone(child.name)
        constant = tuple(column.name for column in above)
        whole = replace(
            own,
            unit=PrivacyUnit(column=self.schema.unit.column, max_rows=child.max_rows),
            columns=(*above, *map(public, own.modelled), *counts),
            history=replace(child.history, constant=constant),
        )
        return OrderedForm(
            whole,
            table=child.name,
            parent=child.parent.table,
            above={name: column.name for name, column in self._above(child)},
            numbered=tuple(column.name for column in counts),
            taken=frozenset(column.name for _, column in self.schema.labelled),
        )

    def _above(self, child: TableFacts) -> Iterator[tuple[str, Column]]:
        """The parent's columns, each with its name among those of the child."""
        for column in self.own(child.parent.table):
            yield self.above(column), column

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
        return self.classes(child).drawn(labels, rng)

    def averaged(self, child: TableFacts) -> tuple[Numeric, ...]:
        """The numbers of a child's rows of which each customer's row tells the mean.

        Numbers with special values have none, and neither have grandchildren, whose parent's row
        tells enough of them.
        """
        if child.name in self.histories:
            return self.histories[child.name].averaged
        told = self.means and child.parent.table == self.schema.root and child.longest > 1
        numbers = [part for part in self.numbers_of(child) if not part.special_values]
        return tuple(numbers) if told and len(numbers) <= MOST_AVERAGED else ()

    def numbers_of(self, child: TableFacts) -> tuple[Numeric, ...]:
        """A child's own numeric columns."""
        return tuple(part for part in self.own(child.name) if isinstance(part, Numeric))

    def mean(self, child: TableFacts, column: Numeric) -> str:
        """Name of the mean of a child's number, among the columns of the root."""
        return self._free(f"mean {column.name} of {child.name}")

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

    def known(
        self, child: TableFacts, parents: pd.DataFrame, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """What follows from its parent's row alone for a random row of each parent.

        Args:
            child: The child.
            parents: Typed rows of the parent's part [parents, its columns].
            rng: Public randomness.

        Returns:
            Columns of the child's part [parents, columns], and how many rows each parent has.
        """
        number, names = (
            self.numbers(child, parents[self.count(child)], rng),
            dict(self._above(child)),
        )
        found = pd.DataFrame({name: parents[column.name] for name, column in names.items()})
        if child.name in self.histories:
            return self.histories[child.name].known(found, number, rng), number
        return found.assign(**{self.count(child): parents[self.count(child)]}), number

    @property
    def lenders(self) -> dict[str, tuple[str, str]]:
        """By column of the root the part and column whose codes it has."""
        root = self.schema.root
        return {column.name: (root, column.name) for column in self.own(root)}

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The root's part, then each child's, parents first."""
        return (self._root(), *map(self._child, self.schema.tables))

    @property
    def _shares(self) -> tuple[float, float]:
        """Shares of the root's part, and of all children together."""
        return _SHARES_WITH_MEANS if any(map(self.averaged, self.schema.tables)) else _SHARES

    def _root(self) -> Part:
        own, told = self.own(self.schema.root), self._told(self.schema.root)
        return Part(
            name=self.schema.root,
            schema=Schema(
                dataset=self.schema.dataset,
                unit=PrivacyUnit(column=self.schema.unit.column),
                columns=(*map(public, own), *told),
                target=self.schema.target,
                constraints=(*self.schema.constraints, *self._rules(self.schema.root)),
            ),
            share=self._shares[0],
        )

    def _child(self, child: TableFacts) -> Part:
        own, above = self.own(child.name), child.parent.table
        share = self._shares[1] / len(self.schema.tables)
        if child.name in self.histories:
            return replace(self.histories[child.name].events, share=share)
        drawn = (*map(public, own), *self._told(child.name))
        parents = {name: (above, column.name) for name, column in self._above(child)}
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
            share=share,
            derived=len(self.context(child)),
            borrowed={**parents, self.count(child): (above, self.count(child)), **siblings},
        )

    def _context(self, child: TableFacts) -> Iterator[Column]:
        """The parent's columns, the number of its rows, and another of them."""
        for name, column in self._above(child):
            yield replace(public(column), name=name)
        yield self._count(child)
        for column in self.remembered(child):
            yield replace(public(column), name=self.before(column), missing=True)

    def _told(self, table: str) -> Iterator[Column]:
        """The number of rows of each child, and the means of their numbers; of histories more."""
        for child in self.children(table):
            if child.name in self.histories:
                yield from self.histories[child.name].summaries
                continue
            yield self._count(child)
            for column in self.averaged(child):
                made = mean_column(column, self.mean(child, column))
                yield replace(made, missing=True)

    def _rules(self, table: str) -> Iterator[Constraint]:
        """What means hold: without rows there are none, and with rows there are."""
        for child in self.children(table):
            if child.name in self.histories:
                yield from self.histories[child.name].rules
                continue
            count = f"'{self.count(child)}'"
            for column in self.averaged(child):
                name = f"'{self.mean(child, column)}'"
                yield WhenThen(when=f"{count} = 0", then=f"{name} is missing")
                if not column.missing:
                    yield WhenThen(when=f"{count} >= 1", then=f"{name} is not missing")

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
