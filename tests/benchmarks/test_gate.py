"""The gate: its drawn tables, the model that enlarges one, its cells and its report."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from privgan.errors import UsageError
from privgan.table.conform import violations
from privgan.table.files import read_table
from tests.benchmarks.__main__ import main
from tests.benchmarks.cells import Cell
from tests.benchmarks.collect import Scored
from tests.benchmarks.gate import study, tables
from tests.benchmarks.gate.report import groups_of, write_csv, write_markdown
from tests.benchmarks.gate.rich import RichModel
from tests.benchmarks.gate.tables import prepare_drawn
from tests.benchmarks.methods import IN_GATE, METHODS, OWN, SPLITS, method_of
from tests.benchmarks.running import delta_of

ROWS, FRESH = 700, 400
CHOSEN = ("--rows", str(ROWS), "--tables", "parity2", "--methods", "real-rows", "--seeds", "2")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are scored."""
    for module in (tables, study):
        monkeypatch.setattr(module, "SCORED", FRESH)


def _odd(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    return (table[columns].to_numpy() == "1").sum(1) % 2


def test_a_rich_model_draws_what_no_pair_and_no_triple_tells() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (4_000, 4))
    whole = pd.DataFrame(bits.astype(str), columns=list("abcd"))
    whole = whole.assign(odd=(bits.sum(1) % 2).astype(str), amount=rng.normal(50 * bits[:, 0], 1))
    whole["other"] = rng.normal(size=len(whole))
    made = RichModel(whole, ["amount", "other"]).draw(6_000, np.random.default_rng(1))
    assert (_odd(made, list("abcd")).astype(str) == made["odd"]).mean() > 0.97
    assert (made["amount"] > 25).eq(made["a"] == "1").mean() > 0.99
    known = set(whole.itertuples(index=False, name=None))
    assert np.mean([row in known for row in made.itertuples(index=False, name=None)]) < 0.3


@pytest.mark.parametrize("signs", [2, 3, 5])
def test_parity_is_told_by_all_of_its_signs_and_by_no_fewer(
    signs: int, few: None, tmp_path: Path
) -> None:
    table = prepare_drawn(f"parity{signs}", 5_000, tmp_path, tmp_path)
    rows = pd.read_csv(table.train)
    columns = [f"x{place}" for place in (0, 2, 5, 1, 3, 4)[:signs]]
    odd = (rows[columns] > 0).sum(1) % 2
    assert (rows["y"] == np.array(["even", "odd"])[odd]).all()
    for left in columns:
        fewer = (rows[columns].drop(columns=left) > 0).sum(1) % 2
        assert abs((fewer == odd).mean() - 0.5) < 0.05


def test_the_simulator_keeps_dates_and_constraints_and_drops_identifiers(
    few: None, tmp_path: Path
) -> None:
    table = prepare_drawn("simulator", ROWS, tmp_path, tmp_path)
    train, test = table.frames()
    assert (len(train), len(test), table.rows) == (ROWS, FRESH, ROWS)
    assert "sign_up_date" in train
    assert not {"customer_id", "name", "email"} & set(table.schema.names)
    assert table.schema.constraints
    assert violations(read_table(table.train), table.schema) == ()
    assert table.typed(table.real).equals(train[:FRESH])
    assert not train[:FRESH].equals(test)


def test_a_table_is_drawn_once_and_known_by_its_name(few: None, tmp_path: Path) -> None:
    first = prepare_drawn("wide5", ROWS, tmp_path, tmp_path)
    first.test.write_text("kept")
    again = prepare_drawn("wide5", ROWS, tmp_path, tmp_path)
    assert again == first
    assert again.test.read_text() == "kept"
    assert [path.name for path in (tmp_path / "tables").iterdir()] == [f"wide5-{ROWS}"]
    with pytest.raises(UsageError, match=r"table is 'parity9'; allowed: simulator, adult-rich"):
        prepare_drawn("parity9", ROWS, tmp_path, tmp_path)


def test_delta_stays_below_one_row() -> None:
    assert delta_of(5_000) == 1e-6
    assert delta_of(1_000_000) == 5e-7


@pytest.mark.slow
def test_the_gate_runs_scores_and_writes_and_repeats_nothing(few: None, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "out"
    command = ["gate", "--data", str(tmp_path), "--work", str(work), "--out", str(out), *CHOSEN]
    first = CliRunner().invoke(main, command, catch_exceptions=False)
    assert "parity2-700 real-rows seed 1: tvd3" in first.output
    written = (out / "gate.csv").read_text()
    (line,) = csv.DictReader(written.splitlines())
    assert (line["table"], line["rows"], line["method"], line["seeds"]) == (
        "parity2",
        "700",
        "real-rows",
        "2",
    )
    assert float(line["accuracy_low"]) > 0.9
    assert 0.3 < float(line["c2st"]) < 0.7
    for log in work.rglob("log.txt"):
        log.unlink()
    assert "1 lines" in CliRunner().invoke(main, [*command, "--report-only"]).output
    CliRunner().invoke(main, command, catch_exceptions=False)
    assert (out / "gate.csv").read_text() == written
    assert not list(work.rglob("log.txt"))


def test_a_report_of_nothing_finished_draws_no_table(few: None, tmp_path: Path) -> None:
    command = ["gate", "--data", str(tmp_path), "--work", str(tmp_path), "--out", str(tmp_path)]
    told = CliRunner().invoke(main, [*command, *CHOSEN, "--report-only"], catch_exceptions=False)
    assert "0 lines" in told.output
    assert not (tmp_path / "tables").exists()


def _scored(seed: int, status: str = "ok", **figures: float) -> Scored:
    cell = Cell(table="adult-rich-9000", method="privgan-network", epsilon=3.0, seed=seed)
    result = {"status": status, "seconds": 1.0, "rows": 9, "peak_megabytes": 5.0}
    return Scored(cell=cell, result=result, figures=figures, doubts=())


def test_the_report_tells_median_spread_and_what_failed(tmp_path: Path) -> None:
    cells = [
        _scored(0, c2st=0.6, tvd3=0.04, loglik=-30.0),
        _scored(1, c2st=0.5, tvd3=0.04),
        _scored(2, c2st=0.53, tvd3=0.04),
        _scored(3, "failed: out of memory"),
    ]
    groups = groups_of(cells)
    write_csv(tmp_path / "gate.csv", groups)
    write_markdown(tmp_path / "gate.md", groups)
    (line,) = csv.DictReader((tmp_path / "gate.csv").open(encoding="utf-8"))
    assert (line["table"], line["rows"], line["epsilon"]) == ("adult-rich", "9000", "3")
    assert (line["c2st"], line["c2st_low"], line["c2st_high"]) == ("0.530", "0.500", "0.600")
    assert line["gap"] == line["gap_low"] == ""
    text = (tmp_path / "gate.md").read_text(encoding="utf-8")
    assert "## adult-rich, 9,000 rows" in text
    assert "| 3 | privgan-network | 0.0400 | 0.530 (0.500 to 0.600) | -30.00 |" in text
    assert "3, ok; failed: out of memory |" in text


def _of(name: str) -> dict[str, object]:
    return dict(method_of(name).options)


def test_the_gate_compares_the_product_with_each_of_its_parts() -> None:
    assert {"real-rows", "privgan", "privgan-marginals", "privgan-distilled"} < set(IN_GATE)
    assert all(method_of(name).own for name in IN_GATE)
    assert method_of("real-rows").private is False
    assert _of("privgan-marginals")["marginal_share"] == 1.0
    assert _of("privgan-network-alone")["widest"] == 1
    assert not _of("privgan-network-control")["dp_sgd_sees_rows"]
    assert _shares() == [0.7, pytest.approx(0.3)]
    assert not set(SPLITS) & set(METHODS)
    assert METHODS[OWN].options == {}


def _shares() -> list[object]:
    return [_of(name)["marginal_share"] for name in SPLITS]


def test_splits_are_named_by_the_share_of_dp_sgd() -> None:
    names = [int(name.rpartition("-")[2]) for name in SPLITS]
    assert all(low < high for low, high in pairwise(names))
