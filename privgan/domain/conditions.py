"""Parse comparisons of one column each, such as ``segment = gold`` or ``age is missing``.

They are parsed against the schema, never evaluated as code. ``privgan.domain.predicates`` joins
them by ``and``, ``or``, ``not`` and brackets.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers
from privgan.errors import UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.files.limits import LONGEST_CONDITION
from privgan.schema.columns import PRESENCE, Column, Discrete, Numeric, OpenCategorical, Temporal
from privgan.schema.schema import Schema, next_by_name

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*'|`[^`]*`)|(?P<operator><=|>=|!=|==|=|<|>)|(?P<mark>[(),])|(?P<word>[^\s<>=!(),"'`]+))"""
)
_BEYOND_IN_STEPS = 1e-3
_EXAMPLE = (
    "write for example: segment = gold and age >= 60 and region in (north, south) and income is"
    " missing"
)


class Quoted(str):
    """A word that stood in quotes: a name or a value, whatever it says."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class ColumnCondition:
    """Condition on one column.

    Attributes:
        column: The column.
        texts: Allowed categories, for a discrete column; None for all.
        lower: Smallest allowed number (seconds since 1970 for a moment), inclusive.
        upper: Largest allowed number, inclusive.
        missing: True only missing, False only present, None either; a comparison implies False.
    """

    column: Column
    texts: frozenset[str] | None = None
    lower: float = -math.inf
    upper: float = math.inf
    missing: bool | None = None

    def met(self, values: pd.Series) -> np.ndarray:
        """Whether each typed value [rows] meets the condition [rows], bool."""
        absent = values.isna().to_numpy()
        if self.missing is True:
            return absent
        if self.texts is not None:
            within = values.isin(self.texts).to_numpy()
        elif math.isinf(self.lower) and math.isinf(self.upper):
            within = ~absent
        else:
            numbers = as_numbers(values, self.column)
            within = (numbers >= self.lower) & (numbers <= self.upper)
        return within | (absent & (self.missing is None))


def one_a_column(conditions: Iterable[ColumnCondition]) -> tuple[ColumnCondition, ...]:
    """Join conditions that all hold to one for each column.

    Raises:
        UsageError: A column would be both missing and present.
    """
    found: dict[str, ColumnCondition] = {}
    for condition in conditions:
        known = found.get(condition.column.name)
        found[condition.column.name] = _both(known, condition) if known else condition
    return tuple(found.values())


def tokens_of(text: str) -> list[str]:
    """Words, signs and quoted words of a condition."""
    if len(text) > LONGEST_CONDITION:
        raise UsageError(
            f"the condition has {len(text):,} characters, allowed: at most {LONGEST_CONDITION:,}"
        )
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UsageError(
                f"the condition cannot be read at character {position + 1}; {_EXAMPLE}"
            )
        quoted = match.group("quoted")
        tokens.append(Quoted(quoted[1:-1]) if quoted else match.group().strip())
        position = match.end()
    return tokens


def column_named(name: str, schema: Schema) -> Column:
    """The modelled column of a name; UsageError where it is none."""
    names = [column.name for column in schema.modelled]
    if name not in names:
        quoted = next((full for full in names if full.startswith(f"{name} ")), None)
        hint = (
            f"; a name with blanks stands in quotes: '{quoted}'"
            if quoted
            else did_you_mean(name, names)
        )
        why = (
            "is invented and cannot be a condition"
            if name in schema.names
            else f"is no column{hint}"
        )
        raise UsageError(f"{shown(name)} {why}; columns: {', '.join(names[:20])}")
    return next_by_name(schema.modelled, name)


def comparison(column: Column, tokens: list[str]) -> ColumnCondition:
    """Read what follows a column's name, and take it from the tokens."""
    if not tokens:
        raise UsageError(f"nothing follows {column.name}; {_EXAMPLE}")
    operator = tokens.pop(0).lower()
    if operator == "is":
        return _missingness(column, tokens)
    if isinstance(column, OpenCategorical) or _is_presence(column):
        what, why = (
            ("values", "invented")
            if _is_presence(column)
            else ("categories", "measured, not declared")
        )
        raise UsageError(
            f"the {what} of {column.name} are {why}; only 'is missing' and 'is not missing' go"
        )
    if operator == "in":
        return _either(column, list_of(tokens))
    if operator not in {"=", "==", "!=", "<", "<=", ">", ">="} or not tokens:
        raise UsageError(f"{shown(operator)} after {column.name} cannot be read; {_EXAMPLE}")
    return compared(column, operator, tokens.pop(0))


def _missingness(column: Column, tokens: list[str]) -> ColumnCondition:
    words = [tokens.pop(0).lower() for _ in range(min(len(tokens), 1))]
    if words == ["not"] and tokens:
        words.append(tokens.pop(0).lower())
    if words not in (["missing"], ["not", "missing"]):
        raise UsageError(f"after 'is' comes 'missing' or 'not missing'; {_EXAMPLE}")
    if _is_presence(column):
        return ColumnCondition(
            column=column, texts=frozenset({PRESENCE[words != ["missing"]]}), missing=False
        )
    if words == ["missing"] and not column.missing:
        raise UsageError(f"{column.name} is never missing by the schema")
    return ColumnCondition(column=column, missing=words == ["missing"])


def _is_presence(column: Column) -> bool:
    return isinstance(column, Discrete) and column.is_presence


def list_of(tokens: list[str]) -> list[str]:
    """The values of a list in brackets, taken from the tokens."""
    marks = [None if isinstance(token, Quoted) else token for token in tokens]
    if not marks or marks[0] != "(" or ")" not in marks:
        raise UsageError(f"after 'in' comes a list in brackets; {_EXAMPLE}")
    end = marks.index(")")
    values = [token for token, mark in zip(tokens[1:end], marks[1:end], strict=True) if mark != ","]
    del tokens[: end + 1]
    if not values:
        raise UsageError(f"the list after 'in' is empty; {_EXAMPLE}")
    return values


def _either(column: Column, values: Sequence[str]) -> ColumnCondition:
    if not isinstance(column, Discrete):
        raise UsageError(
            f"'in' goes with categories; {column.name} is {column.kind}, use >= and <="
        )
    return ColumnCondition(
        column=column,
        texts=frozenset(category_of(column, value) for value in values),
        missing=False,
    )


def compared(column: Column, operator: str, value: str) -> ColumnCondition:
    """A comparison with one value; it implies that a value is there."""
    if isinstance(column, Discrete):
        return ColumnCondition(column=column, texts=_texts(column, operator, value), missing=False)
    number, step = _number(column, value)
    if operator == "!=":
        raise UsageError(f"!= goes with categories; {column.name} is {column.kind}, use < or >")
    beyond = step * _BEYOND_IN_STEPS
    lower = {"=": number, "==": number, ">=": number, ">": number + beyond}.get(operator, -math.inf)
    upper = {"=": number, "==": number, "<=": number, "<": number - beyond}.get(operator, math.inf)
    return ColumnCondition(column=column, lower=lower, upper=upper, missing=False)


def _texts(column: Discrete, operator: str, value: str) -> frozenset[str]:
    text = category_of(column, value)
    position = column.categories.index(text)
    if operator in {"=", "=="}:
        return frozenset({text})
    if operator == "!=":
        return frozenset(column.categories) - {text}
    if column.kind != "ordinal":
        raise UsageError(f"{operator} needs an order; {column.name} is {column.kind}")
    kept = {
        "<": column.categories[:position],
        "<=": column.categories[: position + 1],
        ">": column.categories[position + 1 :],
    }
    return frozenset(kept.get(operator, column.categories[position:]))


def category_of(column: Discrete, value: str) -> str:
    """The category that a text names, letters large or small; UsageError where none is."""
    matches = [text for text in column.categories if text == value] or [
        text for text in column.categories if text.lower() == value.lower()
    ]
    if not matches:
        raise UsageError(
            f"{shown(value)} is no category of"
            f" {column.name}{did_you_mean(value, list(column.categories))}"
        )
    return matches[0]


def _number(column: Column, value: str) -> tuple[float, float]:
    """Value as a number, and the distance to its neighbour."""
    try:
        if isinstance(column, Temporal):
            moment = dt.datetime.fromisoformat(value)
            return moment.replace(tzinfo=dt.UTC).timestamp(), (
                86_400.0 if column.kind == "date" else 1.0
            )
        assert isinstance(column, Numeric)
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
        return number, 10.0**-column.decimals
    except ValueError as error:
        raise UsageError(
            f"{shown(value)} is no value of {column.name}, which is {column.kind}"
        ) from error


def _both(first: ColumnCondition, second: ColumnCondition) -> ColumnCondition:
    """Intersection of two conditions on one column."""
    texts = (
        first.texts
        if second.texts is None
        else second.texts
        if first.texts is None
        else first.texts & second.texts
    )
    missing = first.missing if second.missing is None else second.missing
    if None not in (first.missing, second.missing) and first.missing != second.missing:
        raise UsageError(f"{first.column.name} cannot be both missing and present")
    return replace(
        first,
        texts=texts,
        lower=max(first.lower, second.lower),
        upper=min(first.upper, second.upper),
        missing=missing,
    )


def canonical_number(value: float) -> str:
    """Number as short text: whole numbers without a point."""
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"
