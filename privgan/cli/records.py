"""Commands about records: verify, purge."""

from __future__ import annotations

from pathlib import Path

import click

from privgan.cli.options import PATH, exit_with, json_option, ledger_option, print_json


@click.command()
@click.argument("folder", type=PATH)
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Check a release offline, without the private table: every hash, the manifest's form, the expiry.

    \b
    Example:
      privgan verify out/release
    """
    from privgan.pipeline.run import release_folder
    from privgan.release.verify import verify_release

    found = verify_release(release_folder(folder))
    if as_json:
        print_json({"ok": found.ok, "signed": found.signed, "problems": list(found.problems)})
    else:
        for problem in found.problems:
            click.echo(problem)
        click.echo(f"{'intact' if found.ok else 'NOT INTACT'}, {'signed' if found.signed else 'unsigned'}")
    exit_with(0 if found.ok else 1)


@click.command()
@click.argument("folder", type=PATH)
@ledger_option
def purge(folder: Path, ledger_url: str | None) -> None:
    """Remove what stays inside (canaries, audit, internal report, log, candidate) and record that in the ledger.

    \b
    Example:
      privgan purge out
    """
    from privgan.pipeline.run import purge as purge_folder
    from privgan.privacy.ledger import PrivacyLedger

    removed = purge_folder(folder, PrivacyLedger.open(ledger_url, create=False))
    click.echo(f"{folder}: {removed} files removed")
