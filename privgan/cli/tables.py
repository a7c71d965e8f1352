"""Define the commands about tables: demo, schema, purge."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.interchange import schema_export, schema_import
from privgan.cli.options import (
    PATH,
    SEED,
    SOURCE,
    exit_with,
    json_option,
    ledger_option,
    print_json,
    quiet_option,
    read_aloud,
    read_to_draft,
    said_again,
    schema_option,
    source_of,
    source_options,
)
from privgan.cli.schema_review import schema_review
from privgan.files.documents import shown

if TYPE_CHECKING:
    from privgan.owner.owners_table import Conformity
    from privgan.schema.schema import Schema


@click.command()
@click.argument("folder", type=PATH)
@ledger_option
def purge(folder: Path, ledger_url: str | None) -> None:
    """Remove what stays inside (canaries, audit, internal report, log, candidate) and \
record that in the ledger.

    FOLDER is the --out of 'privgan run' or 'privgan fit'. A release in it is never touched; what a
    killed command left half-written there is removed too.

    \b
    Example:
      privgan purge out
    """  # noqa: D205
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.pipeline.purging import purge as purge_folder

    removed = purge_folder(folder, PrivacyLedger.open(ledger_url, create=False))
    click.echo(f"{folder}: {removed} files removed")


DEMO_ROWS = 20_000
DEMO_LEDGER = "ledger.sqlite"


@click.command()
@click.option(
    "--out",
    type=PATH,
    default=Path("demo-out"),
    show_default=True,
    help="Folder for table, schema and run.",
)
@click.option(
    "--rows", type=int, default=DEMO_ROWS, show_default=True, help="Customers to simulate."
)
@click.option("--epsilon", type=float, default=3.0, show_default=True, help="ε of the run.")
@click.option(
    "--seed", type=SEED, default=0, show_default=True, help="Draws the simulated customers."
)
@click.option(
    "--effort",
    type=click.Choice(["quick", "standard", "thorough"]),
    default="quick",
    show_default=True,
    help="Free fitting: time against utility.",
)
@click.option(
    "--ledger", "ledger_url", help=f"Ledger file, or PostgreSQL URL [default: OUT/{DEMO_LEDGER}]."
)
@click.option(
    "--orders",
    is_flag=True,
    help="Release customers with their orders and the orders' lines: three related tables.",
)
@json_option
@quiet_option
def demo(
    out: Path,
    rows: int,
    epsilon: float,
    seed: int,
    effort: str,
    ledger_url: str | None,
    orders: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Simulate a retailer's customers and run the main job on them.

    Writes OUT/customers.csv, or with --orders the folder OUT/tables, and OUT/schema.yaml. Then it
    does what 'privgan run' does, into OUT, under the policy internal-analytics. A demo keeps a
    ledger of its own, beside its table.

    \b
    Example:
      privgan demo --out demo-out --rows 20000
      privgan demo --orders --out orders-out --rows 5000
    """
    from privgan.cli.runs import perform, tell
    from privgan.cli.verdicts import read_context, read_policy
    from privgan.demo import write_demo, write_shop
    from privgan.errors import UsageError
    from privgan.pipeline.request import RunRequest
    from privgan.pipeline.run import Judging, check_free
    from privgan.planning.planner import MINIMUM_ROWS
    from privgan.privacy.budget import PrivacyBudget
    from privgan.progress import Progress

    budget = PrivacyBudget(epsilon=epsilon)
    if rows < MINIMUM_ROWS:
        raise UsageError(f"--rows is {rows}; a demo needs at least {MINIMUM_ROWS} customers")
    budget.check_size(rows, known="declared row count")
    check_free(out)
    progress = Progress(quiet=quiet)
    progress.say(f"simulating {rows:,} customers")
    table, schema = (write_shop if orders else write_demo)(out, rows, seed)
    request = RunRequest(
        table=table,
        schema=schema,
        budget=budget,
        public_rows=rows,
        seed=seed,
        on_violation="clamp" if orders else "refuse",
        effort=effort,
        target="converted",
    )
    ledger = ledger_url or str(out / DEMO_LEDGER)
    judging = Judging(policy=read_policy("internal-analytics", None), context=read_context(None))
    outcome = perform(request, judging, ledger, out, progress, introduce=True)
    exit_with(tell(outcome, as_json))


@click.group()
def schema() -> None:
    """Draft a schema, review it, or check a table against one."""


schema.add_command(schema_review)


@schema.command("init")
@click.argument("table", type=SOURCE)
@click.option("--out", type=PATH, required=True, help="The schema file to write.")
@click.option(
    "--dataset", help="The data set's name in the ledger [default: from the table's file name]."
)
@click.option(
    "--assume-public",
    is_flag=True,
    help="Take all drafted facts as public, marked assumed_public; strict policies refuse them.",
)
@click.option(
    "--tables",
    "names",
    help="Related tables that belong together, as A,B,…, where others stand beside them.",
)
@click.option(
    "--without-parent",
    type=click.Choice(["refused", "left_out"]),
    default="refused",
    show_default=True,
    help="What a run is to do with rows of a related table whose parent is not there.",
)
@source_options
def schema_init(
    table: Path | str,
    out: Path,
    dataset: str | None,
    assume_public: bool,
    names: str | None,
    without_parent: str,
    **source: Any,
) -> None:
    """Draft a schema from TABLE and mark each fact that a person must confirm.

    The draft is INTERNAL until somebody has checked it: bounds are rounded outwards, but categories
    are those that occur. Facts that nobody can declare may be left to be measured with noise: drop
    lower and upper and write 'source: {lower: measured, upper: measured}', or drop categories and
    write 'other: LABEL' and 'source: {categories: measured}'.

    \b
    Example:
      privgan schema init customers.csv --out schema.yaml
      privgan schema init open-data.csv --out schema.yaml --assume-public
      privgan schema init customers.xlsx --sheet Sales --out schema.yaml
      privgan schema init postgresql+psycopg://me@host/shop --query "select * from customers" --out
      schema.yaml
      privgan schema init shop --out schema.yaml
      privgan schema init shop.duckdb --tables customers,orders --out schema.yaml

    Of several related tables one schema is drafted, with their keys. They are a folder whose files
    or folders have different columns, or a database in which no table and no query is named.

    TABLE is a text file (its separator and encoding are recognised), a spreadsheet, a Parquet,
    Feather, JSON, DuckDB or SQLite file, a folder or 'pattern*.csv' of files, or the URL of a
    database. A password is best given in the variable PRIVGAN_SOURCE_PASSWORD; it is never shown.
    """
    from privgan.drafting.draft import dataset_name, draft_text, told
    from privgan.drafting.related_draft import RELATED_NOTE
    from privgan.drafting.review_file import DRAFT_NOTE
    from privgan.errors import UsageError
    from privgan.files.atomic import owner_only
    from privgan.sources import source_name
    from privgan.table.schema_file import parse_schema

    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    dataset = dataset or dataset_name(Path(source_name(table)))
    wanted = tuple(part.strip() for part in (names or "").split(",") if part.strip())
    options = source_of(source)
    read = read_to_draft(table, options, wanted, without_parent=without_parent)
    drafted = read.draft(dataset, assume_public=assume_public)
    if assume_public:
        note = (
            "All facts are taken as public (source: assumed_public): every ε is conditional on"
            " them."
        )
    else:
        note = RELATED_NOTE if drafted.schema.tables else DRAFT_NOTE
    text = draft_text(drafted, f"{note}\n{_more(drafted.schema)}")
    parse_schema(text, name=str(out))  # Checks the name before anything is written.
    with owner_only():
        out.write_text(text, encoding="utf-8")
    click.echo(f"{out}: {_drafted(drafted.schema)}. {note}")
    for line in (*told(drafted.notes), *_what_to_look_at(drafted.schema)):
        click.echo(line)
    if drafted.schema.tables:
        click.echo(f"next: {_next(said_again(table, options), out, assume_public=assume_public)}")


def _drafted(drafted: Schema) -> str:
    """How much was drafted."""
    columns = f"{len(drafted.labelled)} columns"
    tables = f" of {len(drafted.tables) + 1} tables" if drafted.tables else ""
    return f"{columns}{tables} drafted"


def _more(drafted: Schema) -> str:
    """What a person may add to a draft, for its head."""
    target = (
        "'target: COLUMN' names what the table is to predict; left out: the last column with the"
        " fewest categories."
    )
    if drafted.unit.column is not None:
        return target
    return (
        "If customers may have several rows, name the id column under 'unit' and set"
        f" max_rows_per_unit.\n{target}"
    )


def _next(source: str, out: Path, *, assume_public: bool) -> str:
    """What to do with a draft of several tables, of which a review asks nothing."""
    given = f"{source} --schema {shlex.quote(str(out))}"
    if assume_public:
        return f"privgan schema check {given}"
    return f"check each fact, then privgan schema review {given} --accept-all"


def _what_to_look_at(drafted: Schema) -> Iterator[str]:
    """The draft's riskiest guesses: missing values, and columns that it gives up."""
    stated = {label: column.missing_markers for label, column in drafted.labelled}
    markers = sorted(
        {
            marker
            for texts in (drafted.missing_markers, *stated.values())
            for marker in texts
            if marker
        }
    )
    if markers:
        yield f"Read as a missing value: {', '.join(map(shown, markers))}."
    invented = [
        f"{label} ({column.kind.value})" for label, column in drafted.labelled if column.invented
    ]
    if invented:
        yield f"Not modelled, but invented: {', '.join(invented)}."


def _places(rows: list[int], count: int) -> str:
    """Row places, as the end of a line."""
    if not rows:
        return ""
    more = ", …" if count > len(rows) else ""
    return f" (row{'s' * (count != 1)} {', '.join(map(str, rows))}{more})"


@schema.command("check")
@click.argument("table", type=SOURCE)
@schema_option
@source_options
@json_option
def schema_check(table: Path | str, schema_path: Path, as_json: bool, **source: Any) -> None:
    """List every way in which TABLE departs from the schema. INTERNAL: counts and rows are real.

    Of the rows that depart, the first are named, counted from 1 below the header.

    Also tells how many rows break each of the schema's constraints. These say what synthetic rows
    hold: a fit takes real rows that break one as they are, and the exit code does not depend on
    them. Nor does it on suspicions: what may be wrong with the schema although the table fits it.

    \b
    Example:
      privgan schema check customers.csv --schema schema.yaml
    """
    from privgan.table.schema_file import load_schema

    loaded = load_schema(schema_path)
    held = read_aloud(table, source_of(source), loaded).check(loaded)
    if as_json:
        _print_conformity(held)
    else:
        _tell_conformity(held, loaded)
    exit_with(2 if held.violations else 0)


def _print_conformity(held: Conformity) -> None:
    """Print the table's violations of its schema, as JSON."""
    from privgan.schema.constraints import place
    from privgan.table.conform import first_rows

    told: list[dict[str, Any]] = [
        {
            "column": item.column,
            "problem": item.problem,
            "rows": item.count,
            "first_rows": first_rows(item),
        }
        for item in held.violations
    ]
    told += [{"constraint": place(index), "rows": count} for index, count in held.broken]
    told += [{"keys": line} for line in held.keys]
    told += [
        {"table": table.name, "constraint": place(index), "rows": count}
        for table in held.tables
        for index, count in table.broken
    ]
    print_json(
        told + [{"column": doubt.column, "suspicion": doubt.problem} for doubt in held.suspicions]
    )


def _tell_conformity(held: Conformity, loaded: Schema) -> None:
    """Print the table's violations of its schema, in words."""
    from privgan.owner.related_rows import told_tables
    from privgan.schema.constraints import place
    from privgan.table.conform import first_rows

    found = held.violations
    for item in found:
        click.echo(f"{item}{_places(first_rows(item), item.count or 0)}")
    click.echo(
        f"{len(found)} violation{'s' * (len(found) != 1)}"
        if found
        else f"the table{'s fit' if held.tables else ' fits'} the schema"
    )
    for index, count in held.broken:
        rows = (
            "cannot be checked"
            if count is None
            else f"{count} row{'s break' if count != 1 else ' breaks'} it"
        )
        what = f"{place(index)} ({loaded.constraints[index]})"
        click.echo(
            f"INTERNAL: {what}: {rows}; a fit takes such rows as they are, no synthetic row"
            " breaks it"
        )
    for doubt in held.suspicions:
        click.echo(f"INTERNAL suspicion: {doubt}")
    for line in (*held.keys, *told_tables(held.tables, loaded)):
        click.echo(f"INTERNAL: {line}")
    if held.over_limit:
        limit = f"max_rows_per_unit = {loaded.unit.max_rows}"
        told = "a run leaves them out, picked at random"
        click.echo(
            f"INTERNAL: {held.over_limit} rows are beyond {limit} of their customers; {told}"
        )


schema.add_command(schema_import)
schema.add_command(schema_export)
