"""The attack finds copies, finds nothing in independent rows, and never uses the coins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from privgan.audit.attacks.copies import copies_metric
from privgan.audit.attacks.membership import (
    Canaries,
    combined_scores,
    density_ratio_scores,
    membership_metrics,
    nearest_scores,
)
from privgan.audit.attacks.roc import best_threshold
from privgan.audit.coding import AuditCoder
from privgan.audit.intervals import area_under_curve
from privgan.audit.lower_bounds.bounds import one_run_search
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.errors import TableError


def scores_of(coder, canaries, synthetic, seed=0):
    ratio = density_ratio_scores(canaries, synthetic, seed)
    return ratio, nearest_scores(coder, canaries, synthetic, seed)


def test_memorised_rows_are_found(schema, draw_rows):
    kept_in, left_out = draw_rows(600, 1), draw_rows(580, 2)
    coder = AuditCoder.from_reference(schema, kept_in)
    canaries = Canaries.pool(coder.code(kept_in), coder.code(left_out))
    ratio, nearest = scores_of(coder, canaries, coder.code(kept_in))
    metrics = {m.name: m for m in membership_metrics(canaries, ratio, nearest, Claim(1.0, 1e-5), 0)}
    for name in ("auc", "advantage", "tpr_at_fpr_0.01"):
        metric = metrics[f"attack.membership.{name}"]
        assert metric.low > metric.ceiling > metric.baseline
    assert (
        one_run_search(combined_scores(ratio, nearest), canaries.is_member, 1e-5, 0.05).epsilon > 3
    )


@pytest.mark.slow
def test_independent_rows_are_refuted_at_no_more_than_the_nominal_rate(
    draw_ternary, ternary_schema
):
    """Eight tables of fresh rows, claimed ε = 0, many ties.

    A rate of 5 % would fail with probability below 0.6 %.
    """
    refuted, runs = 0, 8
    for seed in range(runs):
        rows, coins = draw_ternary(300, 1000 + seed), np.random.default_rng(seed).random(300) < 0.5
        coder = AuditCoder.from_reference(ternary_schema, rows)
        canaries = Canaries.pool(coder.code(rows[coins]), coder.code(rows[~coins]))
        ratio, nearest = scores_of(coder, canaries, coder.code(draw_ternary(200, 5000 + seed)))
        scores = combined_scores(ratio, nearest)
        refuted += one_run_search(scores, canaries.is_member, 0.0, 0.05).epsilon > 0
    assert refuted <= 2


def test_scores_depend_on_contents_alone(schema, draw_rows):
    """The same canaries with other coins get the same scores, row by row."""
    rows, synthetic = (
        pd.concat([draw_rows(150, 1), draw_rows(20, 1)], ignore_index=True),
        draw_rows(300, 9),
    )
    coder = AuditCoder.from_reference(schema, rows)
    found = []
    for seed in (1, 2):
        coins = np.random.default_rng(seed).random(len(rows)) < 0.5
        canaries = Canaries.pool(coder.code(rows[coins]), coder.code(rows[~coins]))
        found.append(np.vstack(scores_of(coder, canaries, coder.code(synthetic))))
    assert np.array_equal(*found)


def test_customers_are_scored_as_one(schema, draw_rows):
    members, others = draw_rows(60, 1), draw_rows(60, 2)
    coder = AuditCoder.from_reference(schema, members)
    units = np.repeat(np.arange(20), 3)
    canaries = Canaries.pool(coder.code(members), coder.code(others), units, units + 100)
    assert len(canaries) == 40
    assert canaries.is_member.sum() == 20
    assert (np.bincount(canaries.owner) == 3).all()
    assert canaries.mean_by_customer(canaries.owner.astype(float)).tolist() == list(range(40))
    assert canaries.max_by_customer(canaries.owner.astype(float)).tolist() == list(range(40))
    with pytest.raises(TableError, match="split by customer"):
        Canaries.pool(coder.code(members), coder.code(others), units, units)


def test_twins_share_a_fold(schema, draw_rows):
    rows = draw_rows(50, 1)
    coder = AuditCoder.from_reference(schema, rows)
    canaries = Canaries.pool(coder.code(rows), coder.code(rows))
    folds = canaries.folds(5, np.random.default_rng(0))
    keys = canaries.rows.keys()
    assert all(len(set(folds[keys == key])) == 1 for key in np.unique(keys))


def test_threshold_takes_ties_as_one():
    is_member = np.array([True, True, False, True, False])
    assert best_threshold(is_member, np.array([3.0, 2.0, 2.0, 2.0, 1.0])) == 2.0
    assert area_under_curve(is_member, np.array([3.0, 2.0, 2.0, 2.0, 1.0])) == pytest.approx(5 / 6)


def copies(schema, draw_ternary, seed, copied):
    train, holdout, fresh = (draw_ternary(600, 3 * seed + i) for i in range(3))
    made = pd.concat([train.iloc[:copied], fresh.iloc[copied:]])
    coder = AuditCoder.from_reference(schema, train)
    return copies_metric(coder.code(train), coder.code(holdout), coder.code(made), 0)


def test_half_copied_ternary_table_is_flagged(ternary_schema, draw_ternary):
    """SDMetrics scores such a table as perfect."""
    assert all(copies(ternary_schema, draw_ternary, seed, 300).low > 0 for seed in range(20))


def test_copy_free_ternary_table_is_flagged_at_the_nominal_rate(ternary_schema, draw_ternary):
    """A rate of 2.5 % a side would fail with probability below 0.1 %."""
    flagged = sum(copies(ternary_schema, draw_ternary, seed, 0).low > 0 for seed in range(60))
    assert flagged <= binom.isf(0.001, 60, 0.025)


def test_copies_by_hand(ternary_schema):
    def table(*rows):
        return pd.DataFrame([list(row) for row in rows], columns=ternary_schema.names)

    train, holdout = table("aaaaaa", "bbbbbb"), table("aaaaaa", "cccccc")
    made = table("aaaaaa", "bbbbbb", "bbbbbb", "cccccc")
    coder = AuditCoder.from_reference(ternary_schema, train)
    metric = copies_metric(coder.code(train), coder.code(holdout), coder.code(made), 0)
    assert metric.value == pytest.approx(0.25)
    assert metric.details["share_in_training"] == 0.75
