"""A column with what CHECK constraints and tests state of it beside its type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from privgan.interchange.node import as_text
from privgan.interchange.sql_checks import Checked
from privgan.interchange.stated import StatedColumn
from privgan.table.columns import Kind

_NUMERIC, _MOMENTS = {Kind.INTEGER, Kind.FLOAT}, {Kind.DATE, Kind.DATETIME}


def with_checks(column: StatedColumn, checks: Iterable[Checked]) -> StatedColumn:
    """A column with the bounds and values that checks state; what does not go with its kind becomes a note."""
    for check in checks:
        column = with_values(column, check.values) if check.fact == "values" else _with_bound(column, check)
    return column


def with_values(column: StatedColumn, values: tuple[Any, ...]) -> StatedColumn:
    """A column whose values are listed."""
    texts = tuple(dict.fromkeys(as_text(value) for value in values))
    if column.kind is Kind.BOOLEAN or not texts:
        return column
    if column.kind in _NUMERIC:
        numbers = _numbers(texts)
        if numbers is None:
            return _noted(column, "its listed values are no numbers: they are not kept")
        return replace(column, kind=Kind.ORDINAL, categories=tuple(as_text(number) for number in sorted(set(numbers))))
    if column.kind in _MOMENTS:
        return _noted(column, "its listed moments are not kept")
    return replace(column, kind=Kind.CATEGORICAL, categories=texts)


def _with_bound(column: StatedColumn, check: Checked) -> StatedColumn:
    value = bound(column, check.values[0])
    if value is None:
        return _noted(column, "a bound does not go with its type: it is not kept")
    facts: dict[str, Any] = {check.fact: value}
    return replace(column, **facts)


def bound(column: StatedColumn, value: Any) -> float | dt.datetime | None:
    """A stated bound as the column's kind has it; None where it is none."""
    with suppress(ValueError, OverflowError):
        if column.kind in _MOMENTS:
            return dt.datetime.fromisoformat(str(value)[:40]).replace(tzinfo=None)
        if column.kind in _NUMERIC:
            return float(value)
    return None


def _numbers(texts: tuple[str, ...]) -> list[float] | None:
    with suppress(ValueError):
        return [float(text) for text in texts]
    return None


def _noted(column: StatedColumn, note: str) -> StatedColumn:
    return replace(column, notes=(*column.notes, note))
