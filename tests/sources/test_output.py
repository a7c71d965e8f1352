"""Rows written in the kinds of files that teams have."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.domain.cells import cells_of
from privgan.domain.encoding import identity_code
from privgan.errors import UsageError
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.sources import read_source
from privgan.table.conform import conform
from privgan.table.output import format_of, write_rows
from privgan.table.presenting import presented
from tests.sources.customers import SCHEMA

_YEAR = {"lower": dt.datetime(2020, 1, 1), "upper": dt.datetime(2020, 12, 31), "missing": True}
_CLOCK = {"lower": dt.datetime(1900, 1, 1), "upper": dt.datetime(1900, 1, 1, 23, 59)}
FORMS: tuple[Column, ...] = (
    Numeric(
        name="price",
        kind=Kind.FLOAT,
        lower=0,
        upper=5000,
        decimals=2,
        format="$#,##0.00",
        missing=True,
    ),
    Numeric(
        name="took", kind=Kind.INTEGER, lower=0, upper=90_000, format="[h]:mm:ss", missing=True
    ),
    Temporal(
        name="at", kind=Kind.DATETIME, format="%Y-%m-%dT%H:%M:%S%z", zone="Asia/Shanghai", **_YEAR
    ),
    Temporal(name="clock", kind=Kind.DATETIME, format="%H:%M:%S", **_CLOCK),
    Temporal(name="day", kind=Kind.DATE, format="%d.%m.%Y", **_YEAR),
    Temporal(
        name="born",
        kind=Kind.DATE,
        format="%Y-%m-%d",
        lower=dt.datetime(1850, 1, 1),
        upper=dt.datetime(1950, 1, 1),
    ),
    Discrete(
        name="tier",
        kind=Kind.CATEGORICAL,
        categories=("a", "b"),
        missing=True,
        missing_markers=("unknown",),
    ),
)


def presented_rows(rows: int = 60) -> pd.DataFrame:
    """Synthetic rows of the small table, as people expect them."""
    frame = _typed_rows(SCHEMA, rows)
    frame.insert(0, "customer_id", [f"C{number:06d}" for number in range(rows)])
    return presented(frame, SCHEMA)


def _typed_rows(schema: Schema, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    codes = {column.name: identity_code(cells_of(column)) for column in schema.modelled}
    return pd.DataFrame(
        {name: code.decode(rng.integers(0, code.size, rows), rng) for name, code in codes.items()}
    )


@pytest.mark.parametrize(
    "form", ["csv", "tsv", "parquet", "feather", "jsonl", "xlsx", "sqlite", "duckdb"]
)
def test_forms_zones_clocks_and_durations_come_back(form: str, tmp_path: Path) -> None:
    schema = Schema(dataset="forms", unit=SCHEMA.unit, columns=FORMS)
    typed = _typed_rows(schema, 200)
    typed.loc[:20, ["price", "took", "at", "day", "tier"]] = None
    rows = presented(typed, schema)
    assert write_rows([rows[:90], rows[90:]], schema, tmp_path / f"r.{form}", form) == 200
    back = conform(read_source(tmp_path / f"r.{form}").frame(), schema)
    pd.testing.assert_frame_equal(back, conform(rows, schema), check_dtype=False)


@pytest.mark.parametrize(
    ("name", "asked", "form"),
    [
        ("a.csv", None, "csv"),
        ("a.TSV", None, "tsv"),
        ("a.pq", None, "parquet"),
        ("a.dat", "jsonl", "jsonl"),
        ("a.csv", "xlsx", "xlsx"),
    ],
)
def test_the_format_is_the_asked_one_else_by_the_name(
    name: str, asked: str | None, form: str
) -> None:
    assert format_of(Path(name), asked) == form


def test_a_name_that_tells_no_format_is_refused() -> None:
    with pytest.raises(UsageError, match="or give format"):
        format_of(Path("rows.dat"), None)


def test_typed_files_hold_types(tmp_path: Path) -> None:
    kinds = {}
    for name in ("r.feather", "r.duckdb", "r.xlsx"):
        write_rows([presented_rows()], SCHEMA, tmp_path / name, format_of(tmp_path / name, None))
        schema = read_source(tmp_path / name).table.schema
        kinds[name] = [
            str(schema.field(column).type) for column in ("zip", "age", "spend", "active")
        ]
        assert str(schema.field("seen").type).startswith("timestamp")
    assert set(map(tuple, kinds.values())) == {("string", "int64", "double", "bool")}


def test_formulas_are_escaped_in_text_and_written_as_text_in_sheets(tmp_path: Path) -> None:
    column = Discrete(name="c", kind=Kind.CATEGORICAL, categories=("=1+1", "b"))
    schema = type(SCHEMA)(dataset="s", unit=SCHEMA.unit, columns=(column,))
    for name, expected in (
        ("r.tsv", "'=1+1"),
        ("r.xlsx", "=1+1"),
        ("r.jsonl", "=1+1"),
        ("r.sqlite", "=1+1"),
    ):
        write_rows(
            [pd.DataFrame({"c": ["=1+1", "b"]})],
            schema,
            tmp_path / name,
            format_of(tmp_path / name, None),
        )
        assert read_source(tmp_path / name).table.column("c").to_pylist() == [expected, "b"]


def test_more_rows_than_a_sheet_holds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.table.output._MOST_SHEET_ROWS", 59)
    with pytest.raises(UsageError, match="a sheet holds 59 rows"):
        write_rows([presented_rows()], SCHEMA, tmp_path / "r.xlsx", "xlsx")
