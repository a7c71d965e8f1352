"""Figures of whole customers: what passes, what fails, and what has no effect."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from privgan.audit.histories import lifetime_value, measures
from privgan.audit.histories.measures import NAMES, history_metrics
from privgan.audit.suite import AuditReport, run_audit
from privgan.errors import TableError
from privgan.files.documents import json_schema
from privgan.metric import Metric, Status, facts_of
from privgan.metrics import Exposure, Maker, registry
from privgan.policy import GateStatus, evaluate, load_policy
from privgan.release.leak_scan.leak_patterns import internal_names
from privgan.schema.history import HistoryFacts
from tests.audit.events import (
    LAYOUT,
    SCHEMA,
    figures,
    histories,
    independent,
    inputs,
    population,
    resampled,
)
from tests.histories.purchases import purchases

POLICY = """\
format: privgan.policy/1
name: own
version: "1.0"
purpose: Tests.
attempts_per_dataset: 3
gates:
  - fact: fidelity.history.within.high
    at_most: 0.15
    scope: internal
    reason: Two purchases of a customer resemble each other.
    advice: Model histories.
"""
REAL, HOLDOUT = population()


@pytest.fixture(scope="module")
def honest() -> dict[str, Metric]:
    """The figures of real customers, drawn anew with replacement."""
    return figures(inputs(REAL, HOLDOUT, resampled(REAL, 3)))


@pytest.fixture(scope="module")
def dealt() -> dict[str, Metric]:
    """The figures of real rows that belong to nobody."""
    return figures(inputs(REAL, HOLDOUT, independent(REAL, 3)))


@pytest.fixture(scope="module")
def fresh() -> dict[str, Metric]:
    """The figures of another draw from the population."""
    return figures(inputs(REAL, HOLDOUT, purchases(1_000, 77)))


def _gate(found: dict[str, Metric], folder: Path) -> GateStatus:
    path = folder / "own.yaml"
    path.write_text(POLICY, encoding="utf-8")
    facts = facts_of(found.values())
    return evaluate(load_policy(str(path)), facts).outcomes[0].status


def test_independent_rows_fail_on_the_correlation_and_resampled_customers_pass(
    honest: dict[str, Metric], dealt: dict[str, Metric], tmp_path: Path
) -> None:
    name = "fidelity.history.within"
    assert _gate(honest, tmp_path) is GateStatus.PASS
    assert _gate(dealt, tmp_path) is GateStatus.FAIL
    assert (dealt[name].value or 0) > 0.3
    assert dealt[name].details["synthetic"] == pytest.approx(0, abs=0.05)
    assert dealt[name].details["real"] == pytest.approx(honest[name].details["real"])


@pytest.mark.parametrize("kind", ["honest", "fresh"])
def test_real_customers_are_about_as_near_as_two_halves(
    kind: str, request: pytest.FixtureRequest
) -> None:
    found: dict[str, Metric] = request.getfixturevalue(kind)
    for name in NAMES:
        metric = found[name]
        assert metric.status is Status.OK, metric
        assert metric.value is not None
        assert (metric.low or 0) <= metric.value <= (metric.high or 0)
        room = 0.15 if name == measures.EXPECTED else 0.05
        assert metric.value < (metric.baseline or 0) + room, metric
    assert abs(found["utility.history.repeat_gap"].value or 0) < 0.06


def test_rows_of_nobody_fail_wherever_a_customer_is_more_than_one_row(
    dealt: dict[str, Metric],
) -> None:
    for name in ("cohorts", "transitions", "gaps", "rfm", "top_tenth", "within"):
        metric = dealt[f"fidelity.history.{name}"]
        assert (metric.low or 0) > 2 * (metric.baseline or 0), metric
    assert dealt["fidelity.history.transitions"].details["column"] in {"segment", "channel"}
    assert dealt["fidelity.history.length"].value == pytest.approx(0.0, abs=0.04)


def test_copied_customers_are_noticed_and_others_are_not(
    fresh: dict[str, Metric], dealt: dict[str, Metric]
) -> None:
    copied = figures(inputs(REAL, HOLDOUT, REAL))
    assert copied["attack.history.copies"].value == 1.0
    assert (copied["attack.history.copies"].low or 0) > (
        copied["attack.history.copies"].ceiling or 0
    )
    assert (copied["attack.history.nearest_auc"].low or 0) > 0.9
    for found in (fresh, dealt):
        assert found["attack.history.copies"].value == 0.0
        area = found["attack.history.nearest_auc"]
        assert (area.low or 0) < 0.55


def test_customers_copied_with_other_amounts_are_near_though_not_equal() -> None:
    amounts = (REAL["amount"] * 1.01).clip(-50, 1000).round(2)
    found = figures(inputs(REAL, HOLDOUT, REAL.assign(amount=amounts)))
    assert (found["attack.history.copies"].value or 0) < 0.1
    assert (found["attack.history.nearest_auc"].low or 0) > 0.9


def test_a_copied_row_here_and_there_is_no_copied_customer(dealt: dict[str, Metric]) -> None:
    assert dealt["attack.history.copies"].details["true_positive_rate"] == 0.0


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neither_names_nor_the_order_of_rows_matter(seed: int) -> None:
    generator = np.random.default_rng(seed)
    assert _told(*(_disguised(table, generator) for table in SMALL)) == _told(*SMALL)


SMALL = (*population(160, 5), purchases(100, 6))


def _told(*tables: pd.DataFrame) -> dict[str, object]:
    with pytest.MonkeyPatch.context() as patched:
        # The model sees sorted summaries only; without it the test is quick.
        patched.setattr(measures, "installed", lambda: False)
        return {name: metric.to_json() for name, metric in figures(inputs(*tables)).items()}


def _disguised(table: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    names = table["customer"].unique()
    side = table["customer"].iloc[0][:1] + str(generator.integers(10**9))
    new = dict(zip(names, generator.permutation(len(names)), strict=True))
    renamed = table.assign(customer=[f"{side}-{new[name]}" for name in table["customer"]])
    return renamed.iloc[generator.permutation(len(table))].reset_index(drop=True)


@pytest.mark.slow
def test_another_seed_draws_other_halves() -> None:
    first, second = (
        figures(inputs(REAL, HOLDOUT, purchases(300, 9), seed=seed)) for seed in (0, 1)
    )
    name = "fidelity.history.length"
    assert first[name].value == second[name].value
    assert first[name].baseline != second[name].baseline


def test_a_distance_by_hand() -> None:
    real = histories([[(day, 1, 0) for day in range(1 + place % 2)] for place in range(40)])
    made = histories([[(day, 1, 0) for day in range(1 + (place > 9))] for place in range(40)])
    found = {metric.name: metric for metric in history_metrics(LAYOUT, real, made, 0)}
    assert found["fidelity.history.length"].value == pytest.approx(0.25)
    assert found["fidelity.history.repeat_rate"].value == pytest.approx(0.25)
    assert found["fidelity.history.repeat_rate"].details["synthetic"] == 0.75
    assert found["fidelity.history.within"].reason.startswith("no numeric column has two values")


def test_halves_are_told_beside_real_and_synthetic_shares(honest: dict[str, Metric]) -> None:
    details = honest["fidelity.history.length"].details
    assert len(details["labels"]) == len(details["real"]) == len(details["synthetic"])
    halves = np.array(details["halves"])
    assert halves.mean(axis=0) == pytest.approx(details["real"], abs=0.01)
    assert 0.5 * np.abs(halves[0] - halves[1]).sum() == pytest.approx(
        honest["fidelity.history.length"].baseline, abs=1e-5
    )


def test_a_whole_audit_of_a_history_follows_its_schema() -> None:
    real, holdout = population(300, 1)
    report = run_audit(inputs(real, holdout, purchases(200, 2)))
    made = {name for name, entry in registry().items() if entry.made is Maker.HISTORY_AUDIT}
    assert {metric.name for metric in report.metrics if ".history." in metric.name} == made
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    validator = Draft202012Validator(json_schema("privgan.audit/1"))
    assert [error.message for error in validator.iter_errors(document)] == []


def test_no_such_figure_may_leave() -> None:
    for name, entry in registry().items():
        if entry.made is Maker.HISTORY_AUDIT:
            assert entry.exposure is Exposure.INTERNAL
            assert internal_names().search(name.encode())


def _plain(audit: AuditReport) -> list[Metric]:
    return [metric for metric in audit.metrics if ".history." not in metric.name]


@pytest.mark.slow
def test_the_other_figures_are_those_of_the_same_schema_without_a_history() -> None:
    real, holdout = population(120, 1)
    audit = inputs(real, holdout, purchases(100, 2))
    without = run_audit(replace(audit, schema=replace(SCHEMA, history=None)))
    assert _plain(without) == list(without.metrics)
    assert _plain(run_audit(audit)) == list(without.metrics)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"synthetic_units": None}, "a table does not tell whose each event is"),
        ({"kept_in_units": None, "left_out_units": None}, "a table does not tell whose"),
        (
            {"schema": replace(SCHEMA, history=HistoryFacts(order="gone"))},
            "the column 'gone', which orders the events, was left out",
        ),
    ],
)
def test_what_is_unknown_is_not_run_with_its_reason(
    changed: dict[str, object], reason: str
) -> None:
    found = figures(inputs(REAL, HOLDOUT, REAL, **changed))
    assert found.keys() == {
        name for name, entry in registry().items() if entry.made is Maker.HISTORY_AUDIT
    }
    assert all(metric.reason.startswith(reason) for metric in found.values())


def test_few_customers_give_no_figure_and_none_left_out_no_prediction() -> None:
    few = figures(inputs(REAL, HOLDOUT, purchases(10, 1)))
    assert {metric.status for metric in few.values()} == {Status.NOT_RUN}
    alone = figures(inputs(REAL, HOLDOUT.iloc[:0], purchases(100, 1)))
    assert alone["fidelity.history.rfm"].status is Status.OK
    assert alone["utility.history.repeat_auc"].status is Status.NOT_RUN
    assert "canaries" in alone["attack.history.copies"].reason


def test_as_many_names_as_synthetic_rows_are_needed() -> None:
    with pytest.raises(TableError, match="one entry per synthetic row"):
        figures(inputs(REAL, HOLDOUT, REAL, synthetic_units=np.array(["a"])))


def test_without_the_library_the_expectation_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lifetime_value, measures):
        monkeypatch.setattr(module, "installed", lambda: False)
    found = figures(inputs(REAL, HOLDOUT, purchases(100, 1)))["utility.history.expected_purchases"]
    assert found.value is None
    assert "pip install 'privgan[customers]'" in found.reason
