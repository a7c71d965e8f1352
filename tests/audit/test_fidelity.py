"""Marginals by hand and against SDMetrics, an independent score; the two-sample classifier."""

from __future__ import annotations

import importlib.util
import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privgan.audit.coding import AuditCoder
from privgan.audit.fidelity.column_sets import (
    TRIPLE_SEED,
    TRIPLES,
    _combination,
    marginals,
)
from privgan.audit.fidelity.marginals import c2st_metric, distances_by_block, tvd_metrics
from privgan.audit.fidelity.quality import quality_metric
from privgan.metric import Status
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind
from privgan.schema.schema import Schema

BENCH = (
    Path(os.environ.get("PRIVGAN_BENCH", Path(__file__).resolve().parents[3] / "shared" / "bench"))
    / "score.py"
)


@pytest.fixture(scope="module")
def coded(schema, draw_rows):
    """A coder and three tables of the population, the synthetic one last."""
    tables = [draw_rows(rows, seed) for seed, rows in enumerate((1500, 600, 1500))]
    coder = AuditCoder.from_reference(schema, tables[0])
    return coder, *map(coder.code, tables)


def test_distances_by_hand():
    columns = tuple(
        Discrete(name=name, kind=Kind.CATEGORICAL, categories=("x", "y")) for name in "ab"
    )
    schema = Schema(dataset="hand", unit=PrivacyUnit(), columns=columns)
    real = pd.DataFrame({"a": list("xxyy"), "b": list("xyxy")})
    other = pd.DataFrame({"a": list("xxxy"), "b": list("xxxy")})
    coder = AuditCoder.from_reference(schema, real)
    one, two, three = tvd_metrics(coder, coder.code(real), None, coder.code(other), 0)
    assert one.value == pytest.approx(0.25)  # each column: |3/4 - 1/2|
    assert two.value == pytest.approx(
        0.5
    )  # cells xx .75 against .25, yy equal, xy and yx 0 against .25
    assert three.status is Status.NOT_RUN
    assert one.baseline is None
    assert two.details["worst"] == [{"columns": ["a", "b"], "tvd": 0.5}]


def test_agrees_with_the_independent_score(schema, coded, draw_rows):
    if not BENCH.exists():
        pytest.skip(f"no {BENCH}")
    spec = importlib.util.spec_from_file_location("score", BENCH)
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    train, other = draw_rows(1500, 0), draw_rows(1500, 2)
    encode, sizes = score.coder(train)
    first, second, names = encode(train), encode(other), list(train.columns)
    triples = list(itertools.combinations(names, 3))
    triples = [triples[i] for i in np.random.RandomState(1).permutation(len(triples))[:60]]
    ours = tvd_metrics(*coded, 0)
    for metric, cliques in zip(
        ours, ([[n] for n in names], itertools.combinations(names, 2), triples), strict=True
    ):
        expected = np.mean([score.tvd(first, second, list(clique), sizes) for clique in cliques])
        assert metric.value == pytest.approx(expected, abs=1e-12)


def test_triples_are_those_of_the_independent_score():
    triples = list(itertools.combinations(range(15), 3))
    expected = [triples[i] for i in np.random.RandomState(1).permutation(len(triples))[:60]]
    assert list(marginals(15, 3)) == expected
    assert len(marginals(15, 2)) == 105
    assert len(marginals(60, 2)) == 1000


@given(st.integers(1, 12), st.integers(1, 3))
def test_a_place_among_all_sets_of_columns_is_found_without_listing_them(
    columns: int, order: int
) -> None:
    every = list(itertools.combinations(range(columns), order))
    assert every == [_combination(place, columns, order) for place in range(len(every))]


def test_the_triples_of_many_columns_are_those_of_the_whole_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = list(itertools.combinations(range(70), 3))
    places = np.random.RandomState(TRIPLE_SEED).permutation(len(every))[:TRIPLES]
    monkeypatch.setattr(itertools, "combinations", None)
    assert list(marginals(70, 3)) == [every[place] for place in places]


def test_large_marginals_do_not_grow_with_their_cells(coded):
    _, kept_in, left_out, _ = coded
    cliques = [(0, 1, 2)]
    blocks = np.zeros(len(left_out), dtype=int)
    small = distances_by_block((25, 25, 25, 6, 4), kept_in, left_out, cliques, blocks)
    huge = distances_by_block((10**6, 10**6, 10**6, 6, 4), kept_in, left_out, cliques, blocks)
    assert np.allclose(small, huge)


def test_same_population_is_as_near_as_real_rows(coded):
    for metric in tvd_metrics(*coded, 0):
        same = metric.details["same_size"]
        assert metric.low <= metric.value <= metric.high
        assert same["synthetic"] == pytest.approx(same["left_out"], rel=0.35)


def test_classifier_finds_nothing_in_the_same_population(coded):
    metric = c2st_metric(*coded, 0)
    assert metric.low < 0.5 < metric.high
    assert metric.baseline == pytest.approx(0.5, abs=0.1)


def test_classifier_names_the_column_that_gives_the_rows_away(schema, coded, draw_rows):
    coder, kept_in, left_out, _ = coded
    fake = draw_rows(1500, 3)
    fake["income"] = fake["income"] * 3
    metric = c2st_metric(coder, kept_in, left_out, coder.code(fake), 0)
    assert metric.low > 0.8
    assert metric.details["columns"][0]["column"] == "income"


def test_last_digits_of_a_float_do_not_give_rows_away(coded, draw_rows):
    coder, kept_in, left_out, _ = coded
    fake = draw_rows(1500, 4)
    fake["income"] = fake["income"] + 1e-7
    assert c2st_metric(coder, kept_in, left_out, coder.code(fake), 0).low < 0.5


def test_quality_report(coded, capfd):
    metric = quality_metric(*coded, 0)
    assert metric.status is Status.OK, metric.reason
    assert 0.9 < metric.value <= 1.0
    assert metric.value == pytest.approx(metric.baseline, abs=0.05)
    assert set(metric.details["properties"]) == {"Column Shapes", "Column Pair Trends"}
    assert capfd.readouterr() == ("", "")


def test_quality_report_that_fails_is_not_run(coded, monkeypatch):
    monkeypatch.setattr("privgan.audit.fidelity.quality._report", lambda *_: 1 / 0)
    metric = quality_metric(*coded, 0)
    assert metric.status is Status.NOT_RUN
    assert "ZeroDivisionError" in metric.reason
