"""Options that several commands share, and how figures are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)
SEED = click.IntRange(0, 2**63 - 1)


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


schema_option = click.option(
    "--schema", "schema_path", type=PATH, required=True, help="The schema: public facts about the table."
)
sep_option = click.option("--sep", default=",", show_default=True, help="Separator of a text table; one character, or \\t.")
ledger_option = click.option(
    "--ledger", "ledger_url", help="Ledger file, or PostgreSQL URL [default: $PRIVGAN_LEDGER, else the user's data folder]."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
policy_option = click.option("--policy", "policy_name", required=True, help="A shipped policy's name, or a policy file.")
context_option = click.option(
    "--context", "context_path", type=PATH, help="Reviewer, purpose, recipient, expiry, review date (YAML)."
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress.")
budget_options = stacked(
    click.option("--epsilon", type=float, required=True, help="ε of this run, above 0 and at most 100 (useful: 0.5 to 5)."),
    click.option("--delta", type=float, default=1e-6, show_default=True, help="δ of this run; below 1/n."),
)
fit_options = stacked(
    click.option(
        "--public-rows",
        type=int,
        help="The table's row count, declared public; without it the count is measured, at a cost.",
    ),
    click.option("--rows", type=int, help="Rows to make [default: the planned row count]."),
    sep_option,
    click.option(
        "--seed",
        type=SEED,
        default=0,
        show_default=True,
        help="Moves initial weights and fake rows; never noise, batches or canaries.",
    ),
    click.option(
        "--effort",
        type=click.Choice(["quick", "standard", "thorough"]),
        default="standard",
        show_default=True,
        help="Free fitting: time against utility; the guarantee is the same.",
    ),
    click.option(
        "--on-violation",
        type=click.Choice(["refuse", "clamp"]),
        default="refuse",
        show_default=True,
        help="What to do with values outside the schema.",
    ),
    click.option(
        "--resumable",
        is_flag=True,
        help="Write checkpoints, so that 'privgan resume' can go on after a crash; costs a little noise.",
    ),
    click.option(
        "--canary-probability",
        type=float,
        help="Probability of each customer to be a canary of the audit [default: 0.2].",
    ),
)


def print_json(data: Mapping[str, Any] | list[Any]) -> None:
    """Figures as JSON on standard output."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def exit_with(code: int) -> None:
    """End the command with an exit code other than 0."""
    if code:
        raise click.exceptions.Exit(code)
