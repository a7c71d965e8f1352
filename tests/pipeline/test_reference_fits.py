"""Reference models of a real fit: private ones pass, and nothing is charged.

Customers with several rows are told why not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.audit.attacks.reference_model import Game
from privgan.demo import simulate_customers
from privgan.ledger.ledger import PrivacyLedger
from privgan.metric import Status
from privgan.owner.owners_table import OwnersTable, TableAsRead
from privgan.pipeline.judging import audit_candidate
from privgan.pipeline.reference_fits import audit_by_reference_fits, small_fit
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.privacy.budget import PrivacyBudget
from privgan.sources import SourceOptions
from privgan.table.conform import conform
from privgan.table.schema_file import load_schema, parse_schema

BUDGET = PrivacyBudget(epsilon=2)
SCHEMA = parse_schema("""format: privgan.schema/1
dataset: reference-fits
unit: row
columns:
  - {name: region, kind: categorical, categories: [north, south, west]}
  - {name: age, kind: integer, lower: 18, upper: 90}
  - {name: left, kind: boolean, labels: ["no", "yes"]}
""")


def _table(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    regions, left = rng.choice(["north", "south", "west"], rows), rng.choice(["no", "yes"], rows)
    return conform(
        pd.DataFrame({"region": regions, "age": rng.integers(18, 91, rows), "left": left}), SCHEMA
    )


def test_a_small_fit_gives_as_many_rows_of_the_schema(tiny_effort: None) -> None:
    frame = _table(600)
    before = frame.copy()
    made = small_fit(SCHEMA, BUDGET)(frame, 3)
    assert len(conform(made, SCHEMA)) == 600
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.slow
def test_private_fits_stay_below_the_ceiling(tiny_effort: None) -> None:
    """Fits on 590 other rows hardly move with ten.

    A lower end above the ceiling (.88) has a probability far below 1e-4.
    """
    rows = OwnersTable(_table(600), SCHEMA).real_rows(np.zeros(600, dtype=bool))
    area, bound = audit_by_reference_fits(rows, BUDGET, Game(runs=4, records=10, rows=590))
    assert (area.status, area.n, bound.n) == (Status.OK, 20, 20)
    assert area.low is not None
    assert area.ceiling is not None
    assert area.low < area.ceiling


@pytest.mark.slow
def test_an_audit_with_reference_fits_charges_nothing_and_decides_as_without(
    tmp_path: Path, tiny_effort: None
) -> None:
    simulate_customers(2_100, seed=1)[["gender", "age", "churned"]].to_csv(
        tmp_path / "table.csv", index=False
    )
    (tmp_path / "schema.yaml").write_text(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n"
        "  - {name: gender, kind: categorical, categories: [female, male, diverse]}\n"
        "  - {name: age, kind: integer, lower: 18, upper: 89}\n  - {name: churned, kind: boolean}\n"
    )
    request = RunRequest(
        table=tmp_path / "table.csv",
        schema=tmp_path / "schema.yaml",
        budget=BUDGET,
        public_rows=2_100,
        effort="quick",
    )
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    candidate = fit_table(request, ledger, tmp_path / "candidate")
    table = TableAsRead.read(tmp_path / "table.csv", SourceOptions()).conforming(
        load_schema(candidate.schema)
    )
    plain, spent = audit_candidate(candidate, table, ledger), ledger.account("d").epsilon
    report = audit_candidate(candidate, table, ledger, reference_fits=4)
    more = {metric.name for metric in report.metrics} - {metric.name for metric in plain.metrics}
    assert more == {"attack.reference_model.auc", "attack.reference_model.epsilon_lower_bound"}
    assert report.verdict == plain.verdict
    assert ledger.account("d").epsilon == spent
    written = candidate.audit()
    assert written is not None
    assert more <= {metric["name"] for metric in written["metrics"]}
