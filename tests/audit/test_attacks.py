"""Attacks of a whole audit; they count customers, and claim nothing if customers are unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from privgan.audit.attacks.stage import copy_metrics, wp216_metrics
from privgan.audit.inputs import AuditInputs
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.prepared import prepare
from privgan.metric import Status
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.schema import Schema

DECIDED = {"attack.copies.flagged", "attack.copies.near_excess"}
WP216 = {"attack.singling_out.excess", "attack.linkability.excess", "attack.inference.excess"}


@pytest.fixture(scope="module")
def inputs(schema, draw_rows) -> AuditInputs:
    """Customers with two rows each.

    The first half of the training customers is in the synthetic table.
    """
    kept_in = draw_rows(400, 1)
    return AuditInputs(
        schema=Schema(
            dataset="d", unit=PrivacyUnit(column="who", max_rows=2), columns=schema.columns
        ),
        kept_in=kept_in,
        canary_mask=np.ones(400, bool),
        left_out=draw_rows(200, 2),
        synthetic=kept_in.iloc[:200],
        epsilon=1.0,
        delta=1e-5,
        kept_in_units=np.repeat(np.arange(200), 2),
        left_out_units=np.repeat(np.arange(200, 300), 2),
    )


def _run(inputs: AuditInputs) -> dict:
    prepared = prepare(inputs, inputs.canary_mask, Claim(inputs.epsilon, inputs.delta), "")
    return {metric.name: metric for metric in (*copy_metrics(prepared), *wp216_metrics(prepared))}


def test_customers_are_counted_not_rows(inputs):
    found = _run(inputs)
    assert found["attack.copies.flagged"].n == 300
    assert found["attack.copies.flagged"].value == 1.0
    assert found["attack.copies.near_excess"].value == pytest.approx(0.5, abs=0.05)
    assert found["attack.linkability.excess"].n == 200
    assert found["attack.inference.excess"].n == 200
    assert {metric.status for metric in found.values()} == {Status.OK}


def test_without_the_customers_names_nothing_is_claimed(inputs):
    found = _run(replace(inputs, kept_in_units=None, left_out_units=None))
    assert {
        name for name, metric in found.items() if metric.status is Status.NOT_RUN
    } == DECIDED | WP216
    assert all("whose each row is" in found[name].reason for name in DECIDED | WP216)


def test_without_a_holdout_nothing_is_compared(inputs):
    one = replace(
        inputs, left_out=inputs.left_out.iloc[:0], left_out_units=inputs.left_out_units[:0]
    )
    assert {metric.status for metric in _run(one).values()} == {Status.NOT_RUN}
