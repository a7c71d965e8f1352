"""Changes of a column's values, made once for each distinct text."""

import numpy as np
import pandas as pd
import pytest

from privgan.domain.frames import by_distinct
from privgan.table.readings import canonical_text

COLUMNS = [
    pd.Series(["b", "a", "b", ""], index=[5, 2, 9, 1]),
    pd.Series([1, True, 1.0, "1", None, np.nan], dtype=object),
    pd.Series([1.5, np.nan, 2.0]),
    pd.Series([3, 1, 3]),
    pd.Series([True, False]),
    pd.Series(["x", None, "x"], dtype=object),
    pd.Series([], dtype=object),
    pd.Series(["\ud800", "a\0b", "é", "e\u0301"], dtype=object),
]


@pytest.mark.parametrize("values", COLUMNS, ids=range(len(COLUMNS)))
def test_each_value_is_changed_as_by_itself(values: pd.Series) -> None:
    pd.testing.assert_series_equal(
        by_distinct(values, canonical_text),
        values.map(canonical_text).astype(object),
        check_dtype=False,
    )


def test_each_distinct_text_is_changed_once() -> None:
    seen: list[str] = []

    def change(text: str) -> str:
        seen.append(text)
        return text.upper()

    assert by_distinct(pd.Series(["a", "b", "a"] * 100), change).tolist() == ["A", "B", "A"] * 100
    assert seen == ["a", "b"]
