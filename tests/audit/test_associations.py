"""Associations by hand, against other libraries, and their differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import contingency

from privgan.audit.coding import AuditCoder
from privgan.audit.fidelity.associations import Associations, correlation_metric
from privgan.audit.intervals import jackknife, whole
from privgan.metric import Status


def measured(schema, table, pairs, parts=None):
    coder = AuditCoder.from_reference(schema, table)
    coded = coder.code(table)
    return Associations.from_reference(coder, coded).measure(
        coded, pairs, parts or whole(len(table))
    )[:, 0]


def test_pearson_is_pandas_with_missing_values(schema, draw_rows):
    table = draw_rows(500, 1).assign(
        income=lambda frame: frame["income"] * 1e9
    )  # large numbers lose no digit
    expected = table["age"].astype(float).corr(table["income"].round(2))
    assert measured(schema, table, [(0, 1)])[0] == pytest.approx(expected, abs=1e-10)


def test_correlation_ratio_by_hand(schema):
    ages, region = [20, 30, 40, 50], ["north", "north", "south", "south"]
    table = pd.DataFrame(
        {"age": ages, "income": 1.0, "region": region, "grade": 1, "churned": True}
    )
    # Means 25, 45 around 35: between 100, total 125.
    assert measured(schema, table, [(0, 2), (2, 0)]) == pytest.approx([0.8**0.5] * 2)


def test_cramers_v_is_corrected_for_bias(ternary_schema, draw_ternary):
    table = draw_ternary(150, 1)
    counts = pd.crosstab(table["c0"], table["c1"]).to_numpy()
    plain = contingency.association(counts, method="cramer")
    n, extra = counts.sum(), 4 / (counts.sum() - 1)
    expected = (
        max(0.0, 2 * plain**2 - extra) / (2 - extra)
    ) ** 0.5  # Bergsma 2013 for three by three
    found = measured(ternary_schema, table, [(0, 1)])[0]
    assert n == 150
    assert found == pytest.approx(expected, abs=1e-12)
    assert found < plain
    assert measured(ternary_schema, table.assign(c1=table["c0"]), [(0, 1)])[0] == pytest.approx(1.0)


def test_independent_columns_have_no_association_on_average(ternary_schema, draw_ternary):
    """Uncorrected, 15 pairs of 60 rows have a mean V near .17; corrected it is below .1."""
    pairs = [(i, j) for i in range(6) for j in range(i)]
    assert measured(ternary_schema, draw_ternary(60, 3), pairs).mean() < 0.1


def test_parts_are_those_of_the_tables(schema, draw_rows):
    table = draw_rows(300, 1)
    coder = AuditCoder.from_reference(schema, table)
    coded, parts = coder.code(table), jackknife(300, np.random.default_rng(0))
    measure, pairs = Associations.from_reference(coder, coded), [(0, 1), (0, 2), (2, 3)]
    found = measure.measure(coded, pairs, parts)
    left = coded.take(parts.block != 4)
    assert found[:, 5] == pytest.approx(
        measure.measure(left, pairs, whole(len(left)))[:, 0], abs=1e-10
    )


def test_a_broken_pair_is_the_worst(schema, draw_rows):
    real, held, made = (draw_rows(1500, seed) for seed in (1, 2, 3))
    made["churned"] = np.random.default_rng(0).permutation(made["churned"])
    coder = AuditCoder.from_reference(schema, real)
    metric = correlation_metric(coder, coder.code(real), coder.code(held), coder.code(made), 0)
    assert metric.low > metric.baseline
    assert metric.details["worst"][0]["columns"] in (["age", "churned"], ["grade", "churned"])
    assert metric.details["largest"] > 0.3 > metric.details["largest_baseline"]
    assert metric.details["sample_equivalent"]["percent"] < 20


def test_constant_columns_have_no_association(schema, draw_rows):
    table = draw_rows(100, 1).assign(age=30, income=np.nan, region=None, grade=1, churned=True)
    coder = AuditCoder.from_reference(schema, table)
    coded = coder.code(table)
    assert correlation_metric(coder, coded, coded, coded, 0).status is Status.NOT_RUN
    other = coder.code(draw_rows(100, 2))
    mixed = AuditCoder.from_reference(schema, draw_rows(100, 2))
    assert 0 < correlation_metric(mixed, other, other, coded, 0).value <= 1
