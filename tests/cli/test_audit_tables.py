"""``privgan audit --real --holdout --synthetic`` on tables as other tools write them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute

ROWS = 240
SCHEMA = """\
format: privgan.schema/1
dataset: foreign
unit: row
columns:
  - {name: customer_id, kind: identifier, role: identifier, pattern: "C{:06d}"}
  - {name: age, kind: integer, lower: 18, upper: 99}
  - {name: visits, kind: ordinal, categories: ["0", "1", "2", "3"]}
  - {name: tier, kind: categorical, categories: [basic, silver, gold], missing: true}
  - {name: active, kind: boolean}
"""


def rows(seed: int, count: int = ROWS) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 99, count)
    return pd.DataFrame(
        {
            "customer_id": [f"C{1000 * seed + serial:06d}" for serial in range(count)],
            "age": age,
            "visits": generator.integers(0, 4, count),
            "tier": generator.choice(["basic", "silver", "gold", None], count),
            "active": generator.random(count) < age / 100,
        }
    )


@pytest.fixture
def audit(tmp_path, capsys):
    """Writes the synthetic rows, runs the command and gives the code and what was printed."""
    rows(1).to_csv(tmp_path / "real.csv", index=False)
    rows(2).to_csv(tmp_path / "holdout.csv", index=False)
    (tmp_path / "schema.yaml").write_text(SCHEMA, encoding="utf-8")

    def run(synthetic: pd.DataFrame, *more: str, schema: bool = True):
        synthetic.to_csv(tmp_path / "synthetic.csv", index=False)
        files = [
            part
            for name in ("real", "holdout", "synthetic")
            for part in (f"--{name}", str(tmp_path / f"{name}.csv"))
        ]
        given = ["--schema", str(tmp_path / "schema.yaml")] if schema else []
        code = execute(["audit", *files, *given, "--quiet", "--json", *more])
        return code, *capsys.readouterr()

    return run


def figures(text: str) -> dict[str, dict]:
    return {metric["name"]: metric for metric in json.loads(text)["metrics"]}


def foreign() -> pd.DataFrame:
    """A table as tools that work with floats write it.

    Another order of columns, no identifier, whole numbers as floats.
    """
    table = rows(3)[["active", "tier", "visits", "age"]]
    return table.astype({"visits": float, "age": float})


@pytest.mark.slow
def test_another_tools_table_with_and_without_a_schema(audit):
    code, out, err = audit(foreign(), "--epsilon", "1")
    assert (code, err) == (3, "")
    with_schema = figures(out)
    assert with_schema["fidelity.constraint_violations"]["value"] == 0.0
    assert with_schema["fidelity.tvd1"]["value"] < 0.1
    # The same table in privgan's own spelling gives the same report, but for what was read
    # otherwise.
    own = json.loads(audit(rows(3), "--epsilon", "1")[1])
    assert own["legibility"].pop("normalised") == []
    report = json.loads(out)
    told = [(item["column"], item["values"]) for item in report["legibility"].pop("normalised")]
    assert told == [("visits", ROWS)]
    assert own == report
    code, out, err = audit(foreign(), schema=False)
    assert (code, err) == (3, "")
    drafted = figures(out)
    assert drafted["fidelity.tvd1"]["value"] == pytest.approx(
        with_schema["fidelity.tvd1"]["value"], abs=0.02
    )
    assert {name for name, metric in drafted.items() if metric["status"] == "OK"} >= {
        "utility.gap",
        "attack.copies.excess",
    }


def test_extra_and_lacking_columns_name_the_table(audit):
    code, out, err = audit(foreign().assign(score=1))
    assert (code, out) == (2, "")
    assert "--synthetic" in err
    assert "'score': is in the table but not in the schema" in err
    assert "drafted from --real and --holdout" not in err
    code, _, err = audit(foreign().drop(columns="tier"))
    assert code == 2
    assert "--synthetic" in err
    assert "'tier': is in the schema but not in the table" in err
    # Most columns lacking: the file was read wrongly.
    code, _, err = audit(foreign()[["tier"]], schema=False)
    assert code == 2
    assert "drafted from --real and --holdout" in err
    assert "is --sep right?" in err


def test_without_a_schema_columns_of_one_table_alone_are_left_out_and_nothing_is_cleared(audit):
    code, out, _ = audit(
        foreign().assign(score=1).drop(columns="tier"), "--epsilon", "1", schema=False
    )
    assert code == 3
    reason = json.loads(out)["reason"]
    assert "column 'tier' left out: the synthetic table lacks it" in reason
    assert "column 'score' left out: only the synthetic table has it" in reason


def test_values_outside_the_schema_are_refused_or_mapped_and_counted(audit):
    table = foreign()
    table.loc[:23, "tier"] = "platinum"
    code, _, err = audit(table)
    assert code == 2
    assert "--synthetic" in err
    assert "none of the 3 categories in 24 rows" in err
    assert "--on-violation clamp" in err
    assert "platinum" not in err
    code, out, _ = audit(table, "--on-violation", "clamp")
    assert code == 3
    assert figures(out)["fidelity.constraint_violations"]["value"] == pytest.approx(0.1)
    assert figures(out)["fidelity.constraint_violations"]["baseline"] == 0.0


@pytest.mark.slow
def test_a_copy_of_the_training_table_is_refuted(audit):
    code, out, _ = audit(rows(1), "--epsilon", "1", "--delta", "1e-5", "--fair-coins")
    assert code == 1
    assert json.loads(out)["verdict"] == "REFUTED"


@pytest.mark.slow
def test_customers_with_several_rows_are_known_by_the_unit(audit, tmp_path):
    text = SCHEMA.replace("unit: row", "unit: customer_id\nmax_rows_per_unit: 3")
    (tmp_path / "schema.yaml").write_text(text, encoding="utf-8")
    code, out, _ = audit(foreign(), "--epsilon", "1", "--fair-coins")
    assert code in (0, 3)
    assert figures(out)["attack.membership.auc"]["status"] == "OK"


def test_a_hold_out_with_other_columns_is_told_without_a_schema(audit, tmp_path):
    rows(2).drop(columns="age").to_csv(tmp_path / "holdout.csv", index=False)
    code, _, err = audit(foreign(), schema=False)
    assert code == 2
    assert "--holdout: its columns differ from those of --real: missing ['age']" in err


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(audit, tmp_path):
    """Another process has another hash seed, and orders sets in another way."""
    audit(foreign())
    files = [
        part
        for name in ("real", "holdout", "synthetic")
        for part in (f"--{name}", str(tmp_path / f"{name}.csv"))
    ]
    command = [
        sys.executable,
        "-m",
        "privgan",
        "audit",
        *files,
        "--json",
        "--quiet",
        "--epsilon",
        "1",
        "--fair-coins",
    ]
    seeded = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2")]
    runs = [subprocess.run(command, capture_output=True, check=False, env=env) for env in seeded]
    assert json.loads(runs[0].stdout)["metrics"]
    assert runs[0].stdout == runs[1].stdout
