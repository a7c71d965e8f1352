"""Check that the values of a synthetic table lie within the schema's domain."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.domain.frames import positions_of
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric, Temporal
from privgan.schema.identifiers import could_be_invented
from privgan.schema.schema import Schema
from privgan.table.presenting import presence_of, unpresented


def column_problem(values: pd.Series, column: Column) -> str:
    """The problem of a column's values [rows] in the Parquet file; empty for none."""
    absent = values.isna().to_numpy()
    if absent.any() and not column.missing:
        return "a value is missing where none may be"
    present = values[~absent]
    if isinstance(column, Discrete):
        return _discrete_problem(present, column)
    if isinstance(column, Numeric):
        return _numeric_problem(unpresented(present, column), column)
    if isinstance(column, Temporal):
        return _temporal_problem(unpresented(present, column), column)
    assert isinstance(column, Invented)
    known = all(isinstance(value, str) and could_be_invented(column, value) for value in present)
    return "" if known else "a value is none that is invented for it"


def _discrete_problem(values: pd.Series, column: Discrete) -> str:
    texts = category_texts(values, column)
    outside = positions_of(texts, column.categories) < 0
    return f"a value is none of its {len(column.categories)} categories" if outside.any() else ""


def category_texts(values: pd.Series, column: Discrete) -> pd.Series:
    """Presented categories [rows] as the schema's texts, numbers too; None where one is not."""
    if pd.api.types.is_bool_dtype(values.dtype):
        pair = dict(zip((False, True), column.categories, strict=False))
        return values.astype(object).map(pair).where(~values.isna(), None)
    if pd.api.types.is_integer_dtype(values.dtype):
        return values.astype(object).map(str).where(~values.isna(), None)
    return values.astype(object).where(~values.isna(), None)


def _numeric_problem(values: pd.Series, column: Numeric) -> str:
    if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return "a value is no number" if len(values) else ""
    numbers = values.to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        return "a value is no finite number"
    special = np.isin(numbers, column.special_values)
    if not (special | ((numbers >= column.lower) & (numbers <= column.upper))).all():
        return f"a value is outside {column.lower:g} to {column.upper:g}"
    # Beyond 2^51 steps numpy's rounding misses the nearest step, on which a bound lies.
    stated = special | np.isin(numbers, (column.lower, column.upper))
    if not (stated | (np.round(numbers, column.decimals) == numbers)).all():
        return f"a value has more than {column.decimals} decimals"
    return ""


def _temporal_problem(values: pd.Series, column: Temporal) -> str:
    if not pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "a value is no moment" if len(values) else ""
    moments = values.to_numpy().astype("datetime64[us]")
    lower, upper = (np.datetime64(end, "us") for end in (column.lower, column.upper))
    special = np.isin(moments, np.array(column.special_values, dtype="datetime64[us]"))
    if not (special | ((moments >= lower) & (moments <= upper))).all():
        return f"a moment is outside {column.lower:%Y-%m-%d} to {column.upper:%Y-%m-%d}"
    step = "D" if column.kind is Kind.DATE else "s"
    if not (moments.astype(f"datetime64[{step}]") == moments).all():
        return "a moment is finer than its kind"
    return ""


def typed_part(part: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Presented rows within the domain, as encoders read them [rows, modelled columns]."""
    typed = {
        column.name: _typed(part[column.name], schema.column(column.name))
        for column in schema.modelled
    }
    return pd.DataFrame(typed)


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if isinstance(column, Discrete):
        return category_texts(values, column)
    if isinstance(column, Invented):
        return presence_of(values)
    values = unpresented(values, column)
    if isinstance(column, Temporal):
        return values.astype("datetime64[s]")
    return values.astype("Float64").astype(float) if column.missing else values.astype(float)
