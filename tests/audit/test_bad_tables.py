"""Bad tables give a clear error or NOT_RUN with a reason, never NaN; a copied table is flagged."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

import privgan.audit
from privgan.errors import TableError
from privgan.metric import Status
from privgan.privacy.budget import PrivacyUnit
from tests.audit.foreign_tables import audited

ROWS = 160


def checked(report):
    """The report's metrics by name, after a round trip through JSON and its schema."""
    text = json.dumps(report.to_json(), allow_nan=False)
    schema = json.loads((files("privgan.formats") / "audit.schema.json").read_text())
    Draft202012Validator(schema).validate(json.loads(text))
    assert all(metric.reason for metric in report.metrics if metric.status is Status.NOT_RUN)
    return {metric.name: metric for metric in report.metrics}


@pytest.fixture(scope="module")
def three(draw_rows):
    """Training, hold-out and synthetic rows of one population."""
    return draw_rows(ROWS, 1), draw_rows(ROWS + 10, 2), draw_rows(ROWS, 3)


@pytest.mark.parametrize(
    ("place", "name", "spoil", "message"),
    [
        (
            0,
            "kept-in",
            lambda t: t.drop(columns="age"),
            r"the kept-in table's columns differ from the schema's: missing \['age'\]",
        ),
        (1, "left-out", lambda t: t.assign(extra=1), r"unknown \['extra'\]"),
        (
            2,
            "synthetic",
            lambda t: t.rename(columns={"age": "Age"}),
            r"missing \['age'\], unknown \['Age'\]",
        ),
        (2, "synthetic", lambda t: pd.concat([t, t["age"]], axis=1), "two columns of one name"),
        (0, "kept-in", lambda t: t[:0], "has no rows"),
        (2, "synthetic", lambda t: t[:0], "has no rows"),
        (
            0,
            "kept-in",
            lambda t: t.assign(age="old"),
            f"'age' has {ROWS} values that are no integer",
        ),
        (
            1,
            "left-out",
            lambda t: t.assign(income=["12,5"] + ["1"] * (len(t) - 1)),
            "'income' has 1 values that are no float",
        ),
        (2, "synthetic", lambda t: t.assign(age=pd.Timestamp("2020-01-01")), "are no integer"),
    ],
)
def test_tables_that_do_not_fit_are_refused_by_name(schema, three, place, name, spoil, message):
    tables = list(three)
    tables[place] = spoil(tables[place])
    with pytest.raises(TableError, match=message) as caught:
        audited(schema, *tables)
    assert name in str(caught.value)
    assert "12,5" not in str(caught.value)  # never a value


def test_no_holdout(schema, three):
    found = checked(audited(schema, three[0], three[1][:0], three[2], epsilon=1.0))
    for name in (
        "utility.gap",
        "utility.gap_r2",
        "utility.importance_agreement",
        "fidelity.pmse",
        "fidelity.worst_subgroup_tvd1",
    ):
        assert found[name].status is Status.NOT_RUN, name
    for name in (
        "fidelity.tvd1",
        "fidelity.k_marginal",
        "fidelity.column_shapes",
        "utility.query_error",
    ):
        assert found[name].status is Status.OK, name
        assert found[name].baseline is None


def test_target_of_one_class(schema, three):
    real, held, made = (table.assign(churned=True) for table in three)
    found = checked(audited(schema, real, held, made, target="churned"))
    assert found["utility.gap"].reason == "the target has one value only in the kept-in table"
    assert found["utility.gap_r2"].status is Status.OK


def test_constant_and_all_missing_columns(schema, three):
    tables = [table.assign(age=30, income=np.nan, region=None) for table in three]
    found = checked(audited(schema, *tables))
    assert found["fidelity.range_coverage"].status is Status.NOT_RUN
    assert found["fidelity.column_shapes"].value == pytest.approx(1.0, abs=0.1)
    assert (
        found["utility.gap_r2"].reason
        == "the kept-in table has fewer than 20 rows with a target value"
    )


def test_columns_that_are_missing_in_the_synthetic_table_alone(schema, three):
    made = three[2].assign(age=30, income=np.nan, region=None)
    report = audited(schema, three[0], three[1], made)
    found = checked(report)
    assert found["fidelity.range_coverage"].value == 0.0
    assert report.verdict == "INCONCLUSIVE"
    assert dict(report.legibility.left_out).keys() == {"income", "region"}
    assert f"of {ROWS} values {ROWS} are missing" in report.reason


@pytest.mark.parametrize("rows", [1, 2, 10])
def test_few_rows(schema, draw_rows, rows):
    found = checked(
        audited(schema, draw_rows(rows, 1), draw_rows(rows, 2), draw_rows(rows, 3), epsilon=1.0)
    )
    assert found["utility.gap"].status is Status.NOT_RUN
    assert found["fidelity.tvd1"].status is Status.OK


def test_a_copy_of_the_training_table_screams(schema, three):
    real, held, _ = three
    report = audited(schema, real, held, real, epsilon=1.0, delta=1e-5, fair_coins=True)
    found = checked(report)
    assert report.verdict == "REFUTED"
    assert found["attack.membership.auc"].low > 0.95
    assert found["attack.copies.excess"].low > 0.8
    assert found["fidelity.k_marginal"].details["sample_equivalent"]["percent"] == 100.0


def test_values_outside_the_schema_are_counted(schema, three):
    made = three[2].astype({"region": object}).copy()
    made.loc[made.index[:30], "region"] = "moon"
    made.loc[made.index[20:60], "age"] = 200
    made.loc[made.index[60:70], "income"] = np.inf
    found = checked(audited(schema, *three[:2], made))
    broken = found["fidelity.constraint_violations"]
    assert broken.value == pytest.approx(70 / ROWS)
    assert broken.baseline == 0.0
    assert [rule["rows"] for rule in broken.details["rules"]] == [40, 30, 10]


@pytest.mark.slow
def test_row_order_is_nothing_where_customers_have_several_rows(schema, three):
    several = replace(schema, unit=PrivacyUnit(column="customer", max_rows=3))
    real, held, made = three
    units = [
        np.array([f"{part}{i // 2}" for i in range(len(table))])
        for part, table in (("r", real), ("h", held))
    ]
    texts = []
    for seed in (0, 1):
        orders = [np.random.default_rng(seed).permutation(len(table)) for table in (real, held)]
        report = audited(
            several,
            real.iloc[orders[0]],
            held.iloc[orders[1]],
            made,
            real_units=units[0][orders[0]],
            holdout_units=units[1][orders[1]],
        )
        texts.append(json.dumps(report.to_json()))
    assert texts[0] == texts[1]


def test_no_pickle_is_written_or_read_by_the_audit():
    folder = files(privgan.audit)
    assert not [
        path.name
        for path in folder.iterdir()
        if path.suffix == ".py" and "pickle" in path.read_text(encoding="utf-8")
    ]
