"""Judge a plan by the policy before paying, and print plan and terms in words.

A function of the plan, the schema, the ledger and the context alone; no row is read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from privgan.errors import BudgetExceededError, IncompleteError, PolicyFailedError, PrivganError
from privgan.ledger.account import account_of
from privgan.ledger.ledger import DatasetAccount, PrivacyLedger
from privgan.metric import Exposure
from privgan.naming import call
from privgan.pipeline.judging import claim_facts, ledger_facts
from privgan.pipeline.stages import stages_of
from privgan.planning.accounted_step import AccountedStep
from privgan.planning.plan import Plan
from privgan.policy.column_gates import ColumnComparison
from privgan.policy.context import Context
from privgan.policy.facts import FactValue, fact_vocabulary
from privgan.policy.policy import Policy, Rule
from privgan.policy.schema_facts import column_facts, schema_facts
from privgan.policy.verdict import (
    PASSED,
    GateStatus,
    Outcome,
    Verdict,
    VerdictStatus,
    evaluate,
    explain,
)
from privgan.privacy.guarantee import Guarantee
from privgan.progress import Progress
from privgan.release.verification.outcome import check_impostor
from privgan.release.verification.released import FIRST_DAYS
from privgan.release.versions import versions
from privgan.report.data import PlanStep
from privgan.report.document import plain
from privgan.report.odds import reach_of
from privgan.report.precision import precision_of
from privgan.report.steps import error, noise, report_steps
from privgan.report.text import Words, ceiling_percent, words_of
from privgan.schema.columns import Source
from privgan.schema.schema import Schema, choose_target


def plan_lines(plan: Plan, accounting: Sequence[AccountedStep]) -> list[tuple[str, str, str, str]]:
    """Lines of a plan: each step's name, data, ε alone, noise and expected error."""
    words = words_of("en")
    return [
        (
            step.name,
            words.term("what", step.kind),
            f"{step.epsilon:.4f}",
            _noise_and_error(step, words),
        )
        for step in report_steps(accounting)
    ]


def claim_lines(guarantee: Guarantee, accounting: Sequence[AccountedStep]) -> tuple[str, ...]:
    """Three lines: an attacker's reach, the worst case, and the precision of shares.

    Args:
        guarantee: The claim.
        accounting: The plan's steps.
    """
    lines = (
        reach_line(guarantee, accounting),
        f"worst case: {guarantee.statement}",
        precision_line(accounting),
    )
    return tuple(line for line in lines if line)


def reach_line(guarantee: Guarantee, accounting: Sequence[AccountedStep]) -> str:
    """An attacker's reach by the plan's own trade-off curve, in one line.

    Args:
        guarantee: The claim.
        accounting: The plan's steps.
    """
    reach = reach_of(guarantee.epsilon, guarantee.delta, accounting)
    if reach is None:
        return (
            "the plan's own trade-off curve is not known: its last stage is planned from what the"
            " first measures; the worst case of ε and δ holds"
        )
    right, found = ceiling_percent(reach.certainty), ceiling_percent(reach.hits)
    return (
        f"by this plan's own trade-off curve an attacker is right at most {right} of the time "
        f"and finds at most {found} of the customers at 1 % false alarms"
    )


def precision_line(accounting: Sequence[AccountedStep]) -> str:
    """The precision of measured shares, in one line; empty where none is planned yet."""
    found = precision_of(report_steps(accounting))
    parts = [
        f"±{100 * error:.2g} % of the rows in a count of {what}"
        for what, error in (("one column", found.one), ("two columns", found.two))
        if error is not None
    ]
    return f"expected noise: {', '.join(parts)}" if parts else ""


def _noise_and_error(step: PlanStep, words: Words) -> str:
    texts = [plain(noise(step, words))] + (
        [plain(error(step, words))] if step.expected_error is not None else []
    )
    return "; ".join(texts)


_SHOWN = 12


def announce(
    progress: Progress, schema: Schema, plan: Plan, *, made: int | None, judged: bool = True
) -> None:
    """Print the expected time and the terms, before anything else.

    Args:
        progress: Tells the owner.
        schema: The schema.
        plan: The plan.
        made: Rows to make; None for as many as the table has.
        judged: Whether the candidate is audited, judged and reported.
    """
    rows = plan.declared_rows if plan.rows is None else plan.rows
    progress.begin()
    progress.expect(stages_of(plan, schema, made=made, judged=judged), rows)
    progress.say_all(terms(schema))


def terms(schema: Schema) -> tuple[str, ...]:
    """The terms in lines; a function of the schema alone."""
    return (
        f"protected: {schema.unit}",
        f"target: {_target(schema)}",
        f"assumed public: {_assumed(schema)}",
        *(f"task: {task}" for task in schema.tasks),
    )


def _target(schema: Schema) -> str:
    if schema.target is not None:
        return schema.target
    chosen = choose_target(schema.modelled)
    return (
        "none, no column can be predicted"
        if chosen is None
        else f"{chosen}, by the fixed rule; the schema names none"
    )


def _assumed(schema: Schema) -> str:
    """The facts that the guarantee is conditional on."""
    facts = schema.facts_from(Source.ASSUMED_PUBLIC)
    if not facts:
        return "no fact; what the schema declares is taken as publicly known"
    more = f" and {len(facts) - _SHOWN} more" if len(facts) > _SHOWN else ""
    return (
        f"{len(facts)} fact{'s' * (len(facts) != 1)}, every ε is conditional on them:"
        f" {', '.join(facts[:_SHOWN])}{more}"
    )


@dataclass(frozen=True, kw_only=True)
class Books:
    """The ledger's state before a run.

    Attributes:
        account: The data set's account.
        whole: Whether the ledger's chain is whole.
        reserved: Whether the account holds the run already, because it goes on.
    """

    account: DatasetAccount
    whole: bool = True
    reserved: bool = False

    @classmethod
    def of(cls, ledger: PrivacyLedger | None, dataset: str, *, reserved: bool = False) -> Books:
        """Read it from a ledger; None where there is no ledger yet."""
        if ledger is None:
            return cls(account=account_of(dataset, ()))
        return cls(account=ledger.account(dataset), whole=not ledger.problems(), reserved=reserved)


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """A policy's answer before anything is charged.

    Attributes:
        verdict: All gates; those that are judged after the fit are MISSING.
        blocking: The outcomes that are certain and did not pass.
        later: The gates that only the fitted candidate decides.
        problems: What blocks the run beside its gates.
        attempts: Evaluations that the policy allows on the data set; the charge is held to them
            again.
    """

    verdict: Verdict
    blocking: tuple[Outcome, ...]
    later: tuple[Rule, ...]
    problems: tuple[PrivganError, ...]
    attempts: int

    @property
    def status(self) -> VerdictStatus:
        """FAIL or INCONCLUSIVE where the run can never pass, else PASS."""
        found = {outcome.status for outcome in self.blocking}
        if GateStatus.FAIL in found or self.problems:
            return VerdictStatus.FAIL
        return VerdictStatus.INCONCLUSIVE if found else VerdictStatus.PASS

    @property
    def reasons(self) -> tuple[str, ...]:
        """All reasons why the run can never pass, a sentence each."""
        return (*map(explain, self.blocking), *map(str, self.problems))

    def __str__(self) -> str:
        """The outcome in words."""
        name = f"policy {self.verdict.policy_name}"
        if self.status is not VerdictStatus.PASS:
            return f"{name}: this run cannot pass; nothing was charged"
        public = sum(rule.scope == "public" for rule in self.later)
        internal = len(self.later) - public
        if not self.later:
            return f"{name}: every gate passes"
        return (
            f"{name}: no gate fails so far; {public} public and {internal} internal gates are"
            " judged after the fit, may still block the release, and what was charged then stays"
            " charged"
        )

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON values."""
        return {
            "name": self.verdict.policy_name,
            "status": self.status.value,
            "reasons": list(self.reasons),
            "judged_later": [rule.fact for rule in self.later],
        }

    def check(self) -> None:
        """Check that the run can pass; UsageError gives all reasons at once.

        Raises:
            BudgetExceededError: when the lifetime budget alone does not allow it.
            PolicyFailedError: when a gate fails.
            IncompleteError: when a fact is missing.
        """
        if self.status is VerdictStatus.PASS:
            return
        if not self.blocking and len(self.problems) == 1:
            raise self.problems[0]
        told = "\n".join([str(self), *(f"  {reason}" for reason in self.reasons)])
        failed = self.status is VerdictStatus.FAIL
        raise PolicyFailedError(told) if failed else IncompleteError(told)


def preflight(
    policy: Policy,
    context: Context,
    schema: Schema,
    plan: Plan,
    books: Books,
    *,
    rows: int | None = None,
) -> Preflight:
    """Judge every gate whose fact is known before the first look.

    Args:
        policy: The policy, with the waivers that hold.
        context: Who, for what, until when.
        schema: The schema; facts that are still to be measured are not known yet.
        plan: The plan.
        books: What the ledger knows.
        rows: Rows to make; None for the planned row count.
    """
    check_impostor(policy.name, policy.version, policy.own_fingerprint())
    account = books.account
    if not books.reserved:
        account = account.after(plan.budget, plan.events)
    facts = _known_facts(schema, plan, account, context, whole=books.whole, rows=rows)
    later = _later(policy, schema, facts, filtered=account.rdp is not None and plan.cost is None)
    verdict = _with_open_gates(evaluate(policy, facts, column_facts(schema)), later)
    failed = [outcome for outcome in verdict.outcomes if outcome.status not in PASSED]
    return Preflight(
        verdict=verdict,
        blocking=tuple(outcome for outcome in failed if outcome.gate not in later),
        later=tuple(outcome.gate for outcome in failed if outcome.gate in later),
        problems=tuple(_problems(policy, plan, books)),
        attempts=policy.attempts_per_dataset,
    )


def _known_facts(
    schema: Schema,
    plan: Plan,
    account: DatasetAccount,
    context: Context,
    *,
    whole: bool,
    rows: int | None,
) -> dict[str, FactValue]:
    planned = plan.declared_rows if plan.rows is None else plan.rows
    made = planned if rows is None else rows
    facts: dict[str, FactValue] = {
        **claim_facts(plan.budget.epsilon, plan.budget.delta),
        "accounting.complete": whole,
        "ledger.attempts": account.attempts + 1,
        **ledger_facts(account),
        **schema_facts(schema),
        **context.facts(dt.datetime.now(dt.UTC).date()),
    }
    return facts if made is None else facts | {"synthetic.rows": made}


def _later(
    policy: Policy, schema: Schema, facts: Mapping[str, FactValue], *, filtered: bool
) -> tuple[Rule, ...]:
    """The gates that only the fitted candidate decides."""
    public = {name for name, fact in fact_vocabulary().items() if fact.exposure is Exposure.PUBLIC}
    certain = (public | set(facts)) - _made_later(schema, facts, filtered=filtered)
    later = (gate for gate in policy.gates if gate.fact not in certain)
    return (*later, *_decided_by_measuring(policy, schema))


def _decided_by_measuring(policy: Policy, schema: Schema) -> Iterator[Rule]:
    """The limits on numbers of values that only columns still to be measured break."""
    columns = column_facts(schema)
    measured = {column.name for column in schema.open_columns}
    closed = [column for column in columns if column.name not in measured]
    for gate in policy.columns:
        wide = gate.comparison is ColumnComparison.AT_MOST_VALUES
        if wide and gate.breaking(columns) and not gate.breaking(closed):
            yield gate


def _made_later(schema: Schema, facts: Mapping[str, FactValue], *, filtered: bool) -> set[str]:
    """The public facts that only the fit makes."""
    made = {"synthetic.rows", "marginals.number", "noisy.tvd1"}
    if len(schema.modelled) > 1:
        made.add("noisy.tvd2")
    made -= set(facts)
    # What stage 2 costs at the filter's order is planned later.
    return made | {"ledger.remaining_epsilon"} if filtered else made


def _with_open_gates(verdict: Verdict, later: tuple[Rule, ...]) -> Verdict:
    """The verdict, with later gates counted as missing facts unless they are waived."""
    outcomes = (
        (
            replace(outcome, status=GateStatus.MISSING, value=None, breaking=())
            if outcome.gate in later and outcome.status not in PASSED
            else outcome
        )
        for outcome in verdict.outcomes
    )
    return replace(verdict, outcomes=tuple(outcomes))


def _clock_problem() -> Iterator[PrivganError]:
    """The problem of a clock before this privgan's own release date; empty for none.

    A release of that date would not verify.
    """
    first, today = FIRST_DAYS.get(versions()["privgan"]), dt.datetime.now(dt.UTC).date()
    if first is not None and today < first:
        told = (
            f"this machine's clock says {today}, and privgan {versions()['privgan']} is there since"
            f" {first}"
        )
        yield PolicyFailedError(f"{told}: no release of such a day verifies; set the clock")


def _problems(policy: Policy, plan: Plan, books: Books) -> Iterator[PrivganError]:
    account = books.account
    yield from _clock_problem()
    if account.refuted:
        clear = f"a person must clear it with {call('PrivacyLedger.clear')}"
        yield PolicyFailedError(f"{plan.dataset}: an audit refuted the guarantee; {clear}")
    try:
        account.check_judging(policy.attempts_per_dataset)
    except PolicyFailedError as error:
        yield error
    if not books.reserved:
        try:
            account.check_run(plan.budget, plan.events)
        except BudgetExceededError as error:
            yield error
