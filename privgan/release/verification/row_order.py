"""Check that the rows of each history stand in order, and that what is constant does not change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers
from privgan.release.verification.integrity import shown
from privgan.schema.schema import Schema

# Of the columns that are kept, that of the customers; the others are numbered.
_CUSTOMER = "customer"


@dataclass(eq=False)
class RowOrder:
    """The order of the rows of a table that is read in parts.

    Attributes:
        last: What was kept of the last row; None before the first.
    """

    last: pd.DataFrame | None = None

    def problem(self, part: pd.DataFrame, typed: pd.DataFrame, schema: Schema) -> str:
        """What is wrong with the next rows; empty for nothing, or without histories.

        Args:
            part: Presented rows, with the unit's column [rows, columns].
            typed: The same rows with the schema's types [rows, modelled columns].
            schema: The public facts.
        """
        if schema.history is None:
            return ""
        order, names = schema.history.order, schema.history.constant
        kept: dict[str | int, object] = {
            _CUSTOMER: part[str(schema.unit.column)].to_numpy(),
            0: as_numbers(typed[order], schema.column(order)),
        }
        for place, name in enumerate(names, start=1):
            kept[place] = typed[name].astype(object).where(typed[name].notna(), None).to_numpy()
        rows = pd.DataFrame(kept)
        whole = rows if self.last is None else pd.concat([self.last, rows], ignore_index=True)
        self.last = whole.iloc[-1:]
        return _problem(whole, order, names)


def _problem(rows: pd.DataFrame, order: str, constant: tuple[str, ...]) -> str:
    same = _equal_to_next(rows[_CUSTOMER])
    times = rows[0].to_numpy()
    if (times[1:] < times[:-1])[same].any():
        return f"column {shown(order)}: a customer's rows do not stand in its order"
    for place, name in enumerate(constant, start=1):
        if not _equal_to_next(rows[place])[same].all():
            return f"column {shown(name)}: is constant within a customer, and changes"
    return ""


def _equal_to_next(values: pd.Series) -> np.ndarray:
    """Whether each value but the last equals the next one [rows − 1], missing ones too."""
    codes = pd.factorize(values)[0]
    equal: np.ndarray = codes[1:] == codes[:-1]
    return equal
