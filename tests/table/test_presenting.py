"""Typed rows as people expect them, and back in the schema's own writing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privgan.domain.frames import positions_of
from privgan.schema.columns import Discrete, Kind
from privgan.schema.identifiers import SerialCustomers
from privgan.schema.schema import Schema
from privgan.table.presenting import _escaped_cells, as_written, escaped, presented
from tests.schemas import schema_of_lines


def _schema(missing: bool) -> Schema:
    may = f"missing: {str(missing).lower()}"
    return schema_of_lines(
        f"name: flag, kind: boolean, {may}",
        f'name: level, kind: categorical, categories: ["10", "-3", "7"], {may}',
    )


@given(texts=st.lists(st.sampled_from(["a", "b", "nan", "", "elsewhere", None]), max_size=20))
def test_positions_are_those_of_the_categories_and_minus_one_elsewhere(
    texts: Sequence[str | None],
) -> None:
    categories = ("nan", "b", "", "a")
    found = positions_of(pd.Series(texts, dtype=object), categories)
    assert found.dtype == np.int64
    assert found.tolist() == [
        categories.index(text) if text in categories else -1 for text in texts
    ]


@pytest.mark.parametrize("absent", [None, np.nan, pd.NA])
def test_a_missing_value_stays_missing_in_every_presented_type(absent: object) -> None:
    schema = _schema(missing=True)
    typed = {"flag": ["True", absent, "False"], "level": ["-3", "10", absent]}
    shown = presented(pd.DataFrame(typed, dtype=object), schema)
    assert shown.dtypes.astype(str).to_dict() == {"flag": "boolean", "level": "Int64"}
    assert shown["flag"].tolist() == [True, pd.NA, False]
    assert shown["level"].tolist() == [-3, 10, pd.NA]
    assert as_written(shown, schema)["flag"].tolist() == ["True", None, "False"]


def test_complete_columns_are_plain_booleans_and_integers() -> None:
    schema = _schema(missing=False)
    shown = presented(
        pd.DataFrame({"flag": ["True", "False"], "level": ["7", "10"]}, dtype=object), schema
    )
    assert shown.dtypes.astype(str).to_dict() == {"flag": "bool", "level": "int64"}
    assert shown["level"].tolist() == [7, 10]
    assert as_written(shown, schema)["flag"].tolist() == ["True", "False"]


@pytest.mark.parametrize("shares", [(1.0,), (0.3, 0.5, 0.2)])
def test_customers_are_numbered_on_from_one_part_to_the_next(shares: tuple[float, ...]) -> None:
    customers = SerialCustomers(shares, np.random.default_rng(0))
    taken = np.concatenate([customers.take(rows) for rows in (7, 1, 30)])
    assert len(taken) == 38
    assert taken[0] == 1
    steps = set(np.diff(taken).tolist())
    assert steps == ({1} if len(shares) == 1 else {0, 1})
    assert np.bincount(taken).max() <= len(shares)


class _Listed(tuple[str, ...]):
    """Categories that may be read in order, but not searched from the first on."""

    __slots__ = ()

    def __contains__(self, text: object) -> bool:
        raise AssertionError("a list of categories was searched for a text")


@pytest.mark.parametrize("ours", [True, False])
def test_escapes_of_many_categories_are_found_in_linear_time(ours: bool) -> None:
    column = Discrete(
        name="formula", kind=Kind.CATEGORICAL, categories=_Listed(("=a", "'=b", "=b", "c"))
    )
    found = _escaped_cells(column, ours=ours)
    expected = {escaped("=a"): "=a", escaped("=b"): "=b"} | (
        {escaped("'=b"): "'=b"} if escaped("'=b") != "'=b" else {}
    )
    if not ours:
        expected.pop("'=b")
    assert found == expected
