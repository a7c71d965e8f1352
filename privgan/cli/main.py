"""Define the command group and its exit codes, and import each command late."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from importlib import import_module, metadata
from typing import NoReturn

import click

from privgan.cli.naming import CommandLineNames
from privgan.errors import PrivganError
from privgan.naming import speaking

_COMMANDS = {
    "demo": (
        "privgan.cli.tables",
        "demo",
        "Make a simulated customer table and run the main job on it.",
    ),
    "schema": (
        "privgan.cli.tables",
        "schema",
        "Draft a schema, review it, or check a table against one.",
    ),
    "features": (
        "privgan.cli.features",
        "features",
        "Show the table that the schema's features make of events. INTERNAL.",
    ),
    "plan": (
        "privgan.cli.plans",
        "plan",
        "Print each step's cost, noise and expected error; opens no data.",
    ),
    "policy": ("privgan.cli.policy", "policy", "Make, check, explain and compare policies."),
    "run": ("privgan.cli.runs", "run", "Do everything: from a table to a release."),
    "fit": ("privgan.cli.runs", "fit", "Fit a candidate."),
    "resume": ("privgan.cli.runs", "resume", "Go on with an interrupted fit or run."),
    "sample": ("privgan.cli.sampling", "sample", "Sample rows from a candidate or a release."),
    "recommend": (
        "privgan.cli.recommending",
        "recommend",
        "Rank a column's values for profiles or histories. INTERNAL.",
    ),
    "ask": (
        "privgan.cli.asking",
        "ask",
        "Answer a question about the real table with intervals.",
    ),
    "audit": (
        "privgan.cli.judge",
        "audit",
        "Attack and measure a candidate, or any synthetic table. INTERNAL.",
    ),
    "check": ("privgan.cli.judge", "check", "Judge a candidate by a policy and explain each gate."),
    "release": ("privgan.cli.judge", "release", "Write the release of a candidate that passes."),
    "verify": ("privgan.cli.bundles", "verify", "Check a release offline."),
    "sign": ("privgan.cli.bundles", "sign", "Sign a release that was written before."),
    "pack": ("privgan.cli.bundles", "pack", "Write a release as one zip file."),
    "encrypt": ("privgan.cli.bundles", "encrypt", "Write a release for named recipients alone."),
    "decrypt": ("privgan.cli.bundles", "decrypt", "Open an encrypted release, and verify it."),
    "keys": ("privgan.cli.keys", "keys", "Create, rotate, revoke and list keys."),
    "report": (
        "privgan.cli.reports",
        "report",
        "Show or write the report of a release or a candidate.",
    ),
    "serve": (
        "privgan.cli.reports",
        "serve",
        "Show a folder of releases in the browser, read only.",
    ),
    "ledger": (
        "privgan.cli.ledger",
        "ledger",
        "Create, show, verify and budget the privacy ledger.",
    ),
    "purge": ("privgan.cli.tables", "purge", "Remove what stays inside, and record it."),
}
INTERRUPTED, INTERNAL_ERROR = 130, 70
_PASSWORD = re.compile(r"(:/{1,2}[^\s:/@]*:)\S*@")


class _LateGroup(click.Group):
    """Import a command's module on its first call, so that --help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line per command, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, _, short) in _COMMANDS.items()])


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="privgan", prog_name="privgan")
def group() -> None:
    """Synthetic customer tables with an (ε, δ) guarantee, an audit, a policy verdict \
and a checkable release.

    \b
    Example:
      privgan demo --out demo-out
      privgan schema init customers.csv --out schema.yaml
      privgan schema review customers.csv --schema schema.yaml
      privgan run customers.csv --schema schema.yaml --policy partner-share --epsilon 3 --out out

    The terminal's output, logs and the folder "internal" are INTERNAL: they are not covered by the
    guarantee.

    \b
    Exit codes: 0 done and passed; 1 policy or verification failed; 2 wrong usage or bad input;
    3 inconclusive or a fact is missing; 4 budget exhausted; 70 internal error; 130 interrupted.
    """  # noqa: D205


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code; SIGTERM ends it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(execute(arguments))


def execute(arguments: list[str] | None = None) -> int:
    """Run the command line and return the documented exit code.

    All messages name options and commands.
    """
    with speaking(CommandLineNames()):
        return _execute(arguments)


def _execute(arguments: list[str] | None) -> int:
    try:
        outcome = group.main(args=arguments, prog_name="privgan", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except click.ClickException as error:
        error.message = without_passwords(error.message)  # type: ignore[misc]
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "interrupted; what was charged stays charged (a run with --resumable goes on with"
            " 'privgan resume')",
            err=True,
        )
        return INTERRUPTED
    except PrivganError as error:
        click.echo(without_passwords(f"{type(error).__name__}: {error}"), err=True)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except Exception as error:
        return _unexpected(error)


def without_passwords(message: str) -> str:
    """Remove passwords from URLs in a message.

    An option may hold one where none is meant.
    """
    return _PASSWORD.sub(r"\1***@", message)


def _unexpected(error: Exception) -> int:
    """Report an unexpected error by its type.

    Its message might hold a value of the table.
    """
    if isinstance(error, OSError) and error.errno:
        click.echo(
            f"UsageError: {error.filename or 'a file'}: {os.strerror(error.errno)}", err=True
        )
        return 2
    where = traceback.extract_tb(error.__traceback__)[-1]
    place, version = (
        f"{os.path.basename(where.filename)}:{where.lineno}",
        metadata.version("privgan"),
    )
    click.echo(
        f"InternalError: {type(error).__name__} in {place}; this is a bug in privgan {version}",
        err=True,
    )
    if os.environ.get("PRIVGAN_DEBUG"):
        traceback.print_exception(error)
    else:
        click.echo(
            "set PRIVGAN_DEBUG=1 for the traceback (INTERNAL: it may hold values of the table)",
            err=True,
        )
    return INTERNAL_ERROR
