"""Say in which period of the calendar a moment lies, and cut a column's codes by periods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from privgan.domain.encoding import ColumnCode, within_shares
from privgan.schema.tasks import Period

# The unit of numpy's time that tells each period.
_UNITS: Mapping[Period, str] = {
    Period.DAY: "D",
    Period.WEEK: "W",
    Period.MONTH: "M",
    Period.QUARTER: "M",
}
_MONTHS_OF_A_QUARTER = 3


def periods_of(seconds: np.ndarray, period: Period) -> np.ndarray:
    """Number of the period that each moment lies in [moments], int64.

    Args:
        seconds: Moments in seconds since 1970.
        period: The period.
    """
    moments = np.floor(seconds).astype(np.int64).astype("datetime64[s]")
    found: np.ndarray = moments.astype(f"datetime64[{_UNITS[period]}]").astype(np.int64)
    return found // _MONTHS_OF_A_QUARTER if period is Period.QUARTER else found


def by_period(known: ColumnCode, shares: np.ndarray, period: Period) -> ColumnCode:
    """A column of moments with a code for each period: of fine cells those whose middle is in it.

    A function of public facts and of what was measured before.

    Args:
        known: Its codes.
        shares: Noisy share of each of them [codes].
        period: The period; where cells are longer, each is a code.

    Returns:
        The codes; the known ones where the column has special or missing values.
    """
    cells = known.cells
    if cells.size != len(cells.starts):
        return known
    middle = cells.origin + (cells.starts + (cells.lengths - 1) / 2) * cells.step
    code_of = np.unique(periods_of(middle, period), return_inverse=True)[1].astype(np.int64)
    fine = known.within * shares[known.code_of]
    return ColumnCode(cells=cells, code_of=code_of, within=within_shares(cells, code_of, fine))
