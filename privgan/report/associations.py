"""Compute association matrices of the columns and draw their heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable, column_values
from privgan.audit.fidelity.associations import Associations
from privgan.audit.intervals import whole
from privgan.report.data import RealTrends, Trends
from privgan.schema.schema import Schema

MOST_COLUMNS = 60
_DIGITS = 4


def trends(schema: Schema, synthetic: pd.DataFrame) -> Trends:
    """Associations of the first modelled columns of the synthetic table [rows, columns]."""
    table = _modelled(schema, synthetic)
    values = [column_values(column, table[column.name]) for column in schema.modelled]
    return trends_of_values(schema, values)


def trends_of_values(
    schema: Schema, values: Sequence[NDArray[np.float64]], *, corrected: bool = True
) -> Trends:
    """Associations from the values [rows] of each column, as ``column_values`` gives.

    Args:
        schema: The schema.
        values: The values of each modelled column.
        corrected: Whether correlation ratios are corrected for chance; before 0.4.0 they were not.
    """
    coder = AuditCoder.from_values(schema.modelled, values)
    made = coder.code_values(values)
    measure = Associations.from_reference(coder, made, corrected=corrected)
    return Trends(
        columns=list(coder.names[:MOST_COLUMNS]),
        synthetic=_triangle(measure, made),
        corrected=corrected,
    )


def real_trends(schema: Schema, real: pd.DataFrame, synthetic: pd.DataFrame) -> RealTrends:
    """INTERNAL: associations of the real table, beside the synthetic one."""
    coder = _coder(schema, real)
    known = coder.code(_modelled(schema, real))
    measure = Associations.from_reference(coder, known)
    made = coder.code(_modelled(schema, synthetic))
    return RealTrends(
        columns=list(coder.names[:MOST_COLUMNS]),
        synthetic=_triangle(measure, made),
        real=_triangle(measure, known),
        corrected=True,
    )


def _modelled(schema: Schema, table: pd.DataFrame) -> pd.DataFrame:
    return table[[column.name for column in schema.modelled]]


def _coder(schema: Schema, table: pd.DataFrame) -> AuditCoder:
    return AuditCoder.from_reference(schema, _modelled(schema, table))


def _triangle(measure: Associations, table: CodedTable) -> list[list[float | None]]:
    """Lower triangle: the second column with the first, the third with the first two, …."""
    width = min(MOST_COLUMNS, table.codes.shape[1])
    pairs = [(first, second) for second in range(1, width) for first in range(second)]
    found = measure.measure(table, pairs, whole(len(table)))[:, 0] if pairs else np.empty(0)
    values = iter(None if math.isnan(value) else round(float(value), _DIGITS) for value in found)
    return [[next(values) for _ in range(second)] for second in range(1, width)]


Triangle = Sequence[Sequence[float | None]]
SIDE = 16.0
_LABELS = 150.0
_FAINTEST = 0.04
_CONTRAST = 0.7  # Most associations are weak; an exponent below 1 keeps them apart.


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two columns with their association, or the difference of two tables' associations.

    Attributes:
        first: A column.
        second: Another column.
        value: The association, or the absolute difference.
        of: For a difference, the two associations, real and synthetic.
    """

    first: str
    second: str
    value: float
    of: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Square:
    """One square of a heat map.

    Attributes:
        x: Its place from the left.
        y: Its place from above.
        strength: Darkness in (0, 1].
        negative: Whether the columns go against each other.
    """

    x: float
    y: float
    strength: float
    negative: bool


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Heat map of associations.

    Attributes:
        columns: Each column's name with its number and its middle.
        squares: The squares to draw.
        side: The side of a square.
        left: Room for the names.
        size: Width and height of all squares.
        signed: Whether associations are drawn, which may be negative, rather than differences.
        key: What a square is, by its key in the catalogue, where it cannot be negative.
    """

    columns: tuple[tuple[str, int, float], ...]
    squares: tuple[Square, ...]
    side: float
    left: float
    size: float
    signed: bool
    key: str


def pairs_by_strength(columns: Sequence[str], triangle: Triangle) -> list[Pair]:
    """Pairs of columns with an association, the strongest first."""
    pairs = [
        Pair(first=columns[column], second=columns[row + 1], value=value)
        for row, line in enumerate(triangle)
        for column, value in enumerate(line)
        if value is not None
    ]
    return sorted(pairs, key=lambda pair: -abs(pair.value))


def heat_map(
    columns: Sequence[str],
    *,
    lower: Triangle,
    upper: Triangle | None = None,
    signed: bool = True,
    key: str = "trends.difference",
) -> HeatMap:
    """Heat map with one table below the diagonal, and optionally another above it.

    Args:
        columns: The columns.
        lower: The table below the diagonal.
        upper: The table above it; None for none.
        signed: Whether figures may be negative.
        key: What figures are that may not, by its key in the catalogue.
    """
    squares = [
        _square(row + 1, column, value)
        for row, line in enumerate(lower)
        for column, value in enumerate(line)
    ]
    if upper is not None:
        squares += [
            _square(column, row + 1, value)
            for row, line in enumerate(upper)
            for column, value in enumerate(line)
        ]
    named = tuple((name, place + 1, (place + 0.5) * SIDE) for place, name in enumerate(columns))
    drawn = tuple(square for square in squares if square is not None)
    return HeatMap(
        columns=named,
        squares=drawn,
        side=SIDE,
        left=_LABELS,
        size=SIDE * len(columns),
        signed=signed,
        key=key,
    )


def difference_map(
    columns: Sequence[str], real: Triangle, synthetic: Triangle
) -> tuple[HeatMap, list[Pair]]:
    """Heat map of absolute differences, and the pairs with the largest first.

    A missing association counts as 0.
    """
    values = [
        [abs((a or 0.0) - (b or 0.0)) for a, b in zip(first, second, strict=True)]
        for first, second in zip(real, synthetic, strict=True)
    ]
    pairs = [
        Pair(
            first=columns[column],
            second=columns[row + 1],
            value=value,
            of=(real[row][column] or 0.0, synthetic[row][column] or 0.0),
        )
        for row, line in enumerate(values)
        for column, value in enumerate(line)
    ]
    return heat_map(columns, lower=values, signed=False), sorted(
        pairs, key=lambda pair: -pair.value
    )


def _square(row: int, column: int, value: float | None) -> Square | None:
    if value is None or abs(value) < _FAINTEST:
        return None
    return Square(
        x=column * SIDE,
        y=row * SIDE,
        strength=round(min(1.0, abs(value)) ** _CONTRAST, 2),
        negative=value < 0,
    )
