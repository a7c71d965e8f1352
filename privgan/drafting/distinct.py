"""Represent a column by its distinct values with their counts; a draft sees no rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.table.readings import canonical_text


@dataclass(frozen=True, kw_only=True, eq=False)
class Distinct:
    """Distinct values of one column.

    Attributes:
        name: The column's name.
        values: The distinct values that are present, with their Arrow type [values].
        counts: In how many rows each stands [values], int64.
        absent: Rows without a value.
    """

    name: str
    values: pa.Array
    counts: np.ndarray
    absent: int = 0

    def __len__(self) -> int:
        """Number of distinct values."""
        return len(self.values)

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the values; large_string for text."""
        return self.values.type

    @property
    def is_text(self) -> bool:
        """Whether the source gave texts."""
        return pa.types.is_large_string(self.type)

    @property
    def missing(self) -> bool:
        """Whether a row has no value."""
        return self.absent > 0

    @cached_property
    def rows(self) -> int:
        """Number of rows with a value."""
        return int(self.counts.sum())

    @cached_property
    def texts(self) -> pa.Array:
        """Values as texts, as a category writes them [values]."""
        if self.is_text:
            return self.values
        if pa.types.is_integer(self.type):
            return pc.cast(self.values, pa.large_string())
        objects = self.values.to_pandas().astype(object)
        return pa.array([canonical_text(value) for value in objects], pa.large_string())

    def only(self, chosen: np.ndarray) -> Distinct:
        """Values that a mask [values] selects."""
        return replace(
            self, values=self.values.filter(pa.array(chosen)), counts=self.counts[chosen]
        )

    def without(self, absent: np.ndarray) -> Distinct:
        """Values outside a mask [values] of missing ones."""
        left = self.only(~absent)
        return replace(left, absent=self.absent + int(self.counts[absent].sum()))

    def matches(self, pattern: str, *, any_case: bool = False) -> np.ndarray:
        """Whether a regular expression matches each whole text [values], bool."""
        found = pc.match_substring_regex(self.texts, f"^(?:{pattern})$", ignore_case=any_case)
        return found.to_numpy(zero_copy_only=False)

    def sample(self, most: int) -> list[str]:
        """At most so many texts: evenly picked ones, and the longest."""
        if len(self) <= most:
            return self.texts.to_pylist()
        even = np.linspace(0, len(self) - 1, most - most // 4).astype(np.int64)
        lengths = pc.utf8_length(self.texts).to_numpy()
        longest = np.argpartition(-lengths, most // 4)[: most // 4]
        return self.texts.take(pa.array(np.union1d(even, longest))).to_pylist()


def distinct_columns(table: pa.Table | pd.DataFrame) -> Iterator[Distinct]:
    """Yield the distinct values of each column in turn; one column is in memory at a time.

    Raises:
        TableError: naming every column that holds lists, records or bytes.
    """
    _check_flat(table)
    if isinstance(table, pd.DataFrame):
        for place, name in enumerate(table.columns):
            yield _distinct(str(name), pa.chunked_array([_arrow(table.iloc[:, place])]))
    else:
        for name, column in zip(table.column_names, table.columns, strict=True):
            yield _distinct(name, column)


def _check_flat(table: pa.Table | pd.DataFrame) -> None:
    if isinstance(table, pd.DataFrame):
        kinds = {
            str(name): _pandas_kind(table.iloc[:, at]) for at, name in enumerate(table.columns)
        }
    else:
        kinds = {field.name: _arrow_kind(field.type) for field in table.schema}
    nested = {name: kind for name, kind in kinds.items() if kind}
    if nested:
        told = ", ".join(f"{shown(name)} ({kind})" for name, kind in nested.items())
        raise TableError(
            f"no cell may hold several values or bytes; found {told}; make columns of their parts,"
            " or leave these columns out"
        )


def _arrow_kind(kind: pa.DataType) -> str:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if isinstance(inner, pa.BaseExtensionType):
        inner = pa.string() if inner.extension_name == "arrow.uuid" else inner.storage_type
    if pa.types.is_nested(inner):
        return str(inner).split("<")[0]
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return "binary" if any(test(inner) for test in binary) or str(inner) == "binary_view" else ""


def _pandas_kind(values: pd.Series) -> str:
    if isinstance(values.dtype, pd.ArrowDtype):
        return _arrow_kind(values.dtype.pyarrow_dtype)
    if values.dtype != object:
        return ""
    names = {
        list: "list",
        tuple: "list",
        set: "list",
        dict: "struct",
        np.ndarray: "list",
        bytes: "binary",
    }
    kinds = values.map(type).drop_duplicates()
    return next((names[kind] for kind in kinds if kind in names), "")


def _arrow(values: pd.Series) -> pa.Array:
    kind = (
        values.dtype.categories.dtype
        if isinstance(values.dtype, pd.CategoricalDtype)
        else values.dtype
    )
    if isinstance(kind, pd.PeriodDtype | pd.IntervalDtype) or kind.kind == "c":
        values = values.astype(object).map(str, na_action="ignore")
    try:
        made = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        made = pa.Array.from_pandas(values.astype(object).map(canonical_text, na_action="ignore"))
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made


def _distinct(name: str, column: pa.ChunkedArray) -> Distinct:
    counted = pc.value_counts(_plain(column))
    values, counts = counted.field(0), counted.field(1).to_numpy()
    absent = pc.is_null(values, nan_is_null=True).to_numpy(zero_copy_only=False)
    return Distinct(name=name, values=values, counts=counts).without(absent)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Column without a dictionary, an extension, or a shorter text type."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = _storage(column)
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    short = pa.types.is_null(column.type) or pa.types.is_string(column.type)
    if short or str(column.type) == "string_view":
        column = pc.cast(column, pa.large_string())
    return pc.cast(column, pa.float32()) if pa.types.is_float16(column.type) else column


def _storage(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values behind an extension type; UUIDs as text."""
    kind = column.type
    if kind.extension_name == "arrow.uuid":
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    chunks = [chunk.storage for chunk in column.chunks]
    return pa.chunked_array(chunks, type=None if chunks else kind.storage_type)


def as_floats(values: Any) -> np.ndarray:
    """Numbers of an Arrow array as float64 [values]."""
    return np.asarray(
        pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=float
    )
