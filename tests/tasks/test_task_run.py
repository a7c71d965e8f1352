"""A campaign on a real table, from file to both reports, where Bank lies beside the repository."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.metrics import Maker, registry
from privgan.release.leak_scan.leak_patterns import internal_names
from privgan.table.schema_file import load_schema
from tests.pages.reading import ROOT

DATA = Path(os.environ.get("PRIVGAN_DATA", ROOT.parent / "shared" / "data"))
BANK = DATA / "bank_full.csv"
ROWS = 12_000
TASKS = """
tasks:
  - {kind: response, target: "y"}
  - {kind: scorecard, target: "y"}
  - {kind: segments, clusters: 4}
  - {kind: regression, target: balance}
"""
NAMES = {name for name, entry in registry().items() if entry.made is Maker.TASK_AUDIT}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 12,000 of Bank's rows with four tasks."""
    if not BANK.exists():
        pytest.skip(f"{BANK} is not there")
    folder = tmp_path_factory.mktemp("bank")
    rows = pd.read_csv(BANK, sep=";", dtype=str, keep_default_na=False)
    rows.sample(ROWS, random_state=0).to_csv(folder / "bank.csv", index=False)
    schema = folder / "bank.yaml"
    text = (ROOT / "tests/data/schemas/bank.yaml").read_text(encoding="utf-8")
    schema.write_text(text + TASKS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRIVGAN_LEDGER", str(folder / "ledger.sqlite"))
        command = ["run", str(folder / "bank.csv"), "--schema", str(schema), "--epsilon", "3"]
        command += ["--policy", "internal-analytics", "--public-rows", str(ROWS)]
        command += ["--effort", "quick", "--out", str(folder / "out"), "--seed", "1"]
        assert execute(command) == 0
    return folder / "out"


@pytest.mark.slow
@pytest.mark.data
def test_the_audit_has_every_figure_of_the_tasks(out: Path) -> None:
    (audit,) = out.rglob("*audit*.json")
    found = {
        metric["name"]: metric
        for metric in json.loads(audit.read_text(encoding="utf-8"))["metrics"]
        if metric["name"] in NAMES
    }
    assert {name.split(".")[1] for name in found} == {
        *("response", "scorecard", "segments", "regression")
    }
    assert found["utility.response.auc"]["value"] > 0.75
    assert found["utility.response.lift"]["value"] > 2.5
    assert found["utility.response.lift_kept"]["value"] > 0.6  # Three runs: .80, .84 and .91.
    (told,) = found["utility.response.augmentation"]["details"]["tasks"]
    assert [size["rows"] for size in told["sizes"]] == [200, 500, 1_000, 3_000]
    assert told["sizes"][0]["gain"]["value"] > 0, "200 own rows gain by synthetic ones"


@pytest.mark.slow
@pytest.mark.data
def test_the_internal_report_shows_them_and_the_shareable_one_names_the_tasks(out: Path) -> None:
    (internal,) = (out / "internal").rglob("*report.html")
    text = internal.read_text(encoding="utf-8")
    for words in ("What the table is for", "Gains", "Calibration", "Weights of evidence"):
        assert words in text
    shared = json.loads((out / "release" / "report.json").read_text(encoding="utf-8"))
    (section,) = (part for part in shared["sections"] if part["name"] == "tasks")
    (_, items) = section["blocks"]
    assert items["items"][0].startswith("Campaign response: y = yes; by a noisy count 1")
    assert items["items"][2] == "Segments: 4 clusters of all columns"


@pytest.mark.slow
@pytest.mark.data
def test_no_figure_of_real_rows_leaves_and_the_release_verifies(out: Path) -> None:
    files = [path for path in (out / "release").rglob("*") if path.is_file()]
    for path in files:
        assert not internal_names().search(path.read_bytes()), path.name
    assert execute(["verify", str(out / "release")]) == 0
    released = load_schema(next(path for path in files if path.name == "schema.yaml"))
    assert [str(task) for task in released.tasks][:2] == ["response: y = yes", "scorecard: y = yes"]
    chinese = out / "report-zh.md"
    assert execute(["report", str(out), "--lang", "zh", "--out", str(chinese)]) == 0
    assert "营销响应：" in chinese.read_text(encoding="utf-8")
