"""The groups that a question asks for: categories, or the codes of a number or moment."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.answers.weights import ONE, Weight, of_cells, product
from privgan.domain.encoding import ColumnCode, Encoder
from privgan.errors import UsageError
from privgan.report.shapes import labels
from privgan.schema.columns import Column

MOST_GROUPS = 1_000
_MISSING = "missing"


@dataclass(frozen=True, eq=False)
class Group:
    """One group.

    Attributes:
        labels: Column to the group's label; empty for all rows.
        weight: One for its rows, and zero for others.
    """

    labels: Mapping[str, str]
    weight: Weight


def groups_of(by: Sequence[Column], encoder: Encoder) -> list[Group]:
    """The groups of some columns; one of all rows where there are none.

    Raises:
        UsageError: There are more than a table of answers may have.
    """
    each = [list(_of_column(encoder.columns[encoder.names.index(one.name)], encoder)) for one in by]
    number = int(np.prod([len(part) for part in each], dtype=float))
    if number > MOST_GROUPS:
        names = " and ".join(column.name for column in by)
        raise UsageError(f"{names} make {number:,} groups; allowed: at most {MOST_GROUPS:,}")
    found = []
    for parts in itertools.product(*each):
        weight = ONE
        for part in parts:
            weight = product(weight, part.weight)
        found.append(
            Group({name: text for part in parts for name, text in part.labels.items()}, weight)
        )
    return found


def _of_column(column: ColumnCode, encoder: Encoder) -> Iterator[Group]:
    cells = column.cells
    if cells.texts:
        for cell, text in enumerate(cells.texts):
            yield Group({column.name: text}, of_cells(column.name, [cell], encoder))
        if cells.missing_code is not None:
            yield Group(
                {column.name: _MISSING}, of_cells(column.name, [cells.missing_code], encoder)
            )
        return
    for code, label in enumerate(labels(column)):
        inside = np.flatnonzero(column.code_of == code).tolist()
        text = _MISSING if label is None else str(label)
        yield Group({column.name: text}, of_cells(column.name, inside, encoder))
