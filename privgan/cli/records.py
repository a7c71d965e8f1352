"""What stays inside: purge."""

from __future__ import annotations

from pathlib import Path

import click

from privgan.cli.options import PATH, ledger_option


@click.command()
@click.argument("folder", type=PATH)
@ledger_option
def purge(folder: Path, ledger_url: str | None) -> None:
    """Remove what stays inside (canaries, audit, internal report, log, candidate) and record that in the ledger.

    FOLDER is the --out of 'privgan run' or 'privgan fit'. A release in it is never touched; what a killed command left
    half-written there is removed too.

    \b
    Example:
      privgan purge out
    """
    from privgan.pipeline.purging import purge as purge_folder
    from privgan.privacy.ledger import PrivacyLedger

    removed = purge_folder(folder, PrivacyLedger.open(ledger_url, create=False))
    click.echo(f"{folder}: {removed} files removed")
