"""A run that ends with a network: written, attacked, judged, released, verified and sampled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.demo import simulate_customers
from privgan.files.fields import NETWORK_MODEL, fields_of
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import TableAsRead
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline import run
from privgan.pipeline.candidate import AUDIT_FILE
from privgan.pipeline.fitting import Fitted
from privgan.pipeline.judging import judge
from privgan.pipeline.read_candidate import ReadCandidate
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.pipeline.white_box import white_box_scores
from privgan.pipeline.writing import write_candidate
from privgan.policy.context import Context
from privgan.policy.policy_file import load_policy
from privgan.privacy.budget import PrivacyBudget
from privgan.release.verification.verify import verify_release
from privgan.sources import SourceOptions
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from privgan.table.violations import broken_constraints
from tests.constrained import random_network
from tests.pipeline.test_judging import AUDIT

SCHEMA = """format: privgan.schema/1
dataset: judged
unit: row
columns:
  - {name: gender, kind: categorical, categories: [female, male, diverse]}
  - {name: churned, kind: boolean}
  - {name: nps, kind: integer, lower: 0, upper: 10}
constraints:
  - {when: "gender = diverse", then: "nps >= 3"}
"""


@pytest.fixture
def network_at_the_end(
    monkeypatch: pytest.MonkeyPatch, tiny_effort: None, small_pools: None
) -> None:
    """Every fit ends with a network of the plan's width, strong enough to need the constraints."""

    def ended(candidate: object, fitted: Fitted, *args: object, **named: object) -> ReadCandidate:
        assert fitted.plan.network is not None
        width = fitted.plan.network.width
        network = random_network(fitted.encoder.sizes, strength=0.3, width=width)
        return write_candidate(candidate, replace(fitted, network=network), *args, **named)

    monkeypatch.setattr(run, "write_candidate", ended)


def test_a_network_goes_all_the_way(
    network_at_the_end: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    table = simulate_customers(900, seed=1)[["gender", "churned"]].assign(
        nps=rng.integers(3, 11, 900)
    )
    table.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "schema.yaml").write_text(SCHEMA)
    request = RunRequest(
        table=tmp_path / "table.csv",
        schema=tmp_path / "schema.yaml",
        budget=PrivacyBudget(epsilon=2),
        public_rows=900,
        effort="quick",
        generator="network",
    )
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    candidate, schema = (
        fit_table(request, ledger, tmp_path / "candidate"),
        load_schema(tmp_path / "schema.yaml"),
    )
    facts = json.loads((candidate.model / "model.json").read_text())
    assert (facts["format"], facts["generator"]) == ("privgan.model/2", "network")
    assert broken_constraints(pd.read_parquet(candidate.parquet), schema) == ()

    read = TableAsRead.read(request.table, SourceOptions()).conforming(schema)
    first = np.arange(read.row_count()) < 50
    found = white_box_scores(candidate, read.real_rows(first), np.zeros((~first).sum(), dtype=bool))
    assert found.keys() == {"likelihood"}
    assert np.isfinite(found["likelihood"]).all()
    assert len(found["likelihood"]) == 50

    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT))
    texts = undeclared_texts(read_table(tmp_path / "table.csv"), schema)
    scan_candidate(candidate, leak_patterns_of(texts), ledger)
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    assert str(verdict.status) == "PASS"
    release = release_candidate(
        candidate, verdict, ledger, ReleaseTerms(Context()), tmp_path / "out"
    )
    assert verify_release(release).problems == ()
    stated = fields_of(json.loads((release / "model/model.json").read_text()), NETWORK_MODEL)
    used = dict(stated)
    assert None not in used.values()
    assert {"generator", "width"} <= used.keys()
    out = tmp_path / "few.csv"
    asked = ["--rows", "200", "--where", "gender = diverse and nps <= 4", "--out", str(out)]
    assert execute(["sample", str(release), *asked]) == 0
    rows = pd.read_csv(out)
    assert len(rows) == 200
    assert set(rows["gender"]) == {"diverse"}
    assert set(rows["nps"]) == {3, 4}
    assert "note" not in capsys.readouterr().err
