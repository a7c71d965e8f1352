"""How strongly each two columns go together, for the reports' maps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.associations import Associations
from privgan.audit.coding import AuditCoder, CodedTable, column_values
from privgan.audit.replicates import whole
from privgan.report.data import RealTrends, Trends
from privgan.table.schema import Schema

MOST_COLUMNS = 60
_DIGITS = 4


def trends(schema: Schema, synthetic: pd.DataFrame) -> Trends:
    """The associations within the synthetic table [rows, columns], of its first modelled columns."""
    table = _modelled(schema, synthetic)
    values = [column_values(column, table[column.name]) for column in schema.modelled]
    return trends_of_values(schema, values)


def trends_of_values(schema: Schema, values: Sequence[NDArray[np.float64]]) -> Trends:
    """As trends, from the values [rows] of each modelled column, as ``column_values`` gives them."""
    coder = AuditCoder.from_values(schema.modelled, values)
    made = coder.code_values(values)
    measure = Associations.from_reference(coder, made)
    return Trends(columns=list(coder.names[:MOST_COLUMNS]), synthetic=_triangle(measure, made))


def real_trends(schema: Schema, real: pd.DataFrame, synthetic: pd.DataFrame) -> RealTrends:
    """INTERNAL: the same within the real table, beside the synthetic one."""
    coder = _coder(schema, real)
    known = coder.code(_modelled(schema, real))
    measure = Associations.from_reference(coder, known)
    made = coder.code(_modelled(schema, synthetic))
    return RealTrends(
        columns=list(coder.names[:MOST_COLUMNS]), synthetic=_triangle(measure, made), real=_triangle(measure, known)
    )


def _modelled(schema: Schema, table: pd.DataFrame) -> pd.DataFrame:
    return table[[column.name for column in schema.modelled]]


def _coder(schema: Schema, table: pd.DataFrame) -> AuditCoder:
    return AuditCoder.from_reference(schema, _modelled(schema, table))


def _triangle(measure: Associations, table: CodedTable) -> list[list[float | None]]:
    """Of the second column with the first, of the third with the first two, and so on."""
    width = min(MOST_COLUMNS, table.codes.shape[1])
    pairs = [(first, second) for second in range(1, width) for first in range(second)]
    found = measure.measure(table, pairs, whole(len(table)))[:, 0] if pairs else np.empty(0)
    values = iter(None if math.isnan(value) else round(float(value), _DIGITS) for value in found)
    return [[next(values) for _ in range(second)] for second in range(1, width)]
