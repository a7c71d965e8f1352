"""The loss over folds: none for honest rows, clear for broken ones; whole customers in a fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from privgan.audit.coding import AuditCoder
from privgan.audit.utility.folds import FOLDS, _folds, folds_metric
from privgan.audit.utility.utility import trial_of
from privgan.metric import Status


@pytest.fixture(scope="module")
def tables(schema, draw_rows):
    frames = [draw_rows(700, seed) for seed in (1, 2, 3)]
    coder = AuditCoder.from_reference(schema, frames[0])
    return coder, *map(coder.code, frames)


def _metric(tables, name="churned", made=None):
    coder, real, held, honest = tables
    _, trial = trial_of(coder, real, held, made or honest, name, 0, ("linear",))
    return folds_metric(trial, 0)


def test_honest_rows_lose_nothing_that_is_stable(tables):
    for name in ("churned", "income"):
        found = _metric(tables, name)
        assert found.status is Status.OK
        assert found.low <= 0.02
        assert found.high >= -0.02
        assert len(found.details["real"]) == FOLDS
        gaps = np.subtract(found.details["real"], found.details["synthetic"])
        assert found.value == pytest.approx(gaps.mean())
        assert found.details["target"] == name


def test_a_target_without_its_columns_is_a_loss_in_every_fold(tables, draw_rows):
    coder, rng = tables[0], np.random.default_rng(0)
    broken = draw_rows(700, 3)
    broken["churned"] = rng.permutation(broken["churned"].to_numpy())
    found = _metric(tables, made=coder.code(broken))
    assert found.low > 0.02
    assert found.value > 0.1


def test_all_rows_of_a_customer_are_in_one_fold(tables):
    customers = np.arange(700) // 3
    folds = _folds(replace(tables[1], customers=customers), np.random.default_rng(0))
    assert len(np.unique(folds)) == FOLDS
    assert np.bincount(folds).min() > 100
    for customer in range(0, 233, 40):
        assert len(np.unique(folds[customers == customer])) == 1


def test_too_few_rows_or_one_value_are_said(tables):
    coder, real, held, made = tables
    assert "need 100 rows" in _metric((coder, real, held.take(np.arange(60)), made)).reason
    assert folds_metric("no target", 0).reason == "no target"
    place = coder.names.index("churned")
    few = np.flatnonzero(held.values[:, place] == 1)[:2]
    most = np.flatnonzero(held.values[:, place] == 0)[:200]
    rare = held.take(np.concatenate([few, most]))
    assert "one value of the target" in _metric((coder, real, rare, made)).reason
