"""A run whose columns have all forms is released, verifies, and hides nothing."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privgan.cli.main import execute
from privgan.release import verify_release
from privgan.serve.shapes import _shapes_here
from tests.release.forging import Forgery, forge
from tests.release.test_meaning_of_runs import POLICY

pytestmark = pytest.mark.slow
SCHEMA = """format: privgan.schema/1
dataset: forms
unit: row
columns:
  - {name: id, kind: identifier, pattern: "R{:07d}"}
  - {name: mail, kind: email, missing: true, presence: modelled}
  - {name: seen, kind: datetime, lower: '2024-01-01', upper: '2025-01-01', zone: Europe/Berlin,
     missing: true}
  - {name: clock, kind: datetime, lower: '1900-01-01', upper: '1900-01-01T23:59:59',
     format: '%H:%M:%S'}
  - {name: took, kind: integer, lower: 0, upper: 20000, format: '[h]:mm:ss'}
  - name: pay
    kind: float
    lower: 0
    upper: 5000
    decimals: 2
    format: "$#,##0.00"
    missing: true
    missing_markers: [n/a]
    special_values: [-1]
  - {name: until, kind: date, lower: '2024-01-01', upper: '2025-01-01',
     special_values: ['9999-12-31']}
"""


def table(rows: int = 1_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    seconds, took = rng.integers(0, 86_400, rows), rng.integers(0, 20_000, rows)
    some = rng.random(rows) < 0.2
    return pd.DataFrame(
        {
            "id": [f"real-{n:07d}" for n in range(rows)],
            "mail": [None if gone else f"a{n}@real.org" for n, gone in enumerate(some)],
            "seen": [
                None if gone else f"2024-05-{n % 28 + 1:02d} 12:00:00"
                for n, gone in enumerate(~some)
            ],
            "clock": [f"{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}" for n in seconds],
            "took": [f"{n // 3600}:{n // 60 % 60:02d}:{n % 60:02d}" for n in took],
            "pay": [
                "n/a" if gone else f"${n / 7:,.2f}" for n, gone in zip(took, some, strict=True)
            ],
            "until": [
                "9999-12-31" if gone else f"2024-05-{n % 28 + 1:02d}" for n, gone in enumerate(some)
            ],
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms")
    table().to_csv(folder / "table.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA)
    (folder / "policy.yaml").write_text(POLICY)
    told = io.StringIO()
    command = (
        f"run {folder}/table.csv --schema {folder}/schema.yaml --policy {folder}/policy.yaml "
        f"--epsilon 2 --effort quick --out {folder}/out --ledger {folder}/l.sqlite"
    )
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = execute(command.split())
    assert code == 0, told.getvalue()
    return folder / "out" / "release"


def test_a_table_of_all_forms_is_released_and_verifies(made: Path) -> None:
    """Times of day ended the search of the candidate, after all was paid.

    Then their Parquet file was refused.
    """
    assert verify_release(made).problems == ()


def test_two_tables_are_compared_by_whether_an_invented_value_stands(made: Path) -> None:
    """Not by the values: no two tables share their invented addresses."""
    shapes = {part["column"]: part for part in _shapes_here(*[[str(made.parent), made.name]] * 2)}
    assert {bar["label"] for bar in shapes["mail"]["bars"]} == {"absent", "present"}
    assert len(shapes["clock"]["bars"]) == len(shapes["took"]["bars"]) == 20


def finer(column: pa.ChunkedArray) -> pa.Array:
    values = [
        None if value is None else value + 417 for value in column.cast(pa.int64()).to_pylist()
    ]
    return pa.array(values, pa.int64()).cast(column.type)


@pytest.mark.parametrize("name", ["seen", "clock", "took", "until"])
def test_digits_that_nobody_sees_are_found(made: Path, tmp_path: Path, name: str) -> None:
    release = shutil.copytree(made, tmp_path / "release")

    def lie(forgery: Forgery) -> Any:
        path = release / "synthetic.parquet"
        rows = pq.read_table(path)
        pq.write_table(
            rows.set_column(rows.schema.get_field_index(name), name, finer(rows[name])), path
        )
        forgery.touched["synthetic.parquet"] = path.read_bytes()

    forge(release, lie)
    assert "finer" in "\n".join(verify_release(release).problems)
