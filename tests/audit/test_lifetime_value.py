"""The BG/NBD model against published figures of CDNOW, and summaries by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privgan.audit.histories.lifetime_value import (
    bg_nbd,
    expected_purchases,
    installed,
    purchase_summary,
)
from tests.audit.events import STEP, histories

pytestmark = pytest.mark.skipif(not installed(), reason="needs privgan[customers]")
SAMPLE = 2_357


@pytest.fixture(scope="module")
def cdnow() -> np.ndarray:
    """The published sample of CDNOW, 39 weeks: repeat purchases, recency, age."""
    from lifetimes.datasets import load_cdnow_summary

    return load_cdnow_summary(index_col=[0])[["frequency", "recency", "T"]].to_numpy(dtype=float)


def test_the_published_parameters_are_found(cdnow: np.ndarray) -> None:
    """Fader, Hardie and Lee 2005, table 2: r .243, alpha 4.414, a .793, b 2.426."""
    assert len(cdnow) == SAMPLE
    found = bg_nbd(cdnow)
    assert found is not None
    golden = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    assert found[0] == pytest.approx(golden, abs=1e-3)


def test_a_forecast_is_that_of_the_closed_form(cdnow: np.ndarray) -> None:
    """Eq. 10 at the published parameters, by its Gaussian hypergeometric function."""
    from scipy.special import hyp2f1

    found = bg_nbd(cdnow)
    assert found is not None
    r, alpha, a, b = (found[0][name] for name in ("r", "alpha", "a", "b"))
    time, chosen = 39.0, np.arange(0, SAMPLE, 50)
    x, recency, age = cdnow[chosen].T
    ratio = (alpha + age) / (alpha + age + time)
    whole = hyp2f1(r + x, b + x, a + b + x - 1, time / (alpha + age + time))
    first = (a + b + x - 1) / (a - 1) * (1 - ratio ** (r + x) * whole)
    dropped = np.where(
        x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + recency)) ** (r + x), 0
    )
    assert found[1](time)[chosen] == pytest.approx(first / (1 + dropped), rel=1e-6)


def test_a_summary_by_hand() -> None:
    found = histories(
        [[(3, 1, 0), (3, 2, 0), (7, 1, 0), (8, 1, 0)], [(5, 1, 0)], [(12, 1, 0)]], STEP
    )
    told = dict(zip(found.names.tolist(), purchase_summary(found, 10.0).tolist(), strict=True))
    assert told == {0: [2, 5, 7], 1: [0, 0, 5], 2: [0, 0, 0]}


def test_nothing_is_expected_of_customers_who_never_came_again() -> None:
    once = histories([[(place, 1, 0)] for place in range(30)], STEP)
    again = histories([[(0, 1, 0), (place, 1, 0)] for place in range(1, 30)], STEP)
    assert math.isnan(expected_purchases(once, 30.0, 15.0))
    assert math.isnan(expected_purchases(again, 30.0, 0.0))


def test_customers_who_come_oftener_are_expected_oftener() -> None:
    generator = np.random.default_rng(0)

    def drawn(rate: float) -> float:
        customers = []
        for _ in range(300):
            own = generator.gamma(2.0, rate)
            times = np.cumsum(generator.exponential(1 / own, 60))
            days = [0.0, *np.floor(times[times < 100])]
            customers.append([(day, 1, 0) for day in days])
        return expected_purchases(histories(customers, STEP), 100.0, 50.0)

    assert drawn(0.06) > 1.5 * drawn(0.03)
