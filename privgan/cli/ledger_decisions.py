"""Define the ledger's commands for a person's decisions: accept, clear, repair-clock."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.ledger_text import lifetime_text, spent_text
from privgan.cli.options import PATH, ledger_option, stacked
from privgan.errors import UsageError

if TYPE_CHECKING:
    from privgan.ledger.restored import Spent

# As under 'dataset:' in a schema (formats/schema.schema.json).
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

person_options: Callable[[Any], Any] = stacked(
    click.option("--who", required=True, help="The person who answers for it."),
    click.option("--why", required=True, help="The reason."),
)


@click.command("accept")
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
    ledger_url: str | None,
    **person: str,
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
        _accept_restored(spent, ledger_url, **person)
        return
    assert dataset is not None
    check_name(dataset)
    if other is not None:
        PrivacyLedger.open(ledger_url, create=False).accept_customers(dataset, other, **person)
        click.echo(
            f"{dataset}: the same customers as {other}, accepted by {person['who']}; each keeps its"
            " own budget"
        )
        return
    assert schema_path is not None
    _accept_columns(dataset, schema_path, ledger_url, **person)


def _accept_columns(
    dataset: str, schema_path: Path, ledger_url: str | None, *, who: str, why: str
) -> None:
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.table.schema_file import load_schema

    schema = load_schema(schema_path)
    if schema.dataset != dataset:
        raise UsageError(f"{schema_path}: is the schema of {schema.dataset}, not of {dataset}")
    columns = tuple(label for label, _ in schema.labelled)
    PrivacyLedger.open(ledger_url, create=False).accept(dataset, columns, who=who, why=why)
    click.echo(f"{dataset}: {len(columns)} columns accepted by {who}")


def _accept_restored(spent: tuple[str, ...], ledger_url: str | None, *, who: str, why: str) -> None:
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
        check_name(name)
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


@click.command("repair-clock")
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


@click.command("clear")
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


def check_name(dataset: str) -> None:
    """Check that a text can be a data set's name."""
    if not _NAME.fullmatch(dataset):
        raise UsageError(
            f"{dataset!r}: is no data set's name; write it as under 'dataset:' in the schema:"
            " lower-case letters, digits, . _ -"
        )
