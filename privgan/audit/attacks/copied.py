"""Decide whether a foreign table holds copies of training rows.

The decision needs no claim and no fair coins. Only training rows that equal no other real row
count, so a table of few categories is not accused.

Two conditions must hold. The lower limit of the excess over the hold-out must be at least a tenth.
An exact test of which customers have a copy must agree, so one popular row of a small table is not
enough. Both assume that the hold-out was drawn like the training rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.copies import LEAST_CUSTOMERS, all_but_one, alone
from privgan.audit.coding import CodedTable, stacked
from privgan.audit.intervals import (
    CONFIDENCE,
    difference_interval,
    fisher_p_value,
    lower_limit,
    upper_limit,
)

FAR_ABOVE = 0.1
SIGNIFICANCE = 0.001


def copied(training: CodedTable, holdout: CodedTable, synthetic: CodedTable) -> str:
    """The reason why the table counts as copied, with counts; empty if it does not. INTERNAL.

    Args:
        training: The training rows.
        holdout: The hold-out rows.
        synthetic: The synthetic rows.

    Returns:
        A reason that begins with ``copies``, where one of two excesses over the hold-out is at
        least ``FAR_ABOVE``: that of synthetic rows, or that of training rows found among them in
        all columns or in all but one. The limits of each hold at 95 % (Clopper and Pearson 1934,
        Bonferroni).
    """
    if min(len(training), len(holdout)) < LEAST_CUSTOMERS:
        return ""
    real, members = stacked(training, holdout), len(training)
    equal = alone(real.keys()) & np.isin(real.keys(), synthetic.keys())
    near = equal | all_but_one(real, synthetic)
    owner = _owner(training, holdout)
    if not _by_chance(equal, owner, members) and (
        reason := _synthetic_side(real, equal, members, synthetic)
    ):
        return reason
    return "" if _by_chance(near, owner, members) else _real_side(near, members)


def _owner(training: CodedTable, holdout: CodedTable) -> NDArray[np.int64]:
    """Customer number of each real row, training customers first [rows]."""
    sides = [
        np.arange(len(side)) if side.customers is None else side.customers
        for side in (training, holdout)
    ]
    numbers = [np.unique(side, return_inverse=True)[1] for side in sides]
    return np.append(numbers[0], numbers[1] + int(numbers[0].max()) + 1)


def _by_chance(found: NDArray[np.bool_], owner: NDArray[np.int64], members: int) -> bool:
    """Whether chance explains the number of training customers with a copy.

    It uses Fisher's one-sided exact test.
    """
    copied_customers, customers = np.unique(owner[found]), int(owner.max()) + 1
    training = int(owner[:members].max()) + 1
    hits = int((copied_customers < training).sum())
    others = len(copied_customers) - hits, customers - training
    return bool(fisher_p_value(hits, training, *others) > SIGNIFICANCE)


def _synthetic_side(
    real: CodedTable, equal: NDArray[np.bool_], members: int, synthetic: CodedTable
) -> str:
    keys, made, rows = real.keys(), synthetic.keys(), len(synthetic)
    sides = slice(members), slice(members, None)
    training, holdout = (int(np.isin(made, keys[side][equal[side]]).sum()) for side in sides)
    # Chance copies training rows more often if there are more of them than hold-out rows.
    ratio, level = members / (len(real) - members), (1.0 - CONFIDENCE) / 4.0
    excess = lower_limit(training, rows, level) - ratio * upper_limit(holdout, rows, level)
    if excess < FAR_ABOVE:
        return ""
    return (
        f"copies: {training} of {rows} synthetic rows equal a training row that no other real row"
        f" equals, {holdout} such a hold-out row"
    )


def _real_side(found: NDArray[np.bool_], members: int) -> str:
    training = int(found[:members].sum()), members
    holdout = int(found[members:].sum()), len(found) - members
    if difference_interval(training, holdout)[0] < FAR_ABOVE:
        return ""
    return (
        f"copies: {training[0]} of {members} training rows are in the synthetic table, equal in all"
        f" columns or in all but one; of {holdout[1]} hold-out rows {holdout[0]}"
    )
