"""Link the rows of related tables by their keys, with counts for the owner alone. PRIVATE.

A row belongs to the row of its parent whose key it names, and so to one customer. Whose row it is
depends on the keys of this customer's rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pandas as pd

from privgan.domain.frames import by_distinct
from privgan.schema.columns import Column
from privgan.schema.schema import Schema
from privgan.schema.tables import TableFacts
from privgan.table.typed_values import Violation, absent_values

_NOBODY = -1


@dataclass(eq=False, repr=False)
class Links:
    """Whose row each row is. PRIVATE.

    Attributes:
        kept: Rows of each table that belong to a customer [rows as read], bool.
        parents: Of each child's kept rows the place of the parent's row among its kept ones.
        customers: Of each table's kept rows the place of the root's row.
        unlinked: Tables that lack a key column, or whose parents do.
        violations: What is wrong with the keys.
        counts: What the owner is told of orphans and of parents without children, a line each.
            INTERNAL.
    """

    kept: dict[str, np.ndarray] = field(default_factory=dict)
    parents: dict[str, np.ndarray] = field(default_factory=dict)
    customers: dict[str, np.ndarray] = field(default_factory=dict)
    unlinked: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)


def linked(frames: Mapping[str, pd.DataFrame], schema: Schema) -> Links:
    """Link all rows of the tables of a schema.

    Args:
        frames: Each table as read [rows, columns].
        schema: The public facts, with related tables.

    Returns:
        The links; a table that lacks a key column, which is a violation of its own, has none.
    """
    links, keys = Links(), dict[str, np.ndarray]()
    root = frames[schema.root]
    links.kept[schema.root] = np.ones(len(root), dtype=bool)
    links.customers[schema.root] = np.arange(len(root))
    if schema.unit.column is not None and _has(root, schema.unit.column):
        column = schema.column(schema.unit.column)
        found = _texts(root, column, schema)
        keys[schema.root] = found
        links.violations += _key_problems(schema.root, column, found, links.kept[schema.root])
    for table in schema.tables:
        frame = frames[table.name]
        if not all(_has(frame, name) for name in table.keys) or table.parent.table not in keys:
            links.kept[table.name] = np.ones(len(frame), dtype=bool)
            links.parents[table.name] = links.customers[table.name] = np.zeros(len(frame), np.int64)
            links.unlinked.append(table.name)
            continue
        _link(links, keys, frame, table, schema)
    return links


def key_texts(values: pd.Series) -> np.ndarray:
    """Keys as texts [rows], object; a whole number read as a float or decimal is that number."""
    return by_distinct(values.astype(object), _text).to_numpy(dtype=object, copy=True)


def _text(value: object) -> str:
    if isinstance(value, float | Decimal) and value == value // 1:
        return str(int(value))
    return str(value)


def _has(frame: pd.DataFrame, name: str) -> bool:
    return list(map(str, frame.columns)).count(name) == 1


def _texts(frame: pd.DataFrame, column: Column, schema: Schema) -> np.ndarray:
    """Keys as texts [rows]; None where there is none."""
    values = frame[column.name]
    texts = key_texts(values)
    texts[absent_values(values, column, schema.missing_markers).to_numpy(dtype=bool)] = None
    return texts


def _link(
    links: Links,
    keys: dict[str, np.ndarray],
    frame: pd.DataFrame,
    table: TableFacts,
    schema: Schema,
) -> None:
    columns = {column.name: column for column in table.columns}
    above = keys[table.parent.table][links.kept[table.parent.table]]
    named = columns[table.parent.column]
    found = _places(_texts(frame, named, schema), above)
    kept = found != _NOBODY
    links.kept[table.name], links.parents[table.name] = kept, found[kept]
    links.customers[table.name] = links.customers[table.parent.table][found[kept]]
    links.violations += _orphans(table, frame, kept, links)
    childless = len(above) - len(np.unique(found[kept]))
    parents = f"{childless:,} of {len(above):,} rows of {table.parent.table}"
    links.counts.append(f"{parents} have no row in {table.name}")
    if table.key is not None:
        own = _texts(frame, columns[table.key], schema)
        keys[table.name] = own
        links.violations += _key_problems(table.name, columns[table.key], own, kept)


def _places(named: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Place of each named key among some keys [rows]; -1 where it is none of them.

    The last one counts of several that are the same, which are a violation of their own.
    """
    places = {key: place for place, key in enumerate(keys) if key is not None}
    return np.fromiter((places.get(key, _NOBODY) for key in named), np.int64, len(named))


def _key_problems(
    table: str, column: Column, texts: np.ndarray, kept: np.ndarray
) -> Iterator[Violation]:
    """Violations by keys of kept rows that are missing or stand in several of them."""
    present = pd.Series(texts, dtype=object)
    absent = present.isna() & kept
    held = np.flatnonzero(kept & present.notna())
    again = present[held].duplicated(keep=False).to_numpy(dtype=bool)
    repeated = pd.Series(np.isin(np.arange(len(texts)), held[again]))
    for rows, problem in (
        (absent, "the key is missing"),
        (repeated, "the key stands in another row too; a key names one row"),
    ):
        if rows.any():
            yield Violation(
                column=f"{table}.{column.name}",
                problem=problem,
                count=int(rows.sum()),
                clampable=False,
                rows=rows,
            )


def _orphans(
    table: TableFacts, frame: pd.DataFrame, kept: np.ndarray, links: Links
) -> Iterator[Violation]:
    count = int((~kept).sum())
    if not count:
        return
    if table.leaves_out_orphans:
        rows = f"{count:,} row{'s' * (count != 1)} of {table.name}"
        links.counts.append(f"{rows} without a row of {table.parent.table} are left out")
        return
    yield Violation(
        column=f"{table.name}.{table.parent.column}",
        problem=f"names no row of {table.parent.table}; mend it, or write 'without_parent:"
        f" left_out' for {table.name}",
        count=count,
        clampable=False,
        rows=pd.Series(~kept, index=frame.index),
    )
