"""The whole audit finds a memoriser, clears an independent table, and reports bad input."""

import json

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from privgan.audit.suite import AuditInputs, AuditReport, run_audit
from privgan.errors import TableError
from privgan.files.documents import json_schema
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema
from tests.audit.foreign_tables import audited

ROWS = 1_600
SCHEMA = Schema(
    dataset="audited",
    unit=PrivacyUnit(),
    columns=(
        *(Numeric(name=f"n{i}", kind=Kind.FLOAT, lower=-9, upper=9, decimals=3) for i in range(5)),
        Discrete(name="label", kind=Kind.CATEGORICAL, categories=("a", "b")),
    ),
)


def _rows(seed: int, count: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1.5, (count, 5)).clip(-9, 9).round(3)
    frame = pd.DataFrame(values, columns=[f"n{i}" for i in range(5)])
    frame["label"] = np.where(values[:, 0] + rng.normal(0, 1, count) > 0, "a", "b")
    return frame


def _audit(
    synthetic: pd.DataFrame, kept: pd.DataFrame, left: pd.DataFrame, epsilon: float = 1.0
) -> AuditReport:
    return run_audit(
        AuditInputs(
            schema=SCHEMA,
            kept_in=kept,
            canary_mask=np.ones(len(kept), dtype=bool),
            left_out=left,
            synthetic=synthetic,
            epsilon=epsilon,
            delta=1e-6,
            target="label",
        )
    )


def _split(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, coins = _rows(seed), np.random.default_rng(seed + 1).random(ROWS) < 0.5
    return rows[coins].reset_index(drop=True), rows[~coins].reset_index(drop=True)


@pytest.fixture(scope="module")
def honest() -> AuditReport:
    return _audit(_rows(99), *_split(1))


@pytest.fixture(scope="module")
def memoriser() -> AuditReport:
    kept, left = _split(2)
    return _audit(kept.sample(frac=1, random_state=0).reset_index(drop=True), kept, left)


def test_a_memoriser_is_refuted(memoriser: AuditReport) -> None:
    assert memoriser.verdict == "REFUTED"
    assert (memoriser.metric("audit.epsilon_lower_bound").value or 0) > 1.0
    assert (memoriser.metric("attack.membership.auc").low or 0) > 0.7
    assert (memoriser.metric("attack.copies.excess").low or 0) > 0.3


def test_an_independent_table_is_not_refuted(honest: AuditReport) -> None:
    assert honest.verdict == "NOT_REFUTED"
    auc = honest.metric("attack.membership.auc")
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low < 0.5 < auc.high
    assert honest.metric("attack.copies.excess").value == pytest.approx(0, abs=0.02)


@pytest.mark.slow
def test_independent_tables_are_refuted_no_more_often_than_stated() -> None:
    """Nominal 5 %; more than 3 of 12 has a probability below 0.3 %, and the seeds are fixed."""
    refuted = sum(
        _audit(_rows(500 + seed, 600), *_split(10 + seed), epsilon=0.01).verdict == "REFUTED"
        for seed in range(12)
    )
    assert refuted <= 3


def test_the_report_follows_its_json_schema_and_holds_no_nan(honest: AuditReport) -> None:
    text = json.dumps(honest.to_json(), allow_nan=False)
    errors = [
        error.message
        for error in Draft202012Validator(json_schema("privgan.audit/1")).iter_errors(
            json.loads(text)
        )
    ]
    assert errors == []


@pytest.mark.slow
def test_two_audits_are_the_same_and_the_order_of_synthetic_rows_is_nothing(
    honest: AuditReport,
) -> None:
    kept, left = _split(1)
    shuffled = _rows(99).sample(frac=1, random_state=5).reset_index(drop=True)
    assert _audit(shuffled, kept, left).to_json() == honest.to_json()


@pytest.mark.slow
def test_any_table_can_be_audited_without_a_bound() -> None:
    report = audited(SCHEMA, _rows(1), _rows(2), _rows(3), target="label")
    assert report.verdict == "INCONCLUSIVE"
    assert report.metric("audit.epsilon_lower_bound").value is None
    assert "fair coins" in report.metric("audit.epsilon_lower_bound").reason
    assert report.metric("fidelity.tvd1").value is not None


def test_what_cannot_be_computed_is_not_run_with_its_reason() -> None:
    one_class = _rows(1).assign(label="a")
    report = audited(
        SCHEMA, one_class, _rows(2).iloc[:10].assign(label="a"), _rows(3), target="label"
    )
    missed = [metric for metric in report.metrics if metric.value is None]
    assert {"utility.gap", "utility.tstr_auc"} <= {metric.name for metric in missed}
    assert all(metric.reason for metric in missed)


@pytest.mark.parametrize(
    "spoil", [lambda rows: rows.drop(columns="n1"), lambda rows: rows.iloc[:0]]
)
def test_tables_that_do_not_fit_are_refused(spoil: object) -> None:
    with pytest.raises(TableError):
        audited(SCHEMA, _rows(1), _rows(2), spoil(_rows(3)), target="label")  # type: ignore[operator]


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(TableError, match="target"):
        audited(SCHEMA, _rows(1), _rows(2), _rows(3), target="nope")
