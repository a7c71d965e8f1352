"""A run is judged before anything is paid.

One that can never pass ends at once, with every reason and no charge.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from privgan.demo import write_demo
from privgan.errors import BudgetExceededError, IncompleteError, PolicyFailedError
from privgan.ledger.account import account_of
from privgan.ledger.filter import Filter
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline import run as pipeline
from privgan.pipeline.judging import judge
from privgan.pipeline.preflight import Books, Preflight, preflight
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table, plan_for, schema_of
from privgan.planning.plan import EFFORTS, Effort
from privgan.planning.planner import make_plan
from privgan.policy.context import Context
from privgan.policy.policy import Waiver
from privgan.policy.policy_file import load_policy
from privgan.policy.verdict import VerdictStatus
from privgan.privacy.budget import PrivacyBudget
from privgan.release.verification.released import FIRST_DAYS
from privgan.release.versions import versions
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema
from tests.policy.sound import PACKS, columns, gate, make_policy

SCHEMA = parse_schema("""format: privgan.schema/1
dataset: beforehand
unit: row
columns:
  - {name: tier, kind: categorical, categories: [basic, silver, gold], role: quasi-identifier}
  - {name: spend, kind: float, lower: 0, upper: 500, decimals: 1, source: {lower: assumed_public}}
  - {name: churned, kind: boolean}
""")
OPEN = parse_schema("""format: privgan.schema/1
dataset: beforehand
unit: row
columns:
  - {name: tier, kind: categorical, other: another, source: {categories: measured}}
  - {name: churned, kind: boolean}
""")
BUDGET = PrivacyBudget(epsilon=3)
EMPTY = Books(account=account_of("beforehand", ()))


def judged(
    folder: Path,
    *gates: str,
    books: Books = EMPTY,
    schema: Schema = SCHEMA,
    rows: int | None = 2_000,
    more: str = "",
) -> Preflight:
    policy = make_policy(folder, *gates, more=more)
    plan = make_plan(schema, BUDGET, public_rows=rows)
    return preflight(policy, Context(), schema, plan, books)


@pytest.mark.parametrize(
    ("fact", "rule"),
    [
        ("guarantee.epsilon", "at_most: 2"),
        ("guarantee.delta", "at_most: 1.0e-7"),
        ("guarantee.max_rows_per_unit", "at_least: 2"),
        ("schema.assumed_public_facts", "at_most: 0"),
        ("schema.quasi_identifiers", "at_most: 0"),
        ("synthetic.rows", "at_least: 5000"),
        ("ledger.initialised", "equals: true"),
        ("ledger.budget_set", "equals: true"),
        ("ledger.total_epsilon", "at_most: 2.5"),
        ("ledger.total_delta", "at_most: 1.0e-7"),
    ],
)
def test_a_gate_that_fails_whatever_the_fit_makes_is_told_beforehand(
    tmp_path: Path, fact: str, rule: str
) -> None:
    found = judged(
        tmp_path,
        gate(fact, rule),
        gate("attack.membership.advantage.high", "at_most: 0.3", "internal"),
    )
    assert [outcome.gate.fact for outcome in found.blocking] == [fact]
    assert [rule.fact for rule in found.later] == ["attack.membership.advantage.high"]
    with pytest.raises(PolicyFailedError, match=fact):
        found.check()


def test_all_reasons_are_told_at_once_and_a_missing_fact_alone_is_incomplete(
    tmp_path: Path,
) -> None:
    missing = gate("context.recipient", "present: true")
    found = judged(tmp_path, missing)
    assert found.status is VerdictStatus.INCONCLUSIVE
    with pytest.raises(IncompleteError, match=r"context\.recipient"):
        found.check()
    (tmp_path / "b").mkdir()
    both = judged(tmp_path / "b", missing, gate("guarantee.epsilon", "at_most: 1"))
    with pytest.raises(PolicyFailedError) as error:
        both.check()
    assert "context.recipient" in str(error.value)
    assert "guarantee.epsilon is 3" in str(error.value)


def test_what_only_the_fit_decides_waits_and_is_told(tmp_path: Path) -> None:
    gates = (
        gate("noisy.tvd1", "at_most: 0.1"),
        gate("fidelity.tvd1.high", "at_most: 0.2", "internal"),
    )
    found = judged(tmp_path, *gates, gate("guarantee.epsilon", "at_most: 3"))
    assert found.status is VerdictStatus.PASS
    assert "1 public and 1 internal gates are judged after the fit" in str(found)
    assert {str(outcome.status) for outcome in found.verdict.outcomes} == {"PASS", "MISSING"}
    found.check()


def test_rows_that_are_measured_are_not_known_and_asked_ones_are(tmp_path: Path) -> None:
    many = gate("synthetic.rows", "at_least: 5000")
    assert judged(tmp_path, many, rows=None).status is VerdictStatus.PASS
    plan = make_plan(SCHEMA, BUDGET, public_rows=None)
    policy = make_policy(tmp_path, many)
    assert preflight(policy, Context(), SCHEMA, plan, EMPTY, rows=100).status is VerdictStatus.FAIL
    assert preflight(policy, Context(), SCHEMA, plan, EMPTY, rows=5000).status is VerdictStatus.PASS


def test_columns_that_are_still_to_be_measured_wait_and_others_do_not(tmp_path: Path) -> None:
    few, invented = (
        columns("kind: categorical", "at_most_values: 2"),
        columns("kind: categorical", "invented: true"),
    )
    fixed = gate("guarantee.epsilon", "at_most: 3")
    assert judged(tmp_path, fixed, more="columns:\n" + few).status is VerdictStatus.FAIL
    waits = judged(tmp_path, fixed, more="columns:\n" + few, schema=OPEN)
    assert (waits.status, len(waits.later)) == (VerdictStatus.PASS, 1)
    assert (
        judged(tmp_path, fixed, more="columns:\n" + invented, schema=OPEN).status
        is VerdictStatus.FAIL
    )


def test_attempts_that_are_used_up_a_stop_and_a_spent_budget_block_too(tmp_path: Path) -> None:
    ledger = PrivacyLedger.open(str(tmp_path / "ledger.sqlite"))
    fixed = gate("guarantee.epsilon", "at_most: 3")
    assert (
        judged(tmp_path, fixed, books=Books.of(ledger, "beforehand")).status is VerdictStatus.PASS
    )
    ledger.set_lifetime("beforehand", PrivacyBudget(epsilon=2, delta=1e-5))
    with pytest.raises(BudgetExceededError):
        judged(tmp_path, fixed, books=Books.of(ledger, "beforehand")).check()
    for number in range(3):
        ledger.judge("beforehand", f"run{number}", limit=9, policy=str(number), evidence="e")
    ledger.refute("beforehand", "run0")
    found = judged(tmp_path, fixed, books=Books.of(ledger, "beforehand"))
    assert [type(problem).__name__ for problem in found.problems] == [
        "PolicyFailedError",
        "PolicyFailedError",
        "BudgetExceededError",
    ]
    with pytest.raises(PolicyFailedError, match=r"(?s)refuted.*judged 3 times.*short"):
        found.check()


def test_a_remaining_budget_is_foretold_by_the_filter_of_the_data_set(tmp_path: Path) -> None:
    left = gate("ledger.remaining_epsilon", "at_least: 2")
    for kind in (Filter.SUM, Filter.RDP):
        ledger = PrivacyLedger.open(str(tmp_path / f"{kind}.sqlite"))
        ledger.set_lifetime("beforehand", PrivacyBudget(epsilon=4, delta=1e-5), kind)
        books = Books.of(ledger, "beforehand")
        found = judged(tmp_path, left, books=books)
        after = books.account.after(BUDGET, make_plan(SCHEMA, BUDGET, public_rows=2_000).events)
        assert (found.status is VerdictStatus.FAIL) == (4 - after.lifetime_spent < 2)
        waits = judged(tmp_path, left, books=books, rows=None)
        assert waits.status is (VerdictStatus.FAIL if kind is Filter.SUM else VerdictStatus.PASS)


def test_a_broken_chain_fails_the_accounting_beforehand(tmp_path: Path) -> None:
    books = Books(account=EMPTY.account, whole=False)
    assert (
        judged(tmp_path, gate("accounting.complete", "equals: true"), books=books).status
        is VerdictStatus.FAIL
    )


def test_a_clock_from_before_this_version_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release of such a day would not verify."""
    passing = gate("guarantee.epsilon", "at_most: 9")
    assert judged(tmp_path, passing).status is VerdictStatus.PASS
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    monkeypatch.setitem(FIRST_DAYS, versions()["privgan"], tomorrow)
    found = judged(tmp_path, passing)
    assert found.status is VerdictStatus.FAIL
    assert "set the clock" in found.reasons[-1]


def test_a_waived_gate_blocks_nothing(tmp_path: Path) -> None:
    policy = make_policy(tmp_path, gate("guarantee.epsilon", "at_most: 1"))
    word = Waiver(
        fact="guarantee.epsilon", who="A. Officer", why="a test", until=dt.date(2999, 1, 1)
    )
    plan = make_plan(SCHEMA, BUDGET, public_rows=2_000)
    assert preflight(policy, Context(), SCHEMA, plan, EMPTY).status is VerdictStatus.FAIL
    assert (
        preflight(replace(policy, waivers=(word,)), Context(), SCHEMA, plan, EMPTY).status
        is VerdictStatus.PASS
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A request, what the ledger knew before it, the candidate, and the ledger after."""
    folder = tmp_path_factory.mktemp("foretold")
    table, schema = write_demo(folder, 1_200, 3)
    request = RunRequest(
        table=table, schema=schema, budget=BUDGET, public_rows=1_200, rows=300, effort="quick"
    )
    ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
    dataset = schema_of(request).dataset
    ledger.introduce(dataset)
    ledger.set_lifetime(dataset, PrivacyBudget(epsilon=8, delta=1e-5))
    before = Books.of(ledger, dataset)
    tiny = Effort(
        entries=40, batch=60, network_steps=5, round_steps=1, final_steps=5, critic_steps=5
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("privgan.planning.model_stage.number_of_rounds", lambda _: 1)
        patch.setitem(EFFORTS, "quick", tiny)  # type: ignore[arg-type]
        return request, before, fit_table(request, ledger, folder / "candidate"), ledger


def test_what_is_foretold_is_what_is_judged_after_the_fit(fitted: Any) -> None:
    """Every gate decided beforehand is decided alike after the fit, by every shipped policy."""
    request, before, candidate, ledger = fitted
    schema = schema_of(request)
    plan = plan_for(request, schema)
    names = (*PACKS, "internal-analytics", "partner-share", "public-release")
    decided = 0
    for name in names:
        # One attempt after another would be another fact; each policy judges as if it were the
        # first.
        policy = replace(load_policy(name), attempts_per_dataset=99, version="of a test")
        first = preflight(policy, CONTEXT, schema, plan, before, rows=request.rows)
        later = {rule.fact for rule in first.later}
        after = {
            outcome.gate.fact: outcome
            for outcome in judge(candidate, policy, ledger, CONTEXT).outcomes
        }
        for outcome in first.verdict.outcomes:
            fact = outcome.gate.fact
            if fact in later or fact == "ledger.attempts":
                continue
            decided += 1
            assert (outcome.status, outcome.value) == (after[fact].status, after[fact].value), (
                name,
                fact,
            )
    assert decided > 60


CONTEXT = Context(reviewer="A. Reviewer", purpose="Testing", expiry=dt.date(2999, 1, 1))


@pytest.mark.parametrize("command", ["run", "fit"])
def test_the_charge_is_held_to_the_evaluations_again(
    tmp_path: Path,
    ledger_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """Another process judges the last one after the preflight: this run pays nothing."""
    write_demo(tmp_path, 1_200, 1)
    schema = tmp_path / "schema.yaml"
    dataset = parse_schema(schema.read_text(encoding="utf-8")).dataset
    ledger, conform = PrivacyLedger.open(str(ledger_path)), pipeline.conforming

    def meanwhile(*arguments: Any) -> Any:
        for number in range(10):
            ledger.judge(dataset, f"run{number}", limit=10, policy="p", evidence=str(number))
        return conform(*arguments)

    monkeypatch.setattr(pipeline, "conforming", meanwhile)
    asked = (
        "--policy",
        "internal-analytics",
        "--epsilon",
        3,
        "--public-rows",
        1_200,
        "--out",
        tmp_path / "out",
        "--quiet",
    )
    arguments = (command, tmp_path / "customers.csv", "--schema", schema, *asked)
    assert execute([str(part) for part in arguments]) == 1
    assert "judged 10 times and the policy allows 10" in capsys.readouterr().err
    assert ledger.account(dataset).runs == 0
    assert not (tmp_path / "out").exists()


class TestOnTheCommandLine:
    """The commands end before the first charge, and read no table.

    They are ``run``, ``fit --policy`` and ``plan --policy``.
    """

    @pytest.fixture
    def place(self, tmp_path: Path, ledger_path: Path) -> Path:
        write_demo(tmp_path, 1_200, 1)
        # No command may read it: what is judged beforehand is a function of public facts alone.
        (tmp_path / "customers.csv").write_bytes(b"\xff\xfe not a table")
        return tmp_path

    def do(self, place: Path, command: str, *more: object) -> int:
        table = () if command == "plan" else (place / "customers.csv",)
        out = () if command == "plan" else ("--out", place / "out", "--quiet")
        fixed = ("--schema", place / "schema.yaml", "--public-rows", 1_200)
        return execute([str(part) for part in (command, *table, *fixed, *out, *more)])

    @pytest.mark.parametrize("command", ["run", "fit", "plan"])
    def test_a_policy_that_cannot_pass_ends_the_command_with_all_reasons(
        self, place: Path, ledger_path: Path, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        for policy, code in (("public-release", 1), ("partner-share", 1)):
            assert self.do(place, command, "--policy", policy, "--epsilon", 4) == code
            told = "".join(capsys.readouterr())
            for reason in ("ledger.initialised", "context.reviewer", "context.purpose"):
                assert reason in told
            assert ("guarantee.epsilon is 4; it must be at most 3" in told) == (
                policy == "public-release"
            )
        assert not ledger_path.exists()
        assert not (place / "out").exists()

    @pytest.mark.parametrize("command", ["run", "fit", "plan"])
    def test_a_missing_fact_ends_with_3_and_charges_nothing(
        self, place: Path, ledger_path: Path, command: str
    ) -> None:
        dataset = parse_schema((place / "schema.yaml").read_text(encoding="utf-8")).dataset
        assert execute(["ledger", "init", dataset, "--epsilon", "6"]) == 0
        before = PrivacyLedger.open(str(ledger_path)).head()
        assert self.do(place, command, "--policy", "partner-share", "--epsilon", 3) == 3
        assert PrivacyLedger.open(str(ledger_path)).head() == before
        # With the context nothing stands against it, and the command goes on to read the table.
        context = place / "context.yaml"
        context.write_text(
            "format: privgan.context/1\nreviewer: A\npurpose: B\nrecipient: C\nexpiry: 2999-01-01\n"
        )
        given = ("--policy", "partner-share", "--epsilon", 3, "--context", context)
        assert self.do(place, command, *given) == (0 if command == "plan" else 2)
        assert self.do(place, command, *given[:3], 7, *given[4:]) == 1
        assert PrivacyLedger.open(str(ledger_path)).head() == before

    def test_a_spent_lifetime_alone_ends_with_4(self, place: Path, ledger_path: Path) -> None:
        dataset = parse_schema((place / "schema.yaml").read_text(encoding="utf-8")).dataset
        assert execute(["ledger", "init", dataset, "--epsilon", "2"]) == 0
        for command in ("run", "fit"):
            assert self.do(place, command, "--policy", "internal-analytics", "--epsilon", 3) == 4

    def test_plan_tells_the_reasons_as_json(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.do(place, "plan", "--policy", "public-release", "--epsilon", 4, "--json") == 1
        told = json.loads(capsys.readouterr().out)["policy"]
        assert told["status"] == "FAIL"
        assert any("guarantee.epsilon" in reason for reason in told["reasons"])
        assert "audit.verdict" in told["judged_later"]

    def test_a_context_without_a_policy_is_refused(self, place: Path) -> None:
        for command in ("fit", "plan"):
            assert self.do(place, command, "--epsilon", 3, "--context", place / "context.yaml") == 2

    def test_a_run_that_may_still_be_blocked_says_so_first(
        self, tmp_path: Path, ledger_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_demo(tmp_path, 1_200, 1)
        (tmp_path / "customers.csv").write_bytes(b"\xff\xfe")
        arguments = [
            "run",
            tmp_path / "customers.csv",
            "--schema",
            tmp_path / "schema.yaml",
            "--epsilon",
            3,
        ]
        more = ["--policy", "internal-analytics", "--public-rows", 1_200, "--out", tmp_path / "out"]
        assert execute([str(part) for part in (*arguments, *more)]) == 2
        begun, *terms = capsys.readouterr().err.splitlines()
        assert "reading the schema" in begun  # Before anything that takes long.
        assert "internal gates are judged after the fit, may still block the release" in terms[4]
