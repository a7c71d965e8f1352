"""Laws of drafts: whatever the table, it conforms to the schema that is drafted from it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.table.cells import cells_of
from privgan.table.columns import Kind, Numeric, Source
from privgan.table.conform import conform, violations
from privgan.table.draft import draft_schema
from privgan.table.files import read_table, write_tables
from privgan.table.presenting import presented

_CELLS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-1_000, 1_000, places=2).map(str),
    st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1)).map(str),
    st.sampled_from(["", "true", "False", "gold", "silver", "a b", "x@y.org"]),
)


@settings(max_examples=80)
@given(st.lists(st.tuples(_CELLS, st.sampled_from(["a", "b"])), min_size=5, max_size=40))
def test_a_text_table_conforms_to_its_own_draft(rows: list[tuple[str, str]]) -> None:
    """But for identifiers that repeat: there a person must name the unit."""
    frame = pd.DataFrame(rows, columns=["x", "y"])
    found = violations(frame, draft_schema(frame, "d", assume_public=True))
    assert [violation.problem for violation in found if "declare it as the unit" not in violation.problem] == []


@pytest.mark.parametrize("kind", ["date", "integer", "decimal"])
@given(seed=st.integers(0, 999))
@settings(max_examples=15)
def test_a_column_of_one_kind_conforms_to_its_own_draft(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {
        "date": np.datetime_as_string(np.datetime64("2001-05-06") + rng.integers(0, 9_000, 60)),
        "integer": rng.integers(-50_000, 9_000, 60).astype(str),
        "decimal": np.char.mod("%.3f", rng.normal(0, 500, 60)),
    }[kind]
    frame = pd.DataFrame({"x": values, "y": ["a", "b"] * 30})
    schema = draft_schema(frame, "d", assume_public=True)
    assert violations(frame, schema) == ()
    column = schema.column("x")
    assert column.kind == {"date": Kind.DATE, "integer": Kind.INTEGER, "decimal": Kind.FLOAT}[kind]


def test_nullable_integers_of_parquet_conform_to_their_own_draft(tmp_path: Path) -> None:
    pd.DataFrame({"children": [0.0, 1.0, 2.0, np.nan] * 30, "y": ["a", "b"] * 60}).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert violations(frame, draft_schema(frame, "d", assume_public=True)) == ()


def test_numbers_with_an_exponent_conform_to_their_own_draft() -> None:
    frame = pd.DataFrame({"x": [f"{i}e-3" for i in range(1, 40)], "y": ["a", "b", "a"] * 13})
    assert violations(frame, draft_schema(frame, "d", assume_public=True)) == ()


def test_far_future_dates_are_drafted_coded_and_written(tmp_path: Path) -> None:
    days = ["9999-12-31", "2020-01-01", "2301-05-06"] * 20
    frame = pd.DataFrame({"x": days, "y": ["a"] * 60})
    schema = draft_schema(frame, "d", assume_public=True)
    column = schema.column("x")
    assert (column.kind, column.upper.year) == (Kind.DATE, 9999)  # type: ignore[attr-defined]
    typed = conform(frame, schema)
    cells = cells_of(column, 4_000_000)
    decoded = pd.DataFrame({"x": cells.decode(cells.encode(typed["x"]), np.zeros(60)), "y": typed["y"]})
    assert write_tables(iter([presented(decoded, schema)]), schema, tmp_path / "t.parquet", tmp_path / "t.csv") == 60
    for name in ("t.parquet", "t.csv"):
        assert conform(read_table(tmp_path / name), schema)["x"].dt.strftime("%Y-%m-%d").tolist() == days


@pytest.mark.parametrize(("numbers", "decimals"), [(["1.50", "2.25"], 2), (["15e-4", "2.5e-3"], 4), (["1.5e3", "2e2", "0.5"], 1)])
def test_decimals_of_numbers_with_exponents(numbers: list[str], decimals: int) -> None:
    frame = pd.DataFrame({"x": [*numbers, *(f"{i}.5" for i in range(1, 15))]})
    found = draft_schema(frame.assign(y="a"), "d", assume_public=True).column("x")
    assert isinstance(found, Numeric)
    assert found.decimals == decimals


def test_every_drafted_fact_is_marked() -> None:
    frame = pd.DataFrame({"x": [str(i) for i in range(40)], "y": ["a", "b"] * 20, "name": [f"N {i}" for i in range(40)]})
    for assume, source in ((False, Source.CONFIRM), (True, Source.ASSUMED_PUBLIC)):
        schema = draft_schema(frame, "d", assume_public=assume)
        for column in schema.columns:
            assert set(column.sources.values()) == {source}
            assert {"kind", "missing", "role"} <= set(column.sources)
        assert {"lower", "upper"} <= set(schema.column("x").sources)
