"""Exact and near copies are flagged, independent tables of any size are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, hypergeom

from privgan.audit.attacks.copies import (
    CopyScores,
    copy_p_values,
    copy_scores,
    copy_test_metrics,
    copy_tests,
)
from privgan.audit.attacks.proxies import DCR_SHARE, authenticity, proxy_metrics
from privgan.audit.coding import AuditCoder
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from tests.benchmarks.copy_leak import (
    KINDS,
    false_alarms,
    make_tables,
    null_p_values,
    outcome,
    with_copies,
)


def _coded(schema, train, *others):
    coder = AuditCoder.from_reference(schema, train)
    coded = (coder.code(table) for table in (train, *others))
    return coder, [table.take(table.canonical_order()) for table in coded]


def _flagged(schema, train, holdout, made):
    coder, tables = _coded(schema, train, holdout, made)
    return copy_test_metrics(coder, *tables, Claim(1.0, 1e-5), 0)


def _ternary_world(draw_ternary, seed: int, copied: int):
    train, holdout, fresh = (draw_ternary(600, 3 * seed + i) for i in range(3))
    return train, holdout, pd.concat([train.iloc[:copied], fresh.iloc[copied:]])


def test_ties_are_halved_and_the_half_copied_ternary_table_is_flagged(ternary_schema, draw_ternary):
    """SDMetrics counts ties as nearer to the hold-out, and scores such a table 1.000."""
    for seed in range(10):
        train, holdout, made = _ternary_world(draw_ternary, seed, 300)
        assert _flagged(ternary_schema, train, holdout, made)[0].value == 1.0
        coder, tables = _coded(ternary_schema, train, holdout, made)
        share = {metric.name: metric for metric in proxy_metrics(coder, *tables, 0)}[DCR_SHARE]
        # Reference: 0.579 with a standard deviation of 0.013, for tie-halved shares of such tables.
        assert share.value == pytest.approx(0.579, abs=4.5 * 0.013)
        assert share.low > 0.5
        assert share.details["ties"] > 200


def test_copy_free_ternary_tables_pass_at_the_nominal_rate(ternary_schema, draw_ternary):
    """Thirty fresh worlds at 5 %: more than 6 have a probability below 0.1 %."""
    found = [
        _flagged(ternary_schema, *_ternary_world(draw_ternary, 100 + seed, 0))[0].value
        for seed in range(30)
    ]
    assert sum(found) <= binom.isf(0.001, 30, 0.05)


WIDE = Schema(
    dataset="wide",
    unit=PrivacyUnit(),
    columns=(
        *(Numeric(name=f"n{i}", kind=Kind.FLOAT, lower=-9, upper=9, decimals=3) for i in range(5)),
        *(
            Discrete(name=f"c{i}", kind=Kind.CATEGORICAL, categories=("a", "b", "c"))
            for i in range(4)
        ),
    ),
)


@pytest.fixture(scope="module")
def tables():
    generator = np.random.default_rng(1)
    common = generator.normal(size=(5000, 1))
    frame = pd.DataFrame(
        (common + generator.normal(size=(5000, 5))).clip(-9, 9).round(3),
        columns=[f"n{i}" for i in range(5)],
    )
    drawn = {f"c{i}": generator.choice(["a", "b", "c"], 5000, p=[0.6, 0.3, 0.1]) for i in range(4)}
    return make_tables(frame.assign(**drawn), WIDE, np.random.default_rng(0))


@pytest.mark.parametrize("kind", KINDS)
def test_near_copies_are_flagged(tables, kind):
    """Eighty copies, 2 %, among 4,000 rows."""
    made = with_copies(
        tables.base, tables.training, tables.schema, kind, 0.02, np.random.default_rng(1)
    )
    found = outcome(tables, made, kind, 0.02, 0, peer=False)
    assert (found.flagged, found.copies) == (True, 80)


def test_false_alarms_over_splits_of_unequal_sizes(tables):
    """The tests are exact for 4,000 against 1,000 rows.

    Above 7 % in 1,000 splits has a probability of 0.3 %.
    """
    assert false_alarms(null_p_values(tables, 1000, 0)) <= 0.07
    assert not outcome(tables, tables.base, "none", 0.0, 0, peer=False).flagged


def test_a_table_identical_to_the_training_table_is_flagged_with_its_size(schema, draw_rows):
    train = draw_rows(500, 1)
    flagged, near = _flagged(schema, train, draw_rows(300, 2), train)
    assert flagged.value == 1.0
    assert flagged.details["p_value"] < 1e-50
    assert near.low > 0.9
    assert near.details["true_positive_rate"] == 1.0
    assert near.ceiling == pytest.approx(Claim(1.0, 1e-5).advantage())


def test_p_values_by_hand():
    """Three of the four customers with a copy are the three in training, of six."""
    flags, in_training = np.array([1, 1, 1, 1, 0, 0], bool), np.array([1, 1, 1, 0, 0, 0], bool)
    assert (
        copy_p_values({"equal": flags}, in_training)["equal"]
        == pytest.approx(hypergeom.sf(2, 6, 4, 3))
        == pytest.approx(0.2)
    )
    assert copy_p_values({"a": flags, "b": flags}, in_training)["a"] == pytest.approx(0.4)


def test_scores_by_hand(schema, draw_rows):
    real = draw_rows(300, 1)
    made = real.iloc[:4].copy()
    made.loc[1, "income"] = made.loc[1, "income"] + 5_000
    made.loc[2, "age"], made.loc[2, "grade"] = 18, (made.loc[2, "grade"] % 4) + 1
    made.loc[3, "income"] = made.loc[3, "income"] + 1
    coder = AuditCoder.from_reference(schema, real)
    scores = copy_scores(coder, coder.code(real), coder.code(made))
    assert scores.equal[:5].tolist() == [True, False, False, False, False]
    assert scores.rounded[0][:4].tolist() == [True, False, False, True]
    assert scores.distance[0] == scores.ratio[0] == 0
    assert scores.distance[3] < 1e-3


def test_all_but_one_column_needs_a_row_that_no_other_resembles(ternary_schema):
    frame = pd.DataFrame(
        [list("aaaaaa"), list("aaaaab"), list("cccccc")], columns=ternary_schema.names
    )
    made = pd.DataFrame([list("aaaaac"), list("bccccc")], columns=ternary_schema.names)
    coder = AuditCoder.from_reference(ternary_schema, frame)
    found = copy_scores(coder, coder.code(frame), coder.code(made))
    # Without the last column rows 0 and 1 are one and the same, so that the synthetic row says
    # nothing of either.
    assert found.all_but_one.tolist() == [False, False, True]


def test_customers_are_the_unit():
    """Ten rows of one customer are one customer, and the labels are the customers'."""
    owner, zeros = np.repeat(np.arange(4), 10), np.zeros(40)
    equal = owner == 0
    scores = CopyScores(owner, equal, equal, (equal, equal), zeros + ~equal, zeros + ~equal)
    assert scores.customers == 4
    assert {name: int(chosen.sum()) for name, chosen in copy_tests(scores).items()}["equal"] == 1
    assert copy_tests(scores)["distance, best 0.3"].tolist() == [True, False, False, False]


def test_customers_of_both_tables_are_counted(schema, draw_rows):
    train, holdout = draw_rows(400, 1), draw_rows(200, 2)
    coder, (kept, left, made) = _coded(schema, train, holdout, train.iloc[:100])
    kept = replace(kept, customers=np.arange(400) // 2)
    left = replace(left, customers=np.arange(200) // 2)
    flagged, near = copy_test_metrics(coder, kept, left, made, None, 0)
    assert (flagged.n, near.n, near.ceiling) == (300, 300, None)
    assert flagged.value == 1.0


def test_without_enough_customers_nothing_is_decided(schema, draw_rows):
    rows = draw_rows(50, 1)
    coder, (kept, made) = _coded(schema, rows, rows)
    assert {m.reason for m in copy_test_metrics(coder, kept, None, made, None, 0)} == {
        "there are no left-out rows to compare with"
    }
    few = copy_test_metrics(coder, kept, made.take(np.arange(5)), made, None, 0)
    assert all("at least 20" in metric.reason for metric in few)


def test_authenticity_by_hand():
    """the distance compared with is that of the real row found, not that of a synthetic index.

    Real rows at 0, 1, 3 and 10 are 1, 1, 2 and 7 from the next. Rows at 0.5, 2.5, 11 and 20 are .5,
    .5, 1 and 10 from rows 0 (or 1), 3, 10 and 10: one of four is farther than that row is from its
    own neighbour.
    """
    real = np.array([[0.0], [1.0], [3.0], [10.0]], dtype=np.float32)
    made = np.array([[0.5], [2.5], [11.0], [20.0]], dtype=np.float32)
    assert authenticity(real, made) == 0.25
    assert authenticity(real, made[[2, 0, 3, 1]]) == 0.25
    assert authenticity(real, real) == 0.0


def test_proxies_say_that_they_are_no_measure_of_privacy(schema, draw_rows):
    coder, tables = _coded(schema, draw_rows(300, 1), draw_rows(100, 2), draw_rows(200, 3))
    found = proxy_metrics(coder, *tables, 0)
    assert all("no measure of privacy" in metric.method for metric in found)
    assert {metric.name: metric.n for metric in found} == {
        DCR_SHARE: 100,
        "attack.copies.authenticity": 100,
    }
    assert found[0].low < 0.5 < found[0].high
    assert all(
        metric.value is None for metric in proxy_metrics(coder, tables[0], None, tables[2], 0)
    )
