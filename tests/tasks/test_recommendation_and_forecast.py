"""The figures of recommendations and forecasts: right for good rows, and wrong for useless ones."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.nearest_neighbours import CosineRecommender

from privgan.audit.tasks.forecast import forecast
from privgan.audit.tasks.recommendation import NAMES, ranks_of
from privgan.audit.tasks.recommender import counted, scores
from privgan.audit.tasks.stage import all_task_metrics
from privgan.domain.periods import periods_of
from privgan.metric import Metric
from privgan.report.document import plain
from privgan.report.sections.tasks import named_tasks, task_sections
from privgan.report.text import words_of
from privgan.schema.schema import Schema
from privgan.schema.tasks import Period, RecommendationTask
from tests.tasks.shoppers import SCHEMA, draw, tables, useless

Found = dict[str, Metric]


def _figures(schema: Schema, found: object) -> Found:
    metrics = all_task_metrics(schema.tasks, found)  # type: ignore[arg-type]
    return {metric.name: metric for metric in metrics}


@pytest.fixture(scope="module")
def good() -> Found:
    """Fresh customers of the same law as synthetic ones."""
    return _figures(SCHEMA, tables(draw(900, 7)))


@pytest.fixture(scope="module")
def bad() -> Found:
    """Customers who buy anything, and all in the first year."""
    return _figures(SCHEMA, tables(useless(draw(900, 7), 8)))


def test_good_rows_recommend_as_real_ones_and_useless_rows_no_better_than_popularity(
    good: Found, bad: Found
) -> None:
    for metric in ("ndcg", "hit_rate", "over_popularity"):
        name = f"utility.recommendation.{metric}"
        for task in good[name].details["tasks"]:
            gap = task["difference"]
            assert gap["low"] <= gap["value"] <= gap["high"]
            assert abs(gap["value"]) < 0.05
        worst = bad[name].details["tasks"][0]
        assert worst["difference"]["high"] < 0 < worst["real"]["low"]
    kept = "utility.recommendation.ndcg_kept"
    assert _value(bad[kept]) < 0.85 < 0.93 < _value(good[kept])
    assert _value(bad["utility.recommendation.over_popularity"]) < 0.03
    assert _value(good["utility.recommendation.over_popularity"]) > 0.1


def test_forecasts_of_good_rows_are_as_of_real_ones(good: Found, bad: Found) -> None:
    for task in good["utility.forecast.wape"].details["tasks"]:
        assert task["real"]["value"] < 0.3
        assert abs(task["difference"]["value"]) < 0.15
        assert len(task["curve"]["real_forecast"]) == len(task["curve"]["synthetic_forecast"])
    for name in ("utility.forecast.wape", "utility.forecast.mase"):
        assert bad[name].details["tasks"][0]["difference"]["low"] > 0.1


def _value(metric: Metric) -> float:
    assert metric.value is not None
    return metric.value


def test_both_reports_name_the_tasks_and_the_internal_one_draws_them(good: Found) -> None:
    facts = SCHEMA.to_json()
    for language in ("en", "zh"):
        words = words_of(language)
        (shareable,) = named_tasks({}, facts, (), words)
        (internal,) = task_sections(facts, [part.to_json() for part in good.values()], words)
        told = [plain(item) for item in shareable.blocks[1].items]  # type: ignore[union-attr]
        assert len(told) == 4
        assert not any(character.isdigit() for character in told[0] + told[1])
        titles = [plain(part.title) for part in internal.blocks if hasattr(part, "drawing")]
        assert len(titles) == 4
    assert told[2] == "按 day 的月预测 amount，向前 3 期"


def test_rows_without_history_are_ranked_too() -> None:
    """By gradient boosting up to twenty values, and by similarity of codes above."""
    for column, how in (("segment", "gradient boosting"), ("product", "cosine similarity")):
        flat = replace(SCHEMA, history=None, tasks=(RecommendationTask(column=column),))
        metric = _figures(flat, tables(draw(300, 7), flat, 300))["utility.recommendation.ndcg"]
        assert metric.baseline is not None
        assert abs(_value(metric) - metric.baseline) < 0.15
        assert metric.method.startswith(how)


def test_without_the_library_or_customers_it_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = tables(draw(100, 7), customers=100)
    monkeypatch.setitem(sys.modules, "implicit", None)
    monkeypatch.setattr("privgan.audit.tasks.recommendation.installed", lambda: False)
    told = _figures(SCHEMA, found)
    for name in NAMES:
        metric = told[f"utility.recommendation.{name}"]
        assert metric.value is None
        assert "pip install 'privgan[uses]'" in metric.reason
    lone = _figures(SCHEMA, replace(found, histories="a reason"))
    assert lone["utility.forecast.wape"].reason == "a reason"


# --- parts


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(0, 7))
def test_a_rank_is_the_middle_of_its_ties(scored: list[int], taken: int) -> None:
    taken = taken % len(scored)
    (rank,) = ranks_of(np.array([scored], dtype=float), np.array([taken]))
    above = sum(other > scored[taken] for other in scored)
    ties = sum(other == scored[taken] for other in scored)
    assert rank == above + (ties - 1) / 2


def test_similarity_is_the_cosine_of_the_columns() -> None:
    """Of few values no neighbour is left out; the rest follows by how often values occur."""
    generator = np.random.default_rng(0)
    owner, value = generator.integers(0, 30, 200), generator.integers(0, 6, 200)
    matrix = counted(owner, value, 30, 6)
    dense = np.asarray(matrix.todense())
    norms = np.linalg.norm(dense, axis=0)
    expected = dense @ (dense.T @ dense / np.outer(norms, norms))
    assert np.allclose(scores(matrix, matrix), expected, atol=1e-6)
    library = CosineRecommender(K=6, num_threads=1)
    library.fit(matrix, show_progress=False)
    asked = np.arange(30)
    places, _ = library.recommend(asked, matrix, N=3, filter_already_liked_items=False)
    assert (np.argsort(-expected, axis=1, kind="stable")[:, 0] == places[:, 0]).mean() > 0.9
    nothing = counted(np.zeros(0, dtype=int), np.zeros(0, dtype=int), 2, 6)
    ranked = np.argsort(-scores(matrix, nothing)[0])
    assert ranked[0] == dense.sum(0).argmax()


@settings(max_examples=10)
@given(st.floats(1, 1e6), st.sampled_from([1, 3, 12]), st.floats(0.1, 10))
def test_a_level_course_stays_level_and_scales(level: float, horizon: int, factor: float) -> None:
    past = np.full(30, level)
    assert np.allclose(forecast(past, horizon, 12), level, rtol=0.05)
    wavy = level * (1 + 0.5 * np.sin(np.arange(40)))
    assert np.allclose(forecast(factor * wavy, horizon, 12), factor * forecast(wavy, horizon, 12))


def test_a_season_comes_again() -> None:
    month = np.arange(60)
    season = 10 + 5 * np.cos(2 * np.pi * month / 12)
    assert np.abs(forecast(season[:48], 12, 12) - season[48:]).max() < 1.0


@pytest.mark.parametrize(
    ("period", "first", "second", "apart"),
    [
        (Period.DAY, "2024-02-28", "2024-03-01", 2),
        (Period.WEEK, "2024-01-01", "2024-01-15", 2),
        (Period.MONTH, "2023-12-31", "2024-01-01", 1),
        (Period.QUARTER, "2023-09-30", "2024-04-01", 3),
    ],
)
def test_periods(period: Period, first: str, second: str, apart: int) -> None:
    seconds = np.array([first, second], dtype="datetime64[s]").astype(float)
    found = periods_of(seconds, period)
    assert found[1] - found[0] == apart
    assert math.isfinite(found[0])
