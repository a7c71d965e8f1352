"""Tables that are no good histories: a clear error, or a stated rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.domain.measured import LARGEST_STEP
from privgan.errors import TableError
from privgan.measurement import domain
from tests.histories.purchases import SCHEMA, purchases
from tests.histories.world import fit

ZONED = SCHEMA.replace(
    "kind: date, lower: 2024-01-01, upper: 2024-12-31,",
    "kind: datetime, lower: 2024-01-01, upper: 2025-01-02, zone: Europe/Berlin,"
    " format: '%Y-%m-%dT%H:%M:%S%z',",
)


def _fit(rows: pd.DataFrame, text: str, folder: Path) -> pd.DataFrame:
    return fit(rows, text, folder).sample(300)


@pytest.mark.parametrize(
    ("column", "told"),
    [("customer", "customer"), ("day", "day")],
    ids=["an event without a customer", "an event without a day"],
)
def test_events_without_a_place_are_refused_unpaid(column: str, told: str, tmp_path: Path) -> None:
    rows = purchases(300).astype({column: object})
    rows.loc[3, column] = None
    with pytest.raises(TableError, match=told):
        _fit(rows, SCHEMA, tmp_path)
    assert not (tmp_path / "fitted" / "candidate.json").exists()


def test_one_customer_with_very_many_rows(tmp_path: Path) -> None:
    rows = purchases(700)
    many = pd.concat(
        [rows, rows[rows["customer"] == "c00000"].head(1).sample(20_000, replace=True)]
    )
    found = _fit(many, SCHEMA, tmp_path)
    assert found.groupby("customer").size().max() <= 12


@pytest.mark.slow
def test_moments_of_several_zones_are_ordered_by_the_clock_of_the_column(tmp_path: Path) -> None:
    rows = purchases(700)
    moments = rows["day"].dt.tz_localize("UTC") + pd.Timedelta(hours=5)
    shown = np.where(
        np.arange(len(rows)) % 2,
        moments.map(lambda moment: moment.isoformat()),
        moments.dt.tz_convert("America/New_York").map(lambda moment: moment.isoformat()),
    )
    found = _fit(rows.assign(day=shown), ZONED, tmp_path)
    assert str(found["day"].dt.tz) == "Europe/Berlin"
    assert found.groupby("customer", sort=False)["day"].is_monotonic_increasing.all()


@pytest.mark.slow
def test_an_integer_orders_rows_and_all_columns_may_be_missing(tmp_path: Path) -> None:
    text = SCHEMA.replace(
        "kind: date, lower: 2024-01-01, upper: 2024-12-31", "kind: integer, lower: 0, upper: 366"
    )
    head, _, tail = text.partition("segment, kind")
    text = head + "segment, kind" + tail.replace("missing: false", "missing: true")
    rows = purchases(900)
    rows["day"] = (rows["day"] - pd.Timestamp("2024-01-01")).dt.days
    rows.loc[::5, "amount"], rows.loc[::7, "channel"] = np.nan, None
    found = _fit(rows, text, tmp_path)
    assert found.groupby("customer", sort=False)["day"].is_monotonic_increasing.all()
    assert found["amount"].isna().any()
    assert found["channel"].isna().any()


def test_events_may_have_no_columns_of_their_own(tmp_path: Path) -> None:
    text = "\n".join(
        line for line in SCHEMA.splitlines() if "channel" not in line and "amount" not in line
    )
    found = _fit(purchases(900)[["customer", "day", "segment"]], text, tmp_path)
    assert list(found) == ["customer", "day", "segment"]


@pytest.mark.slow
def test_bounds_that_are_measured_are_those_of_the_views(tmp_path: Path) -> None:
    text = SCHEMA.replace(
        "lower: -50, upper: 1000, decimals: 2, missing: false",
        "decimals: 2, missing: false, source: {lower: measured, upper: measured}",
    ).replace(
        "lower: 2024-01-01, upper: 2024-12-31, missing: false",
        "missing: false, source: {lower: measured, upper: measured}",
    )
    found = _fit(purchases(2_000), text, tmp_path)
    assert found.groupby("customer", sort=False)["day"].is_monotonic_increasing.all()


@pytest.mark.slow
def test_an_event_may_have_another_date_that_follows_it(tmp_path: Path) -> None:
    """A date of the event itself has no mean: the events' part tells all of it."""
    text = (
        SCHEMA
        + "  - {name: paid, kind: date, lower: 2024-01-01, upper: 2025-03-31, missing: true}\n"
        + "constraints:\n  - {at_most: [day, paid]}\n"
    )
    rows = purchases(900)
    paid = rows["day"] + pd.to_timedelta(np.arange(len(rows)) % 60, unit="D")
    found = _fit(rows.assign(paid=paid.where(np.arange(len(rows)) % 9 > 0)), text, tmp_path)
    assert (found["paid"].isna() | (found["paid"] >= found["day"])).all()
    assert found["paid"].isna().any()


@pytest.mark.slow
def test_bounds_where_floats_have_no_more_digits_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (-LARGEST_STEP, LARGEST_STEP)
    monkeypatch.setattr(domain, "coarse_range", lambda *_: whole)
    monkeypatch.setattr(domain, "_too_noisy", lambda *_: True)
    text = SCHEMA.replace(
        "lower: -50, upper: 1000, decimals: 2, missing: false",
        "decimals: 2, missing: false, source: {lower: measured, upper: measured}",
    )
    found = _fit(purchases(700), text, tmp_path)
    assert found["amount"].abs().max() <= LARGEST_STEP / 100
