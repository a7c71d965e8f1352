"""Define the options that several commands share, and print figures."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from privgan.owner.owners_table import TableAsRead
    from privgan.owner.undeclared_tables import UndeclaredTables
    from privgan.planning.plan import Plan
    from privgan.planning.risk import RiskBudget, RiskLimit
    from privgan.privacy.budget import PrivacyBudget
    from privgan.schema.schema import Schema
    from privgan.sources import SourceOptions

Command = TypeVar("Command", bound=Callable[..., Any])
PATH = click.Path(path_type=Path)


class _Source(click.ParamType):
    """A parameter type for tables: a database URL stays text, all else becomes a path."""

    name = "source"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        """Convert to a path, or keep a URL."""
        return value if isinstance(value, Path) or "://" in value else Path(value)


SOURCE = _Source()
_WAYS = ("--epsilon", "--max-attack-advantage", "--max-tpr")
SEED = click.IntRange(0, 2**63 - 1)


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Combine several options into one decorator, shown in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


schema_option = click.option(
    "--schema",
    "schema_path",
    type=PATH,
    required=True,
    help="The schema: public facts about the table.",
)
text_options = stacked(
    click.option(
        "--sep", help="Separator of a text table, one character or \\t [default: recognised]."
    ),
    click.option(
        "--encoding",
        help="Encoding of a text table, such as gb18030 or cp1252 [default: recognised].",
    ),
)
sheet_option = click.option(
    "--sheet", metavar="NAME", help="Sheet of a spreadsheet [default: the one that holds anything]."
)
query_option = click.option(
    "--query", metavar="SQL", help="What to read from a database, in place of a table."
)
database_table_option = click.option(
    "--table",
    "database_table",
    metavar="NAME",
    help="Table of a database, NAME or SCHEMA.NAME [default: the only one].",
)
source_options = stacked(text_options, sheet_option, database_table_option, query_option)
source_options_beside_table = stacked(text_options, sheet_option, query_option)
ledger_option = click.option(
    "--ledger",
    "ledger_url",
    help="Ledger file, or PostgreSQL URL [default: $PRIVGAN_LEDGER, else the user's data folder].",
)
violation_option = click.option(
    "--on-violation",
    type=click.Choice(["refuse", "clamp"]),
    default="refuse",
    show_default=True,
    help="What to do with values outside the schema.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
policy_option = click.option(
    "--policy", "policy_name", required=True, help="A shipped policy's name, or a policy file."
)
context_option = click.option(
    "--context",
    "context_path",
    type=PATH,
    help="Reviewer, purpose, recipient, expiry, review date and more (YAML).",
)
waivers_option = click.option(
    "--waivers",
    "waivers_path",
    type=PATH,
    help="Gates that need not pass: fact, who, why, until (YAML); see policies/README.md.",
)
verdict_file_options = stacked(
    click.option(
        "--junit",
        type=PATH,
        help="Also write the verdict as JUnit XML. INTERNAL, unless --shareable.",
    ),
    click.option(
        "--sarif",
        type=PATH,
        help="Also write the verdict as SARIF 2.1.0. INTERNAL, unless --shareable.",
    ),
    click.option(
        "--shareable",
        is_flag=True,
        help=(
            "--junit and --sarif hold the public gates only; nothing is written where the internal"
            " checks did not pass."
        ),
    ),
)
language_option = click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the reports: English or Simplified Chinese.",
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress.")
budget_options = stacked(
    click.option(
        "--epsilon", type=float, help="ε of this run, above 0 and at most 100 (useful: 0.5 to 5)."
    ),
    click.option(
        "--max-attack-advantage",
        type=float,
        metavar="ADVANTAGE",
        help=(
            "In place of --epsilon: the largest true- minus false-positive rate of telling whether"
            " somebody was in the table."
        ),
    ),
    click.option(
        "--max-tpr",
        metavar="TPR@FPR",
        help=(
            "In place of --epsilon: the largest true-positive rate at a false-positive rate, e.g."
            " 0.05@0.01."
        ),
    ),
    click.option(
        "--delta", type=float, default=1e-6, show_default=True, help="δ of this run; below 1/n."
    ),
)
generator_options = stacked(
    click.option(
        "--generator",
        type=click.Choice(["auto", "mixture", "network", "gan"]),
        default="auto",
        show_default=True,
        help=(
            "What is fitted: a mixture to noisy marginals alone; a network that DP-SGD then trains"
            " on customers; or a plain conditional GAN, whose critic DP-SGD trains. auto takes the"
            " network where the table is large enough, else the mixture, and never the GAN, which"
            " is less faithful."
        ),
    ),
    click.option(
        "--dp-sgd-share",
        type=float,
        help=(
            "Share of the model's budget for DP-SGD, 0 to 0.95: of the network, or of a critic of"
            " the mixture or GAN; the rest measures marginals [default: what pays]."
        ),
    ),
)
target_option = click.option(
    "--target",
    help=(
        "Column to predict: what tells of it is measured more closely, and the audit predicts it"
        " [default: the schema's 'target', else by a fixed rule]."
    ),
)
fit_options = stacked(
    click.option(
        "--public-rows",
        type=int,
        help="The table's row count, declared public; without it the count is measured, at a cost.",
    ),
    click.option("--rows", type=int, help="Rows to make [default: the planned row count]."),
    source_options,
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
    violation_option,
    generator_options,
    click.option(
        "--resumable",
        is_flag=True,
        help=(
            "Write checkpoints of DP-SGD, where the plan has any, so that 'privgan resume'"
            " can go on after a crash; costs a little noise."
        ),
    ),
    click.option(
        "--canary-probability",
        type=float,
        help="Probability of each customer to be a canary of the audit [default: 0.2].",
    ),
)


def source_of(options: dict[str, Any]) -> SourceOptions:
    """Build a source from the options of ``source_options``.

    They are taken out of the command's options.
    """
    from privgan.sources import SourceOptions

    taken = {name: options.pop(name) for name in ("sep", "encoding", "sheet", "query")}
    return SourceOptions(**taken, table=options.pop("database_table", None))


def said_again(table: Path | str, source: SourceOptions) -> str:
    """Repeat a source and its options as they are typed.

    Of a URL and a query, which may hold a secret, only a placeholder.
    """
    from privgan.sources import is_url

    written = {
        field.name: "SQL" if field.name == "query" else shlex.quote(getattr(source, field.name))
        for field in fields(source)
        if getattr(source, field.name) is not None
    }
    place = "URL" if is_url(table) else shlex.quote(str(table))
    return " ".join([place, *(f"--{name} {text}" for name, text in written.items())])


def told_beside(line: str) -> None:
    """Print a line on standard error."""
    click.echo(line, err=True)


def read_aloud(
    spec: Path | str,
    source: SourceOptions,
    schema: Schema | None = None,
    *,
    shared: bool = False,
    say: Callable[[str], None] = told_beside,
) -> TableAsRead:
    """Read a table and print what was recognised. INTERNAL: it tells the row count.

    Args:
        spec: Where the table is.
        source: How it is to be read.
        schema: The public facts; where they have events, these are read as features.
        shared: Whether several tables share these options, so that one may not heed all of them.
        say: Says a line.
    """
    from privgan.owner.owners_table import TableAsRead

    read = TableAsRead.read(spec, source, schema, shared=shared)
    for line in read.said:
        say(line)
    return read


def read_to_draft(
    spec: Path | str, source: SourceOptions, names: Sequence[str], *, without_parent: str
) -> TableAsRead | UndeclaredTables:
    """Read a table or related tables to draft a schema from, and print what was recognised.

    Args:
        spec: Where they are.
        source: How they are to be read.
        names: The related tables, where a person names them.
        without_parent: What a run is to do with rows whose parent is not there.
    """
    from privgan.owner.undeclared_tables import read_undeclared

    read = read_undeclared(spec, source, names, without_parent=without_parent)
    for line in read.said:
        told_beside(line)
    return read


def budget_of(
    options: dict[str, Any], make_plan: Callable[[PrivacyBudget], Plan]
) -> tuple[PrivacyBudget, RiskBudget | None]:
    """Compute the budget from ``budget_options``, and how it follows from a requested risk limit.

    Args:
        options: The command's options; those about the budget are taken out.
        make_plan: The plan for a budget; called only where a risk is asked.
    """
    from privgan.errors import UsageError
    from privgan.planning.risk import MaxAdvantage, budget_for
    from privgan.privacy.budget import PrivacyBudget

    epsilon, delta = options.pop("epsilon"), options.pop("delta")
    advantage, rates = options.pop("max_attack_advantage"), options.pop("max_tpr")
    given = [
        name
        for name, value in zip(_WAYS, (epsilon, advantage, rates), strict=True)
        if value is not None
    ]
    if len(given) != 1:
        told = f"{' and '.join(given)} are given" if given else "none is given"
        raise UsageError(f"{told}; give exactly one of {', '.join(_WAYS)}")
    if epsilon is not None:
        return PrivacyBudget(epsilon=epsilon, delta=delta), None
    PrivacyBudget(epsilon=1.0, delta=delta)  # Checks δ.
    limit: RiskLimit = MaxAdvantage(advantage) if advantage is not None else _rates(rates)
    found = budget_for(limit, make_plan, delta=delta)
    return found.budget, found


def _rates(text: str) -> RiskLimit:
    from privgan.errors import UsageError
    from privgan.planning.risk import MaxTruePositiveRate

    try:
        found, alarms = (float(part) for part in text.split("@"))
    except ValueError:
        raise UsageError(
            f"--max-tpr is {text!r}; it must be a true-positive rate at a false-positive rate, e.g."
            " 0.05@0.01"
        ) from None
    return MaxTruePositiveRate(found, alarms)


def asked_json(asked: RiskBudget | None) -> dict[str, Any]:
    """The requested risk limit as JSON values; nothing where ε was given."""
    return {"asked_risk": asked.to_json()} if asked else {}


def tell_asked(asked: RiskBudget | None) -> None:
    """Print the ε derived from the requested risk limit."""
    if asked:
        click.echo(str(asked))


def print_json(data: Mapping[str, Any] | list[Any]) -> None:
    """Print figures as JSON on standard output."""
    click.echo(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False, default=str))


def exit_with(code: int) -> None:
    """End the command with an exit code other than 0."""
    if code:
        raise click.exceptions.Exit(code)
