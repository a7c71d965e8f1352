"""Drivers restore a table's types and form; environments are pinned."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.environments import LISTS
from tests.benchmarks.methods import COMPARED, HERE, METHODS, OWN
from tests.benchmarks.peers.driver import Column, Job, as_text, read_job, read_rows

COLUMNS = (
    Column("tier", discrete=True, missing=True, categories=("1", "2")),
    Column("age", discrete=False, missing=False, lower=18, upper=90),
    Column("spend", discrete=False, missing=True, upper=500.0, decimals=2),
)
TEXT = "tier,age,spend\n1,20,0\n2,90,12.5\n,18,\n"


def _job(folder: Path) -> Job:
    (folder / "train.csv").write_text(TEXT)
    asked = {
        "train": str(folder / "train.csv"),
        "out": str(folder),
        "schema": "schema.yaml",
        "method": "dpmm-mst",
        "epsilon": 3.0,
        "delta": 1e-6,
        "seed": 0,
        "rows": 3,
        "columns": [asdict(column) for column in COLUMNS],
        "options": {},
    }
    (folder / "job.json").write_text(json.dumps(asked))
    return read_job(folder / "job.json")


def test_rows_have_types_and_come_back_as_they_were(tmp_path: Path) -> None:
    job = _job(tmp_path)
    rows = read_rows(job)
    assert job.columns == COLUMNS
    assert [str(kind) for kind in rows.dtypes] == ["object", "int64", "float64"]
    assert rows.isna().sum().tolist() == [1, 0, 1]
    assert as_text(rows, COLUMNS).to_csv(index=False) == TEXT


def test_sampled_numbers_are_written_as_the_schema_says() -> None:
    drawn = pd.DataFrame({"tier": ["1"], "age": [33.4], "spend": [7.129]}, index=[9])
    assert as_text(drawn, COLUMNS).to_csv(index=False, header=False) == "1,33,7.13\n"


def test_some_of_many_rows_are_kept(tmp_path: Path) -> None:
    job = _job(tmp_path)
    assert [replace(job, kept_rows=kept).wanted for kept in (None, 2, 9)] == [3, 2, 3]


@pytest.mark.parametrize(
    ("name", "module", "told_name", "place"),
    [
        ("dpsynth", "dpsynth", "dpsynth", "github.com/google/dpsynth"),
        ("tab_pe", "pe", "Tab-PE", "github.com/microsoft/DPSDA"),
    ],
)
def test_an_adapter_says_what_is_missing_and_where_it_is(
    name: str, module: str, told_name: str, place: str
) -> None:
    code = f"import sys; sys.modules['{module}'] = None; import runpy; sys.argv = sys.argv[1:];"
    driver = str(HERE / "peers" / f"{name}_driver.py")
    told = subprocess.run(
        [sys.executable, "-c", f"{code} runpy.run_path(sys.argv[0])", driver],
        env=os.environ | {"PYTHONPATH": str(HERE / "peers")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.splitlines()[-1].startswith(f"{told_name} is not installed")
    assert place in told.stderr


def test_adapters_are_run_only_where_they_are_asked_for() -> None:
    optional = {name for name, method in METHODS.items() if method.optional}
    assert optional == {"dpsynth-aim-gdp", "dpsynth-swift", "tab-pe"}
    assert set(COMPARED) == set(METHODS) - optional


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_driver_and_a_pinned_environment(name: str) -> None:
    found = METHODS[name]
    assert (HERE / "peers" / found.driver).exists()
    if found.environment != OWN:
        lines = (LISTS / f"{found.environment}.txt").read_text().splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert pins
        assert all(re.fullmatch(r"[A-Za-z0-9-]+==[0-9.]+", line) for line in pins)
