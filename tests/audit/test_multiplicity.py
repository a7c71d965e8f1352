"""Holm's correction."""

from __future__ import annotations

import numpy as np
import pytest

from privgan.audit.intervals import holm


def test_by_hand():
    # Sorted .01, .02, .03, .04 times 4, 3, 2, 1: .04, .06, .06, .04, and no value below the one
    # before.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert len(holm([])) == 0


def test_order_is_nothing_even_with_ties():
    values = np.array([0.2, 0.001, 0.2, 0.03, 0.001])
    order = np.random.default_rng(0).permutation(5)
    assert [holm(values)[index] for index in order] == holm(values[order])


def test_rejects_any_true_hypothesis_as_seldom_as_stated():
    """20 true hypotheses, 2,000 times at 5 %.

    The share is at most .05 + 3 · .0049 but with a probability of .2 %.
    """
    drawn = np.random.default_rng(1).random((2000, 20))
    assert np.mean([min(holm(line)) <= 0.05 for line in drawn]) <= 0.05 + 3 * 0.0049


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_no_p_value_is_refused(value):
    with pytest.raises(ValueError, match=r"not in \[0, 1\]"):
        holm([0.5, value])
