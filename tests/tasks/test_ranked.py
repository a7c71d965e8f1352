"""Who is ranked first: held against scikit-learn and against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, average_precision_score, roc_curve

from privgan.audit.tasks.ranked import Ranked, top
from privgan.audit.tasks.segments import adjusted_rand

Rows = list[tuple[bool, int, int]]
MIXED = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(1, 3)), min_size=2, max_size=40
).filter(lambda rows: len({row[0] for row in rows}) == 2)


def _arrays(rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    positive, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    return positive.astype(bool), scores.astype(float), weights.astype(float)


@settings(max_examples=30)
@given(MIXED)
def test_precision_and_separation_are_scikit_learns(rows: Rows) -> None:
    positive, scores, weights = _arrays(rows)
    found = Ranked.of(positive, scores, np.vstack([np.ones(len(rows)), weights]))
    for place, own in enumerate((None, weights)):
        wanted = average_precision_score(positive, scores, sample_weight=own)
        assert found.average_precision()[place] == pytest.approx(wanted)
        alarms, hits, _ = roc_curve(positive, scores, sample_weight=own, drop_intermediate=False)
        assert found.separation()[place] == pytest.approx(np.abs(hits - alarms).max())
        assert found.recall(0.3)[place] == pytest.approx(np.interp(0.3, alarms, hits))


@settings(max_examples=30)
@given(MIXED)
def test_a_weight_counts_as_so_many_rows(rows: Rows) -> None:
    positive, scores, weights = _arrays(rows)
    times = weights.astype(int)
    many = Ranked.of(
        np.repeat(positive, times), np.repeat(scores, times), np.ones((1, times.sum()))
    )
    one = Ranked.of(positive, scores, weights[None])
    for share in (0.1, 0.5, 1.0):
        assert one.gains(share) == pytest.approx(many.gains(share))
    assert one.gains(1.0) == pytest.approx(1.0)
    assert one.lift(1.0) == pytest.approx(1.0)


def test_lift_by_hand() -> None:
    positive = np.arange(100) < 20
    perfect = Ranked.of(positive, -np.arange(100.0), np.ones((1, 100)))
    assert perfect.lift(0.1)[0] == pytest.approx(5.0)
    assert perfect.gains(0.1)[0] == pytest.approx(0.5)
    nothing = Ranked.of(positive, np.zeros(100), np.ones((1, 100)))
    assert nothing.lift(0.1)[0] == pytest.approx(1.0)
    assert nothing.separation()[0] == 0.0
    assert top(-np.arange(100.0), 0.1).sum() == 10


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60))
def test_the_rand_index_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    found = adjusted_rand(first, second, 4, np.ones((1, len(pairs))))
    assert found[0] == pytest.approx(adjusted_rand_score(first, second))
