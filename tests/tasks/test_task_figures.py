"""Figures of tasks: what serves, what does not, what cannot be told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from privgan.audit.suite import run_audit
from privgan.audit.tasks import augmentation, binning, shapley, uplift
from privgan.audit.tasks.binning import Bins, bins_of
from privgan.audit.tasks.scorecard import _Card, _Rows
from privgan.audit.tasks.stage import all_task_metrics
from privgan.files.documents import json_schema
from privgan.metric import Metric, Status
from privgan.metrics import Exposure, Maker, registry
from privgan.release.leak_scan.leak_patterns import internal_names
from privgan.schema.tasks import RegressionTask, ResponseTask, SegmentsTask
from tests.tasks import shoppers
from tests.tasks.campaign import SCHEMA, draw, inputs, of_kinds, shuffled, task_figures

ROWS = 1_600
NAMES = {name for name, entry in registry().items() if entry.made is Maker.TASK_AUDIT}


@pytest.fixture(scope="module", autouse=True)
def _one_partner() -> Iterator[None]:
    """Fewer partners: each is several models."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(augmentation, "SIZES", (500,))
        patched.setattr(augmentation, "DRAWS", 1)
        yield


@pytest.fixture(scope="module")
def fresh() -> dict[str, Metric]:
    """The figures of another draw from the population."""
    return task_figures(inputs(draw(ROWS, 3), rows=ROWS))


@pytest.fixture(scope="module")
def useless() -> dict[str, Metric]:
    """The figures of a table in which no column tells of another."""
    return task_figures(inputs(shuffled(draw(ROWS, 3), 4), rows=ROWS))


def _value(metric: Metric) -> float:
    assert metric.value is not None, metric.reason
    return metric.value


@pytest.mark.slow
def test_every_registered_figure_is_made_and_no_other(fresh: dict[str, Metric]) -> None:
    assert fresh.keys() <= NAMES
    if binning.installed() and shapley.installed() and not uplift.obstacle():
        assert {metric.status for metric in fresh.values()} == {Status.OK}
    for metric in fresh.values():
        entry = registry()[metric.name]
        for value in (metric.value, metric.low, metric.high, metric.baseline):
            assert value is None or entry.minimum is None or value >= entry.minimum - 1e-9
            assert value is None or entry.maximum is None or value <= entry.maximum + 1e-9


@pytest.mark.slow
def test_a_like_table_serves_and_one_without_relations_does_not(
    fresh: dict[str, Metric], useless: dict[str, Metric]
) -> None:
    for name in ("response.auc", "response.average_precision", "response.lift", "regression.r2"):
        metric = fresh[f"utility.{name}"]
        assert _value(metric) > _value(useless[f"utility.{name}"])
        assert (metric.low or 0) <= (metric.baseline or 0) * 1.1
    assert _value(useless["utility.regression.r2"]) < 0.1 < _value(fresh["utility.regression.r2"])
    assert _value(useless["utility.response.auc"]) == pytest.approx(0.5, abs=0.08)
    assert _value(fresh["utility.response.brier"]) < _value(useless["utility.response.brier"])
    assert _value(fresh["utility.segments.agreement"]) > 0.8


@pytest.mark.slow
def test_a_scorecard_and_an_uplift_of_no_relation_fail(
    fresh: dict[str, Metric], useless: dict[str, Metric]
) -> None:
    pytest.importorskip("optbinning")
    assert _value(fresh["utility.scorecard.ks_kept"]) > 0.7
    assert _value(useless["utility.scorecard.ks_kept"]) < 0.7
    assert _value(useless["utility.scorecard.iv_kept"]) < 0.5
    if not uplift.obstacle():
        assert _value(fresh["utility.uplift.qini"]) > 0.1
        assert _value(useless["utility.uplift.qini_kept"]) < 0.5


@pytest.mark.slow
def test_both_sides_and_their_paired_difference_are_told(fresh: dict[str, Metric]) -> None:
    metric = fresh["utility.response.lift"]
    (told,) = metric.details["tasks"]
    assert told["task"] == "response: bought = yes"
    assert told["synthetic"]["value"] == metric.value
    assert told["real"]["value"] == metric.baseline
    gap = told["difference"]
    assert gap["value"] == pytest.approx(_value(metric) - (metric.baseline or 0))
    assert gap["low"] <= gap["value"] <= gap["high"]
    apart = sum(told[side]["high"] - told[side]["low"] for side in ("synthetic", "real"))
    assert gap["high"] - gap["low"] < apart, "the same rows are drawn for both"
    curve = told["curve"]
    assert curve["real"][-1] == curve["synthetic"][-1] == 1.0
    assert curve["real"][1] == pytest.approx((metric.baseline or 0) / 10, abs=1e-6)


def test_the_same_table_trains_the_same_model() -> None:
    audit = inputs(draw(1_200, 1), of_kinds("regression"), rows=1_200)
    found = task_figures(audit)["utility.regression.rmse"]
    (told,) = found.details["tasks"]
    assert told["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_of_several_tasks_the_one_that_loses_most_counts() -> None:
    tasks = (RegressionTask(target="spend"), RegressionTask(target="noise"))
    made = draw(600, 3).assign(noise=lambda rows: rows["noise"].to_numpy()[::-1])
    made["spend"] = shuffled(made, 4)["spend"].to_numpy()
    found = task_figures(inputs(made, replace(SCHEMA, tasks=tasks), rows=600))
    metric = found["utility.regression.r2"]
    told = {part["task"]: part["synthetic"]["value"] for part in metric.details["tasks"]}
    assert metric.value == told["regression: spend"]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"bought": "no"}, "one value only in the kept-in table"),
        ({"mailed": "yes"}, "the kept-in table has fewer of some"),
    ],
)
def test_one_class_or_an_empty_arm_is_not_run_with_its_reason(
    changed: dict[str, str], reason: str
) -> None:
    kinds = of_kinds("response") if "bought" in changed else of_kinds("uplift")
    audit = inputs(draw(400, 3), kinds, rows=400)
    found = task_figures(replace(audit, kept_in=audit.kept_in.assign(**changed)))
    if "mailed" in changed and uplift.obstacle():
        reason = uplift.MISSING
    assert all(metric.value is None for metric in found.values())
    assert all(reason in metric.reason for metric in found.values())


@pytest.mark.slow
def test_a_synthetic_table_of_one_class_is_judged_as_useless() -> None:
    made = draw(700, 3).assign(bought="no", mailed="no")
    found = task_figures(inputs(made, of_kinds("response", "uplift"), rows=700))
    assert _value(found["utility.response.auc"]) == 0.5
    assert _value(found["utility.response.lift"]) == pytest.approx(1.0)


def test_a_column_that_was_left_out_is_named() -> None:
    tasks = (ResponseTask(target="gone", positive="yes"), SegmentsTask(columns=("age", "gone")))
    found = task_figures(inputs(draw(300, 3), replace(SCHEMA, tasks=tasks), rows=300))
    assert {metric.reason for metric in found.values()} == {"the column 'gone' was left out"}


def test_without_left_out_rows_nothing_is_told() -> None:
    audit = inputs(draw(300, 3), rows=300)
    found = task_figures(replace(audit, left_out=audit.left_out.iloc[:0]))
    assert all("left-out rows" in metric.reason for metric in found.values() if metric.reason)
    assert {metric.status for metric in found.values()} == {Status.NOT_RUN}


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from privgan.audit.tasks import scorecard

    monkeypatch.setattr(scorecard, "installed", lambda: False)
    monkeypatch.setattr(uplift, "obstacle", lambda: uplift.MISSING)
    found = task_figures(inputs(draw(300, 3), of_kinds("scorecard", "uplift"), rows=300))
    assert {metric.value for metric in found.values()} == {None}
    assert all("pip install 'privgan[uses]'" in metric.reason for metric in found.values())


@pytest.mark.slow
def test_without_its_library_smote_alone_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "_installed", lambda: False)
    found = task_figures(inputs(draw(700, 3), of_kinds("response"), rows=700))
    (told,) = found["utility.response.augmentation"].details["tasks"]
    assert told["sizes"][0]["smote"] is None
    assert told["sizes"][0]["gain"] is not None
    assert "pip install 'privgan[uses]'" in told["smote_reason"]


def test_smote_adds_as_many_positives_as_there_are_others() -> None:
    pytest.importorskip("imblearn")
    from imblearn.over_sampling import SMOTENC

    generator = np.random.default_rng(0)
    inputs_ = np.column_stack([generator.random(200), generator.integers(0, 3, 200)])
    positive = np.arange(200) < 20
    wanted = SMOTENC(categorical_features=[1], k_neighbors=5, random_state=0)
    more, labels = wanted.fit_resample(inputs_, positive)
    assert labels.sum() == (~labels).sum() == 180
    model = augmentation._oversampled(augmentation._Rows(inputs_, positive), (1,))
    assert model is not None
    same = augmentation._boosted(augmentation._Rows(more, labels))
    assert np.array_equal(model(inputs_), same(inputs_))
    few = augmentation._Rows(inputs_, np.arange(200) < 1)
    assert augmentation._oversampled(few, (1,)) is None


@pytest.mark.slow
def test_bins_and_their_information_are_those_of_optbinning() -> None:
    pytest.importorskip("optbinning")
    from optbinning import OptimalBinning

    rows = draw(3_000, 5)
    values, event = rows["age"].to_numpy(float), (rows["bought"] == "yes").to_numpy()
    theirs = OptimalBinning(dtype="numerical", max_n_prebins=20, time_limit=5)
    theirs.fit(values, event.astype(int))
    table = theirs.binning_table.build()
    own = bins_of(values, event, discrete=False)
    assert own.cuts is not None
    assert own.cuts.tolist() == theirs.splits.tolist()
    found = _Rows(values[:, None], event)
    card = _Card.of(found, [False])
    shown = card.information(found, found.itself)[0, 0]
    assert shown == pytest.approx(table.loc["Totals", "IV"], rel=0.03)
    theirs_of = table["WoE"].iloc[: len(own.cuts) + 1].astype(float).to_numpy()
    # optbinning counts the weight of evidence of others over events.
    assert card.weights[0][: len(theirs_of)] == pytest.approx(-theirs_of, abs=0.05)


def test_bins_take_what_was_never_seen() -> None:
    numbers = Bins(np.array([1.0, 2.0]), None)
    assert numbers.code(np.array([0.0, 1.0, 5.0, np.nan])).tolist() == [0, 1, 2, 4]
    assert [numbers.label(place, ()) for place in range(5)] == [
        *("[−∞, 1)", "[1, 2)", "[2, ∞)"),
        *("…", "–"),
    ]
    groups = Bins(None, np.array([0, -1, 1, 0]))
    assert groups.code(np.array([0.0, 1.0, 2.0, 3.0, 9.0, np.nan])).tolist() == [0, 2, 1, 0, 2, 3]
    assert groups.label(0, ("a", "b", "c", "d")) == "a, d"


@pytest.mark.slow
def test_a_whole_audit_with_tasks_follows_its_schema_and_changes_no_other_figure() -> None:
    audit = inputs(draw(800, 3), rows=800)
    report = run_audit(audit)
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    validator = Draft202012Validator(json_schema("privgan.audit/1"))
    assert [error.message for error in validator.iter_errors(document)] == []
    without = run_audit(replace(audit, schema=replace(SCHEMA, tasks=())))
    assert [m for m in report.metrics if m.name not in NAMES] == list(without.metrics)


def test_every_registered_figure_has_a_task_that_makes_it() -> None:
    audit = inputs(draw(300, 3), rows=300)
    purchases = shoppers.tables(shoppers.draw(60, 3), customers=60)
    others = all_task_metrics(shoppers.SCHEMA.tasks, purchases)
    found = task_figures(replace(audit, left_out=audit.left_out.iloc[:0])).keys()
    assert found | {metric.name for metric in others} == NAMES


def test_no_such_figure_may_leave() -> None:
    for name in NAMES:
        assert registry()[name].exposure is Exposure.INTERNAL
        assert internal_names().search(name.encode())


@pytest.mark.slow
def test_qini_is_scikit_uplifts_and_its_curve_ends_at_the_effect_of_treating_all() -> None:
    if reason := uplift.obstacle():
        pytest.skip(reason)
    from sklift.metrics import qini_auc_score

    table = draw(1_500, 8)
    inputs_ = table[["age", "noise"]].to_numpy(float)
    treated, outcome = (table[name].to_numpy() == "yes" for name in ("mailed", "bought"))
    rows = uplift._Rows(inputs_, treated, outcome, None)
    with uplift._silence():
        found = uplift._figures(rows, rows, rows, seed=0)
        wanted = qini_auc_score(outcome, rows.uplift(inputs_), treated)
    figure = found["qini"]
    assert not isinstance(figure, str)
    assert figure.synthetic[0] == figure.real[0] == pytest.approx(wanted)
    assert len(figure.synthetic) == 1 + uplift.REPETITIONS
    effect = outcome[treated].mean() - outcome[~treated].mean()
    gained = figure.details["curve"]["real"][-1] / 1_000
    assert gained == pytest.approx(effect * treated.mean(), rel=0.02)
