"""The study of uses: what is planted, what is asked for, and how the page tells it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from privgan.table.schema_file import load_schema, parse_schema
from tests.benchmarks.cells import Cell
from tests.benchmarks.tables import SCHEMAS
from tests.benchmarks.uses.planted import NAME, with_letters, write_planted
from tests.benchmarks.uses.report import TARGETS, write_markdown
from tests.benchmarks.uses.study import DECLARED, PLAIN, Measured

ROWS = pd.DataFrame(
    {
        "age": [str(age) for age in (20, 30, 50, 70) * 500],
        "job": ["student", "services", "services", "retired"] * 500,
        "y": ["no"] * 2_000,
    }
)


def test_letters_change_the_young_and_the_retired_and_nobody_else() -> None:
    found = with_letters(ROWS)
    brought = (found["y"] == "yes").groupby([found["age"], found["mailed"]]).mean()
    assert brought["50"].eq(0).all()
    for age in ("20", "30", "70"):
        assert brought[age, "no"] == 0
        assert 0.15 < brought[age, "yes"] < 0.35


def test_the_planted_table_comes_with_its_schema(tmp_path: Path) -> None:
    ROWS.assign(job="services").to_csv(tmp_path / "bank_full.csv", sep=";", index=False)
    write_planted(tmp_path, tmp_path / "planted")
    schema = load_schema(tmp_path / "planted" / f"{NAME}.yaml")
    assert schema.target == "y"
    assert schema.names[-1] == "mailed"
    bank = parse_schema((SCHEMAS / "bank.yaml").read_text(encoding="utf-8"))
    assert schema.names[:-1] == bank.names


def _measured(table: str, method: str, seed: int, kept: float, epsilon: float = 3.0) -> Measured:
    names = [target.name for target in TARGETS if target.table == table]
    cell = Cell(table=table, method=method, epsilon=epsilon, seed=seed)
    figures = {name: {"value": kept, "baseline": 1.0, "details": {}} for name in names}
    return Measured(cell=cell, figures=figures, on_all_rows={"lift": kept})


def test_the_page_tells_medians_and_every_miss(tmp_path: Path) -> None:
    found = [
        *(_measured("bank", DECLARED["bank"], seed, kept) for seed, kept in enumerate((0.98, 0.9))),
        _measured("bank", DECLARED["bank"], 2, 0.965),
        _measured("bank", PLAIN, 0, 0.5),
    ]
    write_markdown(tmp_path / "tasks.md", found)
    text = (tmp_path / "tasks.md").read_text(encoding="utf-8")
    assert "| ≥ 0.97 | 0.965 (0.900 to 0.980) | 0.500 | **missed** |" in text
    assert "| ≥ 0.96 | 0.965 (0.900 to 0.980) | 0.500 | met |" in text
    assert "credit_default" not in text


def test_other_budgets_and_peers_stand_beside(tmp_path: Path) -> None:
    method = DECLARED["bank"]
    aim = Cell(table="bank", method="dpmm-aim", epsilon=3.0, seed=0)
    found = [
        _measured("bank", method, 0, 0.98),
        _measured("bank", method, 0, 0.99, epsilon=10.0),
        _measured("bank", method, 0, 0.5, epsilon=1.0),
        _measured("bank", "dpmm-mst", 0, 0.75),
        Measured(cell=aim, figures={}, status="no result in 15 minutes"),
    ]
    write_markdown(tmp_path / "tasks.md", found)
    text = (tmp_path / "tasks.md").read_text(encoding="utf-8")
    assert "| asked | ε = 1 | ε = 3 | ε = 10 |" in text
    assert "| ≥ 0.97 | 0.500, **missed** | 0.980, met | 0.990, met |" in text
    assert "| 0.980 | – | – | 0.750 | no result in 15 minutes |" in text
    assert "| ≥ 0.97 | 0.980 | – | met |" in text


def test_an_information_value_above_the_real_one_is_missed_too() -> None:
    (target,) = (part for part in TARGETS if part.name.endswith("iv_kept"))
    assert target.holds(1.0)
    assert not target.holds(1.06)
    assert not target.holds(0.94)
