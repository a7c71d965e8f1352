"""Parse CHECK constraints of SQL tables: bounds and value lists of single columns.

Other constraints are left unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from privgan.files.limits import LONGEST_CONDITION

_CAST = re.compile(
    r"::[a-z_]+(?: (?:varying|precision|with(?:out)? time zone))?(?:\([0-9, ]{0,12}\))?(?:\[\])?",
    re.I,
)
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[A-Za-z_][^\[\]]*\]"  # Quoted texts and names.
    r"|[(){}\[\],]|<=|>=|<>|!=|=|<|>"  # Brackets and signs.
    r"|[^\s(){}\[\],<>=!'\"`]+"  # Words and numbers.
)
_COMPARISONS = {">=": "lower", ">": "above", "<=": "upper", "<": "below", "=": "equal"}
_TURNED = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "=": "="}
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_OPEN, _CLOSE = "([", ")]"
_MOST_BRACKETS = 200


@dataclass(frozen=True)
class Checked:
    """One fact that a constraint states of a column.

    Attributes:
        column: Of which column.
        fact: ``lower``, ``above``, ``upper``, ``below`` or ``values``.
        values: The bound, or the values: texts as they stand between quotes, or numbers.
    """

    column: str
    fact: str
    values: tuple[Any, ...]


def read_check(text: str, columns: set[str]) -> list[Checked] | None:
    """Parse a constraint on single columns; None where it says anything else.

    Args:
        text: The condition, such as ``age >= 18 AND age < 120``.
        columns: The table's columns.
    """
    if len(text) > LONGEST_CONDITION or text.count("(") > _MOST_BRACKETS:
        return None
    tokens = _TOKEN.findall(_CAST.sub("", text))
    parts = [_part(part, columns) for part in _conjuncts(_bare(tokens))]
    return (
        [part for found in parts for part in found or ()]
        if all(part is not None for part in parts)
        else None
    )


def _bare(tokens: list[str]) -> list[str]:
    """Strip brackets that enclose all tokens."""
    while len(tokens) > 1 and tokens[0] == "(" and _end(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return tokens


def _end(tokens: list[str], start: int) -> int:
    """The index of the closing bracket."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += (tokens[place] in _OPEN) - (tokens[place] in _CLOSE)
        if depth == 0:
            return place
    return -1


def _conjuncts(tokens: list[str]) -> Iterator[list[str]]:
    """Split at each AND, except inside a BETWEEN."""
    part: list[str] = []
    depth, between = 0, False
    for token in tokens:
        depth += (token in _OPEN) - (token in _CLOSE)
        word = token.lower()
        if word == "and" and depth == 0 and not between:
            yield from _inner(part)
            part = []
            continue
        between = word == "between" if depth == 0 and word in {"between", "and"} else between
        part.append(token)
    yield from _inner(part)


def _inner(part: list[str]) -> Iterator[list[str]]:
    bare = _bare(part)
    if len(bare) < len(part) and any(token.lower() == "and" for token in bare):
        yield from _conjuncts(bare)
    else:
        yield bare


def _part(tokens: list[str], columns: set[str]) -> tuple[Checked, ...] | None:
    tokens = [token for place, token in enumerate(tokens) if not _around_one(tokens, place)]
    if len(tokens) == 3 and tokens[1] in _COMPARISONS:
        return _comparison(tokens, columns)
    column = _name(tokens[0], columns) if tokens else None
    return None if column is None else _predicate(column, tokens)


def _predicate(column: str, tokens: list[str]) -> tuple[Checked, ...] | None:
    """Parse a column's BETWEEN, IN, = ANY or IS NOT NULL; None for anything else."""
    words = [token.lower() for token in tokens]
    if len(tokens) == 5 and words[1] == "between" and words[3] == "and":
        return _between(column, _value(tokens[2]), _value(tokens[4]))
    if words[1:3] == ["in", "("]:
        return _listed(column, tokens[3:-1])
    if words[1:3] == ["=", "any"] and "[" in tokens and "]" in tokens:
        return _listed(column, tokens[tokens.index("[") + 1 : tokens.index("]")])
    return () if words[1:] == ["is", "not", "null"] else None


def _between(column: str, low: Any, high: Any) -> tuple[Checked, ...] | None:
    if low is None or high is None:
        return None
    return Checked(column, "lower", (low,)), Checked(column, "upper", (high,))


def _around_one(tokens: list[str], place: int) -> bool:
    """Whether a bracket encloses a single name or value, as PostgreSQL writes casts."""
    if tokens[place] == "(":
        return tokens[place + 2 : place + 3] == [")"] and (
            place == 0 or tokens[place - 1].lower() != "in"
        )
    return (
        tokens[place] == ")"
        and place >= 2
        and tokens[place - 2] == "("
        and (place < 3 or tokens[place - 3].lower() != "in")
    )


def _comparison(tokens: list[str], columns: set[str]) -> tuple[Checked, ...] | None:
    left, sign, right = tokens
    if _name(left, columns) is None:
        left, sign, right = right, _TURNED[sign], left
    column, value = _name(left, columns), _value(right)
    if column is None or value is None:
        return None
    fact = _COMPARISONS[sign]
    return (Checked(column, "values" if fact == "equal" else fact, (value,)),)


def _listed(column: str, tokens: list[str]) -> tuple[Checked, ...] | None:
    values = [_value(token) for token in tokens if token not in {",", "(", ")"}]
    if not values or any(value is None for value in values):
        return None
    return (Checked(column, "values", tuple(values)),)


def _name(token: str, columns: set[str]) -> str | None:
    bare = token[1:-1] if token[:1] in {'"', "`"} else token.removeprefix("[").removesuffix("]")
    if bare in columns:
        return bare
    return next((column for column in columns if column.lower() == bare.lower()), None)


def _value(token: str) -> Any:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    return float(token) if _NUMBER.fullmatch(token) else None
