"""From a table to a candidate by init, review --accept-all, check and fit alone.

And a run's first lines.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.pipeline.preflight import terms
from privgan.table.schema_file import load_schema, parse_schema
from privgan.table.violations import broken_constraints
from tests.drafting.reviewed import shop, unrelated, visits

Capture = pytest.CaptureFixture[str]


def people(rows: int = 600) -> pd.DataFrame:
    """People with personal data, names of columns that need quotes, and words for missing."""
    rng = np.random.default_rng(8)
    away = rng.random(rows) < 0.3
    return pd.DataFrame(
        {
            "id": [f"P{serial:05d}" for serial in range(rows)],
            "full name": [f"Ada {serial} Li" for serial in range(rows)],
            "e-mail": [f"ada{serial}@example.org" for serial in range(rows)],
            "years, whole": rng.integers(18, 90, rows).astype(str),
            "moved out": np.where(away, "NA", rng.integers(1, 500, rows).astype(str)),
            "new address known": np.where(away, "NA", rng.choice(["true", "false"], rows)),
            "married": rng.choice(["TRUE", "FALSE"], rows),
        }
    )


def sensors(rows: int = 600) -> pd.DataFrame:
    """Numbers alone, one never above another, with a value of its own."""
    rng = np.random.default_rng(9)
    low = rng.normal(20, 8, rows).round(1)
    return pd.DataFrame(
        {"low": low, "high": (low + rng.gamma(2, 3, rows)).round(1), "count": rng.poisson(90, rows)}
    ).astype(str)


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "shop": shop,
    "visits": visits,
    "unrelated": unrelated,
    "people": people,
    "sensors": sensors,
}


def reviewed(folder: Path, frame: pd.DataFrame) -> tuple[str, str]:
    """A table and its reviewed schema, as paths."""
    table, schema = str(folder / "t.csv"), str(folder / "s.yaml")
    frame.to_csv(table, index=False)
    assert execute(["schema", "init", table, "--out", schema]) == 0
    assert execute(["schema", "review", table, "--schema", schema, "--accept-all"]) == 0
    return table, schema


@pytest.mark.parametrize("name", TABLES)
def test_a_reviewed_draft_fits_its_table(tmp_path: Path, name: str, capsys: Capture) -> None:
    table, schema = reviewed(tmp_path, TABLES[name]())
    assert execute(["schema", "check", table, "--schema", schema]) == 0
    assert "the table fits the schema" in capsys.readouterr().out
    assert (
        broken_constraints(
            pd.read_csv(table, dtype=str, keep_default_na=False), load_schema(schema)
        )
        == ()
    )
    assert execute(["plan", "--schema", schema, "--epsilon", "3", "--public-rows", "600"]) == 0


@pytest.mark.parametrize(
    "name",
    [name if name == "people" else pytest.param(name, marks=pytest.mark.slow) for name in TABLES],
)
def test_a_reviewed_draft_is_fitted_and_every_synthetic_row_keeps_its_constraints(
    tmp_path: Path, ledger_path: Path, name: str, capsys: Capture
) -> None:
    table, schema = reviewed(tmp_path, TABLES[name]())
    out = tmp_path / "out"
    arguments = [
        table,
        "--schema",
        schema,
        "--epsilon",
        "3",
        "--effort",
        "quick",
        "--public-rows",
        "600",
        "--out",
        str(out),
    ]
    assert execute(["fit", *arguments]) == 0
    first = [
        line.partition("] ")[2]
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("[")
    ]
    assert first[1].startswith("about ")
    assert [line.partition(":")[0] for line in first[2:5]] == [
        "protected",
        "target",
        "assumed public",
    ]
    made = pd.read_csv(out / "synthetic.csv", dtype=str, keep_default_na=False)
    assert broken_constraints(made, load_schema(schema)) == ()


SCHEMA = """format: privgan.schema/1
dataset: d
unit: who
max_rows_per_unit: 4
target: left
columns:
  - {name: who, kind: identifier, role: identifier}
  - {name: age, kind: integer, lower: 0, upper: 120,
     source: {lower: assumed_public, upper: assumed_public}}
  - {name: left, kind: boolean}
"""


def test_the_terms_name_unit_target_and_what_is_assumed_public() -> None:
    assert terms(parse_schema(SCHEMA)) == (
        "protected: one who with its rows (at most 4)",
        "target: left",
        "assumed public: 2 facts, every ε is conditional on them: age.lower, age.upper",
    )


def test_the_terms_say_where_nothing_is_named_or_assumed() -> None:
    plain = SCHEMA.replace("target: left\n", "").replace(
        ",\n     source: {lower: assumed_public, upper: assumed_public}", ""
    )
    assert terms(parse_schema(plain))[1:] == (
        "target: left, by the fixed rule; the schema names none",
        "assumed public: no fact; what the schema declares is taken as publicly known",
    )
    moments = "  - {name: at, kind: date, lower: 2020-01-01, upper: 2020-12-31}\n"
    assert (
        terms(parse_schema(plain[: plain.index("  - {name: age")] + moments))[1]
        == "target: none, no column can be predicted"
    )


def test_the_terms_cut_a_long_list_of_facts() -> None:
    columns = "".join(
        f"  - {{name: c{n}, kind: boolean, source: assumed_public}}\n" for n in range(9)
    )
    told = terms(
        parse_schema(f"format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n{columns}")
    )[2]
    assert told.startswith("assumed public: 36 facts")
    assert told.endswith(" and 24 more")


def test_a_run_says_its_terms_before_all_else(
    tmp_path: Path, ledger_path: Path, capsys: Capture
) -> None:
    table, schema = reviewed(tmp_path, visits())
    capsys.readouterr()
    arguments = [
        table,
        "--schema",
        schema,
        "--policy",
        "internal-analytics",
        "--epsilon",
        "90",
        "--out",
        str(tmp_path / "out"),
    ]
    assert execute(["run", *arguments]) == 1  # Such an ε never passes: nothing is looked at.
    begun, expected, *first = capsys.readouterr().err.splitlines()
    assert "reading the schema" in begun
    assert "more follows once the row count is measured with noise" in expected
    assert first[0].endswith("protected: one customer_id with its rows (at most 5)")
    assert "target: device" in first[1]
    assert "assumed public: no fact" in first[2]
