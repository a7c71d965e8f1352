"""Simulated tables keep their schemas; each point is measured once and shown."""

import csv
import json
from pathlib import Path

import pytest

from privgan.errors import UsageError
from privgan.table.conform import conform
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from tests.benchmarks.cells import RESULT, Cell, Limits
from tests.benchmarks.speed import report
from tests.benchmarks.speed.critic_step import measure_critic_step
from tests.benchmarks.speed.points import BY_COLUMNS, BY_ROWS, critic_step, fitted, run_points
from tests.benchmarks.speed.simulated import Size, write_table
from tests.benchmarks.tables import public_columns

OK = {
    "status": "ok",
    "fit_processor_seconds": 12.0,
    "sample_processor_seconds": 2.0,
    "rows": 10_000,
    "peak_megabytes": 500.0,
    "seconds": 15.0,
}


def _finish(work: Path, size: Size, result: dict[str, object]) -> None:
    folder = Cell(table=size.name, method="privgan", epsilon=3.0, seed=0).folder(work / "speed")
    folder.mkdir(parents=True)
    (folder / RESULT).write_text(json.dumps(result))


@pytest.mark.parametrize(
    "size",
    [Size(rows=50, columns=5, categories=3), Size(rows=40, columns=2, categories=30)],
    ids=str,
)
def test_a_simulated_table_keeps_to_its_schema(size: Size, tmp_path: Path) -> None:
    table, path = write_table(size, tmp_path)
    schema = load_schema(path)
    assert conform(read_table(table), schema).shape == (size.rows, size.columns)
    assert len(public_columns(schema)) == size.columns
    before = table.read_bytes()
    table.unlink()
    (tmp_path / "schema.yaml").unlink()
    write_table(size, tmp_path)
    assert table.read_bytes() == before


def test_measured_points_are_not_measured_again(tmp_path: Path) -> None:
    _finish(tmp_path, BY_ROWS[0], OK)
    (tmp_path / "speed" / "critic-step.json").write_text('{"ratio": 1.2}')
    said: list[str] = []
    run_points(["critic-step", BY_ROWS[0].name], tmp_path, Limits(), said.append)
    assert said == ["critic-step: {'ratio': 1.2}", f"{BY_ROWS[0].name}: ok (15 s)"]
    with pytest.raises(UsageError, match="point is 'rows-7'; allowed: critic-step, rows-10000"):
        run_points(["rows-7"], tmp_path, Limits(), said.append)


def test_every_finished_point_is_shown(tmp_path: Path) -> None:
    _finish(tmp_path, BY_ROWS[0], OK)
    _finish(tmp_path, BY_COLUMNS[0], OK)
    _finish(tmp_path, BY_ROWS[2], {"status": "no result in 60 minutes", "seconds": 3_600.0})
    points = fitted(tmp_path)
    report.write_csv(tmp_path / "scaling.csv", points)
    rows = list(csv.DictReader((tmp_path / "scaling.csv").open(encoding="utf-8")))
    assert [(row["rows"], row["status"], row["fit_s"]) for row in rows] == [
        ("10000", "ok", "12"),
        ("1000000", "no result in 60 minutes", ""),
        ("20000", "ok", "12"),
    ]
    step = {
        "ratio": 1.62,
        "private_s": 0.0162,
        "plain_s": 0.01,
        "batch": 512,
        "inputs": 300,
        "width": 128,
    }
    report.write_markdown(tmp_path / "scaling.md", points, step)
    text = (tmp_path / "scaling.md").read_text(encoding="utf-8")
    assert "ratio 1.62; target at most 1.5: **missed**" in text
    assert "no result in 60 minutes" in text
    report.draw(tmp_path / "scaling.png", points)
    assert (tmp_path / "scaling.png").stat().st_size > 10_000


def test_either_step_can_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert critic_step(tmp_path, measure=False) is None
    for name in ("WARM", "ROUNDS", "STEPS"):
        monkeypatch.setattr(f"tests.benchmarks.speed.critic_step.{name}", 1)
    found = measure_critic_step()
    assert found["ratio"] > 0
    assert found["private_s"] > 0
