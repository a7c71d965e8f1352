"""Events move to the periods that noisy counts ask for, and nobody's order changes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.domain.encoding import ColumnCode, identity_code
from privgan.domain.periods import by_period, periods_of
from privgan.generator.calendar import Calendar
from privgan.schema.columns import Kind, Temporal
from privgan.schema.tasks import Period

DAY = Temporal(
    name="day",
    kind=Kind.DATE,
    format="%Y-%m-%d",
    lower=dt.datetime(2022, 1, 1),
    upper=dt.datetime(2024, 12, 31),
)
_DAYS = 1_096


def _months() -> ColumnCode:
    known = identity_code(cells_of(DAY))
    return by_period(known, np.full(known.size, 1 / known.size), Period.MONTH)


def _histories(customers: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers with days of no season, some of them several times, in order."""
    generator = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), generator.integers(1, 30, customers))
    days = generator.integers(0, _DAYS, len(owner))
    days = np.where(generator.random(len(owner)) < 0.3, np.roll(days, 1), days)
    order = np.lexsort((days, owner))
    moments = pd.Timestamp("2022-01-01") + pd.to_timedelta(days[order], unit="D")
    return pd.DataFrame({"day": moments.astype("datetime64[s]"), "value": order}), owner


def _shares(frame: pd.DataFrame, code: ColumnCode, weights: np.ndarray) -> np.ndarray:
    found = np.bincount(code.encode(frame["day"]), weights=weights, minlength=code.size)
    return found / found.sum()


def test_the_codes_of_periods_are_the_months() -> None:
    code = _months()
    assert code.size == 36
    days = pd.Series(pd.date_range("2022-01-01", "2024-12-31"))
    seconds = days.to_numpy().astype("datetime64[s]").astype(np.int64).astype(float)
    months = periods_of(seconds, Period.MONTH)
    # Fine cells are longer than days, and begin with months.
    assert (code.encode(days) == months - months[0]).all()
    assert np.bincount(code.code_of, weights=code.within) == pytest.approx(np.ones(36))


def test_a_season_comes_back_and_what_is_not_counted_stays() -> None:
    code, (frame, owner) = _months(), _histories(800, 0)
    season = 1 + 0.6 * np.cos(2 * np.pi * np.arange(code.size) / 12)
    calendar = Calendar(code, season / season.sum(), most=10)
    found = calendar.kept(frame, owner, np.random.default_rng(1))
    weights = np.minimum(1.0, 10 / np.bincount(owner)[owner])
    before, after = (
        np.abs(_shares(rows, code, weights) - calendar.shares).sum() / 2 for rows in (frame, found)
    )
    assert before > 0.15
    assert after < 0.03
    assert found["value"].equals(frame["value"])


def test_where_periods_hold_what_they_should_hardly_an_event_moves() -> None:
    code, (frame, owner) = _months(), _histories(800, 0)
    shares = _shares(frame, code, np.minimum(1.0, 10 / np.bincount(owner)[owner]))
    found = Calendar(code, shares, most=10).kept(frame, owner, np.random.default_rng(1))
    assert (found["day"] != frame["day"]).mean() < 0.02


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 15), st.integers(0, 10_000))
def test_first_last_and_the_order_of_moments_stay(customers: int, seed: int) -> None:
    code, (frame, owner) = _months(), _histories(customers, seed)
    shares = np.random.default_rng(seed).dirichlet(np.ones(code.size))
    found = Calendar(code, shares, most=5).kept(frame, owner, np.random.default_rng(seed))
    for ends in ("first", "last"):
        both = [getattr(rows.groupby(owner)["day"], ends)() for rows in (frame, found)]
        assert both[0].equals(both[1])
    inside = owner[1:] == owner[:-1]
    steps = [np.diff(rows["day"].to_numpy())[inside].astype(np.int64) for rows in (frame, found)]
    # Who came later still does, and what happened at once still does.
    assert ((steps[0] > 0) == (steps[1] > 0)).all()
    assert (steps[1] >= 0).all()
