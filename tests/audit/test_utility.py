"""Train on synthetic, test on real."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.audit.coding import AuditCoder
from privgan.audit.utility.tasks import r_squared
from privgan.audit.utility.utility import trial_metrics, trial_of
from privgan.errors import TableError
from privgan.metric import Status
from privgan.schema.columns import Kind, Numeric
from privgan.schema.schema import choose_target


def audit(schema, draw_rows, target=None, synthetic=None, left_out=None):
    real, test = draw_rows(1200, 1), draw_rows(600, 2) if left_out is None else left_out
    coder = AuditCoder.from_reference(schema, real)
    made = draw_rows(1200, 3) if synthetic is None else synthetic
    tables = (coder.code(frame) for frame in (real, test, made))
    name = target or choose_target(schema.columns)
    metrics = trial_metrics(*trial_of(coder, *tables, name, 0))
    return {metric.name: metric for metric in metrics}


def test_target_comes_from_the_schema_alone(schema):
    assert choose_target(schema.columns) == "churned"
    assert choose_target(schema.columns[:4]) == "region"
    assert choose_target(schema.columns[:2]) == "income"
    assert choose_target(()) is None


@pytest.mark.parametrize(("target", "score"), [(None, "auc"), ("grade", "auc"), ("income", "r2")])
def test_same_population_leaves_no_gap(schema, draw_rows, target, score):
    found = audit(schema, draw_rows, target)
    gap = found["utility.gap"]
    assert gap.low <= 0.02
    assert gap.value == pytest.approx(
        found[f"utility.trtr_{score}"].value - found[f"utility.tstr_{score}"].value, abs=1e-12
    )
    assert found[f"utility.tstr_{score}"].baseline == found[f"utility.trtr_{score}"].value
    assert set(gap.details["families"]) == {"gradient_boosting", "linear"}


def test_unrelated_columns_leave_a_gap(schema, draw_rows):
    fake = draw_rows(1200, 3)
    fake["churned"] = np.random.default_rng(0).permutation(fake["churned"])
    assert audit(schema, draw_rows, synthetic=fake)["utility.gap"].low > 0.1


def test_synthetic_target_of_one_class_is_guessing(schema, draw_rows):
    assert (
        audit(schema, draw_rows, synthetic=draw_rows(1200, 3).assign(churned=True))[
            "utility.tstr_auc"
        ].value
        == 0.5
    )


def test_real_target_of_one_class_is_not_run(schema, draw_rows):
    found = audit(schema, draw_rows, left_out=draw_rows(600, 2).assign(churned=True))
    assert {metric.status for metric in found.values()} == {Status.NOT_RUN}
    assert "one value only" in found["utility.gap"].reason


def test_no_rows_to_test_on_is_not_run(schema, draw_rows):
    found = audit(schema, draw_rows, left_out=draw_rows(0, 2))
    assert found["utility.gap"].reason == "there are no left-out rows to test on"


def test_unknown_target_is_refused(schema, draw_rows):
    with pytest.raises(TableError, match="'nope' is not a modelled column"):
        audit(schema, draw_rows, "nope")


def test_r_squared_by_hand():
    truth, guess = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])
    assert r_squared(truth, guess, np.ones((1, 3)))[0] == pytest.approx(0.5)
    column = Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1)
    assert choose_target((column,)) == "x"
