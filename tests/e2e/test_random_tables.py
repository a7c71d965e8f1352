"""Random tables from any source pass init, review, check and fit without a hand.

No value lies outside a schema.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.cli.main import execute
from privgan.planning.plan import EFFORTS, Effort
from privgan.sources import read_source
from privgan.table.conform import violations
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from privgan.table.violations import broken_constraints
from tests.drafting.test_drafts import random_table

pytestmark = pytest.mark.slow


def _packed(frame: pd.DataFrame, path: Path) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        frame.to_csv(file, index=False, sep="\t")


def _lines(frame: pd.DataFrame, path: Path) -> None:
    rows = frame.to_dict(orient="records")
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )


def _database(frame: pd.DataFrame, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        frame.to_sql("t", connection, index=False)


SOURCES: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "t.csv": lambda frame, path: frame.to_csv(path, index=False),
    "semicolons.csv": lambda frame, path: frame.to_csv(
        path, index=False, sep=";", encoding="utf-8-sig"
    ),
    "t.tsv.gz": _packed,
    "t.xlsx": lambda frame, path: frame.to_excel(path, index=False, engine="xlsxwriter"),
    "t.parquet": lambda frame, path: frame.to_parquet(path),
    "t.feather": lambda frame, path: frame.to_feather(path),
    "t.jsonl": _lines,
    "t.sqlite": _database,
}


def reviewed(folder: Path, frame: pd.DataFrame, name: str) -> tuple[int, Path, Path]:
    """The exit code of drafting, the table's file and its reviewed schema."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    table, schema = folder / name, folder / "schema.yaml"
    SOURCES[name](frame, table)
    code = execute(["schema", "init", str(table), "--out", str(schema)])
    if code == 0:
        assert (
            execute(["schema", "review", str(table), "--schema", str(schema), "--accept-all"]) == 0
        )
        assert execute(["schema", "check", str(table), "--schema", str(schema)]) in (0, 2)
    return code, table, schema


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(sorted(SOURCES)))
def test_a_table_of_any_source_gets_a_schema_without_a_hand(
    tmp_path_factory: pytest.TempPathFactory, seed: int, name: str
) -> None:
    """Or a reason why it has none; rows that do not fit are reported with the draft."""
    frame = random_table(seed)
    code, table, schema = reviewed(tmp_path_factory.getbasetemp() / "random", frame, name)
    assert code in (0, 2)
    if code == 0:
        text = schema.read_text(encoding="utf-8")
        for found in violations(read_source(table).frame(), load_schema(schema)):
            assert "not fit" in text or "infinite" in text or "missing" in found.problem, (
                found.column,
                found.problem,
            )


@pytest.mark.parametrize("seed", range(24))
def test_a_fit_of_a_random_table_stays_within_its_schema(
    tmp_path: Path, ledger_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setitem(
        EFFORTS,
        "quick",
        Effort(entries=40, batch=60, network_steps=5, round_steps=1, final_steps=5, critic_steps=5),
    )
    name = sorted(SOURCES)[seed % len(SOURCES)]
    code, table, path = reviewed(tmp_path / "in", random_table(seed, rows=600), name)
    if code:
        return
    out = tmp_path / "out"
    asked = [
        "--epsilon",
        "3",
        "--effort",
        "quick",
        "--on-violation",
        "clamp",
        "--public-rows",
        "600",
        "--out",
        str(out),
    ]
    assert execute(["fit", str(table), "--schema", str(path), *asked]) == 0
    schema = load_schema(out / "schema.yaml")
    for made in ("synthetic.csv", "synthetic.parquet"):
        rows = read_table(out / made)
        assert violations(rows, schema) == (), made
        assert broken_constraints(rows, schema) == (), made
