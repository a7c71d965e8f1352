"""Check a table against its schema and type its values; a pure function of each row.

Validation is an unpaid look. Its findings are INTERNAL, for the owner alone, and name columns and
counts but never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from privgan.errors import TableError
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
    Source,
    Temporal,
)
from privgan.schema.schema import Schema
from privgan.table.presenting import escaped, presence_of, restored
from privgan.table.readings import moments_of, numbers_of

_NOT_READ = {
    False: "text where a number is expected",
    True: "text that is no number of the form {}",
}
_ROWS_NAMED = 5
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


def conform(frame: pd.DataFrame, schema: Schema, *, on_violation: str = "refuse") -> pd.DataFrame:
    """The table's modelled columns and unit column with the schema's types.

    Args:
        frame: The table as read [rows, columns].
        schema: The public facts.
        on_violation: ``refuse`` raises; ``clamp`` maps each value into the schema, row by row.

    Returns:
        A frame [rows, modelled columns and the unit column]: category text, float64 numbers,
            datetime64 moments,
        each with NaN, None or NaT where missing. An open column has its type but no bounds or
        categories yet; what lies outside measured facts is no violation and is mapped into them, as
        ``clamp_measured`` does.

    Raises:
        TableError: listing every violation that was not clamped.
    """
    typed, found = _typed(frame, schema)
    left = [violation for violation in found if on_violation == "refuse" or not violation.clampable]
    if left:
        hint = "; mend the table or the schema"
        if all(violation.clampable for violation in left):
            hint += ", or map values into it with --on-violation clamp"
        lines = "\n".join(f"  {line}" for line in _told_together(left))
        count = f"{len(left)} violation{'s' * (len(left) != 1)}"
        raise TableError(f"the table does not fit the schema ({count}){hint}:\n{lines}")
    return typed


def _told_together(found: list[Violation]) -> Iterator[str]:
    """One line per violation; columns with the same problem as a whole share a line."""
    whole: dict[str, list[Violation]] = {}
    for violation in found:
        if violation.count is None:
            whole.setdefault(violation.problem, []).append(violation)
        else:
            yield str(violation)
    for problem, some in whole.items():
        names = ", ".join(f"column {violation.column!r}" for violation in some)
        yield f"{names}: {'each ' * (len(some) > 1)}{problem}"


def violations(frame: pd.DataFrame, schema: Schema) -> tuple[Violation, ...]:
    """All violations of a schema by a table."""
    return tuple(_typed(frame, schema)[1])


def first_rows(violation: Violation) -> list[int]:
    """First rows of a violation, counted from 1. INTERNAL.

    Empty where it concerns the whole column.
    """
    if violation.rows is None:
        return []
    return (np.flatnonzero(violation.rows.to_numpy(dtype=bool))[:_ROWS_NAMED] + 1).tolist()


def typed_columns(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Modelled columns of a table with the schema's types.

    Values that do not fit are mapped as ``clamp`` maps them.
    """
    return _typed(frame, schema)[0]


def rows_over_limit(frame: pd.DataFrame, schema: Schema) -> int:
    """Number of rows beyond max_rows_per_unit, which a run leaves out. INTERNAL."""
    unit = schema.unit.column
    if unit is None or list(map(str, frame.columns)).count(unit) != 1:
        return 0
    each = frame[unit].astype(object).map(str).value_counts()
    return int((each - schema.unit.max_rows).clip(lower=0).sum())


def unconfirmed(schema: Schema) -> None:
    """Check that a person has confirmed all facts of a drafted schema.

    Raises:
        TableError: naming the facts still marked ``confirm``.
    """
    open_facts = schema.facts_from(Source.CONFIRM)
    if open_facts:
        some = ", ".join(open_facts[:8]) + (", …" if len(open_facts) > 8 else "")
        raise TableError(
            f"the schema has {len(open_facts)} facts that a person must still confirm ({some}); "
            "confirm them with 'privgan schema review', or draft with --assume-public"
        )


def unproven(schema: Schema) -> None:
    """Check that a schema's file claims no measured values.

    A run cannot vouch for facts that it did not measure itself.

    Raises:
        TableError: naming these facts.
    """
    claimed = [
        f"{column.name}.{fact}"
        for column in schema.columns
        if not isinstance(column, Open)
        for fact in column.facts_from(Source.MEASURED)
    ]
    if claimed:
        raise TableError(
            f"the schema gives values that are said to be measured ({', '.join(claimed[:8])});"
            " leave the values out to have them measured, or write 'source: declared' where they"
            " left with an earlier release"
        )


def _typed(frame: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, list[Violation]]:
    frame = restored(frame, schema)
    found = list(_shape_violations(frame, schema))
    missing_columns = {violation.column for violation in found if not violation.clampable}
    typed: dict[str, pd.Series] = {}
    for column in schema.modelled:
        if column.name not in missing_columns:
            typed[column.name], problems = _column(
                frame[column.name], schema.column(column.name), schema.missing_markers
            )
            found += problems
    found += _filled(frame, schema)
    unit = schema.unit.column
    if unit is not None and unit not in missing_columns:
        typed[unit], problems = _unit(
            frame[unit], {*schema.missing_markers, *schema.column(unit).missing_markers}
        )
        found += problems
    elif unit is None:
        found += _repeated_identifiers(frame, schema)
    return pd.DataFrame(typed, index=frame.index), found


def _shape_violations(frame: pd.DataFrame, schema: Schema) -> Iterator[Violation]:
    names = list(map(str, frame.columns))
    # Without a known name the first line may be a customer's: none of it is shown.
    headed = not set(names).isdisjoint(schema.names)
    ask = "is --sep right?" if headed else "is --sep right? has it a header line?"
    for name in schema.names:
        if name not in names:
            yield Violation(
                column=name,
                problem=f"is in the schema but not in the table ({ask})",
                clampable=False,
            )
        elif names.count(name) > 1:
            yield Violation(
                column=name, problem="stands more than once in the table", clampable=False
            )
    for name in names:
        if headed and name not in schema.names:
            yield Violation(
                column=name, problem="is in the table but not in the schema", clampable=False
            )


def _filled(frame: pd.DataFrame, schema: Schema) -> Iterator[Violation]:
    """Violations by values in a column that is declared empty.

    Synthetic rows are empty there whatever the table holds.
    """
    for column in schema.invented:
        if isinstance(column, Invented) and column.empty and column.name in frame:
            held = ~_absent(frame[column.name], column, schema.missing_markers)
            yield from _problem(column, held, "a value where the schema says that no row holds one")


def _unit(values: pd.Series, markers: set[str]) -> tuple[pd.Series, list[Violation]]:
    texts = values.astype(object).map(str, na_action="ignore")
    absent = texts.isna() | texts.isin(markers)
    nested = ~absent & ~values.map(pd.api.types.is_scalar)
    found = ((absent, "the unit is missing"), (nested, "the unit is neither text nor a number"))
    return texts, [
        Violation(column=str(values.name), problem=problem, count=int(mask.sum()), clampable=False)
        for mask, problem in found
        if mask.any()
    ]


def _repeated_identifiers(frame: pd.DataFrame, schema: Schema) -> Iterator[Violation]:
    """Violations by identifiers that repeat under ``unit: row``.

    A row-level guarantee would protect such customers less than it says.
    """
    for column in schema.invented:
        if (
            not isinstance(column, Invented)
            or column.kind is not Kind.IDENTIFIER
            or column.name not in frame
        ):
            continue
        values = frame[column.name]
        if (
            not column.repeats
            and values[~_absent(values, column, schema.missing_markers)].duplicated().any()
        ):
            text = (
                "an identifier repeats although 'unit: row' says that each row is a customer of its"
                " own; declare it as the unit with max_rows_per_unit, or write 'repeats: allowed'"
                " where it tells no customer"
            )
            yield Violation(column=column.name, problem=text, clampable=False)


def _absent(values: pd.Series, column: Column, markers: tuple[str, ...]) -> pd.Series:
    """Whether each value [rows] is missing: null, or a missing marker of the table or column."""
    texts = {*markers, *column.missing_markers, *map(escaped, column.missing_markers)}
    return values.isna() | by_distinct(
        values, lambda value: isinstance(value, str) and value in texts
    ).astype(bool)


def _column(
    values: pd.Series, column: Column, markers: tuple[str, ...]
) -> tuple[pd.Series, list[Violation]]:
    absent = _absent(values, column, markers)
    if isinstance(column, Invented):
        return presence_of(values.where(~absent)), []
    before = opened(column)
    typed, problems = _typed_values(values, absent, before)
    if not column.missing and absent.any():
        problems = [
            *problems,
            *_problem(column, absent, "a value is missing where none may be"),
        ]
        typed = typed.where(~absent, _fill(before))
    return typed if isinstance(column, Open) else clamp(typed, column), problems


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
    problems = _problem(
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


def _problem(column: Column, mask: pd.Series, text: str) -> list[Violation]:
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
    problems = _problem(
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


def canonical_text(value: object) -> str:
    """Value as a category's text: 1, 1.0 and numpy's 1 are one text."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


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
        *_problem(column, not_number, _NOT_READ[bool(column.format)].format(column.format)),
        *_problem(
            column,
            _with_leading_zeros(values, absent, column),
            "a number with leading zeros, which would be lost",
        ),
        *_problem(column, infinite, "an infinite value"),
        *_problem(column, outside, f"a value outside {column.lower:g} to {column.upper:g}"),
        *_problem(column, too_fine, f"more than {column.decimals} decimals"),
    ]
    clamped = clip_numbers(numbers, column).round(column.decimals)
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
        *_problem(column, unreadable, f"text that is no moment of the form {column.format}"),
        *_problem(
            column, outside, f"a moment outside {column.lower:%Y-%m-%d} to {column.upper:%Y-%m-%d}"
        ),
    ]
    fallback = pd.NaT if column.missing else _fill(stated)
    return clip_moments(moments, column).where(~unreadable, fallback), problems
