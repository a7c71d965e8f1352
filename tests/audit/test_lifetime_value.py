"""The BG/NBD model against published figures of CDNOW, and summaries by hand."""

from __future__ import annotations

import io
import math
from dataclasses import asdict
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from privgan.audit.histories.lifetime_value import (
    Parameters,
    bg_nbd,
    expected_purchases,
    installed,
    purchase_summary,
)
from tests.audit.events import STEP, histories

pytestmark = pytest.mark.skipif(not installed(), reason="needs privgan[customers]")
SAMPLE = 2_357
GOLDEN = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


@pytest.fixture(scope="module")
def cdnow() -> np.ndarray:
    """The published sample of CDNOW, 39 weeks: repeat purchases, recency, age."""
    # The library's own reader needs pkg_resources, which setuptools no longer has.
    path = files("lifetimes") / "datasets" / "cdnow_customers_summary.csv"
    table = pd.read_csv(io.StringIO(path.read_text(encoding="utf-8")))
    return table[["frequency", "recency", "T"]].to_numpy(dtype=float)


def test_the_published_parameters_are_found(cdnow: np.ndarray) -> None:
    """Fader, Hardie and Lee 2005, table 2: r .243, alpha 4.414, a .793, b 2.426."""
    assert len(cdnow) == SAMPLE
    found = bg_nbd(cdnow)
    assert found is not None
    assert asdict(found) == pytest.approx(GOLDEN, abs=1e-3)


def test_forecasts_are_those_of_the_library(cdnow: np.ndarray) -> None:
    """Its first customer came again twice and is expected 1.226 times in 39 weeks."""
    from lifetimes import BetaGeoFitter

    model = BetaGeoFitter()
    model.params_ = pd.Series(GOLDEN)
    theirs = model.conditional_expected_number_of_purchases_up_to_time(39.0, *cdnow.T)
    ours = Parameters(**GOLDEN).forecast(cdnow, 39.0)
    assert ours == pytest.approx(np.asarray(theirs), rel=1e-8)
    assert list(cdnow[0]) == [2, 30.43, 38.86]
    assert ours[0] == pytest.approx(1.226, abs=1e-3)


def test_customers_who_may_all_have_gone_have_a_forecast_too() -> None:
    """With a + b below 1 the library's logarithm is of a negative number."""
    rare = Parameters(r=0.5, alpha=10.0, a=0.3, b=0.4)
    summary = np.array([[0, 0, 30], [1, 5, 30], [900, 29, 30], [1, 1, 1e6]], dtype=float)
    found = rare.forecast(summary, 10.0)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    # Nobody drops out after a purchase if a is next to nothing: a gamma mixture of Poissons.
    loyal = Parameters(r=0.5, alpha=10.0, a=1e-9, b=5.0).forecast(summary[:2], 10.0)
    assert loyal == pytest.approx([10 * 0.5 / 40, 10 * 1.5 / 40], rel=1e-6)


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
