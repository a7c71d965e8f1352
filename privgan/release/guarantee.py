"""Write the guarantee in words and figures, for models, manifests, reports and terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from privgan.planning.accounted_step import AccountedStep
from privgan.planning.plan import Plan, PlanStep
from privgan.privacy import accountant, tradeoff
from privgan.privacy.budget import NEIGHBOURING_RELATION, PrivacyBudget, condition_text
from privgan.privacy.events import DpEvent
from privgan.privacy.guarantee import Guarantee
from privgan.privacy.tradeoff import TradeOff
from privgan.report.text import ceiling_percent, raised
from privgan.schema.columns import Source
from privgan.schema.schema import Schema

NOT_PROMISED = (
    (
        "The decision to release: internal checks read real rows, and that a candidate passed them"
        " says up to one bit each."
    ),
    "Whether a table was refused because it does not fit its schema.",
    (
        "Facts of the schema that were declared or assumed to be public: they are taken as known to"
        " everybody."
    ),
    "Customers who appear under several identifiers: each identifier is protected by itself.",
    (
        "What is true of people in general: an attacker may learn that a group behaves in some way,"
        " and apply it to a member."
    ),
    (
        "The folder named internal, the log, the terminal's output and the ledger: they stay with"
        " the owner."
    ),
    "Timing, power and other side channels of the machine that ran the fit.",
)
RETENTION = (
    "The owner keeps the folder internal (canaries, the critic, audit, scan, internal report, the"
    " run's note, log) until the release is withdrawn or its retention ends, and then removes it"
    " with 'privgan purge'. Encoded rows are never written to disk; a resumable run keeps a"
    " checkpoint inside, without rows, until it has ended."
)


def claim(plan: Plan, schema: Schema, *, secret: bool) -> Guarantee:
    """The claim of a run; ε is None (infinite) when its coins were not secret."""
    said = statement(plan.budget, schema)
    return Guarantee(
        epsilon=plan.budget.epsilon if secret else None,
        delta=plan.budget.delta,
        unit=str(plan.unit),
        max_rows_per_unit=plan.unit.max_rows,
        neighbouring_relation=NEIGHBOURING_RELATION,
        conditional_facts=schema.facts_from(Source.ASSUMED_PUBLIC),
        statement=said if secret else "no guarantee: the coins of this run were not secret",
    )


def statement(budget: PrivacyBudget, schema: Schema) -> str:
    """The claim in one sentence, as printed wherever ε is printed."""
    assumed = len(schema.facts_from(Source.ASSUMED_PUBLIC))
    condition = f", {condition_text(assumed)}" if assumed else ""
    weak = "; above ε = 10 the guarantee is weak" if budget.weak else ""
    epsilon, delta = raised(budget.epsilon, 6), raised(budget.delta, 6)
    claimed = (
        f"ε = {epsilon:g}, δ = {delta:g} for {schema.unit} (neighbouring: {NEIGHBOURING_RELATION})"
    )
    return (
        f"{claimed}{condition}; {meaning(tradeoff.of_budget(budget.epsilon, budget.delta))}{weak}"
    )


def meaning(curve: TradeOff) -> str:
    """The ceilings on attacks, in half a sentence; shares are rounded upwards."""
    right, found = (
        ceiling_percent(curve.certainty()),
        ceiling_percent(curve.true_positive_rate(tradeoff.FALSE_ALARMS)),
    )
    return (
        f"whoever tries to tell whether somebody was in the table is right at most {right} of the"
        f" time and finds at most {found} of those who were at {100 * tradeoff.FALSE_ALARMS:g} %"
        " false alarms"
    )


def accounting(plan: Plan) -> tuple[AccountedStep, ...]:
    """Each private step with its event and its ε alone, at the stage's δ."""
    budget = plan.domain_budget
    domain = _stage(plan.domain_steps, budget.delta, "domain") if budget else ()
    return (*domain, *_stage(plan.steps, plan.model_budget.delta, "model"))


def _stage(steps: Sequence[PlanStep], delta: float, stage: str) -> Iterator[AccountedStep]:
    known: dict[DpEvent, float] = {}
    for step in steps:
        if step.event not in known:
            known[step.event] = accountant.epsilon_by_rdp(step.event, delta)
        yield step.accounted(known[step.event], stage)
