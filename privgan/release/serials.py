"""Whether invented values bear the serial numbers of their rows.

Any other number could be that of a real customer, or text written as digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from privgan.table.columns import Invented
from privgan.table.invent import bears_serial
from privgan.table.schema import Schema


@dataclass(eq=False)
class Serials:
    """The serial numbers of the rows of a table that are read part by part.

    Attributes:
        rows: How many rows were read.
        customer: The serial number of the last row's customer.
    """

    rows: int = 0
    customer: int = 0

    def odd(self, part: pd.DataFrame, schema: Schema) -> str:
        """The invented column whose values bear other numbers than the table's next rows do; empty for none.

        Args:
            part: Rows, each invented value of which is of its column's form [rows, columns].
            schema: The public facts.
        """
        for column in schema.invented:
            assert isinstance(column, Invented)
            values, unit = part[column.name].to_list(), column.name == schema.unit.column
            if not (self._customers(column, values) if unit else self._of_rows(column, values)):
                return column.name
        self.rows += len(part)
        return ""

    def _of_rows(self, column: Invented, values: list[str | None]) -> bool:
        numbered = enumerate(values, start=self.rows + 1)
        return all(bears_serial(column, value, serial) for serial, value in numbered if isinstance(value, str))

    def _customers(self, column: Invented, values: Iterable[str | None]) -> bool:
        """Rows of one customer follow each other, and customers are numbered from 1."""
        for value in values:
            if not self.customer or value != column.pattern.format(self.customer):
                self.customer += 1
                if value != column.pattern.format(self.customer):
                    return False
        return True
