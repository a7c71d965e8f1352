"""Define the command that samples rows from a candidate or a release."""

from __future__ import annotations

import os
from pathlib import Path

import click

from privgan.cli.bundles import check_intact
from privgan.cli.options import PATH, SEED

FORMATS = ("csv", "parquet", "tsv", "feather", "jsonl", "xlsx", "sqlite", "duckdb")


@click.command()
@click.argument("model", type=PATH)
@click.option("--rows", type=int, help="Rows to make [default: the planned row count].")
@click.option(
    "--where", help='Conditions that every row meets, e.g. "segment = gold and age >= 60".'
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Public randomness.")
@click.option(
    "--balanced",
    is_flag=True,
    help="Bring shares near to the model's, as in a candidate's table; takes longer.",
)
@click.option("--out", type=PATH, required=True, help="The file to write.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Its format [default: from the name of --out].",
)
def sample(
    model: Path,
    rows: int | None,
    where: str | None,
    seed: int,
    balanced: bool,
    out: Path,
    form: str | None,
) -> None:
    """Sample rows from a candidate or a release (MODEL is its folder). It costs nothing.

    A release is verified first, as by 'privgan verify': of one that is not intact no row is drawn,
    and the code is 1.

    Under conditions the rows follow the model's exact conditional distribution, and every row holds
    the schema's constraints; only at_most constraints are met by drawing a row again. Where the
    model gives the conditions next to no probability the command ends with code 3. Where it is a
    network and gives them too little, rows repeat; a note tells how many are effective.

    Rows are drawn one by one unless --balanced is given: then rows exchange values until counts of
    three columns together are near to what the model expects, in chunks of 100,000 rows. That costs
    nothing of the budget either. Of a network nothing more is done.

    Of related tables --out is a new folder with one .csv or .parquet file a table; --rows counts
    customers, and --where is on their table.

    In a .csv or .tsv file an apostrophe stands before text that a spreadsheet would run as a
    formula ('=1+1); other files hold it as it is. A database file gets one table, "synthetic".

    \b
    Example:
      privgan sample out/release --rows 1000 --where "membership_tier = gold and age >= 60" --out
      gold.csv
    """
    from privgan.domain.conditions import parse_where
    from privgan.errors import UsageError
    from privgan.pipeline.run import model_folder
    from privgan.pipeline.writing_related import write_tables_to
    from privgan.release.manifest import MANIFEST_NAME
    from privgan.release.table_files import CSV
    from privgan.synthesizer import load_synthesizer
    from privgan.table.output import format_of, write_rows

    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    source = model_folder(model)
    release = source.resolve().parent
    if os.path.lexists(release / MANIFEST_NAME):
        check_intact(release)
    synthesizer = load_synthesizer(source)
    conditions = parse_where(where, synthesizer.schema) if where is not None else ()
    if synthesizer.schema.tables:
        sampler = synthesizer.related(seed, conditions, balanced=balanced)
        customers = synthesizer.rows if rows is None else rows
        of_each = write_tables_to(out, sampler, synthesizer.schema, customers, form or CSV)
        for name, count in of_each.items():
            click.echo(f"{out}: {count} rows of {name}")
        return
    form = format_of(out, form)
    chunks = synthesizer.chunks(rows, seed=seed, where=conditions, balanced=balanced)
    written = write_rows(chunks, synthesizer.schema, out, form)
    click.echo(f"{out}: {written} rows")
    if chunks.note:
        click.echo(f"note: {chunks.note}", err=True)
