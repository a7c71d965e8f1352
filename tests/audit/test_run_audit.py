"""The whole audit: verdicts, format, determinism and errors."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from privgan.audit.suite import AuditInputs, Verdict, run_audit
from privgan.errors import TableError, UsageError
from privgan.metric import Status
from privgan.pipeline.stages import AUDIT_STAGES
from privgan.privacy.budget import PrivacyUnit
from tests.audit.foreign_tables import audited

NAMES = {
    "audit.attacked_share",
    "attack.copies.authenticity",
    "attack.copies.dcr_share",
    "attack.copies.excess",
    "attack.copies.flagged",
    "attack.copies.near_excess",
    "attack.inference.excess",
    "attack.linkability.excess",
    "attack.membership.advantage",
    "attack.membership.auc",
    "attack.membership.calibrated_auc",
    "attack.membership.density_ratio_auc",
    "attack.membership.monte_carlo_auc",
    "attack.membership.nearest_auc",
    "attack.membership.record_max",
    "attack.membership.record_mean",
    "attack.membership.tpr_at_fpr_0.01",
    "audit.epsilon_detectable",
    "audit.epsilon_lb_density_ratio",
    "audit.epsilon_lb_fdp",
    "audit.epsilon_lb_gdp",
    "attack.singling_out.excess",
    "audit.epsilon_lb_max",
    "audit.epsilon_lb_nearest",
    "audit.epsilon_lower_bound",
    "fidelity.c2st_auc",
    "fidelity.sdmetrics_quality",
    "fidelity.tvd1",
    "fidelity.tvd2",
    "fidelity.tvd3",
    "utility.gap",
    "utility.trtr_auc",
    "utility.tstr_auc",
}


def valid(report) -> dict:
    """The report's JSON, checked against the published schema after a round trip."""
    text = json.dumps(report.to_json(), allow_nan=False)
    schema = json.loads((files("privgan.formats") / "audit.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(text))
    return json.loads(text)


@pytest.fixture(scope="module")
def inputs(schema, draw_rows) -> AuditInputs:
    """A run with 800 canaries whose synthetic rows are independent of the real ones."""
    pool, generator = draw_rows(1600, 1), np.random.default_rng(1)
    canary = generator.random(1600) < 0.5
    out = canary & (generator.random(1600) < 0.5)
    return AuditInputs(
        schema=schema,
        kept_in=pool[~out],
        canary_mask=canary[~out],
        left_out=pool[out],
        synthetic=draw_rows(1000, 2),
        epsilon=1.0,
        delta=1e-5,
    )


@pytest.fixture(scope="module")
def report(inputs):
    return run_audit(inputs)


def test_honest_run_is_not_refuted(report):
    assert report.verdict is Verdict.NOT_REFUTED
    status = {metric.name: metric.status for metric in report.metrics}
    assert status.keys() >= NAMES
    assert {status[name] for name in NAMES} == {Status.OK}
    assert (
        report.metric("audit.epsilon_lower_bound").value
        < 1.0
        < report.metric("audit.epsilon_lb_max").value
    )
    assert report.counts["kept_in_canaries"] + report.counts["left_out_canaries"] == pytest.approx(
        800, abs=80
    )


def test_report_validates_and_gives_facts(report):
    assert valid(report)["claim"] == {"epsilon": 1.0, "delta": 1e-5}
    facts = report.facts()
    assert facts["audit.verdict"] == "NOT_REFUTED"
    assert facts["attack.membership.auc.low"] <= facts["attack.membership.auc"]
    with pytest.raises(KeyError):
        report.metric("nope")


def test_order_of_the_tables_does_not_matter_and_two_runs_are_equal(inputs, report):
    generator = np.random.default_rng(5)
    kept, left = (
        generator.permutation(len(inputs.kept_in)),
        generator.permutation(len(inputs.left_out)),
    )
    shuffled = replace(
        inputs,
        kept_in=inputs.kept_in.iloc[kept],
        canary_mask=inputs.canary_mask[kept],
        left_out=inputs.left_out.iloc[left],
        synthetic=inputs.synthetic.sample(frac=1, random_state=0),
    )
    assert json.dumps(run_audit(shuffled).to_json()) == json.dumps(report.to_json())


def test_copied_rows_refute_the_claim(inputs):
    steps = []
    found = run_audit(
        replace(inputs, synthetic=inputs.kept_in), progress=lambda *step: steps.append(step)
    )
    assert found.verdict is Verdict.REFUTED
    assert found.metric("attack.copies.excess").low > 0.2  # a third of the rows is compared with
    assert steps[0][1] == 0.0
    assert steps[-1] == ("done", 1.0)
    assert [name for name, _ in steps[:-1]] == list(AUDIT_STAGES), (
        "each has its plain words and its time"
    )


def test_claim_above_what_the_audit_can_see_is_inconclusive(inputs):
    assert run_audit(replace(inputs, epsilon=20.0)).verdict is Verdict.INCONCLUSIVE


def test_table_audit_claims_no_bound_without_coins(schema, draw_rows):
    honest = audited(schema, draw_rows(300, 1), draw_rows(300, 2), draw_rows(300, 3), epsilon=1.0)
    assert honest.verdict is Verdict.INCONCLUSIVE
    assert "fair coins" in honest.reason
    found = audited(schema, draw_rows(300, 1), draw_rows(300, 2), draw_rows(300, 1), epsilon=1.0)
    assert found.verdict is Verdict.REFUTED
    assert found.reason.startswith("copies: 300 of 300")
    assert "fair coins" in found.metric("audit.epsilon_lower_bound").reason
    assert found.metric("attack.membership.auc").low > 0.6
    valid(found)


def test_table_audit_with_coins_refutes(schema, draw_rows):
    real, holdout = draw_rows(300, 1), draw_rows(310, 2)
    found = audited(schema, real, holdout, real, epsilon=0.5, delta=1e-5, fair_coins=True)
    assert found.verdict is Verdict.REFUTED
    uneven = audited(schema, real, holdout[:60], real, epsilon=0.5, delta=1e-5, fair_coins=True)
    assert uneven.verdict is Verdict.REFUTED
    assert uneven.reason.startswith("copies")
    assert "coins were not fair" in uneven.metric("audit.epsilon_lower_bound").reason


@pytest.mark.parametrize("holdout", [0, 10])
def test_tiny_tables_are_not_run_and_inconclusive(schema, draw_rows, holdout):
    found = audited(
        schema, draw_rows(10, 1), draw_rows(holdout, 2), draw_rows(10, 3), fair_coins=True
    )
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.metric("attack.membership.auc").status is Status.NOT_RUN
    assert found.metric("fidelity.tvd1").status is Status.OK
    valid(found)


def test_constant_and_empty_columns_are_borne(schema, draw_rows):
    def odd(seed):
        return draw_rows(200, seed).assign(age=30, income=np.nan, region=None)

    valid(audited(schema, odd(1), odd(2), odd(3)))


@pytest.mark.slow
def test_customers_with_several_rows_need_their_names(inputs):
    several = replace(
        inputs, schema=replace(inputs.schema, unit=PrivacyUnit(column="customer", max_rows=5))
    )
    found = run_audit(several)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "whose each row is" in found.metric("attack.membership.auc").reason
    units = np.arange(len(inputs.kept_in)), -1 - np.arange(len(inputs.left_out))
    assert (
        run_audit(replace(several, kept_in_units=units[0], left_out_units=units[1])).verdict
        is Verdict.NOT_REFUTED
    )


def test_inputs_that_do_not_fit_are_refused(inputs):
    def refused(message, **changes):
        with pytest.raises(TableError, match=message):
            run_audit(replace(inputs, **changes))

    refused("columns differ", synthetic=inputs.synthetic.drop(columns="age"))
    refused("synthetic table has no rows", synthetic=inputs.synthetic[:0])
    refused("one entry per kept-in row", canary_mask=np.ones(3, dtype=bool))
    refused("of neither", kept_in_units=np.arange(len(inputs.kept_in)))
    refused("not a modelled column", target="nope")
    same = np.zeros(len(inputs.kept_in)), np.ones(len(inputs.left_out))
    refused("a canary is a whole customer", kept_in_units=same[0], left_out_units=same[1])
    with pytest.raises(UsageError, match="ε must be"):
        run_audit(replace(inputs, epsilon=-1.0))


def test_inputs_are_not_modified(inputs):
    before = inputs.synthetic.copy(deep=True)
    pd.testing.assert_frame_equal(before, inputs.synthetic)
