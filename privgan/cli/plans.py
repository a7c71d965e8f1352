"""Define the command that prints a plan and judges it before anything is charged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.options import (
    asked_json,
    budget_of,
    budget_options,
    context_option,
    exit_with,
    generator_options,
    json_option,
    ledger_option,
    print_json,
    schema_option,
    stacked,
    target_option,
    tell_asked,
    waivers_option,
)
from privgan.cli.verdicts import read_context, read_policy
from privgan.cli.what_if import WhatIfOptions, what_if_options

if TYPE_CHECKING:
    from privgan.pipeline.preflight import Preflight
    from privgan.planning.error_floor import Illegible
    from privgan.planning.plan import Plan
    from privgan.privacy.budget import PrivacyBudget
    from privgan.schema.schema import Schema

beforehand_options: Callable[[Any], Any] = stacked(
    click.option(
        "--policy", "policy_name", help="Judge what is known before the first look by this policy."
    ),
    context_option,
    waivers_option,
)


@dataclass(frozen=True, kw_only=True)
class BeforehandOptions:
    """The options of ``beforehand_options`` for one command.

    Attributes:
        policy_name: The policy; None to judge nothing.
        context_path: The context's file, or None.
        waivers_path: The waivers' file, or None.
        ledger_url: The ledger, or None for the usual one.
        rows: Rows to make; None for the planned row count.
    """

    policy_name: str | None
    context_path: Path | None
    waivers_path: Path | None
    ledger_url: str | None
    rows: int | None

    @classmethod
    def taken(cls, options: dict[str, Any], **more: Any) -> BeforehandOptions:
        """Take the options that nothing else reads out of a command's options."""
        names = [name for name in cls.__dataclass_fields__ if name not in more]
        asked = cls(**{name: options.pop(name) for name in names}, **more)
        if asked.policy_name is None and (asked.context_path or asked.waivers_path):
            raise click.UsageError(
                "--context and --waivers go with --policy: without one nothing is judged"
            )
        return asked

    def judge(self, schema: Schema, plan: Plan) -> Preflight | None:
        """Judge a plan by the policy; None where none is named. Reads no table."""
        from privgan.ledger.ledger import PrivacyLedger
        from privgan.pipeline.preflight import Books, preflight

        if self.policy_name is None:
            return None
        policy = read_policy(self.policy_name, self.waivers_path)
        books = Books.of(PrivacyLedger.find(self.ledger_url), schema.dataset)
        return preflight(
            policy, read_context(self.context_path), schema, plan, books, rows=self.rows
        )


_MOST_LINES = 10
_CODES = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}


@click.command()
@schema_option
@click.option(
    "--public-rows",
    type=int,
    help="The table's row count, declared public; without it the count is measured.",
)
@budget_options
@generator_options
@target_option
@click.option(
    "--positives",
    type=int,
    metavar="N",
    help=(
        "Plan the target as a rare outcome that about N rows have: a public claim, or the noisy"
        " count of an earlier run."
    ),
)
@click.option(
    "--effort",
    type=click.Choice(["quick", "standard", "thorough"]),
    default="standard",
    show_default=True,
    help="Free fitting: time against utility.",
)
@beforehand_options
@ledger_option
@click.option(
    "--rows", type=int, help="With --policy: rows to make [default: the planned row count]."
)
@what_if_options
@json_option
def plan(
    schema_path: Path,
    public_rows: int | None,
    effort: str,
    generator: str,
    dp_sgd_share: float | None,
    target: str | None,
    positives: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Print each step's cost, noise and expected error, without opening data.

    With --policy also what that policy says of such a run before anything is charged: the command
    ends with code 1 where it can never pass, with 3 where a fact is missing, and with 4 where the
    lifetime budget does not allow it. Without --policy it ends with 3 where the schema's rare
    outcome has too few positives to be told at this ε. With --positives it says what such a plan
    would be for a plain target, and which line of the schema asks for it.

    With --what-if a table of several ε in place of one plan: the most that an attack gains, the
    share of rows that noise puts into wrong cells, and the AUC to expect of a model of the target.

    \b
    Example:
      privgan plan --schema schema.yaml --public-rows 20000 --epsilon 3
      privgan plan --schema schema.yaml --public-rows 20000 --epsilon 3 --policy partner-share
      --context context.yaml
      privgan plan --schema schema.yaml --public-rows 20000 --what-if --out what-if.svg
    """
    from privgan.planning.error_floor import illegible
    from privgan.planning.plan import GeneratorKind
    from privgan.planning.planner import make_plan
    from privgan.planning.rare_outcome import check_hopeful
    from privgan.planning.risk import curve_of
    from privgan.release.guarantee import accounting
    from privgan.schema.schema import with_target
    from privgan.table.rare_file import as_rare, rare_line
    from privgan.table.schema_file import load_schema

    compared = WhatIfOptions.taken(options)
    asked_of = BeforehandOptions.taken(options)
    stated = with_target(load_schema(schema_path), target)
    loaded = stated if positives is None else as_rare(stated, positives)

    def planned(tried: PrivacyBudget) -> Plan:
        return make_plan(
            loaded,
            tried,
            public_rows=public_rows,
            effort=effort,
            kind=GeneratorKind(generator),
            marginal_share=None if dp_sgd_share is None else 1 - dp_sgd_share,
        )

    if compared.what_if:
        compared.tell(planned, loaded, options["delta"], as_json=as_json)
        return
    budget, asked = budget_of(options, planned)
    made = planned(budget)
    check_hopeful(made, loaded)
    first = asked_of.judge(loaded, made)
    if as_json:
        told = {
            "accounting": [step.to_json() for step in accounting(made)],
            "attack_risk": curve_of(made).to_json(),
        }
        told["cannot_be_told"] = illegible(made, loaded).to_json()
        told |= {"tasks": [task.to_json() for task in loaded.tasks]} if loaded.tasks else {}
        judged = {"policy": first.to_json()} if first else {}
        print_json(made.to_json() | told | judged | asked_json(asked))
    else:
        tell_asked(asked)
        _print_plan(made, loaded)
        if loaded.rare != stated.rare:
            click.echo(f"\nto run by this plan, write in the schema: {rare_line(loaded)}")
        _print_illegible(illegible(made, loaded))
        if first:
            _print_preflight(first)
    exit_with(_CODES[str(first.status)] if first else 0)


def _print_plan(made: Plan, loaded: Schema) -> None:
    from privgan.pipeline.preflight import claim_lines, plan_lines
    from privgan.planning.plan import AUDIT, GeneratorKind
    from privgan.planning.rare_outcome import outcome_lines
    from privgan.planning.task_words import task_lines
    from privgan.privacy.budget import condition_text
    from privgan.release.guarantee import accounting, claim
    from privgan.schema.columns import Source

    steps = accounting(made)
    for line in claim_lines(claim(made, loaded, secret=True), steps):
        click.echo(line)
    condition = condition_text(len(loaded.facts_from(Source.ASSUMED_PUBLIC)))
    for stage, budgeted, spent in (
        ("stage 1 (domain)", made.domain_budget, made.domain_cost),
        ("stage 2 (model)", made.model_budget, made.cost),
    ):
        if spent is not None and budgeted is not None:
            cost = f"PLD {spent.epsilon_pld:.4f}, RDP {spent.epsilon_rdp:.4f}"
            told = (
                f"{stage}: ε = {spent.epsilon:.4f} ({cost}) at δ = {budgeted.delta:.3g} {condition}"
            )
            click.echo(told.rstrip())
        elif budgeted is not None:
            text = (
                f"{stage}: ε = {budgeted.epsilon:.4f} at δ = {budgeted.delta:.3g} are left for it"
            )
            click.echo(f"{text}; it is planned from what stage 1 measures, before its first look")
    click.echo(f"generator: {made.kind}; {_share_text(made)}")
    if made.kind is GeneratorKind.GAN:
        click.echo(_GAN)
    for line in (*task_lines(made, loaded), *outcome_lines(made, loaded)):
        click.echo(line)
    click.echo(
        f"the audit is decided by one score and one bound: {AUDIT['score']}; {AUDIT['bound']}"
    )
    click.echo(f"\n{'step':<34}{'ε alone':>8}  noise; expected error (ε at its stage's δ)")
    for name, _what, cost, noise in plan_lines(made, steps):
        click.echo(f"{name[:33]:<34}{cost:>8}  {noise}")


_GAN = (
    "a plain GAN: noise counts single columns, and how columns go together it learns from a"
    " critic alone, which DP-SGD trains; 'auto' is more faithful"
)


def _share_text(made: Plan) -> str:
    """What DP-SGD gets of the budget, or when that is decided."""
    if made.marginal_share is None:
        return "its share of the budget is decided by what stage 1 measures"
    share = f"marginals {made.marginal_share:.2f}, DP-SGD {1 - made.marginal_share:.2f}"
    return f"share of the budget: {share}"


def _print_illegible(found: Illegible) -> None:
    if found:
        click.echo("\nwhat this plan cannot tell, whatever the table holds:")
    for line in found.lines(_MOST_LINES):
        click.echo(f"  {line}")


def _print_preflight(first: Preflight) -> None:
    from privgan.policy.policy import plain

    click.echo(f"\n{first}")
    for reason in first.reasons:
        click.echo(f"  {plain(reason)}")
