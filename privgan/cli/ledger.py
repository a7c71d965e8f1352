"""Define the ledger's commands: init, show, verify, budget, accept, clear, repair-clock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.ledger_table import WIDTH, ledger_table
from privgan.cli.ledger_text import account_json, condition, lifetime_text, shown, spent_text
from privgan.cli.options import PATH, exit_with, json_option, ledger_option, print_json, stacked
from privgan.errors import UsageError

if TYPE_CHECKING:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.ledger.restored import Spent
    from privgan.ledger.store import Entry

_LIFETIME_DELTA = 1e-5
# As under 'dataset:' in a schema (formats/schema.schema.json).
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

person_options: Callable[[Any], Any] = stacked(
    click.option("--who", required=True, help="The person who answers for it."),
    click.option("--why", required=True, help="The reason."),
)
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
        _check_name(dataset)
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
    by_run = {entry.run: str(entry.body["who"]) for entry in entries if entry.kind == "run"}
    for name in dict.fromkeys(entry.dataset for entry in entries):
        click.echo(name or "the ledger itself")
        click.echo(ledger_table([entry for entry in entries if entry.dataset == name], by_run))
        click.echo()
    for name in names:
        account = opened.account(name)
        done = f"{account.runs} run{'s' * (account.runs != 1)}, {account.attempts} judged"
        told = (
            f"{name}: {spent_text(account)}; {lifetime_text(account)}; {done}{condition(account)}"
        )
        click.echo(click.wrap_text(told, width=WIDTH, subsequent_indent="  "))


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
    from privgan.errors import UsageError
    from privgan.ledger.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    problems = list(opened.problems())
    if manifest is not None:
        try:
            head = json.loads(manifest.read_text(encoding="utf-8"))["ledger"]["head"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{manifest}: is no manifest of a release") from error
        if not opened.holds(head):
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


@ledger.command("accept")
@click.argument("dataset", required=False)
@click.option(
    "--schema", "schema_path", type=PATH, help="The schema of a DATASET's table with other columns."
)
@click.option(
    "--same-customers-as", "other", help="A data set whose customers DATASET seems to share."
)
@click.option(
    "--restored", is_flag=True, help="The ledger was put back from a copy, or its end is lost."
)
@click.option(
    "--spent",
    multiple=True,
    metavar="DATASET=EPSILON[,DELTA]",
    help="With --restored: what was spent since the copy [default: the rest of the budget].",
)
@person_options
@ledger_option
def ledger_accept(
    dataset: str | None,
    schema_path: Path | None,
    other: str | None,
    restored: bool,
    spent: tuple[str, ...],
    who: str,
    why: str,
    ledger_url: str | None,
) -> None:
    """Let a person accept what the ledger refuses by itself; one of three things.

    --schema: a table with other columns than before belongs to the same DATASET; both then spend
    one budget. --same-customers-as: two data sets with a budget each are about the same customers,
    or their ids look alike. --restored: the ledger does not hold what its anchor names; the gap is
    recorded, and every data set is charged what --spent says, else the rest of its lifetime budget,
    or ε = ∞ where none is set. What is not stated leaves nothing, however far the budget is raised:
    the lost entries may have raised and spent it. Where they did, state what was spent. Runs and
    candidates of before the gap cannot go on. A data set that only the lost entries knew must be
    named with --spent.

    \b
    Example:
      privgan ledger accept acme-customers --schema new.yaml --who A --why "columns renamed"
      privgan ledger accept acme-orders --same-customers-as acme-customers --who A --why "ids 1 to
      n" privgan ledger accept --restored --spent acme-customers=2,1e-6 --who A --why "disk lost"
    """
    from privgan.ledger.ledger import PrivacyLedger

    if [schema_path is not None, other is not None, restored].count(True) != 1:
        raise UsageError("give one of --schema, --same-customers-as and --restored")
    if restored == bool(dataset):
        text = (
            "--restored is about the whole ledger; name no DATASET"
            if restored
            else "DATASET is missing"
        )
        raise UsageError(text)
    if spent and not restored:
        raise UsageError("--spent is for --restored only")
    if restored:
        _accept_restored(spent, who, why, ledger_url)
        return
    assert dataset is not None
    _check_name(dataset)
    if other is not None:
        PrivacyLedger.open(ledger_url, create=False).accept_customers(
            dataset, other, who=who, why=why
        )
        click.echo(
            f"{dataset}: the same customers as {other}, accepted by {who}; each keeps its own"
            " budget"
        )
        return
    assert schema_path is not None
    _accept_columns(dataset, schema_path, who, why, ledger_url)


def _accept_columns(
    dataset: str, schema_path: Path, who: str, why: str, ledger_url: str | None
) -> None:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.table.schema_file import load_schema

    schema = load_schema(schema_path)
    if schema.dataset != dataset:
        raise UsageError(f"{schema_path}: is the schema of {schema.dataset}, not of {dataset}")
    PrivacyLedger.open(ledger_url, create=False).accept(dataset, schema.names, who=who, why=why)
    click.echo(f"{dataset}: {len(schema.names)} columns accepted by {who}")


def _accept_restored(spent: tuple[str, ...], who: str, why: str, ledger_url: str | None) -> None:
    from privgan.ledger.ledger import PrivacyLedger

    stated = _stated(spent)
    opened = PrivacyLedger.open(ledger_url, create=False)
    opened.accept_restored(stated, who=who, why=why)
    click.echo(f"{opened.url}: accepted by {who}; the gap is recorded")
    for name in dict.fromkeys(entry.dataset for entry in opened.entries() if entry.dataset):
        account = opened.account(name)
        told = (
            ""
            if name in stated
            else "; not stated with --spent: raising its budget leaves nothing either"
        )
        click.echo(f"{name}: {spent_text(account)}; {lifetime_text(account)}{told}")


def _stated(spent: tuple[str, ...]) -> dict[str, Spent]:
    """Spending by data set, as stated with --spent."""
    from privgan.ledger.restored import Spent

    found: dict[str, Spent] = {}
    for text in spent:
        name, separator, figures = text.partition("=")
        _check_name(name)
        try:
            epsilon, _, delta = figures.partition(",")
            value = (float(epsilon), float(delta or 0))
        except ValueError:
            separator = ""
        if not separator:
            raise UsageError(
                f"--spent {text}: write DATASET=EPSILON,DELTA, such as acme-customers=2,1e-6, or"
                " DATASET=0"
            )
        if name in found:
            raise UsageError(f"--spent names {name} twice; give the sum")
        found[name] = Spent(epsilon=value[0], delta=value[1])
    return found


@ledger.command("repair-clock")
@person_options
@ledger_option
def ledger_repair_clock(who: str, why: str, ledger_url: str | None) -> None:
    """Let a person record that the newest entry's clock stood in the future, so that work goes on.

    First set this machine's clock right: the record bears its time, and later entries follow it.

    \b
    Example:
      privgan ledger repair-clock --who "A. Officer" --why "the clock of host7 stood at 2031"
    """
    from privgan.ledger.ledger import PrivacyLedger

    opened = PrivacyLedger.open(ledger_url, create=False)
    opened.repair_clock(who=who, why=why)
    click.echo(
        f"{opened.url}: recorded by {who}; time goes on from {opened.entries()[-1].time[:19]} (UTC)"
    )


@ledger.command("clear")
@click.argument("dataset")
@person_options
@ledger_option
def ledger_clear(dataset: str, who: str, why: str, ledger_url: str | None) -> None:
    """Let a person clear a data set that an audit had stopped (REFUTED).

    \b
    Example:
      privgan ledger clear acme-customers --who "A. Officer" --why "bug 12 found and mended"
    """
    from privgan.ledger.ledger import PrivacyLedger

    PrivacyLedger.open(ledger_url, create=False).clear(dataset, who=who, why=why)
    click.echo(f"{dataset}: cleared by {who}")


def _check_name(dataset: str) -> None:
    if not _NAME.fullmatch(dataset):
        raise UsageError(
            f"{dataset!r}: is no data set's name; write it as under 'dataset:' in the schema:"
            " lower-case letters, digits, . _ -"
        )


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
    from privgan.errors import UsageError

    if kind and epsilon is None:
        raise UsageError(f"--filter {kind} sets nothing without --epsilon; give both")
