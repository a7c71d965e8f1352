"""Columns may have any name, those included that Python or pandas keep for themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.policy.policy_file import shipped_policies

NAMES = (
    "self",
    "index",
    "name",
    "columns",
    "values",
    "count",
    "None",
    "0",
    "class",
    "level_0",
    "T",
    "value",
    "row",
    "target",
    "row_id",
)
ROWS = 1_000


@pytest.mark.slow
def test_a_run_takes_columns_with_the_names_that_python_and_pandas_keep(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = [
        (
            rng.normal(50, 9, ROWS).round(1)
            if i % 3 == 0
            else rng.choice(["=a", "b", "c"] if i % 3 == 1 else ["True", "False"], ROWS)
        )
        for i in range(len(NAMES))
    ]
    table, schema, out = tmp_path / "table.csv", tmp_path / "schema.yaml", tmp_path / "out"
    pd.DataFrame(dict(zip(NAMES, columns, strict=True))).to_csv(table, index=False)
    assert execute(["schema", "init", str(table), "--dataset", "names", "--out", str(schema)]) == 0
    schema.write_text(schema.read_text().replace("confirm", "declared"))
    ledger, policy = ["--ledger", str(tmp_path / "ledger.sqlite")], tmp_path / "policy.yaml"
    # On so few rows the interval of an attack is wide: whether it passes the shipped limit would be
    # a matter of chance.
    shipped = shipped_policies()["internal-analytics"].read_text(encoding="utf-8")
    for was, now in (
        ("name: internal-analytics\n", "name: names\n"),
        ("at_most: 0.4\n", "at_most: 1.0\n"),
    ):
        assert shipped.count(was) == 1
        shipped = shipped.replace(was, now)
    policy.write_text(shipped, encoding="utf-8")
    run = [
        "run",
        str(table),
        "--schema",
        str(schema),
        "--epsilon",
        "3",
        "--public-rows",
        str(ROWS),
        "--effort",
        "quick",
        "--quiet",
    ]
    assert execute([*run, *ledger, "--policy", str(policy), "--out", str(out)]) == 0
    made = pd.read_csv(out / "release" / "synthetic.csv")
    assert tuple(made.columns) == NAMES
    assert len(made) == ROWS
    assert execute(["verify", str(out / "release")]) == 0
