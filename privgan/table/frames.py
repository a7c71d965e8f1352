"""Tables whose columns may have any name: what pandas offers by keyword cannot take a column called ``self``."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def with_columns(frame: pd.DataFrame, changed: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The frame with columns replaced, or added at its end; the frame itself stays as it is."""
    result = frame.copy(deep=False)
    for name, values in changed.items():
        result[name] = values
    return result
