"""A figure that was not computed is no pass: it blocks a policy that asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from privgan.metric import Status
from privgan.policy import GateStatus, VerdictStatus, evaluate, fact_vocabulary, load_policy
from tests.audit.foreign_tables import audited

POLICY = """\
format: privgan.policy/1
name: own
version: "1.0"
purpose: Tests.
attempts_per_dataset: 3
gates:
  - {{fact: {fact}, at_most: 2, scope: internal, reason: Because., advice: Change it.}}
"""


@pytest.fixture(scope="module")
def without_holdout(schema, draw_rows):
    return audited(schema, draw_rows(60, 1), draw_rows(0, 2), draw_rows(60, 3))


@pytest.mark.parametrize(
    ("fact", "status", "verdict"),
    [
        ("utility.gap.high", GateStatus.MISSING, VerdictStatus.INCONCLUSIVE),
        ("utility.worst_subgroup_gap.high", GateStatus.MISSING, VerdictStatus.INCONCLUSIVE),
        ("fidelity.pmse_standardised.high", GateStatus.MISSING, VerdictStatus.INCONCLUSIVE),
        ("fidelity.correlation_difference.high", GateStatus.PASS, VerdictStatus.PASS),
    ],
)
def test_a_figure_that_was_not_run_blocks_its_gate(
    without_holdout, tmp_path: Path, fact, status, verdict
):
    path = tmp_path / "own.yaml"
    path.write_text(POLICY.format(fact=fact), encoding="utf-8")
    found = evaluate(load_policy(str(path)), without_holdout.facts())
    assert found.outcomes[0].status is status
    assert found.status is verdict
    assert found.internal_passed is (status is GateStatus.PASS)


def test_every_figure_of_fidelity_and_utility_is_a_fact_that_a_policy_can_name(without_holdout):
    known = fact_vocabulary()
    names = {
        metric.name
        for metric in without_holdout.metrics
        if metric.name.startswith(("fidelity.", "utility."))
    }
    assert names <= set(known)
    ends = {
        name
        for metric in without_holdout.metrics
        if metric.status is Status.OK
        for name in metric.facts()
    }
    assert {name for name in ends if name.startswith(("fidelity.", "utility."))} <= set(known)
