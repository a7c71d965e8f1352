"""Give a part the codes of columns that another part, or the table itself, has measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from privgan.domain.encoding import ColumnCode, Encoder, merged_code
from privgan.domain.periods import by_period
from privgan.parts.forms import lenders_of
from privgan.schema.columns import Column
from privgan.schema.schema import Schema, next_by_name
from privgan.schema.tasks import Period, forecast_of

# Codes beyond the wanted ones that special and missing values may take.
_SPARE = 2


@dataclass(frozen=True, eq=False)
class Lender:
    """The codes of a part, or of the table itself, that others may have.

    Attributes:
        encoder: The codes.
        frequencies: Noisy share of each code of each column.
    """

    encoder: Encoder
    frequencies: Sequence[np.ndarray]

    def code(self, name: str, most: int) -> ColumnCode:
        """The codes of a column, merged by their noisy shares where they are more than wanted."""
        place = self.encoder.names.index(name)
        known, shares = self.encoder.columns[place], self.frequencies[place]
        if known.size <= most + _SPARE:
            return known
        return merged_code(known.cells, known.within * shares[known.code_of], max_codes=most)


def borrowed_codes(
    schema: Schema,
    borrowed: Mapping[str, tuple[str, str]],
    lenders: Mapping[str, Lender],
    most: int,
) -> dict[str, ColumnCode]:
    """Codes of borrowed columns, by column; those that a known part lends.

    Args:
        schema: The columns that borrow.
        borrowed: By column the part and column whose codes it has.
        lenders: By part what is known.
        most: Wanted number of codes.
    """
    return {
        name: lent(lenders[lender].code(column, most), next_by_name(schema.modelled, name))
        for name, (lender, column) in borrowed.items()
        if lender in lenders
    }


def period_codes(schema: Schema, lenders: Mapping[str, Lender]) -> dict[str, ColumnCode]:
    """Codes of the periods that a task forecasts, by column; none where none does.

    Args:
        schema: The public facts.
        lenders: By part what is known.
    """
    order = schema.history.order if schema.history else ""
    task = forecast_of(schema.tasks, order)
    if task is None:
        return {}
    part, column = lenders_of(schema)[order]
    known = lenders[part]
    place = known.encoder.names.index(column)
    code = lent(known.encoder.columns[place], next_by_name(schema.modelled, order))
    return {order: by_period(code, known.frequencies[place], Period(task.period))}


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
