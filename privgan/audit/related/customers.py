"""Hold whole customers over related tables as arrays, in an order of their contents alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.intervals import JACKKNIFE_BLOCKS
from privgan.parts.related_views import RelatedFrames
from privgan.schema.schema import Schema


@dataclass(frozen=True, eq=False)
class Family:
    """The tables of a schema: their columns, and which is whose parent.

    Attributes:
        root: The root's name.
        parents: By child its parent, parents first.
        coders: By table the coding of its own columns.
        orders: By child with an order the column that orders its rows.
    """

    root: str
    parents: Mapping[str, str]
    coders: Mapping[str, AuditCoder]
    orders: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema, reference: RelatedFrames) -> Family:
        """The family of a schema; numbers are cut at the quantiles of reference rows."""
        names = (schema.root, *(table.name for table in schema.tables))
        return cls(
            root=schema.root,
            parents={table.name: table.parent.table for table in schema.tables},
            coders={
                name: AuditCoder.from_reference(schema.alone(name), reference.frames[name])
                for name in names
            },
            orders={
                table.name: table.history.order
                for table in schema.tables
                if table.history is not None
            },
        )

    def across(self, child: str) -> AuditCoder:
        """The coding of a child's own columns, and then of its parent's."""
        own, above = self.coders[child], self.coders[self.parents[child]]
        return AuditCoder((*own.columns, *above.columns), (*own.grids, *above.grids))


@dataclass(frozen=True, eq=False, repr=False)
class Customers:
    """Whole customers with their rows in all tables.

    Neither keys nor the order of rows has any effect: customers stand in an order of their
    contents, and so do the rows of each table.

    Attributes:
        family: The tables.
        rows: By table its rows, each with the number of its customer, ascending.
        above: By child the place of each row's parent among the parent's rows.
        hashes: Sum of the hashes of a customer's rows, each with its parent's [customers].
        names: Place of each customer among the root's rows as given [customers].
    """

    family: Family
    rows: Mapping[str, CodedTable]
    above: Mapping[str, NDArray[np.int64]]
    hashes: NDArray[np.uint64]
    names: NDArray[np.int64]

    @classmethod
    def of(cls, family: Family, given: RelatedFrames) -> Customers:
        """The customers of some tables; each row of the root is one."""
        roots = given.customers[family.root]
        owner = {name: np.searchsorted(roots, of) for name, of in given.customers.items()}
        coded = {name: coder.code(given.frames[name]) for name, coder in family.coders.items()}
        keys = {family.root: coded[family.root].keys()}
        for child, parent in family.parents.items():
            pair = pd.DataFrame(
                {"own": coded[child].keys(), "above": keys[parent][given.parents[child]]}
            )
            hashed = pd.util.hash_pandas_object(pair, index=False)
            keys[child] = np.asarray(hashed, dtype=np.uint64)
        hashes = np.zeros(len(roots), dtype=np.uint64)
        for name, found in keys.items():
            np.add.at(hashes, owner[name], found)
        names = np.argsort(hashes, kind="stable")
        rank = np.argsort(names)
        rows, above, place = {}, {}, dict[str, NDArray[np.int64]]()
        for name, table in coded.items():
            customer = rank[owner[name]]
            order = np.lexsort((keys[name], customer))
            taken = table.take(order)
            rows[name] = CodedTable(taken.codes, taken.values, customer[order])
            place[name] = np.argsort(order)
            if name != family.root:
                above[name] = place[family.parents[name]][given.parents[name][order]]
        return cls(family, rows, above, hashes[names], names)

    def __len__(self) -> int:
        """Number of customers."""
        return len(self.names)

    def owner(self, table: str) -> NDArray[np.int64]:
        """Number of each row's customer [rows]."""
        customers = self.rows[table].customers
        assert customers is not None
        return customers

    @cached_property
    def children(self) -> NDArray[np.int64]:
        """Rows of each customer in all tables but the root [customers]."""
        found = np.zeros(len(self), dtype=np.int64)
        for name in self.family.parents:
            found += np.bincount(self.owner(name), minlength=len(self))
        return found

    def each(self, child: str) -> NDArray[np.int64]:
        """Number of a child's rows under each row of its parent [parent's rows]."""
        size = len(self.rows[self.family.parents[child]])
        return np.bincount(self.above[child], minlength=size)

    def joined(self, child: str) -> CodedTable:
        """A child's rows, each with its own columns and then its parent's."""
        own, above = self.rows[child], self.rows[self.family.parents[child]].take(self.above[child])
        codes, values = ((one, two) for one, two in zip(_arrays(own), _arrays(above), strict=True))
        return CodedTable(np.hstack(codes), np.hstack(values), own.customers)

    def take(self, customers: NDArray[np.bool_]) -> Customers:
        """The customers of a mask [customers]."""
        rows, above, moved = {}, {}, np.cumsum(customers) - 1
        for name, table in self.rows.items():
            owner = self.owner(name)
            kept = table.take(customers[owner])
            rows[name] = CodedTable(kept.codes, kept.values, moved[owner[customers[owner]]])
        for child, parent in self.family.parents.items():
            kept_parents = np.cumsum(customers[self.owner(parent)]) - 1
            above[child] = kept_parents[self.above[child][customers[self.owner(child)]]]
        return Customers(self.family, rows, above, self.hashes[customers], self.names[customers])

    def sample(self, most: int, generator: np.random.Generator) -> Customers:
        """At most so many customers, drawn without replacement."""
        if len(self) <= most:
            return self
        chosen = np.zeros(len(self), dtype=bool)
        chosen[generator.permutation(len(self))[:most]] = True
        return self.take(chosen)

    def jackknife(self, block: NDArray[np.int64]) -> Iterator[Customers]:
        """All customers, and ten times all but those of one block [customers]."""
        yield self
        for number in range(JACKKNIFE_BLOCKS):
            yield self.take(block != number)


def pooled(first: Customers, second: Customers) -> Customers:
    """Customers of two sides together, in an order of their contents."""
    family = first.family
    hashes = np.append(first.hashes, second.hashes)
    customer = np.argsort(hashes, kind="stable")
    rank, rows, above = np.argsort(customer), {}, {}
    place = dict[str, NDArray[np.int64]]()
    for name, one in first.rows.items():
        other = second.rows[name]
        owner = rank[np.append(first.owner(name), second.owner(name) + len(first))]
        order = np.argsort(owner, kind="stable")
        codes, values = map(np.vstack, zip(_arrays(one), _arrays(other), strict=True))
        rows[name] = CodedTable(codes[order], values[order], owner[order])
        place[name] = np.argsort(order)
        if name != family.root:
            parent = family.parents[name]
            both = np.append(first.above[name], second.above[name] + len(first.rows[parent]))
            above[name] = place[parent][both[order]]
    more = int(first.names.max(initial=-1)) + 1
    names = np.append(first.names, second.names + more)[customer]
    return Customers(family, rows, above, hashes[customer], names)


def _arrays(table: CodedTable) -> tuple[NDArray, NDArray]:
    return table.codes, table.values
