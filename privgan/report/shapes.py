"""Compute column shapes for the reports: shares of bins or categories in two tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from privgan.domain.cells import from_numbers
from privgan.domain.conditions import canonical_number
from privgan.domain.encoding import ColumnCode, Encoder
from privgan.notation.moments import is_clock, write_moments
from privgan.report.data import Label, NoisyShape, RealShape
from privgan.schema.columns import Column, Temporal
from privgan.table.histogram import Interval, code_counts, intervals_of, shares_of

_Columns: TypeAlias = Sequence[np.ndarray]


def noisy_shapes(encoder: Encoder, frequencies: _Columns, counts: _Columns) -> list[NoisyShape]:
    """Noisy shape of each modelled column, beside the synthetic one.

    Args:
        encoder: Rows to codes.
        frequencies: Noisy share of each code of each column.
        counts: Number of synthetic rows with each code of each column.
    """
    return [
        NoisyShape(
            column=column.name,
            kind=column.cells.column.kind.value,
            labels=labels(column),
            noisy=written_shares(frequencies[index]),
            synthetic=written_shares(shares_of(counts[index])),
            intervals=intervals(column),
        )
        for index, column in enumerate(encoder.columns)
    ]


def real_shapes(encoder: Encoder, real: np.ndarray, synthetic: np.ndarray) -> list[RealShape]:
    """INTERNAL: shape of each modelled column in the real codes, beside the synthetic one.

    Codes are [rows, columns].
    """
    counts = counts_of(encoder, real), counts_of(encoder, synthetic)
    return [
        RealShape(
            column=column.name,
            kind=column.cells.column.kind.value,
            labels=labels(column),
            real=written_shares(shares_of(first)),
            synthetic=written_shares(shares_of(second)),
            intervals=intervals(column),
        )
        for column, first, second in zip(encoder.columns, *counts, strict=True)
    ]


def counts_of(encoder: Encoder, codes: np.ndarray) -> list[np.ndarray]:
    """Number of rows with each code of each column, from codes [rows, columns]."""
    return [code_counts(codes[:, index], size) for index, size in enumerate(encoder.sizes)]


def written_shares(shares: np.ndarray) -> list[float]:
    """Shares [codes] as written in a report."""
    return [round(float(share), 6) for share in shares]


def intervals(column: ColumnCode) -> list[Interval | None] | None:
    """Interval of each code on the column's axis; None for a column of categories."""
    return None if column.cells.texts else intervals_of(column)


def labels(column: ColumnCode) -> list[Label]:
    """Label of each code of a column: a category, a special value, or a range.

    None for missing, or a number of rarer values.
    """
    return [_label(column, np.flatnonzero(column.code_of == code)) for code in range(column.size)]


def _label(column: ColumnCode, cells: np.ndarray) -> Label:
    parts = column.cells
    if parts.missing_code is not None and cells[-1] == parts.missing_code:
        return None
    if parts.texts:
        return parts.texts[cells[0]] if len(cells) == 1 else len(cells)
    if cells[0] < parts.first_interval:
        return written(np.array([parts.special[cells[0]]]), parts.column)[0]
    first, last = cells[0] - parts.first_interval, cells[-1] - parts.first_interval
    ends = [parts.starts[first], parts.starts[last] + parts.lengths[last] - 1]
    low, high = written(parts.origin + np.array(ends) * parts.step, parts.column)
    return low if low == high else f"{low} … {high}"


def written(numbers: np.ndarray, column: Column) -> list[str]:
    """Numbers [values], or moments in seconds since 1970, as in a column's labels."""
    values = from_numbers(numbers, column)
    if isinstance(column, Temporal):
        return list(write_moments(values, "%H:%M" if is_clock(column.format) else "%Y-%m-%d"))
    return [canonical_number(float(value)) for value in values]
