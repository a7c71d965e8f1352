"""Rows written in the kinds of files that teams have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.errors import UsageError
from privgan.sources import read_source
from privgan.table.cells import cells_of
from privgan.table.columns import Discrete, Kind
from privgan.table.encoding import identity_code
from privgan.table.files import presented
from privgan.table.output import format_of, write_rows
from tests.sources.customers import SCHEMA


def presented_rows(rows: int = 60) -> pd.DataFrame:
    """Synthetic rows of the small table, as people expect them."""
    rng = np.random.default_rng(0)
    codes = {column.name: identity_code(cells_of(column)) for column in SCHEMA.modelled}
    frame = pd.DataFrame({name: code.decode(rng.integers(0, code.size, rows), rng) for name, code in codes.items()})
    frame.insert(0, "customer_id", [f"C{number:06d}" for number in range(rows)])
    return presented(frame, SCHEMA)


@pytest.mark.parametrize(("name", "asked", "form"), [
    ("a.csv", None, "csv"), ("a.TSV", None, "tsv"), ("a.pq", None, "parquet"), ("a.dat", "jsonl", "jsonl"),
    ("a.csv", "xlsx", "xlsx"),
])  # fmt: skip
def test_the_format_is_the_asked_one_else_by_the_name(name: str, asked: str | None, form: str) -> None:
    assert format_of(Path(name), asked) == form


def test_a_name_that_tells_no_format_is_refused() -> None:
    with pytest.raises(UsageError, match="--format"):
        format_of(Path("rows.dat"), None)


def test_typed_files_hold_types(tmp_path: Path) -> None:
    kinds = {}
    for name in ("r.feather", "r.duckdb", "r.xlsx"):
        write_rows([presented_rows()], SCHEMA, tmp_path / name, format_of(tmp_path / name, None))
        schema = read_source(tmp_path / name).table.schema
        kinds[name] = [str(schema.field(column).type) for column in ("zip", "age", "spend", "active")]
        assert str(schema.field("seen").type).startswith("timestamp")
    assert set(map(tuple, kinds.values())) == {("string", "int64", "double", "bool")}


def test_formulas_are_escaped_in_text_and_written_as_text_in_sheets(tmp_path: Path) -> None:
    column = Discrete(name="c", kind=Kind.CATEGORICAL, categories=("=1+1", "b"))
    schema = type(SCHEMA)(dataset="s", unit=SCHEMA.unit, columns=(column,))
    for name, expected in (("r.tsv", "'=1+1"), ("r.xlsx", "=1+1"), ("r.jsonl", "=1+1"), ("r.sqlite", "=1+1")):
        write_rows([pd.DataFrame({"c": ["=1+1", "b"]})], schema, tmp_path / name, format_of(tmp_path / name, None))
        assert read_source(tmp_path / name).table.column("c").to_pylist() == [expected, "b"]


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privgan.table.output._MOST_SHEET_ROWS", 59)
    with pytest.raises(UsageError, match="a sheet holds 59 rows"):
        write_rows([presented_rows()], SCHEMA, tmp_path / "r.xlsx", "xlsx")
