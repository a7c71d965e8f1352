"""Type the values of one column, and find those that violate the schema."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, is_special
from privgan.domain.frames import by_distinct
from privgan.domain.measured import (
    clamp,
    clip_moments,
    clip_numbers,
    opened,
    widest_moments,
    widest_numbers,
)
from privgan.files.documents import UNWRITABLE
from privgan.notation.number_format import PLAIN_NUMBER
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    Open,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)
from privgan.table.presenting import escaped, presence_of
from privgan.table.readings import canonical_text, moments_of, numbers_of

_NOT_READ = {
    False: "text where a number is expected",
    True: "text that is no number of the form {}",
}
_LEADING_ZEROS = re.compile(r"\s*[-+]?0[0-9]")
_TRUE, _FALSE = frozenset({"true", "1", "t", "yes", "y"}), frozenset({"false", "0", "f", "no", "n"})


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One violation of the schema by a column.

    Attributes:
        column: The column.
        problem: What is wrong, without any value.
        count: How many rows; None where the whole column is concerned.
        clampable: Whether ``--on-violation clamp`` can map the rows into the schema.
        rows: Which rows [rows]; None where the whole column is concerned.
    """

    column: str
    problem: str
    count: int | None = None
    clampable: bool = True
    rows: pd.Series | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """One line for the owner."""
        rows = "" if self.count is None else f" in {self.count} row{'s' if self.count != 1 else ''}"
        return f"column {self.column!r}: {self.problem}{rows}"


def typed_column(
    values: pd.Series, column: Column, markers: tuple[str, ...]
) -> tuple[pd.Series, list[Violation]]:
    """Type a column's values.

    Args:
        values: The column as read [rows].
        column: Its public facts.
        markers: The table's missing markers.

    Returns:
        Typed values [rows], and the violations; values that violate the schema are clamped.
    """
    absent = absent_values(values, column, markers)
    if isinstance(column, Invented):
        return presence_of(values.where(~absent)), []
    before = opened(column)
    typed, problems = _typed_values(values, absent, before)
    if not column.missing and absent.any():
        problems = [
            *problems,
            *violations_where(column, absent, "a value is missing where none may be"),
        ]
        typed = typed.where(~absent, _fill(before))
    return typed if isinstance(column, Open) else clamp(typed, column), problems


def absent_values(values: pd.Series, column: Column, markers: tuple[str, ...]) -> pd.Series:
    """Whether each value [rows] is missing: null, or a missing marker of the table or column."""
    texts = {*markers, *column.missing_markers, *map(escaped, column.missing_markers)}
    return values.isna() | by_distinct(
        values, lambda value: isinstance(value, str) and value in texts
    ).astype(bool)


def _typed_values(
    values: pd.Series, absent: pd.Series, column: Column
) -> tuple[pd.Series, list[Violation]]:
    if isinstance(column, Discrete):
        return _discrete(values, absent, column)
    if isinstance(column, OpenCategorical):
        return _undiscovered(values, absent, column)
    if isinstance(column, Numeric | OpenNumeric):
        return _numeric(values, absent, column)
    if isinstance(column, Temporal | OpenTemporal):
        return _temporal(values, absent, column)
    raise TypeError(f"column {column.name} is invented and has no typed values")


def _undiscovered(
    values: pd.Series, absent: pd.Series, column: OpenCategorical
) -> tuple[pd.Series, list[Violation]]:
    texts = by_distinct(values.astype(object), canonical_text).astype(object)
    unwritable = ~absent & by_distinct(texts, lambda text: bool(UNWRITABLE.search(text))).astype(
        bool
    )
    problems = violations_where(
        column, unwritable, "a text with a NUL or half of a character, which no text file can hold"
    )
    return texts.where(~unwritable, column.other).where(~absent, None), problems


def _fill(column: Column) -> Any:
    """Value that clamp writes for an unreadable or wrongly missing one.

    A function of the schema alone.
    """
    if isinstance(column, Discrete):
        return column.categories[0]
    if isinstance(column, OpenCategorical):
        return column.other
    if isinstance(column, Numeric | OpenNumeric) and column.special_values:
        return column.special_values[0]
    if isinstance(column, Open):
        return pd.Timestamp(0) if isinstance(column, OpenTemporal) else 0.0
    assert isinstance(column, Numeric | Temporal)
    return pd.Timestamp(column.lower) if isinstance(column, Temporal) else column.lower


def violations_where(column: Column, mask: pd.Series, text: str) -> list[Violation]:
    """One violation for the rows of a mask [rows]; none where it is empty."""
    return (
        [Violation(column=column.name, problem=text, count=int(mask.sum()), rows=mask)]
        if mask.any()
        else []
    )


def _discrete(
    values: pd.Series, absent: pd.Series, column: Discrete
) -> tuple[pd.Series, list[Violation]]:
    # As objects: nullable integers would go through float, where they end at 2^53.
    texts = by_distinct(values.astype(object), canonical_text).astype(object)
    if column.kind is Kind.BOOLEAN:
        texts = by_distinct(texts, lambda text: _boolean_text(text, column.categories))
    texts = _as_categories(values, texts, column).where(~absent, None)
    unknown = ~absent & ~texts.isin(column.categories)
    problems = violations_where(
        column, unknown, f"a value is none of the {len(column.categories)} categories"
    )
    fallback = None if column.missing else column.categories[0]
    return texts.where(~unknown, fallback), problems


def _as_categories(values: pd.Series, texts: pd.Series, column: Discrete) -> pd.Series:
    """Numbers of a typed source as the categories write them: 0.5 is the category 0.50."""
    if column.kind is Kind.BOOLEAN or not pd.api.types.is_numeric_dtype(values):
        return texts
    written = {
        canonical_text(float(text)): text for text in column.categories if PLAIN_NUMBER.match(text)
    }
    return texts.where(
        texts.isin(column.categories), texts.map(lambda text: written.get(text, text))
    )


def _boolean_text(text: str, labels: tuple[str, ...]) -> str:
    if text in labels:
        return text
    lowered = text.lower()
    return labels[1] if lowered in _TRUE else labels[0] if lowered in _FALSE else text


def _numeric(
    values: pd.Series, absent: pd.Series, stated: Numeric | OpenNumeric
) -> tuple[pd.Series, list[Violation]]:
    column = widest_numbers(stated) if isinstance(stated, OpenNumeric) else stated
    numbers = numbers_of(values.where(~absent), column)
    not_number = ~absent & numbers.isna()
    infinite = numbers.abs() == np.inf
    special = is_special(numbers.to_numpy(), column)
    outside = ~infinite & ~special & ((numbers < column.lower) | (numbers > column.upper))
    rounded = numbers.where(~infinite).round(column.decimals)
    too_fine = ~infinite & (numbers - rounded).abs().gt(
        1e-6 * numbers.abs().clip(lower=10.0**-column.decimals)
    )
    problems = [
        *violations_where(column, not_number, _NOT_READ[bool(column.format)].format(column.format)),
        *violations_where(
            column,
            _with_leading_zeros(values, absent, column),
            "a number with leading zeros, which would be lost",
        ),
        *violations_where(column, infinite, "an infinite value"),
        *violations_where(column, outside, f"a value outside {column.lower:g} to {column.upper:g}"),
        *violations_where(column, too_fine, f"more than {column.decimals} decimals"),
    ]
    # Beyond 2^51 steps rounding a bound may leave it.
    clamped = clip_numbers(clip_numbers(numbers, column).round(column.decimals), column)
    fallback = np.nan if column.missing else _fill(stated)
    return clamped.where(~not_number, fallback), problems


def _with_leading_zeros(values: pd.Series, absent: pd.Series, column: Numeric) -> pd.Series:
    """Whether each text [rows] has leading zeros, as 00501, where the column has plain numbers."""
    if column.format or not (
        pd.api.types.is_object_dtype(values) or pd.api.types.is_string_dtype(values)
    ):
        return pd.Series(False, index=values.index)
    return ~absent & by_distinct(
        values, lambda value: isinstance(value, str) and bool(_LEADING_ZEROS.match(value))
    ).astype(bool)


def _temporal(
    values: pd.Series, absent: pd.Series, stated: Temporal | OpenTemporal
) -> tuple[pd.Series, list[Violation]]:
    column = widest_moments(stated) if isinstance(stated, OpenTemporal) else stated
    moments = moments_of(values.where(~absent), stated)
    unreadable = ~absent & moments.isna()
    special = is_special(as_numbers(moments, column), column)
    outside = ((moments < column.lower) | (moments > column.upper)) & ~special
    problems = [
        *violations_where(
            column, unreadable, f"text that is no moment of the form {column.format}"
        ),
        *violations_where(
            column, outside, f"a moment outside {column.lower:%Y-%m-%d} to {column.upper:%Y-%m-%d}"
        ),
    ]
    fallback = pd.NaT if column.missing else _fill(stated)
    return clip_moments(moments, column).where(~unreadable, fallback), problems
