"""Check a table against its schema and type its values; a pure function of each row.

Validation is an unpaid look. Its findings are INTERNAL, for the owner alone, and name columns and
counts but never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from privgan.errors import TableError
from privgan.naming import call, parameter
from privgan.schema.columns import (
    Invented,
    Kind,
    Open,
    Source,
)
from privgan.schema.schema import Schema
from privgan.table.presenting import restored
from privgan.table.typed_values import Violation, absent_values, typed_column, violations_where

_ROWS_NAMED = 5


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
    check_fit(found, "the table does", on_violation)
    return typed


def check_fit(found: Sequence[Violation], what: str, on_violation: str) -> None:
    """Check that no violation is left that is not mapped into the schema.

    Args:
        found: All violations.
        what: The table that has them, with its verb.
        on_violation: ``refuse`` or ``clamp``.

    Raises:
        TableError: listing every violation that is left.
    """
    left = [violation for violation in found if on_violation == "refuse" or not violation.clampable]
    if left:
        hint = "; mend the table or the schema"
        if all(violation.clampable for violation in left):
            hint += f", or map values into it with {parameter('on_violation', 'clamp')}"
        lines = "\n".join(f"  {line}" for line in _told_together(left))
        count = f"{len(left)} violation{'s' * (len(left) != 1)}"
        raise TableError(f"{what} not fit the schema ({count}){hint}:\n{lines}")


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


def typed_rows(frame: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, tuple[Violation, ...]]:
    """As ``conform``, with every value mapped into the schema, and all violations."""
    typed, found = _typed(frame, schema)
    return typed, tuple(found)


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


def check_confirmed(schema: Schema) -> None:
    """Check that a person has confirmed all facts of a drafted schema.

    Raises:
        TableError: naming the facts still marked ``confirm``.
    """
    open_facts = schema.facts_from(Source.CONFIRM)
    if open_facts:
        some = ", ".join(open_facts[:8]) + (", …" if len(open_facts) > 8 else "")
        raise TableError(
            f"the schema has {len(open_facts)} facts that a person must still confirm ({some}); "
            f"confirm them with {call('Draft.confirm')}, or draft with {parameter('assume_public')}"
        )


def check_not_claimed(schema: Schema) -> None:
    """Check that a schema's file claims no measured values.

    A run cannot vouch for facts that it did not measure itself.

    Raises:
        TableError: naming these facts.
    """
    claimed = [
        f"{label}.{fact}"
        for label, column in schema.labelled
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
            typed[column.name], problems = typed_column(
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
    ask = f"is {parameter('sep')} right?" + ("" if headed else " has it a header line?")
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
            held = ~absent_values(frame[column.name], column, schema.missing_markers)
            yield from violations_where(
                column, held, "a value where the schema says that no row holds one"
            )


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
            and values[~absent_values(values, column, schema.missing_markers)].duplicated().any()
        ):
            text = (
                "an identifier repeats although 'unit: row' says that each row is a customer of its"
                " own; declare it as the unit with max_rows_per_unit, or write 'repeats: allowed'"
                " where it tells no customer"
            )
            yield Violation(column=column.name, problem=text, clampable=False)
