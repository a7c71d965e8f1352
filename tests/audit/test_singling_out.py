"""Predicates select the right rows and isolate copied rows, not rows of independent tables."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from privgan.audit.attacks.singling_out import (
    Condition,
    _p_value,
    multivariate,
    selected,
    singling_out_metric,
    univariate,
)
from privgan.audit.coding import AuditCoder
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Kind, Numeric, Temporal
from privgan.schema.schema import Schema

MOMENTS = Schema(
    dataset="moments",
    unit=PrivacyUnit(),
    columns=(
        Temporal(
            name="joined",
            kind=Kind.DATE,
            lower=pd.Timestamp("2000-01-01"),
            upper=pd.Timestamp("2030-01-01"),
            format="%Y",
        ),
        Numeric(name="balance", kind=Kind.FLOAT, lower=-1000, upper=1000, decimals=2, missing=True),
    ),
)


def _metric(schema, train, holdout, made, seed=0):
    coder = AuditCoder.from_reference(schema, train)
    tables = [coder.code(table) for table in (train, holdout, made)]
    return singling_out_metric(
        coder, *(table.take(table.canonical_order()) for table in tables), seed
    )


def test_datetime_predicates_select_the_intended_rows():
    """Anonymeter's datetime branch builds a query and drops it, so that it selects all rows."""
    days = pd.to_datetime(["2001-05-01", "2010-07-09", "2010-07-09", "2020-12-31"])
    frame = pd.DataFrame({"joined": days, "balance": [-5.0, -5.0, np.nan, 20.0]})
    coder = AuditCoder.from_reference(MOMENTS, frame)
    table = coder.code(frame)
    seconds = float(pd.Timestamp("2010-07-09").timestamp())
    assert selected((Condition(0, "equal", seconds),), table).tolist() == [1, 2]
    assert selected((Condition(0, "at most", seconds),), table).tolist() == [0, 1, 2]
    assert selected(
        (Condition(0, "equal", seconds), Condition(1, "missing", np.nan)), table
    ).tolist() == [2]
    assert selected((Condition(1, "at most", -5.0),), table).tolist() == [0, 1]
    found = univariate(coder.columns, table, np.random.default_rng(0))
    assert {(c.relation, c.value) for (c,) in found["joined"]} == {
        (relation, float(pd.Timestamp(day).timestamp()))
        for relation, day in (
            ("equal", "2001-05-01"),
            ("equal", "2020-12-31"),
            ("at most", "2001-05-01"),
            ("at least", "2020-12-31"),
        )
    }
    assert {c.relation for (c,) in found["balance"]} == {"equal", "at least", "missing"}
    every = [predicate for predicates in found.values() for predicate in predicates]
    assert all(len(selected(predicate, table)) == 1 for predicate in every)


def test_the_achieved_number_of_queries_is_n_and_two_runs_are_one(schema, draw_rows):
    """Fewer queries than asked are told and used as n; one seed gives one result.

    No gain is a status, not a warning.
    """
    tables = draw_rows(900, 1), draw_rows(300, 2), draw_rows(500, 3)
    metric = _metric(schema, *tables)
    told = {part["label"]: part for part in metric.details["searched"]}
    assert metric.n == told[metric.details["worst"]]["n"]
    assert all(0 < part["n"] <= part["queries_at_most"] + 3 for part in told.values())
    assert told["2 columns"]["n"] < told["2 columns"]["queries_at_most"]
    assert metric.details["status"] == "no better than the control"
    again = _metric(schema, *(table.sample(frac=1, random_state=1) for table in tables))
    assert json.dumps(again.to_json(), sort_keys=True) == json.dumps(
        metric.to_json(), sort_keys=True
    )


def test_copied_rows_are_singled_out(schema, draw_rows):
    train = draw_rows(1200, 1)
    made = pd.concat([train.iloc[:300], draw_rows(300, 4)])
    metric = _metric(schema, train, draw_rows(400, 2), made)
    assert metric.details["status"] == "better than the control"
    assert metric.low > 0


def test_independent_tables_are_found_better_at_the_nominal_rate(schema, draw_rows):
    """Fifteen fresh worlds at 5 %: more than 4 have a probability below 0.1 %."""
    found = [
        _metric(schema, draw_rows(400, 10 + s), draw_rows(200, 50 + s), draw_rows(300, 90 + s), s)
        for s in range(15)
    ]
    alarms = sum(metric.details["status"] == "better than the control" for metric in found)
    assert alarms <= binom.isf(0.001, 15, 0.05)


def test_multivariate_predicates_come_from_different_rows(schema, draw_rows):
    coder = AuditCoder.from_reference(schema, draw_rows(200, 1))
    found = multivariate(
        coder.columns, coder.code(draw_rows(200, 2)), 4, False, np.random.default_rng(0)
    )
    assert len(set(found)) == len(found) > 50
    assert {len(predicate) for predicate in found} == {4}


def test_p_value_by_hand():
    """Two queries with one success in two parts, none in the hold-out: 1/4.

    One with successes everywhere says nothing.
    """
    alone = np.array([[False, True], [False, True], [True, True], [False, False]])
    assert _p_value(alone) == pytest.approx(0.25)


def test_what_cannot_be_asked_is_not_run(schema, draw_rows):
    rows = draw_rows(100, 1)
    assert "at least 20" in _metric(schema, rows, rows.iloc[:5], rows).reason
    assert "no predicate" in _metric(schema, rows, rows, pd.concat([rows.iloc[:1]] * 50)).reason
