"""Associations against values by hand and other libraries, and their differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import contingency

from privgan.audit.coding import AuditCoder
from privgan.audit.fidelity.associations import Associations, correlation_metric
from privgan.audit.intervals import jackknife, whole
from privgan.metric import Status
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema


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


def test_omega_and_eta_by_hand(schema):
    ages, region = [20, 30, 40, 50], ["north", "north", "south", "south"]
    table = pd.DataFrame(
        {"age": ages, "income": 1.0, "region": region, "grade": 1, "churned": True}
    )
    # Means 25, 45 around 35: sums of squares 400 between, 500 in all; 100 within, with two degrees
    # of freedom.
    omega = ((400 - 50) / (500 + 50)) ** 0.5
    assert measured(schema, table, [(0, 2), (2, 0)]) == pytest.approx([omega] * 2)
    coder = AuditCoder.from_reference(schema, table)
    plain = Associations.from_reference(coder, coder.code(table), corrected=False)
    assert plain.measure(coder.code(table), [(0, 2)], whole(4))[0, 0] == pytest.approx(0.8**0.5)


def test_many_categories_without_a_relation_to_a_number_have_no_association(schema, draw_rows):
    """Uncorrected, 240 categories beside a number that most rows lack had η of .55."""
    rng = np.random.default_rng(7)
    region = pd.Series(rng.integers(0, 240, 4_000)).map("r{}".format)
    wide = Schema(
        dataset="d",
        unit=PrivacyUnit(),
        columns=(
            Discrete(
                name="region", kind=Kind.CATEGORICAL, categories=tuple(sorted(region.unique()))
            ),
            Numeric(name="score", kind=Kind.FLOAT, lower=-9, upper=9, decimals=3, missing=True),
        ),
    )
    score = pd.Series(rng.normal(size=4_000).round(3)).where(rng.random(4_000) < 0.3)
    table = pd.DataFrame({"region": region, "score": score})
    coder = AuditCoder.from_reference(wide, table)
    coded = coder.code(table)
    found = [
        Associations.from_reference(coder, coded, corrected=corrected).measure(
            coded, [(0, 1)], whole(4_000)
        )[0, 0]
        for corrected in (True, False)
    ]
    assert found[0] < 0.1 < 0.4 < found[1]


def test_where_each_row_is_its_own_category_nothing_is_known(schema):
    table = pd.DataFrame(
        {"age": [20, 30], "income": 1.0, "region": ["north", "south"], "grade": 1, "churned": True}
    )
    assert measured(schema, table, [(0, 2)])[0] == 0.0


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
