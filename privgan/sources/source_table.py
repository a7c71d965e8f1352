"""A table as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceTable:
    """A table as it was read.

    Attributes:
        table: The ``pyarrow.Table`` [rows, columns]. Of a text file every column is text and an empty cell is ``""``; typed
            sources keep their types, and a missing value is null.
        said: What was recognised, a line each, without any value. INTERNAL: it tells the row count.
        text: Whether it was a text file, in which a spreadsheet's escapes may stand.
    """

    table: Any
    said: tuple[str, ...]
    text: bool

    def frame(self) -> pd.DataFrame:
        """The table as pandas holds it [rows, columns]; integers with missing values stay exact, as objects."""
        frame: pd.DataFrame = self.table.to_pandas(integer_object_nulls=True)
        return frame
