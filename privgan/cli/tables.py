"""Commands about tables: demo, schema."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privgan.cli.options import (
    PATH,
    SEED,
    exit_with,
    json_option,
    ledger_option,
    print_json,
    quiet_option,
    schema_option,
    sep_option,
)
from privgan.cli.schema_review import schema_review
from privgan.documents import shown

if TYPE_CHECKING:
    from privgan.table.schema import Schema

DEMO_ROWS = 20_000
DEMO_DATASET = "retail-demo"


@click.command()
@click.option("--out", type=PATH, default=Path("demo-out"), show_default=True, help="Folder for table, schema and run.")
@click.option("--rows", type=int, default=DEMO_ROWS, show_default=True, help="Customers to simulate.")
@click.option("--epsilon", type=float, default=3.0, show_default=True, help="ε of the run.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Draws the simulated customers.")
@click.option(
    "--effort",
    type=click.Choice(["quick", "standard", "thorough"]),
    default="quick",
    show_default=True,
    help="Free fitting: time against utility.",
)
@ledger_option
@json_option
@quiet_option
def demo(
    out: Path, rows: int, epsilon: float, seed: int, effort: str, ledger_url: str | None, as_json: bool, quiet: bool
) -> None:
    """Simulate a retailer's customers and run the main job on them.

    Writes OUT/customers.csv and OUT/schema.yaml, then does what 'privgan run' does, into OUT, under the policy
    internal-analytics. Each demo is a data set of its own in the ledger.

    \b
    Example:
      privgan demo --out demo-out --rows 20000
    """
    from privgan.cli.runs import perform, tell
    from privgan.demo import write_demo
    from privgan.errors import UsageError
    from privgan.pipeline.note import RunRequest
    from privgan.pipeline.run import refuse_taken
    from privgan.planning.planner import MINIMUM_ROWS
    from privgan.privacy.budget import PrivacyBudget

    budget = PrivacyBudget(epsilon=epsilon)
    if rows < MINIMUM_ROWS:
        raise UsageError(f"--rows is {rows}; a demo needs at least {MINIMUM_ROWS} customers")
    budget.check_size(rows, known="declared row count")
    refuse_taken(out)
    table, schema = write_demo(out, rows, seed)
    schema.write_text(
        schema.read_text(encoding="utf-8").replace(DEMO_DATASET, f"{DEMO_DATASET}-{secrets.token_hex(4)}"),
        encoding="utf-8",
    )
    request = RunRequest(
        table=table, schema=schema, budget=budget, public_rows=rows, seed=seed, effort=effort, target="converted"
    )
    outcome = perform(request, "internal-analytics", None, ledger_url, out, quiet=quiet, introduce=True)
    exit_with(tell(outcome, as_json))


@click.group()
def schema() -> None:
    """Draft a schema, review it, or check a table against one."""


schema.add_command(schema_review)


@schema.command("init")
@click.argument("table", type=PATH)
@click.option("--out", type=PATH, required=True, help="The schema file to write.")
@click.option("--dataset", help="The data set's name in the ledger [default: from the table's file name].")
@click.option(
    "--assume-public",
    is_flag=True,
    help="Take all drafted facts as public, marked assumed_public; strict policies refuse them.",
)
@sep_option
def schema_init(table: Path, out: Path, dataset: str | None, assume_public: bool, sep: str) -> None:
    """Draft a schema from TABLE and mark each fact that a person must confirm.

    The draft is INTERNAL until somebody has checked it: bounds are rounded outwards, but categories are those that occur.
    Facts that nobody can declare may be left to be measured with noise: drop lower and upper and write
    'source: {lower: measured, upper: measured}', or drop categories and write 'other: LABEL' and
    'source: {categories: measured}'.

    \b
    Example:
      privgan schema init customers.csv --out schema.yaml
      privgan schema init open-data.csv --out schema.yaml --assume-public
    """
    from privgan.errors import UsageError
    from privgan.table.draft import dataset_name, draft_schema
    from privgan.table.files import read_table
    from privgan.table.review_file import DRAFT_NOTE
    from privgan.table.schema_file import dump_schema, parse_schema

    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    drafted = draft_schema(read_table(table, sep=sep), dataset or dataset_name(table), assume_public=assume_public)
    if assume_public:
        note = "All facts are taken as public (source: assumed_public): every ε is conditional on them."
    else:
        note = DRAFT_NOTE
    more = (
        "If customers may have several rows, name the id column under 'unit' and set max_rows_per_unit.\n"
        "'target: COLUMN' names what the table is to predict; left out: the last column with the fewest categories."
    )
    text = dump_schema(drafted, comment=f"{note}\n{more}")
    parse_schema(text, name=str(out))  # Refuses a name that no schema may have before anything is written.
    out.write_text(text, encoding="utf-8")
    click.echo(f"{out}: {len(drafted.columns)} columns drafted. {note}")
    for line in _what_to_look_at(drafted):
        click.echo(line)


def _what_to_look_at(drafted: Schema) -> Iterator[str]:
    """What a draft takes for missing, and which columns it gives up: guesses that change the synthetic table most."""
    markers = [shown(marker) for marker in drafted.missing_markers if marker]
    if markers:
        yield f"Read as a missing value: {', '.join(markers)}."
    invented = [f"{column.name} ({column.kind.value})" for column in drafted.invented]
    if invented:
        yield f"Not modelled, but invented: {', '.join(invented)}. Numbers hold no sign of currency, per cent or thousands."


@schema.command("check")
@click.argument("table", type=PATH)
@schema_option
@sep_option
@json_option
def schema_check(table: Path, schema_path: Path, sep: str, as_json: bool) -> None:
    """List every way in which TABLE departs from the schema. INTERNAL: counts are real.

    Also tells how many rows break each of the schema's constraints. These say what synthetic rows hold: a fit takes real rows
    that break one as they are, and the exit code does not depend on them.

    \b
    Example:
      privgan schema check customers.csv --schema schema.yaml
    """
    from privgan.table.conform import rows_over_limit, violations
    from privgan.table.constraints import place
    from privgan.table.files import read_table
    from privgan.table.holding import broken_constraints
    from privgan.table.schema_file import load_schema

    loaded, frame = load_schema(schema_path), read_table(table, sep=sep)
    found, broken = violations(frame, loaded), broken_constraints(frame, loaded)
    if as_json:
        told = [{"column": item.column, "problem": item.problem, "rows": item.count} for item in found]
        print_json(told + [{"constraint": place(index), "rows": count} for index, count in broken])
    else:
        for item in found:
            click.echo(str(item))
        click.echo(f"{len(found)} violation{'s' * (len(found) != 1)}" if found else "the table fits the schema")
        for index, count in broken:
            rows = "cannot be checked" if count is None else f"{count} row{'s break' if count != 1 else ' breaks'} it"
            what = f"{place(index)} ({loaded.constraints[index]})"
            click.echo(f"INTERNAL: {what}: {rows}; a fit takes such rows as they are, no synthetic row breaks it")
        over = rows_over_limit(frame, loaded)
        if over:
            limit = f"max_rows_per_unit = {loaded.unit.max_rows}"
            click.echo(f"INTERNAL: {over} rows are beyond {limit} of their customers; a run leaves them out, picked at random")
    exit_with(2 if found else 0)
