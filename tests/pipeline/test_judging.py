"""After the fit: a candidate is judged as it was made, and a closed one stays closed.

The ledger supports its claim.
"""

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from privgan.demo import simulate_customers
from privgan.errors import PolicyFailedError, UsageError
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.undeclared import undeclared_texts
from privgan.pipeline.candidate import AUDIT_FILE, Candidate
from privgan.pipeline.candidate_record import CandidateRecord
from privgan.pipeline.judging import accounting_complete, judge
from privgan.pipeline.releasing import ReleaseTerms, release_candidate
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.pipeline.scanning import leak_patterns_of, scan_candidate
from privgan.policy.context import Context
from privgan.policy.policy import Comparison, Policy, Waiver
from privgan.policy.policy_file import load_policy
from privgan.privacy.budget import PrivacyBudget
from privgan.release.verification.verify import verify_release
from privgan.table.files import read_table
from privgan.table.schema_file import load_schema
from tests.policy.sound import columns, gate, make_policy, write_policy

TERMS = ReleaseTerms(Context())

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
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    candidate = fit_table(request, ledger, folder / "candidate")
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT))
    leak_patterns = leak_patterns_of(
        undeclared_texts(read_table(folder / "table.csv"), load_schema(folder / "schema.yaml"))
    )
    scan_candidate(candidate, leak_patterns, ledger)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> tuple[Candidate, PrivacyLedger]:
    """A copy of candidate and ledger, for each test to spoil."""
    shutil.copytree(made, tmp_path / "copy")
    return Candidate.find(tmp_path / "copy" / "candidate"), PrivacyLedger.open(
        str(tmp_path / "copy" / "ledger.sqlite")
    )


ATTACK = "attack.membership.advantage.high"
WORD = "we accept the risk of a small table"


def _waived(policy: Policy, fact: str = ATTACK) -> Policy:
    """The policy with a gate that a person waived."""
    return replace(
        policy, waivers=(Waiver(fact=fact, who="A. Officer", why=WORD, until=dt.date(2099, 1, 1)),)
    )


def _strict(policy: Policy) -> Policy:
    """The same policy with an attack gate that nothing meets."""
    gates = [
        replace(gate, threshold=-1.0) if gate.fact == "attack.membership.advantage.high" else gate
        for gate in policy.gates
        if gate.comparison is not Comparison.PRESENT
    ]
    return replace(policy, name="strict", gates=tuple(gates))


def test_an_untouched_candidate_passes_and_is_released(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    assert accounting_complete(candidate.record(), ledger.history("judged"))
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    assert str(verdict.status) == "PASS"
    assert (
        release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out") / "manifest.json"
    ).exists()


@pytest.mark.parametrize(
    "name",
    ["synthetic.csv", "synthetic.parquet", "schema.yaml", "candidate.json", "model/model.json"],
)
def test_a_file_changed_after_the_fit_is_refused(
    place: tuple[Candidate, PrivacyLedger], name: str
) -> None:
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
def test_a_claim_that_the_ledger_does_not_bear_out_is_incomplete(
    place: tuple[Candidate, PrivacyLedger], lie: Any
) -> None:
    candidate, ledger = place
    said = candidate.record().to_json()
    lie(said)
    record = CandidateRecord.from_json(said)
    assert not accounting_complete(record, ledger.history("judged"))


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
        release_candidate(candidate, passed, ledger, TERMS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_release_states_what_is_spent_when_it_is_recorded(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, ledger = place
    policy = make_policy(tmp_path, gate("ledger.total_epsilon", "at_most: 5"))
    judged = judge(candidate, policy, ledger, Context())
    free, check = judge(candidate, _public(tmp_path), ledger, Context()), ledger.check_releasable

    def spent_meanwhile(dataset: str, run: str) -> None:
        check(dataset, run)
        with ledger.run(dataset, PrivacyBudget(epsilon=4), secret=True):
            pass

    monkeypatch.setattr(ledger, "check_releasable", spent_meanwhile)
    for verdict in (free, judged):  # Found when it is recorded, and then before it is made.
        with pytest.raises(PolicyFailedError, match="account changed after the candidate"):
            release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    assert not (tmp_path / "out" / "release").exists()


def _public(folder: Path) -> Policy:
    """A policy that asks nothing of the ledger."""
    return make_policy(folder, gate("guarantee.epsilon", "at_most: 3"))


def test_a_refuted_data_set_releases_nothing(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    passed = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    ledger.refute("judged", "some other run")
    with pytest.raises(PolicyFailedError, match="refuted"):
        release_candidate(candidate, passed, ledger, TERMS, tmp_path / "out")
    with pytest.raises(PolicyFailedError, match="refuted"):
        judge(candidate, load_policy("internal-analytics"), ledger, Context())


def test_what_leaves_is_the_same_whatever_was_judged_before(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    """No field of the manifest may tell how often an internal gate failed.

    Only the chain's head, which says nothing, differs.
    """
    candidate, ledger = place
    other = PrivacyLedger.open(str(tmp_path / "copy" / "ledger.sqlite"))
    other.close("another data set", "run", policy="p", evidence="e")
    verdict = judge(candidate, load_policy("internal-analytics"), ledger, Context())
    release = release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    manifest = json.loads((release / "manifest.json").read_text())
    assert set(manifest["ledger"]) == {"head"}
    assert "attempt" not in json.dumps(manifest)


def test_attempts_are_capped_by_the_policy_and_each_other_way_to_judge_counts(
    place: tuple[Candidate, PrivacyLedger],
) -> None:
    """Another policy, other waivers and other evidence are attempts; a repetition is none."""
    candidate, ledger = place
    lax = replace(load_policy("internal-analytics"), attempts_per_dataset=3)
    for policy in (lax, lax, _waived(lax), replace(lax, version="2")):
        judge(candidate, policy, ledger, Context())
    assert ledger.account("judged").attempts == 3
    with pytest.raises(PolicyFailedError, match="judged 3 times and the policy allows 3"):
        judge(candidate, replace(lax, version="3"), ledger, Context())
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT | {"again": True}))
    with pytest.raises(PolicyFailedError, match="judged 3 times"):
        judge(candidate, lax, ledger, Context())


def test_a_waiver_after_the_fact_opens_no_closed_candidate(
    place: tuple[Candidate, PrivacyLedger],
) -> None:
    candidate, ledger = place
    strict = _strict(load_policy("internal-analytics"))
    assert str(judge(candidate, strict, ledger, Context()).status) == "FAIL"
    with pytest.raises(PolicyFailedError, match="closed"):
        judge(candidate, _waived(strict), ledger, Context())


def test_an_internal_waiver_leaves_no_trace(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    waived = _waived(_strict(load_policy("internal-analytics")))
    verdict = judge(candidate, waived, ledger, Context())
    assert str(verdict.status) == "PASS"
    release = release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    for path in (path for path in release.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for secret in (WORD, "A. Officer", "WAIVED", ATTACK):
            assert secret.encode() not in content, path.name
    manifest = json.loads((release / "manifest.json").read_text())
    assert (manifest["policy"]["internal_checks"], manifest["policy"]["public_checks"]) == (
        "passed",
        "passed",
    )
    assert (
        manifest["policy"]["hash"]
        == manifest["policy"]["own_hash"]
        == replace(waived, waivers=()).fingerprint()
    )


def test_a_public_waiver_is_printed_in_the_manifest(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    policy = load_policy("internal-analytics")
    small = [
        replace(gate, threshold=0.5) if gate.fact == "guarantee.epsilon" else gate
        for gate in policy.gates
    ]
    verdict = judge(
        candidate,
        _waived(replace(policy, name="small", gates=tuple(small)), "guarantee.epsilon"),
        ledger,
        Context(),
    )
    release = release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    told = json.loads((release / "manifest.json").read_text())["policy"]
    [outcome] = [outcome for outcome in told["outcomes"] if outcome["status"] == "WAIVED"]
    assert outcome["fact"] == "guarantee.epsilon"
    assert outcome["waiver"] == {"who": "A. Officer", "why": WORD, "until": "2099-01-01"}
    assert told["public_checks"] == "passed with waivers"


def test_no_policy_lets_a_refuted_candidate_out_even_after_the_data_set_was_cleared(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    policy = load_policy("internal-analytics")
    careless = replace(
        policy,
        name="careless",
        gates=tuple(gate for gate in policy.gates if gate.fact != "audit.verdict"),
    )
    candidate.write_internal(AUDIT_FILE, json.dumps(AUDIT | {"verdict": "REFUTED"}))
    ledger.refute("judged", candidate.record().run)
    ledger.clear("judged", who="A. Officer", why="looked into")
    verdict = judge(candidate, careless, ledger, Context())
    assert str(verdict.status) == "PASS"
    with pytest.raises(PolicyFailedError, match="refuted the guarantee of this candidate"):
        release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_policy_lets_a_claim_out_that_the_ledger_does_not_bear_out(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate, ledger = place
    policy = load_policy("internal-analytics")
    careless = replace(
        policy,
        name="careless",
        gates=tuple(gate for gate in policy.gates if gate.fact != "accounting.complete"),
    )
    verdicts = [judge(candidate, judged, ledger, Context()) for judged in (careless, policy)]
    monkeypatch.setattr("privgan.pipeline.releasing.accounting_complete", lambda *_: False)
    for verdict in verdicts:
        with pytest.raises(PolicyFailedError, match="does not bear out"):
            release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")


def test_facts_of_budget_roles_and_columns_reach_the_gates(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path
) -> None:
    candidate, ledger = place
    rules = (
        ("ledger.budget_set", "equals: true"),
        ("ledger.remaining_epsilon", "at_least: 1"),
        ("schema.quasi_identifiers", "at_most: 0"),
        ("noisy.tvd1", "at_most: 1"),
    )
    gates = [gate(fact, rule) for fact, rule in rules]
    policy = make_policy(
        tmp_path, *gates, more="columns:\n" + columns("kind: categorical", "at_most_values: 2")
    )
    before = {
        outcome.gate.fact: str(outcome.status)
        for outcome in judge(candidate, policy, ledger, Context()).outcomes
    }
    assert (before["ledger.budget_set"], before["ledger.remaining_epsilon"]) == ("FAIL", "MISSING")
    assert before["schema.columns[kind=categorical]"] == "FAIL"
    ledger.set_lifetime("judged", PrivacyBudget(epsilon=5, delta=1e-5))
    after = {
        outcome.gate.fact: outcome.value
        for outcome in judge(candidate, policy, ledger, Context()).outcomes
    }
    assert after["ledger.budget_set"] is True
    assert after["ledger.remaining_epsilon"] == pytest.approx(3)


class TestOnTheCommandLine:
    """``check`` and ``release`` in a pipeline: exit codes, files, and what they hold."""

    def run(
        self, place: tuple[Candidate, PrivacyLedger], command: str, policy: str, *more: object
    ) -> int:
        candidate, ledger = place
        arguments = [
            command,
            str(candidate.folder),
            "--policy",
            policy,
            "--ledger",
            ledger.url,
            *map(str, more),
        ]
        return execute(arguments)

    def failing(self, folder: Path) -> str:
        return write_policy(
            folder,
            gate("guarantee.epsilon", "at_most: 3"),
            gate(ATTACK, "at_most: 0.01", "internal"),
        )

    def test_a_passing_check_writes_both_files_and_ends_with_0(
        self, place: tuple[Candidate, PrivacyLedger], tmp_path: Path
    ) -> None:
        files = tmp_path / "v.xml", tmp_path / "v.sarif"
        assert (
            self.run(place, "check", "internal-analytics", "--junit", files[0], "--sarif", files[1])
            == 0
        )
        for path in files:
            assert "INTERNAL" in path.read_text()
            assert ATTACK in path.read_text()
            assert path.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("command", ["check", "release"])
    def test_a_failed_internal_check_writes_nothing_shareable_and_removes_what_was_there(
        self,
        place: tuple[Candidate, PrivacyLedger],
        tmp_path: Path,
        command: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        files = tmp_path / "v.xml", tmp_path / "v.sarif"
        for path in files:
            path.write_text("an earlier verdict: passed")
        more = ("--out", tmp_path / "out") if command == "release" else ()
        options = ("--junit", files[0], "--sarif", files[1], "--shareable")
        assert self.run(place, command, self.failing(tmp_path), *options, *more) == 1
        assert not any(path.exists() for path in files)
        assert "not written" in capsys.readouterr().err

    def test_a_check_whose_public_gate_fails_tells_all_of_them_and_costs_no_attempt(
        self,
        place: tuple[Candidate, PrivacyLedger],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Nothing internal is judged: the same candidate can be judged by another policy later."""
        rules = (
            gate("guarantee.epsilon", "at_most: 1"),
            gate("guarantee.delta", "at_most: 1"),
            gate(ATTACK, "at_most: 0", "internal"),
        )
        policy, before = write_policy(tmp_path, *rules), place[1].account("judged").attempts
        assert self.run(place, "check", policy, "--junit", tmp_path / "v.xml") == 1
        told = capsys.readouterr()
        assert "no attempt was counted" in told.err
        for text in (told.out, (tmp_path / "v.xml").read_text()):
            assert all(
                fact in text
                for fact in (
                    "guarantee.epsilon is 2; it must be at most 1",
                    "guarantee.delta",
                    ATTACK,
                )
            )
        assert self.run(place, "check", policy, "--json") == 1
        told = json.loads(capsys.readouterr().out)
        assert [outcome["status"] for outcome in told["outcomes"]] == ["FAIL", "PASS", "MISSING"]
        assert self.run(place, "check", policy, "--junit", tmp_path / "v.xml", "--shareable") == 1
        assert not (tmp_path / "v.xml").exists()  # Whether the internal checks pass is not known.
        assert place[1].account("judged").attempts == before
        assert not any(entry.kind == "closed" for entry in place[1].entries("judged"))

    def test_a_check_whose_public_fact_is_missing_costs_no_attempt(
        self, place: tuple[Candidate, PrivacyLedger], tmp_path: Path
    ) -> None:
        policy, before = (
            write_policy(tmp_path, gate("context.reviewer", "present: true")),
            place[1].account("judged").attempts,
        )
        assert self.run(place, "check", policy) == 3
        assert place[1].account("judged").attempts == before

    def test_a_release_writes_what_may_leave(
        self, place: tuple[Candidate, PrivacyLedger], tmp_path: Path
    ) -> None:
        options = ("--out", tmp_path / "out", "--sarif", tmp_path / "v.sarif", "--shareable")
        assert self.run(place, "release", "internal-analytics", *options) == 0
        run = json.loads((tmp_path / "v.sarif").read_text())["runs"][0]
        manifest = json.loads((tmp_path / "out" / "release" / "manifest.json").read_text())
        assert run["properties"]["policyHash"] == manifest["policy"]["hash"]
        assert run["results"] == []

    def test_waivers_on_the_command_line(
        self,
        place: tuple[Candidate, PrivacyLedger],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        waivers = tmp_path / "waivers.yaml"
        entry = f"{{fact: {ATTACK}, who: A. Officer, why: {WORD}, until: %s}}"
        waivers.write_text(
            "format: privgan.waivers/1\npolicy: own\nwaivers:\n  - " + entry % "2020-01-01"
        )
        assert self.run(place, "check", self.failing(tmp_path), "--waivers", waivers) == 1
        told = capsys.readouterr()
        assert (
            f"the waiver of {ATTACK} by A. Officer ended on 2020-01-01 and counts no more"
            in told.err
        )
        assert "FAIL     [internal]" in told.out
        assert "A. Officer" in told.out

    def test_options_that_cannot_be_met_cost_no_attempt(
        self, place: tuple[Candidate, PrivacyLedger], tmp_path: Path
    ) -> None:
        attempts = place[1].account("judged").attempts
        same = tmp_path / "v"
        for options in (
            ("--shareable",),
            ("--junit", tmp_path / "nowhere" / "v.xml"),
            ("--junit", tmp_path),
            ("--junit", same, "--sarif", same),
            ("--waivers", tmp_path / "none.yaml"),
        ):
            assert self.run(place, "check", "internal-analytics", *options) == 2
        assert place[1].account("judged").attempts == attempts

    def test_resume_without_a_policy_judges_nothing(
        self, place: tuple[Candidate, PrivacyLedger], tmp_path: Path
    ) -> None:
        for option in ("--junit", "--waivers"):
            assert (
                execute(
                    [
                        "resume",
                        str(place[0].folder),
                        str(tmp_path / "t.csv"),
                        option,
                        str(tmp_path / "v"),
                    ]
                )
                == 2
            )

    def test_explanations_in_chinese(
        self, place: tuple[Candidate, PrivacyLedger], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(place, "check", "partner-share", "--lang", "zh") == 1
        told = capsys.readouterr().out
        assert (
            "context.recipient：未知；要求：必须提供。发布包必须写明由谁接收。在上下文文件中填写"
            " recipient（接收方）。" in told
        )


@pytest.mark.slow
@pytest.mark.parametrize("fact", [ATTACK, "guarantee.epsilon"])
def test_a_release_under_a_shipped_policy_with_a_waiver_verifies(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path, fact: str
) -> None:
    """A public waiver changes the hash, an internal one nothing.

    The own hash tells that the policy is the shipped one.
    """
    candidate, ledger = place
    waived = _waived(load_policy("internal-analytics"), fact)
    verdict = judge(candidate, waived, ledger, Context())
    release = release_candidate(candidate, verdict, ledger, TERMS, tmp_path / "out")
    for policy in (None, load_policy("internal-analytics"), waived):
        found = verify_release(release, policy=policy)
        assert found.ok, found.problems
    manifest = json.loads((release / "manifest.json").read_text())["policy"]
    assert manifest["own_hash"] == load_policy("internal-analytics").fingerprint()
    assert (manifest["hash"] == manifest["own_hash"]) is (fact == ATTACK)


def test_a_release_whose_public_gates_fail_costs_no_attempt(
    place: tuple[Candidate, PrivacyLedger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    candidate, ledger = place
    before = ledger.account("judged").attempts
    for policy, code, reason in (
        ("partner-share", 1, "context.recipient"),
        ("public-release", 1, "ledger.initialised"),
    ):
        arguments = (
            "release",
            candidate.folder,
            "--policy",
            policy,
            "--ledger",
            ledger.url,
            "--out",
            tmp_path / "out",
        )
        assert execute([str(part) for part in arguments]) == code
        told = capsys.readouterr().err
        assert reason in told
        assert "no attempt was counted" in told
    assert ledger.account("judged").attempts == before
    assert not (tmp_path / "out").exists()
