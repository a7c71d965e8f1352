"""What the Python API takes: schemas, policies, ledgers and tables, each in its usual forms."""

from __future__ import annotations

import datetime as dt
import inspect
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from privgan.errors import DocumentError, TableError, UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.ledger.ledger import PrivacyLedger
from privgan.naming import parameter
from privgan.policy.context import Context, checked_context, load_context
from privgan.policy.policy import Policy
from privgan.policy.policy_file import load_policy
from privgan.policy.waivers import load_waivers, waived
from privgan.progress import Progress
from privgan.schema.schema import Schema
from privgan.sources import is_table, is_url, table_of_mappings
from privgan.table.schema_file import load_schema, parse_schema, schema_items, written

PathLike = str | os.PathLike[str]


def schema_of(given: Schema | PathLike | Mapping[str, Any]) -> Schema:
    """A schema: one made in code, a schema file's path, its YAML text, or a dictionary.

    Raises:
        DocumentError: with every mistake.
        UsageError: when it is none of these.
    """
    if isinstance(given, Schema):
        # One of the library's own class was never held against the rules of a schema file.
        return parsed(schema_items(given), "the schema") if type(given) is Schema else plain(given)
    if isinstance(given, Mapping):
        return parsed(given, "the schema")
    if isinstance(given, str) and "\n" in given:
        return parse_schema(given, name="the schema")
    if isinstance(given, str | os.PathLike):
        return load_schema(Path(given))
    raise _wrong("schema", given, "a Schema, the path of a schema file, its text, or a dictionary")


def plain(schema: Schema) -> Schema:
    """A schema as the library's own class holds it."""
    return Schema(**{part.name: getattr(schema, part.name) for part in fields(Schema)})


def parsed(document: Mapping[str, Any], name: str) -> Schema:
    """The schema that a file of this content holds; DocumentError with every mistake."""
    try:
        return parse_schema(written(document), name=name)
    except DocumentError as error:
        raise DocumentError(
            name, [mistake.partition(": ")[2] for mistake in error.mistakes]
        ) from None


def policy_of(given: Policy | PathLike, waivers: PathLike | None = None) -> Policy:
    """A policy, with the waivers that hold today; a warning tells those that have ended.

    Args:
        given: A Policy, a shipped policy's name, or the path of a policy file.
        waivers: The waivers' file.
    """
    if isinstance(given, Policy):
        policy = given
    elif isinstance(given, str | os.PathLike):
        policy = load_policy(os.fspath(given))
    else:
        raise _wrong(
            "policy", given, "a Policy, a shipped policy's name, or the path of a policy file"
        )
    if waivers is None:
        return policy
    found = waived(
        policy, load_waivers(path_of("waivers", waivers), policy), dt.datetime.now(dt.UTC).date()
    )
    for waiver in found.expired:
        tell(f"the waiver of {waiver.fact} by {waiver.who} ended on {waiver.until}")
    return found


def context_of(given: Context | PathLike | None) -> Context:
    """What people state about a release: a Context, the path of its file, or nothing."""
    if given is None:
        return Context()
    if isinstance(given, Context):
        return checked_context(given)
    if isinstance(given, str | os.PathLike):
        return load_context(Path(given))
    raise _wrong("context", given, "a Context, or the path of a context file")


def ledger_of(
    given: PrivacyLedger | PathLike | None, dataset: str = "", *, create: bool
) -> PrivacyLedger:
    """The ledger; a warning tells that one was made, or that it does not know the data set.

    Args:
        given: A PrivacyLedger, a path or URL; None for ``$PRIVGAN_LEDGER``, else the user's own.
        dataset: The data set that is to be charged; empty for none.
        create: Whether to make it where there is none.

    Raises:
        NoLedgerError: when there is none, and none was to be made.
    """
    opened = (
        given
        if isinstance(given, PrivacyLedger)
        else PrivacyLedger.open(ledger_url(given), create=create)
    )
    if not isinstance(given, PrivacyLedger) and opened.created_now:
        tell(f"a new ledger was made: {opened.url}; keep it, and its key {opened.key_path}")
    if dataset and not opened.account(dataset).known:
        told = "what was spent on it under another name or in another ledger is not counted here"
        tell(f"the data set {dataset} is new to the ledger {opened.url}: {told}")
    return opened


def ledger_url(given: PathLike | None) -> str | None:
    """Where a ledger is; UsageError where that is no path or URL."""
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike):
        raise _wrong("ledger", given, "a PrivacyLedger, a path or a URL")
    if not os.fspath(given):
        raise UsageError(f"{parameter('ledger')} is empty; give a PrivacyLedger, a path or a URL")
    return os.fspath(given)


def checked_ledger(given: PrivacyLedger | PathLike | None) -> PrivacyLedger | PathLike | None:
    """The ledger as it was given, before it is opened; UsageError where it is none."""
    return given if isinstance(given, PrivacyLedger) else ledger_url(given)


def known_ledger(given: PrivacyLedger | PathLike | None) -> PrivacyLedger | None:
    """The ledger, or None where there is none yet."""
    return given if isinstance(given, PrivacyLedger) else PrivacyLedger.find(ledger_url(given))


def table_of(given: Any, name: str = "table") -> Any:
    """A table as ``read_source`` takes it; a list of dictionaries becomes one Arrow table.

    Args:
        given: The table; or a dictionary of several, by their names in the schema.
        name: The parameter that it was given as.

    Raises:
        TableError: when it is no table; it names the parameter.
    """
    if isinstance(given, str | os.PathLike):
        text = os.fspath(given)
        return text if is_url(text) else Path(text)
    if isinstance(given, Mapping) and given and all(isinstance(key, str) for key in given):
        return {key: table_of(part, f"{name}[{shown(key)}]") for key, part in given.items()}
    if isinstance(given, Sequence) and given and all(isinstance(row, Mapping) for row in given):
        return table_of_mappings(given)
    if not is_table(given):
        kind = shown(type(given).__name__)
        told = "is no table; give a path, a URL, a frame, an Arrow table or a list of dictionaries"
        raise TableError(f"{parameter(name)}: {kind} {told}")
    return given


def dataset_of(given: Any) -> str:
    """A data set's name; UsageError where it is no text."""
    if isinstance(given, str):
        return given
    raise _wrong("dataset", given, "a short name such as 'shop'")


def tell(text: str) -> None:
    """A warning at the place of the caller's own code that called privgan."""
    level, frame = 1, inspect.currentframe()
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] == "privgan":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, stacklevel=level)


def tell_note(note: str | None) -> None:
    """A warning where there is something to say."""
    if note is not None:
        tell(note)


def path_of(name: str, given: Any, allowed: str = "a path") -> Path:
    """A path; UsageError with its name where it is none."""
    if isinstance(given, str | os.PathLike):
        return Path(given)
    raise _wrong(name, given, allowed)


def tell_progress(given: bool | Progress) -> Progress:
    """Who tells how far the work is: nobody, lines on standard error, or a Progress."""
    if isinstance(given, Progress):
        return given
    if not isinstance(given, bool):
        raise _wrong("progress", given, "True, False or a Progress")
    return Progress(quiet=not given)


def whole(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    """A whole number; UsageError with its name where it is none, or out of bounds."""
    limits = f"at least {least}" if most is None else f"in {least} to {most}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise UsageError(
            f"{parameter(name)} is {shown(value)}; it must be a whole number, {limits}"
        )
    number = int(value.__index__())
    if number < least or (most is not None and number > most):
        raise UsageError(f"{parameter(name)} is {number}; it must be {limits}")
    return number


def number(name: str, value: Any) -> float:
    """A number; UsageError with its name where it is none."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise UsageError(f"{parameter(name)} is {shown(value)}; it must be a number")
    return float(value)


def chosen(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of some texts; UsageError with its name and the nearest one."""
    if isinstance(value, str) and value in choices:
        return value
    near = did_you_mean(str(value), list(choices))
    raise UsageError(
        f"{parameter(name)} is {shown(value)}; it must be one of {', '.join(choices)}{near}"
    )


def _wrong(name: str, given: Any, allowed: str) -> UsageError:
    return UsageError(f"{parameter(name)} is a {type(given).__name__}; give {allowed}")
