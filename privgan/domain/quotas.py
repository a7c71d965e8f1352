"""Read quotas, such as ``job = retired:500``, and wanted shares, such as ``y:yes=0.5``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from privgan.domain.conditions import ColumnCondition, category_of, column_named
from privgan.domain.predicates import Negated, Predicate, parse_predicates
from privgan.errors import UsageError
from privgan.files.documents import shown
from privgan.files.limits import MOST_QUOTA_ROWS, MOST_STRATA
from privgan.naming import parameter
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema

_QUOTA = re.compile(r"(?P<condition>.*):\s*(?P<rows>[^:]*)", re.DOTALL)
_WORD = r"""(?:"[^"]*"|'[^']*'|[^:=,"']+)"""
_SHARES = re.compile(rf"\s*(?P<column>{_WORD})\s*:(?P<shares>.+)", re.DOTALL)
_SHARE = re.compile(rf"\s*(?P<value>{_WORD})\s*=\s*(?P<share>[^,]*)(?:,|$)", re.DOTALL)
_QUOTA_EXAMPLE = "write a condition and a number, as in 'job = retired:500'"
_SHARES_EXAMPLE = "write a column, its values and their shares, as in 'y:yes=0.5'"
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Quota:
    """So many rows that meet a condition.

    Attributes:
        text: The condition as it was written.
        where: The condition.
        rows: How many rows.
    """

    text: str
    where: tuple[Predicate, ...]
    rows: int


def quota_texts(text: str) -> tuple[str, str]:
    """Condition and number of a quota's text; UsageError where it has no such form."""
    found = _QUOTA.fullmatch(text)
    if not found:
        raise UsageError(f"{parameter('quota')} is {shown(text)}; {_QUOTA_EXAMPLE}")
    return found["condition"].strip(), found["rows"].strip()


def quota_of(condition: str, rows: object, schema: Schema) -> Quota:
    """A quota.

    Args:
        condition: The condition, in the grammar of ``where``.
        rows: The number of rows, or its text.
        schema: The public facts.

    Raises:
        UsageError: The condition cannot be read, or the number is none that can be drawn.
    """
    text = str(rows)
    if isinstance(rows, bool) or not re.fullmatch(r"[0-9]{1,18}", text):
        raise UsageError(
            f"{parameter('quota')}: {shown(text)} is no number of rows; {_QUOTA_EXAMPLE}"
        )
    if not 1 <= int(text) <= MOST_QUOTA_ROWS:
        raise UsageError(
            f"{parameter('quota')}: {int(text):,} rows of {shown(condition)}; a quota must be at"
            f" least 1 and at most {MOST_QUOTA_ROWS:,} rows"
        )
    where = parse_predicates(condition, schema, place=parameter("quota"))
    return Quota(condition, where, int(text))


Shares = Mapping[str, Mapping[str, float]]


def shares_of_text(text: str) -> tuple[str, dict[str, float]]:
    """A column and the shares of some of its values; UsageError where the text has no such form."""
    found = _SHARES.fullmatch(text)
    parts = list(_SHARE.finditer(found["shares"])) if found else []
    if not found or "".join(part[0] for part in parts) != found["shares"]:
        raise UsageError(f"{parameter('shares')} is {shown(text)}; {_SHARES_EXAMPLE}")
    shares: dict[str, float] = {}
    for part in parts:
        value = _bare(part["value"])
        if value in shares:
            raise UsageError(f"{parameter('shares')}: {shown(value)} has two shares; give one")
        shares[value] = _number(part["share"])
    return _bare(found["column"]), shares


def _bare(text: str) -> str:
    stripped = text.strip()
    return stripped[1:-1] if stripped[:1] in {'"', "'"} else stripped


def _number(text: object) -> float:
    try:
        number = float(str(text))
    except ValueError:
        number = math.nan
    if isinstance(text, bool) or not 0 <= number <= 1:
        raise UsageError(f"{parameter('shares')}: {shown(str(text))} is no share from 0 to 1")
    return number


def checked_shares(wanted: Shares, schema: Schema) -> dict[str, dict[str, float]]:
    """Wanted shares with the schema's own names of categories.

    Raises:
        UsageError: A column has no categories, or shares add up to more than 1.
    """
    if not wanted:
        raise UsageError(f"{parameter('shares')} is empty; {_SHARES_EXAMPLE}")
    found: dict[str, dict[str, float]] = {}
    for name, shares in wanted.items():
        found[name] = _of_column(name, shares, schema)
    cases = math.prod(len(shares) + 1 for shares in found.values())
    if cases > MOST_STRATA:
        raise UsageError(
            f"{parameter('shares')}: the columns have {cases:,} cases together, allowed: at most"
            f" {MOST_STRATA:,}; give shares of fewer values"
        )
    return found


def _of_column(name: str, shares: Mapping[str, float], schema: Schema) -> dict[str, float]:
    try:
        column = column_named(name, schema)
        if not isinstance(column, Discrete) or column.is_presence:
            raise UsageError(f"{name} has no categories whose shares can be given")
        found = {category_of(column, str(value)): _number(share) for value, share in shares.items()}
    except UsageError as error:
        told = str(error).removeprefix(f"{parameter('shares')}: ")
        raise UsageError(f"{parameter('shares')}: {told}") from error
    if not found:
        raise UsageError(f"{parameter('shares')}: {name} has no value; {_SHARES_EXAMPLE}")
    if (total := sum(found.values())) > 1 + _ROUNDING:
        raise UsageError(
            f"{parameter('shares')}: the shares of {name} add up to {total:g}; they must be at most"
            " 1 together"
        )
    return found


def cases_of(shares: Shares, schema: Schema) -> Iterator[tuple[tuple[int, ...], list[Predicate]]]:
    """Every case of wanted shares: each column's value by its number, the rest last; predicates."""
    for places in product(*(range(len(part) + 1) for part in shares.values())):
        yield (
            places,
            [
                _case(name, list(part), place, schema)
                for place, (name, part) in zip(places, shares.items(), strict=True)
            ],
        )


def _case(name: str, values: list[str], place: int, schema: Schema) -> Predicate:
    """One of a column's values; any other, or none, for the place after the last."""
    column = column_named(name, schema)
    asked = frozenset(values if place == len(values) else [values[place]])
    named = ColumnCondition(column=column, texts=asked, missing=False)
    return Negated(named) if place == len(values) else named
