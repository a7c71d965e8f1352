"""Check that cells of a Parquet file are no finer than a reader of the rows sees.

Unseen digits of a second, and the bits of a NaN, could hold text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from privgan.notation.moments import tzinfo
from privgan.schema.columns import Column, Numeric, Temporal
from privgan.schema.schema import Schema


def finer_cells(batch: Any, schema: Schema) -> Iterator[tuple[str, str]]:
    """Find columns with cells finer than their shown values, and say how.

    Args:
        batch: The part, as pyarrow reads it [rows, columns].
        schema: The public facts.
    """
    for column in schema.columns:
        values = batch.column(column.name)
        problem = _problem(values, column) if values.null_count < len(values) else ""
        if problem:
            yield column.name, problem


def _problem(values: Any, column: Column) -> str:
    import pyarrow as pa

    kind = values.type
    problem = _float_problem(values, column) if pa.types.is_floating(kind) else ""
    if problem:
        return problem
    if isinstance(column, Temporal):
        return _moment_problem(values, column)
    if isinstance(column, Numeric) and not column.decimals and pa.types.is_duration(kind):
        return "" if _is_whole(values, pa.duration("s")) else "a duration is finer than a second"
    return ""


def _float_problem(values: Any, column: Column) -> str:
    import pyarrow.compute as pc

    if pc.any(pc.is_nan(values)).as_py():
        return "a missing value is written as a number that is none"
    if isinstance(column, Numeric) and column.lower >= 0 and _has_negative_zero(values):
        return "a zero has a sign, as none has above 0"
    return ""


def _has_negative_zero(values: Any) -> bool:
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    return bool((np.signbit(numbers) & (numbers == 0)).any())


def _moment_problem(values: Any, column: Temporal) -> str:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_time(kind):
        return "" if _is_whole(values, pa.time32("s")) else "a time of day is finer than a second"
    if not pa.types.is_timestamp(kind):
        return "a value is no moment"
    if kind.tz and not (column.zone and kind.tz == pa.timestamp("s", tzinfo(column.zone)).tz):
        return f"moments are told in another zone than {column.zone or 'none'}"
    return (
        "" if _is_whole(values, pa.timestamp("s", kind.tz)) else "a moment is finer than its kind"
    )


def _is_whole(values: Any, seconds: Any) -> bool:
    """Whether values are exact in seconds."""
    import pyarrow as pa

    try:
        values.cast(seconds)
    except pa.ArrowInvalid:
        return False
    return True
