"""Whether a foreign table holds copies of training rows, for a verdict that needs no claim and no fair coins.

Only training rows that no other real row equals count, so that a table of few categories accuses nobody.
"Far above the hold-out" is a lower limit of the excess of at least a tenth: a table made without copying
has an excess of 0, whatever its size. This holds where the hold-out was drawn like the training rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable, stacked
from privgan.audit.copies import LEAST_CUSTOMERS, all_but_one, alone
from privgan.audit.intervals import CONFIDENCE, difference_interval, lower_limit, upper_limit

FAR_ABOVE = 0.1


def copied(training: CodedTable, holdout: CodedTable, synthetic: CodedTable) -> str:
    """Why the table counts as one with copies, with counts; empty where it does not. INTERNAL.

    Args:
        training: The training rows.
        holdout: The hold-out rows.
        synthetic: The synthetic rows.

    Returns:
        A reason that begins with ``copies``, where one of two excesses over the hold-out is at least ``FAR_ABOVE``: that of
        synthetic rows, or that of training rows found among them in all columns or in all but one. The limits of each
        hold at 95 % (Clopper and Pearson 1934, Bonferroni).
    """
    if min(len(training), len(holdout)) < LEAST_CUSTOMERS:
        return ""
    real = stacked(training, holdout)
    single = alone(real.keys())
    return _synthetic_side(real, single, len(training), synthetic) or _real_side(real, single, len(training), synthetic)


def _synthetic_side(real: CodedTable, single: NDArray[np.bool_], members: int, synthetic: CodedTable) -> str:
    keys, made, rows = real.keys(), synthetic.keys(), len(synthetic)
    training, holdout = (int(np.isin(made, keys[side][single[side]]).sum()) for side in (slice(members), slice(members, None)))
    # The training rows may be many more than the hold-out's: chance then finds them as many times more often.
    ratio, level = members / (len(real) - members), (1.0 - CONFIDENCE) / 4.0
    excess = lower_limit(training, rows, level) - ratio * upper_limit(holdout, rows, level)
    if excess < FAR_ABOVE:
        return ""
    return (
        f"copies: {training} of {rows} synthetic rows equal a training row that no other real row equals, "
        f"{holdout} such a hold-out row"
    )


def _real_side(real: CodedTable, single: NDArray[np.bool_], members: int, synthetic: CodedTable) -> str:
    found = (single & np.isin(real.keys(), synthetic.keys())) | all_but_one(real, synthetic)
    training = int(found[:members].sum()), members
    holdout = int(found[members:].sum()), len(real) - members
    if difference_interval(training, holdout)[0] < FAR_ABOVE:
        return ""
    return (
        f"copies: {training[0]} of {members} training rows are in the synthetic table, equal in all columns or in all but "
        f"one; of {holdout[1]} hold-out rows {holdout[0]}"
    )
