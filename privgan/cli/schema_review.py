"""Define the command that walks a person through a drafted schema, group by group."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privgan.cli.options import (
    SOURCE,
    exit_with,
    read_aloud,
    said_again,
    schema_option,
    source_of,
    source_options,
)
from privgan.cli.tables_review import VOUCHED, confirm_tables

if TYPE_CHECKING:
    from privgan.drafting.review import Entry, Group
    from privgan.drafting.review_session import Review

GROUPS = (
    "unit",
    "pii",
    "roles",
    "bounds",
    "categories",
    "sentinels",
    "markers",
    "kinds",
    "target",
    "constraints",
)
INTERRUPTED = 130
_LONGEST_SHOWN = 200
_WHOLE = (
    "look at each fact in an editor, and give --accept-all to confirm them, or --list to see how"
    " many are left"
)
_ACTIONS = {
    "a": "accept all",
    "o": "one by one",
    "e": "edit",
    "m": "have measured",
    "d": "decline all",
    "s": "skip for now",
    "q": "quit",
}
_ANSWERS = {
    "y": "confirm",
    "e": "edit",
    "m": "have measured",
    "d": "decline",
    "n": "not now",
    "q": "quit",
}


class _QuitError(Exception):
    """The person leaves."""


@click.command("review")
@click.argument("table", type=SOURCE)
@schema_option
@source_options
@click.option(
    "--yes-to",
    "groups",
    type=click.Choice(GROUPS),
    multiple=True,
    help="Confirm a group without asking; repeatable.",
)
@click.option(
    "--accept-all",
    is_flag=True,
    help="Confirm every group without asking: each fact is marked declared, you vouch that it is"
    " public.",
)
@click.option(
    "--list",
    "only_list",
    is_flag=True,
    help="Show how much of each group is left, and change nothing.",
)
def schema_review(
    table: Path | str,
    schema_path: Path,
    groups: Sequence[str],
    accept_all: bool,
    only_list: bool,
    **source: Any,
) -> None:
    """Walk through a drafted schema, group by group, and confirm it.

    INTERNAL: values and counts shown are real.

    One of the unpaid looks, as drafting is. Each group is shown with what confirming it means for
    privacy; it may be accepted, edited, left to be measured with noise, or skipped. Dependencies
    that the table shows are proposed as constraints. Answers land in the schema's file after each
    group: leave with q or Ctrl-C, and go on with the same command. Comments on lines of their own
    are kept.

    Of related tables the draft is checked by hand; --list tells what is left, and --accept-all
    confirms all of it.

    \b
    Example:
      privgan schema review customers.csv --schema schema.yaml
      privgan schema review customers.csv --schema schema.yaml --yes-to bounds --yes-to kinds
    """
    from privgan.table.schema_file import load_schema

    confirming = bool(groups) or accept_all
    options = source_of(source)
    loaded = load_schema(schema_path)
    if loaded.tables:
        if accept_all == only_list or groups:
            raise click.UsageError(f"the schema lists {len(loaded.tables) + 1} tables; {_WHOLE}")
        confirm_tables(schema_path, loaded, said_again(table, options), only_list=only_list)
        return
    _check_mode(confirming=confirming, only_list=only_list)
    review = read_aloud(table, options, loaded).review(schema_path)
    again = f"{said_again(table, options)} --schema {shlex.quote(str(schema_path))}"
    if only_list:
        _tell_left(review, every=True)
    elif confirming:
        _confirm(review, GROUPS if accept_all else groups)
        _tell_end(review, again)
    else:
        exit_with(_walk(review, again))


def _check_mode(*, confirming: bool, only_list: bool) -> None:
    """Check that somebody can be asked where questions are needed, and that options agree."""
    if not confirming and not only_list and not has_terminal():
        told = (
            "a review asks questions, and there is no terminal; give --yes-to GROUP or"
            " --accept-all, or look with --list"
        )
        raise click.UsageError(told)
    if only_list and confirming:
        raise click.UsageError("--list changes nothing; leave out --yes-to and --accept-all")


def has_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def _group(name: str) -> Group:
    from privgan.drafting.review import Group

    return Group(name)


def _confirm(review: Review, names: Sequence[str]) -> None:
    """Confirm whole groups without asking."""
    click.echo(VOUCHED)
    for name in (name for name in GROUPS if name in names):
        _confirm_group(review, name)
    if "categories" in names and (rare := review.rare_categories()):
        told = "a listed category has" if rare == 1 else f"{rare} listed categories have"
        click.echo(f"  {told} fewer than 10 customers; a review in a terminal shows which")


def _confirm_group(review: Review, name: str) -> None:
    """Confirm all that is left of one group, and print the choices for whole tables."""
    some = review.left(_group(name))
    choices = [line for entry in some if not entry.column for line in _told(review, entry)]
    review.accept(some)
    review.save()
    if some:
        click.echo(f"{name}: {_facts(some)} confirmed")
    for line in choices:
        click.echo(f"  {line}")


def _walk(review: Review, again: str) -> int:
    """Ask group by group, and return the exit code.

    ``again`` names table and schema as they are typed.
    """
    click.echo(
        "INTERNAL: what is shown comes from real rows. Leave with q or Ctrl-C; answers are kept."
    )
    code = 0
    try:
        for number, name in enumerate(GROUPS, 1):
            _ask_group(review, _group(name), f"({number} of {len(GROUPS)})")
    except _QuitError:
        pass
    except click.Abort:
        click.echo()
        code = INTERRUPTED
    review.save()
    _tell_end(review, again)
    return code


def _ask_group(review: Review, group: Group, place: str) -> None:
    """Ask until nothing of the group is left, or the rest is skipped."""
    from privgan.drafting.review import MEANINGS, TITLES

    while some := review.left(group):
        click.echo(f"\n{TITLES[group]} {place}: {_facts(some)} to confirm\n{MEANINGS[group]}")
        for number, entry in enumerate(some, 1):
            first, *more = _told(review, entry)
            click.echo("\n".join([f"  {number:>2}  {first}", *(f"      {line}" for line in more)]))
        action = _choice(_actions(review, group, some))
        finished = _act(review, some, action)
        review.save()
        if finished:
            return


def _act(review: Review, some: Sequence[Entry], action: str) -> bool:
    """Perform an action on a group; returns whether the group is finished for now."""
    if action == "a":
        _try(lambda: review.accept(some))
    elif action == "d":
        review.decline(some)
    elif action == "e":
        _try(lambda: _edit(review, some[_number(some, "edit") - 1]))
    elif action == "m":
        _try(lambda: _measure(review, some))
    elif action == "o":
        for entry in some:
            _ask_entry(review, entry)
        return True
    elif action == "q":
        raise _QuitError
    return action == "s"


def _ask_entry(review: Review, entry: Entry) -> None:
    """Ask about one entry until it is answered."""
    actions = {
        key: told
        for key, told in _ANSWERS.items()
        if (key != "m" or _measurable(review, [entry]))
        and (key != "d" or entry.proposal)
        and (key != "e" or not entry.proposal)
    }
    answered = False
    while not answered:
        click.echo("\n".join(f"  {line}" for line in _told(review, entry)))
        answered = _answer(review, entry, _choice(actions))
    review.save()


def _answer(review: Review, entry: Entry, answer: str) -> bool:
    """Perform an action on one entry; returns whether it is finished for now."""
    if answer == "q":
        raise _QuitError
    if answer == "y":
        return _try(lambda: review.accept([entry]))
    if answer == "d":
        review.decline([entry])
    elif answer == "m":
        return _try(lambda: review.measure([entry]))
    elif answer == "e":
        return _try(lambda: _edit(review, entry))
    return True


def _try(change: Callable[[], None]) -> bool:
    """Try a change; on failure print the reason and leave everything as it was."""
    from privgan.errors import UsageError

    try:
        change()
    except UsageError as error:
        click.echo(f"  nothing is changed: {error}")
        return False
    return True


def _edit(review: Review, entry: Entry) -> None:
    """Ask for each fact of an entry; return keeps its value."""
    from privgan.drafting.review_edits import fields

    stated = fields(review.schema, entry).items()
    typed = {
        fact: click.prompt(f"  {fact}", default=now, show_default=len(now) <= _LONGEST_SHOWN)
        for fact, now in stated
    }
    if typed.get("unit", "").strip() == "row":
        repeating = review.repeating_identifiers()
        for name in repeating:
            asked = (
                f"  {name} repeats; does it name no customer, so that it may (a waiver that strict"
                " policies refuse)?"
            )
            if not click.confirm(asked):
                click.echo(
                    f"  nothing is changed: make {name} the unit, or state that it may repeat"
                )
                return
        review.keep_rows(repeating)
    else:
        review.edit(entry, typed)


def _measure(review: Review, some: Sequence[Entry]) -> None:
    """Ask which entries to measure, and refuse one that cannot be measured."""
    from privgan.errors import UsageError

    able = [entry for entry in some if _measurable(review, [entry])]
    number = _number(some, "have measured, 0 for all that can be", lowest=0)
    if number and some[number - 1] not in able:
        told = "only bounds and the categories of a categorical column can"
        raise UsageError(f"{some[number - 1].column} cannot be measured; {told}")
    review.measure([some[number - 1]] if number else able)


def _number(some: Sequence[Entry], action: str, *, lowest: int = 1) -> int:
    """Ask for an entry's number where there are several."""
    if len(some) == 1:
        return 1
    number: int = click.prompt(f"  number to {action}", type=click.IntRange(lowest, len(some)))
    return number


def _actions(review: Review, group: Group, some: Sequence[Entry]) -> dict[str, str]:
    proposals = group == "constraints"
    fitting = {
        "a": True,
        "o": True,
        "e": not proposals,
        "m": _measurable(review, some),
        "d": proposals,
        "s": True,
        "q": True,
    }
    return {key: told for key, told in _ACTIONS.items() if fitting[key]}


def _measurable(review: Review, some: Sequence[Entry]) -> bool:
    from privgan.drafting.review import can_be_measured

    return any(can_be_measured(review.schema, entry) for entry in some)


def _choice(actions: dict[str, str]) -> str:
    text = ", ".join(f"[{key}] {told}" for key, told in actions.items())
    chosen: str = click.prompt(text, type=click.Choice(list(actions)), show_choices=False)
    return chosen


def _told(review: Review, entry: Entry) -> Iterator[str]:
    """An entry as lines."""
    yield review.told(entry)
    candidate = review.candidate() if entry.group == "unit" else None
    if candidate is not None:
        rows = f"{candidate.different:,} different ones, at most {candidate.largest:,} rows each"
        yield f"{candidate.name} repeats: {rows}; proposed: {candidate.unit}"


def _facts(some: Sequence[Entry]) -> str:
    count, columns = (
        sum(entry.size for entry in some),
        len({entry.column for entry in some if entry.column}),
    )
    of = f" of {columns} column{'s' * (columns != 1)}" if columns else ""
    return f"{count} fact{'s' * (count != 1)}{of}" if some else "nothing"


def _tell_left(review: Review, *, every: bool) -> bool:
    """Print how much of each group is left; returns whether anything is."""
    found = {name: review.left(_group(name)) for name in GROUPS}
    for name, some in found.items():
        if some or every:
            click.echo(f"{name:<12} {_facts(some)}")
    return any(found.values())


def _tell_end(review: Review, again: str) -> None:
    """Print what is left, and the next step."""
    click.echo("\nleft:")
    if _tell_left(review, every=False):
        click.echo(f"go on with: privgan schema review {again}")
    else:
        click.echo(f"nothing; next: privgan run {again} --policy NAME --epsilon 3 --out out")
