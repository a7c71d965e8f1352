"""Define the command that shows the owner what the schema's features make of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from privgan.cli.options import (
    PATH,
    SOURCE,
    exit_with,
    read_aloud,
    schema_option,
    source_of,
    source_options,
)


@click.command()
@click.argument("events", type=SOURCE)
@schema_option
@click.option(
    "--out",
    type=PATH,
    required=True,
    help="The table to write; its name tells the format: .csv, .parquet, .xlsx and others.",
)
@source_options
def features(events: Path | str, schema_path: Path, out: Path, **source: Any) -> None:
    """Write the table that a fit sees: one row a customer, made from EVENTS. INTERNAL.

    The rows are real customers: keep the table, and delete it when you have seen it. It needs no
    budget and says nothing to anybody else. The schema's 'features' define each column, and
    'privgan run EVENTS --schema FILE' makes the same table by itself.

    The exit code is 2 where the table departs from the schema, as of 'privgan schema check'; it is
    written all the same, so that bounds and categories can be mended.

    \b
    Example:
      privgan features purchases.csv --schema schema.yaml --out features.csv
    """
    from privgan.errors import UsageError
    from privgan.files.atomic import owner_only
    from privgan.table.output import format_of
    from privgan.table.schema_file import load_schema

    schema, form = load_schema(schema_path), format_of(out, None)
    if schema.events is None:
        raise UsageError(f"{schema_path}: has no events and features; the table needs none made")
    if out.exists():
        raise UsageError(f"{out}: is there already; choose another --out")
    read = read_aloud(events, source_of(source), schema)
    with owner_only():
        rows = read.write_features(schema, out, form)
    click.echo(f"{out}: {rows:,} customers. INTERNAL: each row is a real one")
    found = read.check(schema).violations
    for violation in found:
        click.echo(str(violation))
    exit_with(2 if found else 0)
