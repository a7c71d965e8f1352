"""Split a column's codes where an outcome's noisy counts say that its positives lie.

Codes are a column's quantiles, made without regard to any outcome. Where most positives lie in one
code, as defaults lie among the highest balances, that code alone can tell little. So a code that
surely holds more than its part of the positives is cut into as many pieces. Post-processing of
noisy counts, free of charge.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from privgan.domain.cells import Cells
from privgan.domain.encoding import ColumnCode, within_shares

# A code holds at most this part of the positives, as far as its count is sure. All three were
# chosen on training rows (``reports/benchmarks/notebook.md``).
_LARGEST_PART = 0.1
_SURELY = 2.0  # Standard deviations that its count is taken to be too high.
_MOST_PIECES = 6


def split_code(code: ColumnCode, positives: np.ndarray, noise: float, total: float) -> ColumnCode:
    """Codes of which none surely holds more than a tenth of the positives, where cells allow it.

    Special and missing values, and a code of one cell, stay whole.

    Args:
        code: The codes of a column whose neighbouring cells are alike, with the noisy shares of
            the cells within them.
        positives: Noisy count of positives of each code [codes].
        noise: Standard deviation of each count.
        total: The noisy number of all positives.
    """
    surely = np.maximum(0.0, positives - _SURELY * noise)
    wanted = np.ceil(surely / (_LARGEST_PART * max(total, 1.0)))
    pieces = np.clip(wanted, 1, _MOST_PIECES).astype(np.int64)
    starts = _starts(code, pieces)
    if not starts.any():
        return code
    code_of = code.code_of + np.cumsum(starts)
    return replace(code, code_of=code_of, within=within_shares(code.cells, code_of, code.within))


def _starts(code: ColumnCode, pieces: np.ndarray) -> np.ndarray:
    """Which cells begin a further code [cells]: where the shares within a code reach its quantiles.

    A cell as heavy as a piece is one alone.
    """
    starts = np.zeros(code.cells.size, dtype=bool)
    body = _body(code.cells)
    owner, within = code.code_of[body], code.within[body]
    for number in np.flatnonzero(pieces > 1):
        own = np.flatnonzero(owner == number)
        if len(own) < 2:
            continue
        shares = within[own] * pieces[number]
        begun = np.floor(np.cumsum(shares) - 1e-9)
        new = begun[1:] > begun[:-1]
        new |= shares[:-1] >= 1
        starts[body.start + own[1:][new]] = True
    return starts


def _body(cells: Cells) -> slice:
    """The cells that neighbours may join: all but special and missing values."""
    return slice(len(cells.special), cells.size - int(cells.column.missing))
