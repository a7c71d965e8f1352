"""Show what is left of a draft of related tables, or confirm all of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from privgan.schema.schema import Schema

VOUCHED = (
    "INTERNAL: you vouch for what is confirmed here; whoever reads the guarantee takes it as"
    " publicly known."
)


def confirm_tables(path: Path, schema: Schema, source: str, *, only_list: bool) -> None:
    """List or confirm all facts of related tables; no row is read.

    Args:
        path: The schema's file.
        schema: What stands in it.
        source: The tables and their options, as they are typed.
        only_list: Whether to change nothing.
    """
    from privgan.drafting.related_review import declare_file, left_by_table

    left = {name: count for name, count in left_by_table(schema).items() if count}
    if not only_list:
        click.echo(VOUCHED)
        declare_file(path, schema)
    for name, count in left.items():
        told = "left to confirm" if only_list else "confirmed"
        click.echo(f"{name}: {count} fact{'s' * (count != 1)} {told}")
    given = f"{source} --schema {shlex.quote(str(path))}"
    if left and only_list:
        click.echo(f"go on with: privgan schema review {given} --accept-all")
    else:
        click.echo(f"left to confirm: nothing; next: privgan schema check {given}")
