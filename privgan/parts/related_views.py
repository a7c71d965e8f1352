"""Compute the views of related tables: every row is a function of one customer's rows alone.

All customers are computed at once, by joins and shifts that never cross from one parent's row to
the next. A test compares each with what its customer alone gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.parts.history_views import View, events_view, summaries_of
from privgan.parts.related_form import RelatedForm
from privgan.parts.summaries import means
from privgan.schema.tables import TableFacts


@dataclass(frozen=True, kw_only=True, eq=False)
class RelatedFrames:
    """Rows of related tables. PRIVATE where they are real.

    Attributes:
        frames: By table its typed rows [rows, modelled columns].
        parents: Of each child's rows the place of the parent's row.
        customers: Of each table's rows the customer's number.
    """

    frames: Mapping[str, pd.DataFrame]
    parents: Mapping[str, np.ndarray]
    customers: Mapping[str, np.ndarray]


_Columns = dict[str, pd.Series | np.ndarray]


def related_view(
    name: str, form: RelatedForm, rows: RelatedFrames, shuffle: np.ndarray | None = None
) -> View:
    """The view of a table's part.

    Args:
        name: The table.
        form: The form of the parts.
        rows: The rows of all tables.
        shuffle: A random number of each of the table's rows [rows], by which the rows of a parent
            are put in order; not needed for the root, and for rows that have an order.
    """
    own: _Columns = {part.name: rows.frames[name][part.name] for part in form.own(name)}
    told = _told(name, form, rows)
    if name == form.schema.root:
        return View(pd.DataFrame(own | told), rows.customers[name])
    child = form.schema.child(name)
    if name in form.histories:
        return _ordered(child, form, rows, own | told)
    assert shuffle is not None
    found = _parents(child, form, rows) | _another(child, form, rows, shuffle) | own | told
    columns = [*form.context(child), *own, *told]
    return View(pd.DataFrame({name: found[name] for name in columns}), rows.customers[name])


def children_of_each(child: TableFacts, rows: RelatedFrames) -> np.ndarray:
    """The number of a child's rows of each row of its parent [parent's rows]."""
    size = len(rows.frames[child.parent.table])
    return np.bincount(rows.parents[child.name], minlength=size)


def _ordered(
    child: TableFacts,
    form: RelatedForm,
    rows: RelatedFrames,
    drawn: _Columns,
) -> View:
    """The view of rows that have an order: each beside its parent's columns and the row before."""
    frame = pd.DataFrame({**_above(child, form, rows), **drawn})
    found = events_view(form.histories[child.name], frame, rows.parents[child.name])
    roots = rows.customers[child.parent.table]
    return View(found.frame, roots[found.customers])


def _told(name: str, form: RelatedForm, rows: RelatedFrames) -> _Columns:
    """The number of rows of each child, and means of its numbers [rows]; of histories more."""
    found: _Columns = {}
    for child in form.children(name):
        if child.name in form.histories:
            size, frame = len(rows.frames[name]), rows.frames[child.name]
            history = form.histories[child.name]
            summaries = summaries_of(history, frame, rows.parents[child.name], size)
            found |= {part.name: summaries[part.name] for part in history.summaries}
            continue
        found[form.count(child)] = _classes(child, form, rows)
        for column in form.averaged(child):
            values, size = rows.frames[child.name][column.name], len(rows.frames[name])
            told = means(values, column, rows.parents[child.name], size)
            found[form.mean(child, column)] = told
    return found


def _classes(child: TableFacts, form: RelatedForm, rows: RelatedFrames) -> np.ndarray:
    """The number of a child's rows [parent's rows]; more than the longest count as so many."""
    return form.classes(child).of(children_of_each(child, rows))


def _parents(
    child: TableFacts, form: RelatedForm, rows: RelatedFrames
) -> dict[str, pd.Series | np.ndarray]:
    """The columns of each row's parent, and the number of its rows [rows]."""
    number = _classes(child, form, rows)[rows.parents[child.name]]
    return {**_above(child, form, rows), form.count(child): number}


def _above(child: TableFacts, form: RelatedForm, rows: RelatedFrames) -> dict[str, pd.Series]:
    """The columns of each row's parent [rows]."""
    above, places = rows.frames[child.parent.table], rows.parents[child.name]
    return {
        form.above(column): above[column.name].iloc[places].reset_index(drop=True)
        for column in form.own(child.parent.table)
    }


def _another(
    child: TableFacts, form: RelatedForm, rows: RelatedFrames, shuffle: np.ndarray
) -> dict[str, pd.Series]:
    """Columns of the row before, in a random order of a parent's rows [rows]; missing at first."""
    parents = rows.parents[child.name]
    order = np.lexsort((shuffle, parents))
    first = np.ones(len(order), dtype=bool)
    first[1:] = parents[order][1:] != parents[order][:-1]
    before = np.empty(len(order), dtype=np.int64)
    before[order] = np.concatenate([order[:1], order[:-1]])
    alone = np.empty(len(order), dtype=bool)
    alone[order] = first
    frame = rows.frames[child.name]
    return {
        form.before(column): frame[column.name].iloc[before].reset_index(drop=True).mask(alone)
        for column in form.remembered(child)
    }
