"""Hostile names and categories through schema, fit, release, CSV, reports and samples."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from privgan.cli.main import execute
from privgan.release import verify_release
from privgan.schema.columns import Discrete
from privgan.table.conform import conform
from privgan.table.files import read_table
from privgan.table.presenting import escaped, restored, unescaped
from privgan.table.schema_file import load_schema
from tests.browser.page import WIDTHS, Browser
from tests.hostile import HOSTILE
from tests.hostile_run import NAMES, HostileRun

pytestmark = pytest.mark.slow
NUMBER = re.compile(r"[+-]?[0-9.]+\Z")


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def check_no_formula(lines: list[list[str]]) -> None:
    for cell in {cell for line in lines for cell in line}:
        assert escaped(unescaped(cell)) == cell
        assert NUMBER.match(cell) or not re.match(r"[\s\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]", cell), (
            cell[:80]
        )


def test_the_release_is_intact_and_keeps_every_text(hostile_run: HostileRun) -> None:
    found = verify_release(hostile_run.release)
    assert found.problems == ()
    assert found.manifest["context"]["recipient"] == HOSTILE[1]
    schema = load_schema(hostile_run.release / "schema.yaml")
    assert schema.names == hostile_run.schema.names
    table = pq.read_table(hostile_run.release / "synthetic.parquet")
    assert tuple(table.schema.names) == schema.names
    for column in schema.modelled:
        if isinstance(column, Discrete):
            assert set(table[column.name].to_pylist()) - {None} <= set(column.categories)
    made = {text for name in NAMES[:4] for text in table[name].to_pylist()}
    assert len(made & set(HOSTILE)) > len(HOSTILE) / 2


def test_the_csv_runs_nothing_and_says_the_same_as_the_parquet(hostile_run: HostileRun) -> None:
    path = hostile_run.release / "synthetic.csv"
    check_no_formula(cells(path))
    exact = pd.read_parquet(hostile_run.release / "synthetic.parquet")
    read = restored(read_table(path), hostile_run.schema, ours=True)
    for name in NAMES[:4]:
        assert read[name].tolist() == exact[name].fillna("").tolist()
    assert read[NAMES[4]].astype(float).tolist() == exact[NAMES[4]].tolist()
    assert conform(read_table(path), hostile_run.schema).equals(conform(exact, hostile_run.schema))
    assert all(line[-1].startswith("'=C") for line in cells(path)[1:])


def test_further_samples_and_a_foreign_audit_read_and_write_the_same(
    hostile_run: HostileRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "more.csv"
    assert (
        execute(
            ["sample", str(hostile_run.release), "--rows", "600", "--seed", "3", "--out", str(out)]
        )
        == 0
    )
    check_no_formula(cells(out))
    table, schema = hostile_run.out.parent / "table.csv", hostile_run.out.parent / "schema.yaml"
    given = [
        "--real",
        str(table),
        "--holdout",
        str(table),
        "--synthetic",
        str(out),
        "--schema",
        str(schema),
        "--quiet",
        "--json",
    ]
    capsys.readouterr()
    assert execute(["audit", *given]) in {0, 3}
    metrics = {metric["name"]: metric for metric in json.loads(capsys.readouterr().out)["metrics"]}
    assert metrics["fidelity.constraint_violations"]["value"] == 0


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["release/report.html", "internal/internal-report.html"])
def test_the_reports_show_attacks_as_texts(
    name: str, width: str, hostile_run: HostileRun, browser: Browser
) -> None:
    path = hostile_run.out / name
    page = browser.open(path.as_uri(), f"hostile-{path.stem}", width)
    page.picture()
    assert page.executed() == []
    assert page.complaints() == []
    assert page.requested() == {page.url}
    assert page.overflow() == (0, [])
    assert page.pictures_without_text() == []
    assert page.violations() == []
    assert page.pdf().startswith(b"%PDF-")
    assert len(path.read_bytes()) < 3_000_000
