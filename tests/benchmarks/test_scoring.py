"""Worse tables score worse, an external scorer is asked once, disagreement is reported."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.errors import UsageError
from privgan.table.schema_file import load_schema
from tests.benchmarks.cells import RESULT, SYNTHETIC
from tests.benchmarks.scoring import (
    TOLERANCES,
    Figures,
    disagreements,
    external_of,
    quadruples,
    score_cell,
    score_tables,
)
from tests.benchmarks.tables import SCHEMAS, SOURCES, Prepared, Source, prepare, public_columns

SCHEMA = """
format: privgan.schema/1
dataset: tiny
unit: row
missing_markers: [""]
columns:
  - {name: age, kind: integer, lower: 18, upper: 90}
  - {name: tier, kind: categorical, categories: [low, high], missing: true}
  - {name: bought, kind: boolean, labels: ["no", "yes"]}
"""
IDENTIFIED = SCHEMA.replace("unit: row", "unit: id\nmax_rows_per_unit: 1").replace(
    "columns:", "columns:\n  - {name: id, kind: identifier}"
)
# Reads its figures from a file beside the synthetic table, so that a test can make them differ.
SCORER = """
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("train", "test", "synthetic", "target", "json"):
    parser.add_argument("--" + name, required=True)
found = parser.parse_args()
beside = pathlib.Path(found.synthetic).parent
figures = json.loads((beside / "scores.json").read_text())
shift = float((beside / "shift").read_text())
names = {"tvd1": "tvd1", "tvd2": "tvd2", "tvd3": "tvd3", "tstr": "tstr_auc", "c2st": "c2st_auc"}
synthetic = {theirs: figures[own] + shift for own, theirs in names.items()}
out = {"synthetic": synthetic, "trtr_auc": figures["trtr"]}
pathlib.Path(found.json).write_text(json.dumps(out))
(beside / "shift").unlink()
"""


def _rows(seed: int, rows: int = 400, *, related: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 91, rows)
    bought = (age > 50 if related else rng.random(rows) > 0.5) ^ (rng.random(rows) < 0.1)
    return pd.DataFrame(
        {
            "age": age,
            "tier": rng.choice(["low", "high", ""], rows),
            "bought": np.where(bought, "yes", "no"),
        },
        dtype=str,
    )


@pytest.fixture
def table(tmp_path: Path) -> Prepared:
    (tmp_path / "tiny.yaml").write_text(SCHEMA)
    for seed, name in enumerate(("train", "test")):
        _rows(seed).to_csv(tmp_path / f"{name}.csv", index=False)
    return Prepared(
        source=Source(name="tiny", file="tiny.csv", target="bought"),
        train=tmp_path / "train.csv",
        test=tmp_path / "test.csv",
        schema_file=tmp_path / "tiny.yaml",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cell = tmp_path / "cell"
    cell.mkdir()
    (cell / RESULT).write_text(json.dumps({"status": "ok"}))
    _rows(2).to_csv(cell / SYNTHETIC, index=False)
    return cell


def _score(table: Prepared, synthetic: pd.DataFrame, folder: Path) -> Figures:
    synthetic.to_csv(folder / "some.csv", index=False)
    return score_tables(
        table.schema, *table.frames(), table.typed(folder / "some.csv"), table.source.target
    )


def test_a_table_without_its_relations_scores_worse(table: Prepared, tmp_path: Path) -> None:
    good, bad = (_score(table, _rows(3, related=related), tmp_path) for related in (True, False))
    assert set(TOLERANCES) < set(good)
    assert good["trtr"] == bad["trtr"]
    assert good["gap"] == pytest.approx(good["trtr"] - good["tstr"])
    assert bad["tvd3"] > good["tvd3"]
    assert bad["gap"] > good["gap"] + 0.1


def _four(odd: bool) -> pd.DataFrame:
    """Four columns of which any three are independent, and all four are not if they sum evenly."""
    bits = np.random.default_rng(odd).integers(0, 2, (2_000, 4))
    if odd:
        bits[:, 3] = bits[:, :3].sum(1) % 2
    return pd.DataFrame(bits.astype(str), columns=list("abcd"))


def test_four_columns_tell_what_three_do_not(tmp_path: Path) -> None:
    columns = [{"name": name, "kind": "categorical", "categories": ["0", "1"]} for name in "abcd"]
    told = {"format": "privgan.schema/1", "dataset": "four", "unit": "row", "columns": columns}
    (tmp_path / "four.yaml").write_text(json.dumps(told))
    schema = load_schema(tmp_path / "four.yaml")
    found = score_tables(schema, _four(True), _four(True), _four(False), "d")
    assert found["tvd3"] < 0.05
    assert found["tvd4"] > 0.45


def test_quadruples_are_the_same_for_everybody() -> None:
    assert quadruples((2,) * 3) == []
    assert len(quadruples((2,) * 5)) == 5
    many = quadruples((2,) * 200)
    assert many == quadruples((9,) * 200)
    assert len(set(many)) == 60
    assert all(list(one) == sorted(set(one)) and len(one) == 4 for one in many)


def test_the_scorers_are_held_against_each_other(
    table: Prepared, folder: Path, tmp_path: Path
) -> None:
    scorer = tmp_path / "scorer.py"
    scorer.write_text(SCORER)
    (folder / "shift").write_text("0.001")
    own = score_cell(folder, table, scorer)
    assert own is not None
    assert disagreements(own, external_of(folder)) == ()
    assert (
        score_cell(folder, table, scorer) == own
    )  # The external scorer would fail without its file: it is not asked again.
    told = disagreements(own, external_of(folder) | {"tvd3": own["tvd3"] + 0.2})
    assert told == (f"tvd3 {own['tvd3']:.4f} against {own['tvd3'] + 0.2:.4f}",)


def test_a_scorer_that_fails_is_told(table: Prepared, folder: Path, tmp_path: Path) -> None:
    scorer = tmp_path / "scorer.py"
    scorer.write_text("raise SystemExit('no such column')")
    with pytest.raises(UsageError, match=r"scorer\.py: exit code 1 .*no such column"):
        score_cell(folder, table, scorer)


def test_a_cell_without_a_table_has_no_figures(table: Prepared, folder: Path) -> None:
    (folder / RESULT).write_text(json.dumps({"status": "no result in 60 minutes"}))
    assert score_cell(folder, table, None) is None


def test_peers_are_told_the_schemas_facts(table: Prepared) -> None:
    age, tier, bought = public_columns(table.schema)
    assert (age["lower"], age["upper"], age["decimals"], age["missing"]) == (18, 90, 0, False)
    assert (tier["categories"], tier["missing"]) == (["low", "high"], True)
    assert bought["categories"] == ["no", "yes"]


def test_every_table_has_a_schema_that_every_peer_can_be_told() -> None:
    for name in SOURCES:
        schema = Prepared(
            source=SOURCES[name], train=Path(), test=Path(), schema_file=SCHEMAS / f"{name}.yaml"
        ).schema
        assert SOURCES[name].target in {column["name"] for column in public_columns(schema)}


@pytest.fixture
def publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, pd.DataFrame], Callable[[], Prepared]]:
    """Puts a table of the benchmark's into a data folder, and tells how it is prepared."""
    monkeypatch.setitem(
        SOURCES, "tiny", Source(name="tiny", file="tiny.csv", sep=";", target="bought")
    )
    monkeypatch.setattr("tests.benchmarks.tables.SCHEMAS", tmp_path)

    def put(schema: str, rows: pd.DataFrame) -> Callable[[], Prepared]:
        (tmp_path / "tiny.yaml").write_text(schema)
        rows.to_csv(tmp_path / "tiny.csv", sep=";", index=False)
        return lambda: prepare("tiny", tmp_path, tmp_path / "work")

    return put


def test_rows_are_split_once_and_for_all(
    publish: Callable[..., Callable[[], Prepared]], tmp_path: Path
) -> None:
    prepared = publish(SCHEMA, _rows(5))
    found = prepared()
    assert (len(pd.read_csv(found.train)), len(pd.read_csv(found.test))) == (320, 80)
    assert found.schema == load_schema(tmp_path / "tiny.yaml")
    (tmp_path / "tiny.csv").unlink()
    assert (prepared().rows, prepared().published) == (320, 400)
    with pytest.raises(UsageError, match="table is 'huge'; allowed: adult"):
        prepare("huge", tmp_path, tmp_path)


def test_somebodys_own_table_needs_a_schema_that_names_the_target(tmp_path: Path) -> None:
    _rows(5).assign(day="2024-01-02").to_csv(tmp_path / "own.csv", index=False)
    schema = f"{SCHEMA}  - {{name: day, kind: date, lower: 2024-01-01, upper: 2024-12-31}}\n"
    (tmp_path / "own.yaml").write_text(schema)
    with pytest.raises(UsageError, match="names no target; add"):
        prepare("own", tmp_path, tmp_path / "work")
    (tmp_path / "own.yaml").write_text(schema.replace('[""]', '["", low]') + "target: bought\n")
    found = prepare("own", tmp_path, tmp_path / "work")
    assert set(pd.read_csv(found.train, keep_default_na=False)["tier"]) == {"", "high"}
    assert (found.source.target, found.rows) == ("bought", 320)
    assert [column["name"] for column in public_columns(found.schema)] == ["age", "tier", "bought"]


def test_identifiers_are_left_out_where_a_customer_has_one_row(
    publish: Callable[..., Callable[[], Prepared]],
) -> None:
    found = publish(IDENTIFIED, _rows(6).assign(id=range(400)))()
    assert found.schema.unit.column is None
    assert (
        list(pd.read_csv(found.train).columns)
        == list(found.schema.names)
        == ["age", "tier", "bought"]
    )
    assert len(found.frames()[0]) == 320


def test_customers_with_several_rows_are_refused(
    publish: Callable[..., Callable[[], Prepared]],
) -> None:
    several = IDENTIFIED.replace("max_rows_per_unit: 1", "max_rows_per_unit: 3")
    with pytest.raises(
        UsageError, match="max_rows_per_unit is 3; the peers protect single rows only"
    ):
        publish(several, _rows(6).assign(id=range(400)))()
