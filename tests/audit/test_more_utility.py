"""Both kinds of target, importances, subgroups and queries."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.queries import QUERIES, query_metric, random_queries
from privgan.audit.randomness import stream
from privgan.audit.utility.importance import importance_metric, importances, most_rows
from privgan.audit.utility.stage import all_utility_metrics
from privgan.audit.utility.subgroup_gap import subgroup_gap_metric
from privgan.audit.utility.tasks import FAMILIES
from privgan.audit.utility.utility import trial_of
from privgan.errors import TableError
from privgan.metric import Status


@pytest.fixture(scope="module")
def tables(schema, draw_rows):
    """A coder, training, left-out and honest synthetic rows of one population."""
    frames = [draw_rows(rows, seed) for seed, rows in enumerate((1200, 1200, 1200), start=1)]
    coder = AuditCoder.from_reference(schema, frames[0])
    return coder, *map(coder.code, frames)


@pytest.fixture(scope="module")
def broken(tables, draw_rows):
    """Like ``tables``, but in the south the target is independent of the other columns."""
    coder, real, held, _ = tables
    made = draw_rows(1200, 3)
    south = (made["region"] == "south").to_numpy()
    made.loc[south, "churned"] = ~made.loc[south, "churned"]
    return coder, real, held, coder.code(made)


@pytest.fixture(scope="module")
def found(tables):
    return {metric.name: metric for metric in all_utility_metrics(*tables, None, 0)}


def test_a_category_and_a_number_are_predicted(found):
    for score in ("auc", "r2"):
        gap = found[f"utility.gap_{score}"]
        assert gap.value == pytest.approx(
            found[f"utility.trtr_{score}"].value - found[f"utility.tstr_{score}"].value
        )
        assert gap.low <= 0.03
        assert set(gap.details["families"]) == set(FAMILIES)
    assert found["utility.gap_auc"].details["target"] == "churned"
    assert found["utility.gap_r2"].details["target"] == "income"
    assert found["utility.gap"].value == found["utility.gap_auc"].value


@pytest.mark.slow
def test_a_number_may_be_the_target(tables):
    other = {metric.name: metric for metric in all_utility_metrics(*tables, "age", 0)}
    assert other["utility.gap"].value == other["utility.gap_r2"].value
    assert other["utility.gap_r2"].details["target"] == "age"
    assert other["utility.gap_auc"].details["target"] == "churned"
    assert other["utility.worst_subgroup_gap"].status is Status.OK
    with pytest.raises(TableError, match="'nope' is not a modelled column"):
        all_utility_metrics(*tables, "nope", 0)


def test_a_schema_with_one_kind_of_target_says_what_is_missing(ternary_schema, draw_ternary):
    frames = [draw_ternary(60, seed) for seed in (1, 2, 3)]
    coder = AuditCoder.from_reference(ternary_schema, frames[0])
    metrics = {
        metric.name: metric
        for metric in all_utility_metrics(coder, *map(coder.code, frames), None, 0)
    }
    assert metrics["utility.gap_r2"].reason == "the schema has no other column to predict for r2"
    assert metrics["utility.gap_auc"].status is Status.OK


def test_models_of_one_population_rely_on_the_same_columns(found):
    metric = found["utility.importance_agreement"]
    assert metric.value > 0.5
    assert metric.low <= metric.value <= metric.high
    assert metric.baseline > 0.5
    assert {entry["column"] for entry in metric.details["columns"][:2]} == {"age", "grade"}


def test_models_of_a_shuffled_target_do_not(tables, draw_rows):
    coder, real, held, _ = tables
    made = draw_rows(1200, 3)
    made["churned"] = np.random.default_rng(0).random(1200) < 1 / (
        1 + np.exp(-(made["income"].fillna(0) - 22e3) / 3e3)
    )
    _, trial = trial_of(coder, real, held, coder.code(made), "churned", 0)
    metric = importance_metric(trial, 0)
    assert metric.value < metric.baseline
    assert metric.details["columns"][0]["column"] in ("age", "grade")


def test_shuffled_inputs_are_those_of_shuffled_columns(tables):
    coder, real, held, made = tables
    for name in ("churned", "income"):
        task, trial = trial_of(coder, real, held, made, name, 0)
        weights, rows = trial.weights[:3], task.without_target(trial.test)
        for family in FAMILIES:
            model, generator = (
                trial.models[family][0],
                stream(0, "utility.importance_agreement: shuffles"),
            )
            whole = task.scores(trial.truth, model(rows), weights)
            drops = importances(task, model, trial.test, weights, 0)
            for column, drop in enumerate(drops):
                order, values, codes = (
                    generator.permutation(len(rows)),
                    rows.values.copy(),
                    rows.codes.copy(),
                )
                values[:, column], codes[:, column] = values[order, column], codes[order, column]
                shuffled = task.scores(trial.truth, model(CodedTable(codes, values)), weights)
                np.testing.assert_array_equal(drop, whole - shuffled)


@pytest.mark.parametrize("columns", [3, 60, 61, 200, 600, 5_000])
def test_many_columns_are_shuffled_in_fewer_rows(columns):
    """The work grows with the columns no more, down to rows that still tell something."""
    assert (most_rows(columns) == 3_000) is (columns <= 60)
    assert columns * most_rows(columns) <= max(180_000, 300 * columns)


def test_importance_works_for_every_family(tables):
    """Other tools read a forest's attribute off a logistic regression."""
    for target in ("churned", "age"):
        task, trial = trial_of(*tables, target, 0)
        for family in FAMILIES:
            drops = importances(
                task, trial.models[family][1], trial.test, np.ones((1, len(trial.test))), 0
            )
            assert drops.shape == (4, 1)
            assert drops.max() > 0.02


def test_intervals_shrink_with_the_root_of_the_rows(schema, draw_rows):
    """An interval of a mean, not of single rows.

    A quarter of the width for 16 times the test rows, within 40 %.
    """
    real = draw_rows(600, 1)
    coder = AuditCoder.from_reference(schema, real)
    widths = []
    for rows in (300, 4800):
        _, trial = trial_of(
            coder,
            coder.code(real),
            coder.code(draw_rows(rows, 2)),
            coder.code(draw_rows(600, 3)),
            "age",
            0,
        )
        scores = trial.task.scores(trial.truth, trial.predictions["linear"][0], trial.weights)
        widths.append(np.diff(np.quantile(scores[1:], [0.025, 0.975]))[0])
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.4)


def test_the_broken_subgroup_is_the_worst(broken):
    coder, _, held, _ = broken
    _, trial = trial_of(*broken, "churned", 0)
    metric = subgroup_gap_metric(coder, trial)
    worst = metric.details["subgroups"][0]
    assert worst["subgroup"] == "region=south"
    assert worst["n"] == metric.n == (held.codes[:, 2] == 1).sum()
    assert metric.low > 0.1
    assert worst["p_value_holm"] < 0.01


def test_no_subgroup_of_honest_rows_is_worse_for_sure(tables):
    """Holm's level is 5 % over all subgroups, and the seeds are fixed."""
    _, trial = trial_of(*tables, "churned", 0)
    metric = subgroup_gap_metric(tables[0], trial)
    assert all(entry["p_value_holm"] > 0.05 for entry in metric.details["subgroups"])
    assert metric.low < 0.0 < metric.high


def test_small_subgroups_are_suppressed(tables):
    coder, real, held, made = tables
    _, trial = trial_of(coder, real, held.take(np.arange(60)), made, "churned", 0)
    metric = subgroup_gap_metric(coder, trial)
    assert min(entry["n"] for entry in metric.details["subgroups"]) >= 20
    assert metric.details["subgroups_suppressed"] > 0
    _, tiny = trial_of(coder, real, held.take(np.arange(20)), made, "churned", 0)
    assert subgroup_gap_metric(coder, tiny).status is Status.NOT_RUN
    assert subgroup_gap_metric(coder, "no rows").reason == "no rows"


def test_queries_are_counted_as_rows_are(tables):
    coder, real, _, made = tables
    queries = random_queries(coder, real, 0)
    assert len(queries) == QUERIES
    assert {len(query.columns) for query in queries} == {1, 2, 3}
    errors = []
    for query in queries:
        shares = []
        for table in (real, made):
            met = np.ones(len(table), dtype=bool)
            for column, allowed in zip(query.columns, query.allowed, strict=True):
                met &= np.isin(table.codes[:, column], np.flatnonzero(allowed))
            shares.append(met.mean())
        errors.append(abs(shares[0] - shares[1]))
    metric = query_metric(coder, real, None, made, 0)
    assert metric.value == pytest.approx(np.mean(errors))
    assert metric.details["largest"] == pytest.approx(max(errors))
    assert metric.details["subgroups"] == []


def test_query_errors_of_subgroups_and_of_samples(tables, draw_rows):
    coder, real, held, _ = tables
    made = draw_rows(1200, 3)
    made.loc[(made["region"] == "south").to_numpy(), "grade"] = 1
    honest, worse = query_metric(*tables, 0), query_metric(coder, real, held, coder.code(made), 0)
    assert worse.value > honest.value
    south, usual = (
        next(entry for entry in metric.details["subgroups"] if entry["subgroup"] == "region=south")
        for metric in (worse, honest)
    )
    assert south["error"] > 1.5 * usual["error"]
    assert south["left_out"] == usual["left_out"]
    assert all(entry["n_left_out"] >= 20 for entry in honest.details["subgroups"])
    sample = real.take(np.random.default_rng(4).permutation(len(real))[: len(real) // 5])
    # Each audit compares with random samples of its own: their mean is held to the sampled share.
    found = [
        query_metric(coder, real, held, sample, seed).details["sample_equivalent"]["percent"]
        for seed in range(4)
    ]
    assert np.mean(found) == pytest.approx(20, rel=0.4)


def test_a_synthetic_target_of_one_class_agrees_with_nobody(schema, tables, draw_rows):
    coder, real, held, _ = tables
    found = all_utility_metrics(
        coder, real, held, coder.code(draw_rows(500, 3).assign(churned=True)), None, 0
    )
    by_name = {metric.name: metric for metric in found}
    assert by_name["utility.importance_agreement"].value == 0.0
    assert by_name["utility.tstr_auc"].value == 0.5
