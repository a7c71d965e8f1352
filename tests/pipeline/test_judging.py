"""After the fit: a candidate is judged as it was made, the ledger bears out its claim, and closed means closed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.demo import simulate_customers
from privgan.errors import PolicyFailedError, UsageError
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.facts import accounting_complete
from privgan.pipeline.judging import judge, release_candidate
from privgan.pipeline.note import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.scanning import scan_candidate
from privgan.policy.context import Context
from privgan.policy.document import load_policy
from privgan.policy.policy import Comparison, Policy
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.ledger import PrivacyLedger
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema

SCHEMA = """format: privgan.schema/1
dataset: judged
unit: row
columns:
  - {name: gender, kind: categorical, categories: [female, male, diverse]}
  - {name: churned, kind: boolean}
"""
AUDIT: dict[str, Any] = {
    "format": "privgan.audit/1",
    "verdict": "NOT_REFUTED",
    "metrics": [
        {"name": "attack.membership.advantage", "value": 0.01, "low": 0.0, "high": 0.05},
        {"name": "fidelity.tvd1", "value": 0.01, "low": 0.0, "high": 0.02},
    ],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judging")
    simulate_customers(900, seed=1)[["gender", "churned"]].to_csv(folder / "table.csv", index=False)
    (folder / "schema.yaml").write_text(SCHEMA)
    request = RunRequest(
        table=folder / "table.csv",
        schema=folder / "schema.yaml",
        budget=PrivacyBudget(epsilon=2),
        public_rows=900,
        effort="quick",
    )
    candidate = fit_table(request, PrivacyLedger.open(str(folder / "ledger.sqlite")), folder / "candidate")
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT))
    scan_candidate(candidate, read_table(folder / "table.csv"))
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> tuple[Candidate, PrivacyLedger]:
    """A copy of candidate and ledger, for each test to spoil."""
    shutil.copytree(made, tmp_path / "copy")
    return Candidate.find(tmp_path / "copy" / "candidate"), PrivacyLedger.open(str(tmp_path / "copy" / "ledger.sqlite"))


def _strict(policy: Policy) -> Policy:
    """The same policy with an attack gate that nothing meets."""
    gates = [
        replace(gate, threshold=-1.0) if gate.fact == "attack.membership.advantage.high" else gate
        for gate in policy.gates
        if gate.comparison is not Comparison.PRESENT
    ]
    return replace(policy, name="strict", gates=tuple(gates))


def test_an_untouched_candidate_passes_and_is_released(place: tuple[Candidate, PrivacyLedger], tmp_path: Path) -> None:
    candidate, ledger = place
    assert accounting_complete(candidate.record(), load_schema(candidate.schema), ledger)
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    assert str(verdict.status) == "PASS"
    assert (release_candidate(candidate, verdict, ledger, Context(), tmp_path / "out") / "manifest.json").exists()


@pytest.mark.parametrize("name", ["synthetic.csv", "synthetic.parquet", "schema.yaml", "candidate.json", "model/model.json"])
def test_a_file_changed_after_the_fit_is_refused(place: tuple[Candidate, PrivacyLedger], name: str) -> None:
    candidate, ledger = place
    path = candidate.folder / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UsageError, match="changed after the fit"):
        judge(candidate, load_policy("internal-analytics"), ledger, Context())


@pytest.mark.parametrize(
    "lie",
    [
        lambda record: record["guarantee"].update(epsilon=0.1),
        lambda record: record["guarantee"].update(delta=1e-9),
        lambda record: record["accounting"].pop(),
        lambda record: record["accounting"][0]["event"].update(standard_deviation=1e6),
        lambda record: record.update(run="another"),
    ],
)
def test_a_claim_that_the_ledger_does_not_bear_out_is_incomplete(place: tuple[Candidate, PrivacyLedger], lie: Any) -> None:
    candidate, ledger = place
    record = candidate.record()
    lie(record)
    assert not accounting_complete(record, load_schema(candidate.schema), ledger)


def test_a_closed_candidate_cannot_be_released_by_a_verdict_from_before(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    lax = load_policy("internal-analytics")
    passed = judge(candidate, lax, ledger, Context())
    failed = judge(candidate, _strict(lax), ledger, Context())
    assert str(failed.status) == "FAIL"
    assert judge(candidate, _strict(lax), ledger, Context()) == failed
    with pytest.raises(PolicyFailedError, match="closed"):
        judge(candidate, lax, ledger, Context())
    with pytest.raises(PolicyFailedError, match="closed"):
        release_candidate(candidate, passed, ledger, Context(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_refuted_data_set_releases_nothing(place: tuple[Candidate, PrivacyLedger], tmp_path: Path) -> None:
    candidate, ledger = place
    passed = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    ledger.refute("judged", "some other run")
    with pytest.raises(PolicyFailedError, match="refuted"):
        release_candidate(candidate, passed, ledger, Context(), tmp_path / "out")
    with pytest.raises(PolicyFailedError, match="refuted"):
        judge(candidate, load_policy("internal-analytics"), ledger, Context())


def test_what_leaves_is_the_same_whatever_was_judged_before(place: tuple[Candidate, PrivacyLedger], tmp_path: Path) -> None:
    """No field of the manifest may tell how often an internal gate failed; only the chain's head, which says nothing, differs."""
    candidate, ledger = place
    other = PrivacyLedger.open(str(tmp_path / "copy" / "ledger.sqlite"))
    other.close("another data set", "run", policy="p", evidence="e")
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    release = release_candidate(candidate, verdict, ledger, Context(), tmp_path / "out")
    manifest = json.loads((release / "manifest.json").read_text())
    assert set(manifest["ledger"]) == {"head"}
    assert "attempt" not in json.dumps(manifest)
