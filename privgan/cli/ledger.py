"""Define the ledger's commands; those of a person's decisions stand in a module of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.ledger_decisions import (
    check_name,
    ledger_accept,
    ledger_clear,
    ledger_repair_clock,
)
from privgan.cli.ledger_table import WIDTH, ledger_table
from privgan.cli.ledger_text import account_json, condition, lifetime_text, shown, spent_text
from privgan.cli.options import PATH, exit_with, json_option, ledger_option, print_json
from privgan.errors import UsageError

if TYPE_CHECKING:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.ledger.store import Entry

_LIFETIME_DELTA = 1e-5

filter_option = click.option(
    "--filter",
    "kind",
    type=click.Choice(["sum", "rdp"]),
    help=(
        "How runs compose: sum adds their (ε, δ); rdp is a Rényi filter, which allows more of them"
        " [default: as before; sum]."
    ),
)


@click.group()
def ledger() -> None:
    """The privacy ledger: what was spent on each data set, by whom and when. INTERNAL."""


ledger.add_command(ledger_accept)
ledger.add_command(ledger_repair_clock)
ledger.add_command(ledger_clear)


@ledger.command("init")
@click.argument("dataset", required=False)
@click.option("--epsilon", type=float, help="Lifetime ε of the data set.")
@click.option(
    "--delta",
    type=float,
    default=_LIFETIME_DELTA,
    show_default=True,
    help="Lifetime δ of the data set.",
)
@filter_option
@ledger_option
def ledger_init(
    dataset: str | None,
    epsilon: float | None,
    delta: float,
    kind: str | None,
    ledger_url: str | None,
) -> None:
    """Make the ledger, and introduce a DATASET with its lifetime budget.

    Strict policies require it.

    \b
    Example:
      privgan ledger init acme-customers --epsilon 6
    """
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.privacy.budget import PrivacyBudget

    if dataset:
        check_name(dataset)
    budget = None if epsilon is None else PrivacyBudget(epsilon=epsilon, delta=delta)
    _check_filter_used(kind, epsilon)
    opened = PrivacyLedger.open(ledger_url)
    made = f"made; keep it, and its key {opened.key_path}"
    click.echo(f"{opened.url}: {made if opened.created_now else 'is there'}")
    if dataset:
        known = any(entry.kind == "introduce" for entry in opened.entries(dataset))
        if not known:
            opened.introduce(dataset)
        if budget:
            opened.set_lifetime(dataset, budget, _filter(kind))
        done = "was introduced before" if known else "introduced"
        click.echo(f"{dataset}: {done}, {lifetime_text(opened.account(dataset))}")


@ledger.command("show")
@click.argument("dataset", required=False)
@ledger_option
@json_option
def ledger_show(dataset: str | None, ledger_url: str | None, as_json: bool) -> None:
    """Each data set as a table, oldest first: when, who, what, ε, δ and the ε left; then its total.

    The steps that a run charges one after another stand in one row; --json lists every entry.

    \b
    Example:
      privgan ledger show acme-customers
    """
    from dataclasses import asdict

    from privgan.ledger.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    _warn_of_problems(opened)
    entries = opened.entries(dataset)
    names = dict.fromkeys(entry.dataset for entry in entries if entry.dataset)
    if as_json:
        totals = {name: account_json(opened.account(name)) for name in names}
        print_json(
            {
                "ledger": opened.url,
                "head": opened.head(),
                "datasets": totals,
                "entries": [shown(asdict(entry)) for entry in entries],
            }
        )
        return
    _show_tables(entries)
    for name in names:
        account = opened.account(name)
        done = f"{account.runs} run{'s' * (account.runs != 1)}, {account.attempts} judged"
        told = (
            f"{name}: {spent_text(account)}; {lifetime_text(account)}; {done}{condition(account)}"
        )
        click.echo(click.wrap_text(told, width=WIDTH, subsequent_indent="  "))


def _show_tables(entries: Sequence[Entry]) -> None:
    """Print each data set's entries as a table."""
    by_run = {entry.run: str(entry.body["who"]) for entry in entries if entry.kind == "run"}
    for name in dict.fromkeys(entry.dataset for entry in entries):
        click.echo(name or "the ledger itself")
        click.echo(ledger_table([entry for entry in entries if entry.dataset == name], by_run))
        click.echo()


@ledger.command("verify")
@click.option(
    "--manifest",
    type=PATH,
    help="A release's manifest.json: its chain head must still be in the ledger.",
)
@ledger_option
@json_option
def ledger_verify(manifest: Path | None, ledger_url: str | None, as_json: bool) -> None:
    """Check the ledger: changed entries, a cut end, an older copy, foreign triggers.

    The end is held to the anchor on this machine. With --manifest it is also held to a release.

    \b
    Example:
      privgan ledger verify --manifest out/release/manifest.json
    """
    from privgan.ledger.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    problems = list(opened.problems())
    if manifest is not None and not opened.holds(_head_in(manifest)):
        problems.append(
            "the chain head of the manifest is not in the ledger: its tail was cut, or it is"
            " another ledger"
        )
    newest = (opened.entries() or (None,))[-1] if not problems else None
    if as_json:
        end = {"sequence": newest.sequence, "head": newest.mac} if newest else {}
        print_json({"ok": not problems, "problems": problems, **end})
    else:
        for problem in problems:
            click.echo(problem)
        click.echo("NOT WHOLE" if problems else f"the chain is whole; {_end_text(opened, newest)}")
    exit_with(1 if problems else 0)


def _head_in(manifest: Path) -> str:
    """The ledger's head that a release's manifest states."""
    try:
        return str(json.loads(manifest.read_text(encoding="utf-8"))["ledger"]["head"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{manifest}: is no manifest of a release") from error


@ledger.command("budget")
@click.argument("dataset")
@click.option("--epsilon", type=float, help="Set the lifetime ε.")
@click.option(
    "--delta", type=float, help="Set the lifetime δ, with --epsilon [default: as it is, else 1e-5]."
)
@filter_option
@ledger_option
@json_option
def ledger_budget(
    dataset: str,
    epsilon: float | None,
    delta: float | None,
    kind: str | None,
    ledger_url: str | None,
    as_json: bool,
) -> None:
    """Show what is left of a data set's lifetime budget, or set it.

    \b
    Example:
      privgan ledger budget acme-customers --epsilon 6 --filter rdp
    """
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.privacy.budget import PrivacyBudget

    _check_filter_used(kind, epsilon)
    opened = PrivacyLedger.open(ledger_url, create=False)
    if not opened.entries(dataset):
        raise UsageError(
            f"{dataset}: the ledger does not know this data set; introduce it with 'privgan ledger"
            f" init {dataset}'"
        )
    if epsilon is not None:
        lifetime = opened.account(dataset).lifetime
        kept = lifetime.delta if lifetime else _LIFETIME_DELTA
        opened.set_lifetime(
            dataset,
            PrivacyBudget(epsilon=epsilon, delta=kept if delta is None else delta),
            _filter(kind),
        )
    _warn_of_problems(opened)
    account = opened.account(dataset)
    if as_json:
        print_json(account_json(account))
        return
    spent = f"{spent_text(account)} in {account.runs} run{'s' * (account.runs != 1)}"
    click.echo(f"{dataset}: {spent}; {lifetime_text(account)}{condition(account)}")


def _filter(kind: str | None) -> Any:
    from privgan.ledger.filter import Filter

    return Filter(kind) if kind else None


def _end_text(opened: PrivacyLedger, newest: Entry | None) -> str:
    """The newest entry, to compare with a colleague's, and the anchor's state."""
    end = (
        f"it ends at entry {newest.sequence} (MAC {newest.mac[:12]}…)"
        if newest
        else "it has no entry yet"
    )
    anchor = opened.anchored()
    if anchor is None:
        return f"{end}; no anchor on this machine yet: the next entry makes one"
    return f"{end}; the anchor names {anchor}"


def _warn_of_problems(opened: PrivacyLedger) -> None:
    for problem in opened.problems():
        click.echo(f"NOT WHOLE, these figures cannot be relied on: {problem}", err=True)


def _check_filter_used(kind: str | None, epsilon: float | None) -> None:

    if kind and epsilon is None:
        raise UsageError(f"--filter {kind} sets nothing without --epsilon; give both")
