"""The command that shows releases in a browser: serve."""

from __future__ import annotations

from pathlib import Path

import click

from privgan.cli.keys import trust_of, trust_options
from privgan.cli.options import PATH


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port on 127.0.0.1; 0 for a free one."
)
@click.option("--ledger", "ledger_url", help="Show this ledger too (file or PostgreSQL URL). INTERNAL.")
@trust_options
@click.option("--internal", is_flag=True, help="Show the internal reports of runs too, marked CONFIDENTIAL. INTERNAL.")
def serve(
    folder: Path,
    port: int,
    ledger_url: str | None,
    key_names: tuple[str, ...],
    rotations: tuple[Path, ...],
    lists: tuple[Path, ...],
    internal: bool,
) -> None:
    """Show the releases of a FOLDER in the browser, read only, on this machine only; Ctrl-C ends it.

    The folder may hold releases, and runs (OUT) with a release inside. Each is verified before it is shown; of one that is
    not intact, or that none of the given --key signed, nothing is handed out. Two releases are compared side by side. What is
    INTERNAL is shown only on request, and its pages are marked. All users of a machine reach its 127.0.0.1: the printed
    address holds a key; keep it to yourself.

    \b
    Example:
      privgan serve releases --port 8765
      privgan serve out --internal --ledger ledger.sqlite
    """
    from privgan.privacy.ledger import PrivacyLedger
    from privgan.serve.server import make_server

    if ledger_url:
        PrivacyLedger.open(ledger_url, create=False)  # A wrong one is told now, and not by a page.
    server = make_server(folder, port=port, internal=internal, ledger=ledger_url, trust=trust_of(key_names, rotations, lists))
    click.echo(f"{folder}: {server.address} (Ctrl-C ends it)")
    if internal or ledger_url:
        click.echo("CONFIDENTIAL: some of these pages are INTERNAL", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        server.server_close()
