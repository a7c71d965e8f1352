"""A report with every part filled."""

from __future__ import annotations

import math
from typing import Any

import pytest

from privgan.metric import Metric
from privgan.privacy import tradeoff
from privgan.report.data import (
    InternalReport,
    NoisyShape,
    PlanStep,
    Reach,
    RealShape,
    RealTrends,
    ShareableReport,
    Trends,
)
from privgan.report.odds import RATES

RELEASE: dict[str, Any] = {
    "format": "privgan.manifest/1",
    "created": "2026-11-21T04:00:00+00:00",
    "dataset": "loyalty-customers",
    "release_id": "loyalty-customers-20261121-7f3a",
    "guarantee": {
        "epsilon": 3.0,
        "delta": 1e-6,
        "unit": "one customer_id with its rows (at most 5)",
        "neighbouring_relation": "add or remove one privacy unit",
        "max_rows_per_unit": 5,
        "conditional_facts": [],
        "conditional_text": "",
        "accountant": {
            "name": "dp-accounting",
            "version": "0.4.4",
            "epsilon_pld": 2.981,
            "epsilon_rdp": 3.21,
        },
        "not_promised": [
            "That the table is useful for every question.",
            "Whether a run happened at all stays hidden.",
        ],
        "dataset_total": {"epsilon": 4.5, "delta": 2e-6, "runs": 2},
    },
    "plan": {},
    "accounting": [{"name": "one-way marginals", "event": {"event": "gaussian"}, "epsilon": 0.8}],
    "schema_fingerprint": "ab" * 32,
    "schema_sources": {},
    "context": {
        "reviewer": "J. Okafor",
        "purpose": "churn modelling",
        "recipient": "Northwind Analytics",
        "expiry": "2027-06-30",
    },
    "ledger": {"head": "cd" * 32},
    "versions": {"privgan": "0.1.0", "python": "3.11.9", "torch": "2.6.0"},
    "canaries": {"probability": 0.2, "commitment": ""},
    "retention": "Model checkpoints and the audit stay inside for 90 days.",
}
SCHEMA: dict[str, Any] = {
    "dataset": "loyalty-customers",
    "unit": "customer_id",
    "max_rows_per_unit": 5,
    "missing_markers": [""],
    "columns": [
        {
            "name": "customer_id",
            "kind": "identifier",
            "role": "identifier",
            "missing": False,
            "sources": {},
            "description": "",
            "pattern": "{}",
        },
        {
            "name": "age",
            "kind": "integer",
            "role": "quasi-identifier",
            "missing": False,
            "sources": {},
            "description": "Age in years",
            "lower": 18.0,
            "upper": 95.0,
            "decimals": 0,
            "special_values": [],
        },
        {
            "name": "segment",
            "kind": "categorical",
            "role": "other",
            "missing": True,
            "sources": {"categories": "assumed_public"},
            "description": "",
            "categories": ["gold", "silver", "bronze", "none"],
        },
        {
            "name": "city",
            "kind": "categorical",
            "role": "quasi-identifier",
            "missing": False,
            "sources": {},
            "description": "",
            "categories": [f"city {i}" for i in range(120)],
        },
    ],
}
STEPS = (
    PlanStep(
        name="marginal:age",
        kind="1-way marginal",
        epsilon=0.81,
        mechanism="gaussian",
        noise=42.0,
        expected_error=0.004,
    ),
    PlanStep(
        name="choice:1", kind="choice of a marginal", epsilon=0.22, mechanism="gumbel", noise=3.0
    ),
    PlanStep(
        name="critic",
        kind="critic by DP-SGD",
        epsilon=2.1,
        mechanism="dp-sgd",
        noise=3.8,
        repeats=2_000,
        rate=0.05,
    ),
)
GROUPS = tuple(PlanStep(name=step.kind, kind=step.kind, epsilon=step.epsilon) for step in STEPS)


def outcome(fact: str, value: Any, status: str = "PASS", scope: str = "public") -> dict[str, Any]:
    return {
        "fact": fact,
        "comparison": "at_most",
        "threshold": 5,
        "scope": scope,
        "reason": "A partner may hold other data.",
        "advice": "Plan with less.",
        "status": status,
        "value": value,
        "condition": "at most 5",
        "explanation": f"{fact} is {value}; it must be at most 5. Plan with less.",
    }


def verdict(status: str = "PASS", *outcomes: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "partner-share",
        "version": "1.0",
        "purpose": "Sharing a table with a named partner under contract.",
        "hash": "ef" * 32,
        "status": status,
        "public_checks": "passed",
        "internal_checks": "passed",
        "outcomes": [
            outcome("guarantee.epsilon", 3.0),
            outcome("ledger.initialised", True),
            *outcomes,
        ],
    }


def histogram(centre: float, width: float, bins: int = 24) -> list[float]:
    return [math.exp(-(((i - centre) / width) ** 2)) * 1000 for i in range(bins)]


def shapes(kind: type[NoisyShape] | type[RealShape], reference: str) -> tuple[Any, ...]:
    bins = [str(18 + 3 * i) for i in range(24)]
    return (
        kind(
            column="age",
            kind="integer",
            labels=bins,
            synthetic=histogram(9.4, 6),
            intervals=[(18 + 3 * i, 21 + 3 * i) for i in range(24)],
            **{reference: histogram(9, 6)},
        ),
        kind(
            column="segment",
            kind="categorical",
            labels=["gold", "silver", "bronze", "none"],
            synthetic=[0.13, 0.29, 0.35, 0.23],
            **{reference: [0.12, 0.31, 0.33, 0.24]},
        ),
        kind(
            column="city",
            kind="categorical",
            labels=[f"city {i}" for i in range(120)],
            synthetic=[1 / (i + 1.3) for i in range(120)],
            **{reference: [1 / (i + 1) - 0.01 for i in range(120)]},
        ),
    )


def entry(sequence: int, time: str, kind: str, epsilon: float | None) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "time": time,
        "kind": kind,
        "run": "7f3a",
        "epsilon": epsilon,
        "particulars": "{}",
    }


COLUMNS = ("age", "segment", "city")
# As if the plan's own curve were that of ε = 1 and δ = 1e-5.
_OWN = tradeoff.of_budget(1.0, 1e-5)
REACH = Reach(
    certainty=_OWN.certainty(),
    advantage=_OWN.advantage(),
    hits=_OWN.true_positive_rate(0.01),
    curve=[_OWN.true_positive_rate(rate) for rate in RATES],
)
METRICS = [
    Metric(name="fidelity.tvd1", value=0.0071, low=0.006, high=0.0085, baseline=0.004, n=4000),
    Metric(name="fidelity.tvd3", value=0.049, low=0.047, high=0.052, baseline=0.023, n=4000),
    Metric(name="utility.tstr_auc", value=0.91, low=0.9, high=0.918, baseline=0.919, n=4000),
    Metric.not_run("utility.tstr_r2", "no numeric target was named"),
    Metric(
        name="attack.membership.auc",
        value=0.507,
        low=0.49,
        high=0.523,
        confidence=0.95,
        baseline=0.5,
        ceiling=0.9526,
        n=4000,
        method="density ratio, out of fold",
    ),
    Metric(
        name="attack.membership.advantage",
        value=0.021,
        low=-0.01,
        high=0.052,
        baseline=0.0,
        ceiling=0.905,
        n=4000,
    ),
    Metric(name="audit.epsilon_lower_bound", value=0.0, low=None, high=None, ceiling=3.0, n=4000),
    Metric.not_run("attack.copies.excess", "no column was modelled"),
]


@pytest.fixture
def shareable() -> ShareableReport:
    return ShareableReport(
        release=RELEASE,
        policy=verdict(),
        schema=SCHEMA,
        steps=STEPS,
        shapes=shapes(NoisyShape, "noisy"),
        groups=GROUPS,
        trends=Trends(columns=COLUMNS, synthetic=[[0.4], [-0.3, None]], corrected=True),
        rows=50_000,
        reach=REACH,
    )


@pytest.fixture
def internal() -> InternalReport:
    return InternalReport(
        release=RELEASE,
        verdict=verdict(
            "PASS", outcome("attack.membership.advantage.high", 0.052, scope="internal")
        ),
        schema=SCHEMA,
        steps=STEPS,
        shapes=shapes(RealShape, "real"),
        groups=GROUPS,
        trends=RealTrends(
            columns=COLUMNS,
            synthetic=[[0.4], [-0.3, None]],
            real=[[0.5], [-0.9, 0.1]],
            corrected=True,
        ),
        lifetime=10.0,
        reach=REACH,
        rows=50_000,
        audit={"verdict": "NOT_REFUTED", "metrics": [metric.to_json() for metric in METRICS]},
        ledger=(
            entry(1, "2026-11-20T10:00:00+00:00", "budget", None),
            entry(2, "2026-11-21T03:10:00+00:00", "run", 1.5),
            entry(3, "2026-12-24T03:10:00+00:00", "run", 3.0),
        ),
    )
