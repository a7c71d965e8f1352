"""How strongly each two columns go together, for the reports' maps."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from privgan.audit.associations import Associations
from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.replicates import whole
from privgan.report.data import RealTrends, Trends
from privgan.table.schema import Schema

MOST_COLUMNS = 60
_DIGITS = 4


def trends(schema: Schema, synthetic: pd.DataFrame) -> Trends:
    """The associations within the synthetic table [rows, columns], of its first modelled columns."""
    coder = _coder(schema, synthetic)
    made = coder.code(_modelled(schema, synthetic))
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
