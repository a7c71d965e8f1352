"""Encode tables as arrays: codes for marginals, numbers for models, row hashes for matches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.errors import TableError
from privgan.notation.moments import localised
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema

QUANTILES = 20
FEW_VALUES = 12
COMMON_CATEGORIES = 50
_WHOLE_NUMBER = re.compile(r"(-?[0-9]+)\.0+\Z")


@dataclass(frozen=True, eq=False)
class CodedTable:
    """One table as arrays, with one column per modelled column.

    Attributes:
        codes: Integer codes; the last code of a column stands for missing, for Discrete the last
            but one for unseen.
        values: Numbers rounded as the schema says, moments in seconds, category positions; NaN for
            missing. They come from the schema alone, so they never depend on which rows the coder
            was made from.
        customers: Customer number of each row; None if each row is a customer of its own.
    """

    codes: NDArray[np.int64]
    values: NDArray[np.float64]
    customers: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def take(self, rows: NDArray[Any]) -> CodedTable:
        """Rows at given positions, or selected by a mask."""
        customers = None if self.customers is None else self.customers[rows]
        return CodedTable(self.codes[rows], self.values[rows], customers)

    def sample(self, size: int, generator: np.random.Generator) -> CodedTable:
        """At most ``size`` rows, drawn without replacement."""
        return self if len(self) <= size else self.take(generator.permutation(len(self))[:size])

    def keys(self) -> NDArray[np.uint64]:
        """One 64-bit hash per row; equal rows have equal keys, however they were printed."""
        return np.asarray(
            pd.util.hash_pandas_object(pd.DataFrame(self.values), index=False), dtype=np.uint64
        )

    def canonical_order(self) -> NDArray[np.int64]:
        """Row positions in an order that depends on the rows' contents alone."""
        if self.customers is None:
            return np.argsort(self.keys(), kind="stable")
        return np.lexsort((self.customers, self.keys()))


def stacked(first: CodedTable, second: CodedTable) -> CodedTable:
    """Concatenate two tables."""
    return CodedTable(
        np.vstack([first.codes, second.codes]), np.vstack([first.values, second.values])
    )


def trainable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features to fit trees on; a column without any value becomes constant.

    Scikit-learn cannot bin a column without values.
    """
    return np.where(np.isnan(values).all(axis=0), 0.0, values)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Codes of a column's numbers: cut at the points, or matched with them."""

    points: NDArray[np.float64]
    exact: bool

    @property
    def size(self) -> int:
        return (
            len(self.points) + 2
        )  # cut: points + 1 bins and missing; exact: points, unseen and missing

    def code(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        filled = np.nan_to_num(values, nan=0.0)
        codes = np.searchsorted(self.points, filled, side="left" if self.exact else "right")
        if self.exact and len(self.points):
            known = self.points[np.minimum(codes, len(self.points) - 1)] == filled
            codes = np.where(known, codes, len(self.points))
        return np.where(np.isnan(values), self.size - 1, codes).astype(np.int64)


@dataclass(frozen=True, eq=False)
class AuditCoder:
    """Encoder of tables as arrays, made from the schema and a reference table.

    A number is cut at the reference's 20-quantiles. It is kept as it is if the reference holds at
    most 12 different ones. A category is coded by its place in the schema. A category outside the
    schema and a missing value have codes of their own.

    Attributes:
        columns: The modelled columns, in order.
        grids: The coding of each column's numbers.
    """

    columns: tuple[Column, ...]
    grids: tuple[_Grid, ...]

    @classmethod
    def from_reference(cls, schema: Schema, reference: pd.DataFrame) -> AuditCoder:
        """Make a coder with the quantiles of a reference table."""
        check_columns(schema, reference, "reference")
        values = [column_values(column, reference[column.name]) for column in schema.modelled]
        return cls.from_values(schema.modelled, values)

    @classmethod
    def from_values(
        cls, columns: tuple[Column, ...], values: Sequence[NDArray[np.float64]]
    ) -> AuditCoder:
        """Make a coder from the values [rows] of each column, as ``column_values`` gives them."""
        return cls(columns, tuple(map(_grid_of, columns, values)))

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each column."""
        return tuple(grid.size for grid in self.grids)

    def code(self, table: pd.DataFrame) -> CodedTable:
        """Encode a table."""
        return self.code_values(
            [column_values(column, table[column.name]) for column in self.columns]
        )

    def code_values(self, values: Sequence[NDArray[np.float64]]) -> CodedTable:
        """Encode the values [rows] of each column."""
        codes = [grid.code(column) for grid, column in zip(self.grids, values, strict=True)]
        return CodedTable(np.column_stack(codes), np.column_stack(values))


def _grid_of(column: Column, values: NDArray[np.float64]) -> _Grid:
    if isinstance(column, Discrete):
        return _Grid(np.arange(len(column.categories), dtype=float), exact=True)
    present = values[~np.isnan(values)]
    levels = np.unique(present)
    if len(levels) <= FEW_VALUES:
        return _Grid(levels, exact=True)
    return _Grid(
        np.unique(np.quantile(present, np.linspace(0, 1, QUANTILES + 1)[1:-1])), exact=False
    )


def check_columns(schema: Schema, table: pd.DataFrame, name: str) -> None:
    """Check that a table has exactly the schema's columns, save those not modelled.

    Args:
        schema: The schema.
        table: The table.
        name: The table's name in error messages.

    Raises:
        TableError: The columns differ, or one occurs twice.
    """
    wanted = {column.name for column in schema.modelled}
    missing, unknown = (
        sorted(wanted - set(table.columns)),
        sorted(map(str, set(table.columns) - set(schema.names))),
    )
    if missing or unknown:
        raise TableError(
            f"the {name} table's columns differ from the schema's: missing {missing}, unknown"
            f" {unknown}; give all tables the schema's modelled columns"
        )
    if not table.columns.is_unique:
        raise TableError(
            f"the {name} table has two columns of one name; give each column a name of its own"
        )


def column_values(column: Column, series: pd.Series) -> NDArray[np.float64]:
    """One column as numbers: category positions, seconds, or rounded numbers; NaN for missing."""
    if isinstance(column, Discrete):
        return _positions(column, series)
    if isinstance(column, Temporal):
        return _seconds(series)
    decimals = column.decimals if isinstance(column, Numeric) else 0
    numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    # One rounding for all tables: a float's last digits would tell real from synthetic.
    return np.asarray(
        np.round(np.where(np.isfinite(numbers), numbers, np.nan), decimals) + 0.0, dtype=np.float64
    )


def category_text(value: object) -> str:
    """Canonical text of a discrete value, however it was stored.

    1, 1.0 and "1.0" are all "1".
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    whole = _WHOLE_NUMBER.match(text)
    return whole.group(1) if whole else text


def _positions(column: Discrete, series: pd.Series) -> NDArray[np.float64]:
    places = _places(column)
    labels, values = pd.factorize(series.astype(object))
    found = [
        places.get(str(value), places.get(category_text(value), len(column.categories)))
        for value in values
    ]
    return np.append(np.asarray(found, dtype=float), np.nan)[
        labels
    ]  # Label -1 (missing) takes the last place.


def _places(column: Discrete) -> Mapping[str, int]:
    """Place of each category's text; a boolean column also accepts True, False, 1 and 0."""
    places = {category_text(value): place for place, value in enumerate(column.categories)}
    if column.kind is Kind.BOOLEAN:
        pair = zip(
            ("False", "false", "FALSE", "0", "True", "true", "TRUE", "1"),
            (0, 0, 0, 0, 1, 1, 1, 1),
            strict=True,
        )
        places = dict(pair) | places
    return places | {value: place for place, value in enumerate(column.categories)}


def _seconds(series: pd.Series) -> NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(series):
        moments = localised(series, "UTC")
    else:
        moments = pd.to_datetime(series, errors="coerce", utc=True).dt.tz_localize(None)
    seconds = moments.to_numpy(dtype="datetime64[us]").astype("int64") / 1e6
    return np.where(moments.isna().to_numpy(), np.nan, seconds)


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Map from coded rows to numbers for linear models and distances.

    A number becomes its quantile in the reference, in [0, 1], with a flag for missing. A category
    becomes a flag for each of its commonest values, at most 50 by default. Flags are scaled so that
    two different categories are at distance 1.

    Attributes:
        grids: Sorted reference numbers, or the common categories, by column.
        discrete: Whether each column is discrete.
    """

    grids: tuple[NDArray[np.float64], ...]
    discrete: tuple[bool, ...]

    @classmethod
    def from_reference(
        cls,
        columns: tuple[Column, ...],
        reference: CodedTable,
        most_categories: int = COMMON_CATEGORIES,
    ) -> FeatureMap:
        """Make a feature map from a reference table, with a limit on flags per column."""
        discrete = tuple(isinstance(column, Discrete) for column in columns)
        pairs = zip(reference.values.T, discrete, strict=True)
        return cls(
            tuple(
                _common(values, most_categories) if flag else _sorted(values)
                for values, flag in pairs
            ),
            discrete,
        )

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of features of each column."""
        return tuple(
            len(grid) if flag else 2 for grid, flag in zip(self.grids, self.discrete, strict=True)
        )

    def __call__(self, table: CodedTable) -> NDArray[np.float32]:
        """Features of a table [rows, features]."""
        parts = zip(table.values.T, self.grids, self.discrete, strict=True)
        return np.hstack(
            [
                _flags(values, grid) if flag else _places_in(values, grid)
                for values, grid, flag in parts
            ]
        )


def _common(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    levels, counts = np.unique(np.nan_to_num(values, nan=-1.0), return_counts=True)
    return levels[np.argsort(-counts, kind="stable")[:most]]


def _sorted(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sort(values[~np.isnan(values)])


def _flags(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float32]:
    equal = np.nan_to_num(values, nan=-1.0)[:, None] == levels[None, :]
    flags: NDArray[np.float32] = equal.astype(np.float32) * np.float32(0.5**0.5)
    return flags


def _places_in(values: NDArray[np.float64], ordered: NDArray[np.float64]) -> NDArray[np.float32]:
    missing = np.isnan(values)
    filled = np.nan_to_num(values)
    places = (
        np.searchsorted(ordered, filled, side="left")
        + np.searchsorted(ordered, filled, side="right")
    ) / (2.0 * max(1, len(ordered)))
    return np.column_stack([np.where(missing, 0.5, places), missing]).astype(np.float32)
