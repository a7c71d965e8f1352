"""Give a part the codes of columns that another part, or the table itself, has measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from privgan.domain.encoding import ColumnCode, Encoder
from privgan.parts.part import Part
from privgan.schema.columns import Column
from privgan.schema.schema import Schema


def borrowed_codes(part: Part, encoders: Mapping[str, Encoder]) -> dict[str, ColumnCode]:
    """Codes of a part's borrowed columns, by column.

    Args:
        part: The part.
        encoders: By part the codes that are known; the empty name stands for the table itself.
    """
    found = {}
    for name, (lender, column) in part.borrowed.items():
        if lender == part.name:
            continue
        encoder = encoders[lender]
        known = encoder.columns[encoder.names.index(column)]
        found[name] = lent(known, _column(part.schema, name))
    return found


def _column(schema: Schema, name: str) -> Column:
    return next(column for column in schema.modelled if column.name == name)


def twins_of(part: Part) -> dict[str, str]:
    """By column the one of the same part whose codes it has."""
    return {name: column for name, (lender, column) in part.borrowed.items() if lender == part.name}


def lent(known: ColumnCode, column: Column) -> ColumnCode:
    """The codes for another column, which may be missing where the first may not."""
    cells = replace(known.cells, column=column)
    if cells.size == known.cells.size:
        return replace(known, cells=cells)
    return ColumnCode(
        cells=cells,
        code_of=np.append(known.code_of, known.size),
        within=np.append(known.within, 1.0),
    )
