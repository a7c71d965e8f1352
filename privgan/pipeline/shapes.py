"""Column shapes for the reports: shares of each bin or category, noisy or real beside synthetic."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.report.data import Label, NoisyShape, RealShape
from privgan.synthesizer import Synthesizer
from privgan.table.cells import from_numbers
from privgan.table.columns import Column, Temporal
from privgan.table.encoding import ColumnCode
from privgan.table.where import canonical_number


def noisy_shapes(synthesizer: Synthesizer, synthetic: np.ndarray) -> list[NoisyShape]:
    """Every modelled column as it was measured with noise, beside the synthetic codes [rows, columns]."""
    return [
        NoisyShape(
            column=column.name,
            kind=column.cells.column.kind.value,
            labels=labels(column),
            noisy=[round(float(share), 6) for share in synthesizer.frequencies[index]],
            synthetic=_shares(synthetic[:, index], column.size),
        )
        for index, column in enumerate(synthesizer.encoder.columns)
    ]


def real_shapes(synthesizer: Synthesizer, real: np.ndarray, synthetic: np.ndarray) -> list[RealShape]:
    """INTERNAL: every modelled column in the real codes [rows, columns], beside the synthetic ones."""
    return [
        RealShape(
            column=column.name,
            kind=column.cells.column.kind.value,
            labels=labels(column),
            real=_shares(real[:, index], column.size),
            synthetic=_shares(synthetic[:, index], column.size),
        )
        for index, column in enumerate(synthesizer.encoder.columns)
    ]


def _shares(codes: np.ndarray, size: int) -> list[float]:
    counts = np.bincount(codes, minlength=size)
    return [round(float(share), 6) for share in counts / max(1, counts.sum())]


def labels(column: ColumnCode) -> list[Label]:
    """A label for each code of a column: a category, a special value, from-to; None for missing, or a number of rarer values."""
    return [_label(column, np.flatnonzero(column.code_of == code)) for code in range(column.size)]


def _label(column: ColumnCode, cells: np.ndarray) -> Label:
    parts = column.cells
    if parts.missing_code is not None and cells[-1] == parts.missing_code:
        return None
    if parts.texts:
        return parts.texts[cells[0]] if len(cells) == 1 else len(cells)
    if cells[0] < parts.first_interval:
        return canonical_number(parts.special[cells[0]])
    first, last = cells[0] - parts.first_interval, cells[-1] - parts.first_interval
    ends = [parts.starts[first], parts.starts[last] + parts.lengths[last] - 1]
    low, high = written(parts.origin + np.array(ends) * parts.step, parts.column)
    return low if low == high else f"{low} … {high}"


def written(numbers: np.ndarray, column: Column) -> list[str]:
    """Numbers [values], or moments in seconds since 1970, as labels of a column write them."""
    values = from_numbers(numbers, column)
    if isinstance(column, Temporal):
        return list(pd.to_datetime(values).dt.strftime("%Y-%m-%d"))
    return [canonical_number(float(value)) for value in values]
