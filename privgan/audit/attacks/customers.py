"""Attack whole customers: all events of one customer are the target.

A row of a history may be common where the whole history is not. Both attacks compare canaries with
synthetic customers, each taken as a whole. They decide nothing; no score depends on a coin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.membership import Canaries
from privgan.audit.attacks.roc import roc_points
from privgan.audit.coding import CodedTable, FeatureMap
from privgan.audit.histories.histories import Histories, Layout
from privgan.audit.intervals import area_under_curve, difference_interval, hanley_mcneil
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import nearest
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Column

NEAREST, COPIES = "attack.history.nearest_auc", "attack.history.copies"
NAMES = (NEAREST, COPIES)
SYNTHETIC_CUSTOMERS = 20_000
LEAST_CUSTOMERS = 20


def customer_metrics(
    layout: Layout, canaries: Canaries, synthetic: Histories, claim: Claim | None, seed: int
) -> tuple[Metric, ...]:
    """Metrics of the two attacks.

    Args:
        layout: The columns.
        canaries: The canaries.
        synthetic: The synthetic customers.
        claim: The claimed guarantee, or None.
        seed: Draws the synthetic customers that are compared.
    """
    targets = Histories.of(layout, canaries.rows, canaries.owner)
    is_member = canaries.is_member[targets.names]
    return (
        _nearest(layout, targets, is_member, synthetic, claim, seed),
        _copies(targets, is_member, synthetic, claim),
    )


def summaries(layout: Layout, histories: Histories) -> tuple[tuple[Column, ...], CodedTable]:
    """One row a customer: its columns, and the table.

    Length, first and last time; mean, least and largest value of each numeric column; first and
    last category of each column of categories.
    """
    clock, times = layout.columns[layout.order], histories.times
    latest = histories.starts + histories.lengths - 1
    columns, values = [clock] * 3, [histories.lengths, times[histories.starts], times[latest]]
    for place in layout.numeric:
        column = histories.values[:, place]
        ends = (ufunc.reduceat(column, histories.starts) for ufunc in (np.fmin, np.fmax))
        values += [histories.means(column), *ends]
        columns += [clock] * 3
    for place in layout.categorical:
        values += [histories.values[histories.starts, place], histories.values[latest, place]]
        columns += [layout.columns[place]] * 2
    rows = np.column_stack(values).astype(float)
    return tuple(columns), CodedTable(np.zeros(rows.shape, dtype=np.int64), rows)


def _nearest(
    layout: Layout,
    targets: Histories,
    is_member: NDArray[np.bool_],
    synthetic: Histories,
    claim: Claim | None,
    seed: int,
) -> Metric:
    columns, rows = summaries(layout, targets)
    _, made = summaries(layout, synthetic)
    features = FeatureMap.from_reference(columns, rows)
    chosen = made.sample(SYNTHETIC_CUSTOMERS, stream(seed, "attack.history.nearest_auc"))
    # Rounded: the search has 32 bits, so its choice between equally near rows means nothing.
    scores = -np.round(nearest(features(rows), features(chosen)).distances[:, 0], 5)
    value, members = area_under_curve(is_member, scores), int(is_member.sum())
    low, high = hanley_mcneil(value, members, len(targets) - members)
    return Metric(
        name=NEAREST,
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=0.5,
        ceiling=claim.area_under_curve() if claim else None,
        n=len(targets),
        method=(
            f"nearness of a customer's summary to that of the nearest of {len(chosen)} synthetic"
            " customers: length, first and last time, mean and ends of numbers, first and last"
            " categories; Hanley-McNeil score interval"
        ),
        details={"roc": roc_points(is_member, scores)},
    )


def _copies(
    targets: Histories, is_member: NDArray[np.bool_], synthetic: Histories, claim: Claim | None
) -> Metric:
    several, made = targets.lengths > 1, synthetic.hashes[synthetic.lengths > 1]
    copied = np.isin(targets.hashes, made) & several
    training, holdout = (
        (int(copied[side].sum()), int(side.sum()))
        for side in (is_member & several, ~is_member & several)
    )
    what = "with two events or more whose whole history is that"
    return copies_metric(COPIES, training, holdout, what, claim)


def copies_metric(
    name: str, training: tuple[int, int], holdout: tuple[int, int], what: str, claim: Claim | None
) -> Metric:
    """Metric of customers who are copied as a whole: the share of kept-in less that of left-out.

    Args:
        name: The metric.
        training: How many kept-in canaries are copied, and how many may be.
        holdout: The same of the left-out ones.
        what: Which may be, and what counts as a copy, as words before "of a synthetic customer".
        claim: The claimed guarantee, or None.
    """
    if min(training[1], holdout[1]) < LEAST_CUSTOMERS:
        which = what.partition(" whose ")[0]
        return Metric.not_run(name, f"needs {LEAST_CUSTOMERS} canaries of each kind {which}")
    low, high = difference_interval(training, holdout)
    rates = training[0] / training[1], holdout[0] / holdout[1]
    return Metric(
        name=name,
        value=rates[0] - rates[1],
        low=low,
        high=high,
        confidence=0.95,
        baseline=0.0,
        ceiling=claim.advantage() if claim else None,
        n=training[1] + holdout[1],
        method=(
            f"share of canaries {what} of a synthetic customer; kept in less left out;"
            " Clopper-Pearson limits of both shares, Bonferroni"
        ),
        details={"true_positive_rate": rates[0], "false_positive_rate": rates[1]},
    )
