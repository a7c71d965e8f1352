"""Column shapes, coverage, pMSE, constraints and subgroups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from privgan.audit.coding import AuditCoder
from privgan.audit.fidelity.coverage import broken_rules, constraint_metric, coverage_metrics
from privgan.audit.fidelity.propensity import pmse_metrics
from privgan.audit.fidelity.quality import quality_metric
from privgan.audit.fidelity.shapes import distances, shapes_metric, two_sample_p_value
from privgan.audit.fidelity.subgroups import named_subgroups, subgroup_metric
from privgan.audit.intervals import whole
from privgan.metric import Status
from privgan.schema.constraints import WhenThen


def coded(schema, *tables):
    coder = AuditCoder.from_reference(schema, tables[0])
    return coder, *map(coder.code, tables)


def test_shapes_are_kolmogorov_smirnov_and_total_variation(schema, draw_rows):
    real, other = draw_rows(400, 1), draw_rows(300, 2)
    coder, first, second = coded(schema, real, other)
    found = distances(coder, first, second, whole(300))[:, 0]
    ages = [table["age"].astype(float) for table in (real, other)]
    assert found[0] == pytest.approx(ks_2samp(*ages).statistic)
    shares = [table["region"].value_counts(normalize=True, dropna=False) for table in (real, other)]
    assert found[2] == pytest.approx(
        0.5 * np.abs(shares[0] - shares[1].reindex(shares[0].index)).sum()
    )


def test_missing_values_count_where_sdmetrics_overlooks_them(schema, draw_rows):
    real, held, made = (draw_rows(1500, seed) for seed in (1, 2, 3))
    made["income"] = made["income"].where(np.random.default_rng(0).random(1500) < 0.5)
    tables = coded(schema, real, held, made)
    metric = shapes_metric(*tables, 0)
    worst = metric.details["columns"][0]
    assert worst["column"] == "income"
    assert worst["score"] == pytest.approx(0.53, abs=0.05)
    assert worst["left_out"] > 0.95
    theirs = quality_metric(*tables, 0).details["properties"]["Column Shapes"]
    assert theirs > metric.value + 0.05


def test_p_value_is_pearsons(draw_rows):
    generator = np.random.default_rng(3)
    first, second = generator.integers(0, 6, 500), generator.integers(0, 6, 800)
    table = np.array([np.bincount(codes, minlength=6) for codes in (first, second)])
    assert two_sample_p_value(first, second, 6) == pytest.approx(
        chi2_contingency(table, correction=False).pvalue
    )
    assert two_sample_p_value(np.zeros(30, int), np.zeros(20, int), 3) == 1.0
    assert 0 <= two_sample_p_value(np.arange(9), np.arange(9), 9) <= 1.0  # each code is rare


def test_only_the_changed_column_differs_for_sure(schema, draw_rows):
    real, held, made = (draw_rows(1200, seed) for seed in (1, 2, 3))
    made["grade"] = np.where(np.random.default_rng(0).random(1200) < 0.3, 1, made["grade"])
    found = shapes_metric(*coded(schema, real, held, made), 0).details
    assert found["columns_that_differ"] == 1
    assert found["columns"][0]["column"] == "grade"
    assert found["columns"][0]["p_value_holm"] < 1e-6


def test_coverage_by_hand(schema):
    def table(ages, regions):
        return pd.DataFrame(
            {"age": ages, "income": 1.0, "region": regions, "grade": 1, "churned": True}
        )

    real = table([20, 60] * 100, ["north"] * 199 + ["west"])
    made = table([30, 40], ["north", "south"])
    categories, rare, ranges = coverage_metrics(*coded(schema, real, real, made), 0)
    assert categories.value == pytest.approx((0.5 + 1 + 1) / 3)
    assert rare.value == 0.0  # west has half a percent of the rows
    assert ranges.value == pytest.approx(10 / 40)  # income is constant
    assert {metric.baseline for metric in (categories, rare, ranges)} == {1.0}
    assert ranges.details["columns"] == [{"column": "age", "reached": 0.25, "left_out": 1.0}]


def test_coverage_without_such_columns_is_not_run(ternary_schema, draw_ternary):
    found = coverage_metrics(
        *coded(ternary_schema, *[draw_ternary(100, seed) for seed in (1, 2, 3)]), 0
    )
    assert [metric.status for metric in found] == [Status.OK, Status.NOT_RUN, Status.NOT_RUN]


def test_real_against_real_has_a_standardised_pmse_around_zero(schema, draw_rows):
    """8 tables; a draw has deviation 1 and the mean of ten at most that.

    |mean| > 3.5 / √8 has probability .05 %.
    """
    found = [
        pmse_metrics(
            *coded(schema, *[draw_rows(300, 10 * seed + part) for part in range(3)]), seed
        )[1].value
        for seed in range(8)
    ]
    assert abs(np.mean(found)) < 3.5 / 8**0.5


def test_pmse_finds_a_shift_and_needs_rows(schema, draw_rows):
    real, held, made = (draw_rows(500, seed) for seed in (1, 2, 3))
    made["age"] = (made["age"] + 8).clip(upper=90)
    raw, standardised = pmse_metrics(*coded(schema, real, held, made), 0)
    assert standardised.low > 5
    assert raw.baseline < raw.low
    few = pmse_metrics(*coded(schema, real, held[:40], made), 0)
    assert {metric.status for metric in few} == {Status.NOT_RUN}


def test_broken_rules_by_hand(schema, draw_rows):
    table = draw_rows(50, 1).astype({"region": object}).reset_index(drop=True)
    table.loc[[0, 1], "region"] = "moon"
    table.loc[[1, 2], "age"] = 17
    table.loc[3, "age"] = pd.NA
    table.loc[4, "income"] = 1.234
    found = broken_rules(schema, table)
    assert found.broken == 5
    assert {(column, rows) for column, _, rows in found.by_rule} == {
        ("region", 2),
        ("age", 2),
        ("age", 1),
        ("income", 1),
    }
    metric = constraint_metric(found, broken_rules(schema, draw_rows(30, 2)))
    assert metric.value == 0.1
    assert metric.low < 0.1 < metric.high
    assert metric.baseline == 0.0
    assert "moon" not in str(metric.details)


def test_rows_that_break_a_constraint_between_columns_are_counted(schema, draw_rows):
    table = draw_rows(200, 1)
    constrained = replace(
        schema, constraints=(WhenThen(when="region = north", then="grade in (1, 2)"),)
    )
    expected = int(((table["region"] == "north") & (table["grade"] > 2)).sum())
    found = broken_rules(constrained, table)
    assert 20 < expected == found.broken
    assert found.by_rule == (
        ("region, grade", "when region = north, then grade in (1, 2)", expected),
    )


def test_rates_have_their_own_tables_size(schema, draw_rows):
    """Other tools divide the hold-out's count by the number of training rows."""
    held = draw_rows(40, 2)
    held.loc[:3, "age"] = 17
    assert (
        constraint_metric(
            broken_rules(schema, draw_rows(400, 1)), broken_rules(schema, held)
        ).baseline
        == 0.1
    )


def test_worst_subgroup_comes_first_and_small_ones_are_suppressed(schema, draw_rows):
    real, held, made = (draw_rows(3000, seed) for seed in (1, 2, 3))
    west = (made["region"] == "west").to_numpy()
    made.loc[west, "grade"] = 1
    metric = subgroup_metric(*coded(schema, real, held, made), 0)
    worst = metric.details["subgroups"][0]
    assert worst["subgroup"] == "region=west"
    assert worst["n_training"] == (real["region"] == "west").sum()
    assert worst["n_synthetic"] == west.sum() == metric.n
    assert metric.low > metric.baseline
    small = subgroup_metric(*coded(schema, real, held[:100], made), 0)
    names = [entry["subgroup"] for entry in small.details["subgroups"]]
    counts = held[:100]["region"].value_counts()
    assert ("region=west" in names) == (counts["west"] >= 20)
    assert small.details["subgroups_suppressed"] > 0
    assert min(entry["n_left_out"] for entry in small.details["subgroups"]) >= 20


def test_subgroup_distance_by_hand(schema):
    def table(grades):
        rows = len(grades)
        return pd.DataFrame(
            {"age": 30, "income": 1.0, "region": "north", "grade": grades, "churned": [True] * rows}
        )

    real = table([1, 1, 2, 2] * 10)
    metric = subgroup_metric(*coded(schema, real, real, table([1, 1, 1, 2])), 0)
    by_name = {entry["subgroup"]: entry for entry in metric.details["subgroups"]}
    assert by_name["region=north"]["tvd1"] == pytest.approx(0.25 / 4)
    assert by_name["region=north"]["left_out"] == 0.0
    assert len(named_subgroups(coded(schema, real)[0])) == (3 + 1) + (4 + 1) + (2 + 1)


def test_a_subgroup_that_is_absent_is_as_far_as_can_be(schema, draw_rows):
    real, held, made = (draw_rows(800, seed) for seed in (1, 2, 3))
    metric = subgroup_metric(*coded(schema, real, held, made[made["grade"] != 2]), 0)
    assert metric.value == 1.0
    assert metric.details["subgroups"][0]["subgroup"] == "grade=2"
    assert metric.details["subgroups"][0]["n_synthetic"] == 0
