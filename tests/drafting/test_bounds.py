"""Bounds: on the grid or refused, with or without a time zone, and never left by a moment."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.errors import DocumentError
from privgan.schema.columns import Kind, Temporal
from privgan.table.conform import conform, violations
from privgan.table.schema_file import parse_schema

HEAD = "format: privgan.schema/1\ndataset: small\nunit: row\ncolumns:\n"


@pytest.mark.parametrize(
    ("lower", "upper", "decimals"), [(0.25, 9.75, 1), (0.5, 10.5, 0), (0.005, 1.0, 2)]
)
def test_bounds_off_the_grid_are_refused_or_kept(lower: float, upper: float, decimals: int) -> None:
    """Such a schema must be refused, or else whatever is sampled must lie inside.

    A run ends in an error after its charges.
    """
    text = (
        f"{HEAD}  - {{name: x, kind: float, lower: {lower}, upper: {upper}, decimals:"
        f" {decimals}}}\n"
    )
    try:
        schema = parse_schema(text)
    except DocumentError:
        return
    cells = cells_of(schema.column("x"))
    sampled = pd.DataFrame({"x": cells.decode(np.arange(cells.size), np.full(cells.size, 0.999))})
    assert violations(sampled, schema) == ()


@pytest.mark.parametrize("upper", ["2021-01-01", "'2021-01-01T00:00:00+02:00'"])
def test_bounds_with_a_time_zone_are_a_mistake_with_a_line(upper: str) -> None:
    text = (
        f"{HEAD}  - {{name: x, kind: datetime, lower: '2020-01-01T00:00:00+02:00', upper:"
        f" {upper}}}\n"
    )
    try:
        schema = parse_schema(text)
    except DocumentError as error:
        assert "line 5" in str(error)  # noqa: PT017 - refusing is what is wanted
        return
    conform(pd.DataFrame({"x": ["2020-05-05 00:00:00"]}), schema)


def test_the_far_future_date_of_many_tables_is_read() -> None:
    schema = parse_schema(
        f"{HEAD}  - {{name: x, kind: date, lower: 1900-01-01, upper: 9999-12-31}}\n"
    )
    typed = conform(pd.DataFrame({"x": ["9999-12-31", "2020-01-01"]}), schema)
    assert str(typed["x"].iloc[0])[:10] == "9999-12-31"


@settings(max_examples=60)
@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    st.integers(1, 40_000),
    st.sampled_from([Kind.DATE, Kind.DATETIME]),
    st.integers(0, 999),
)
def test_moments_stay_in_their_cell_and_inside_their_bounds(
    first: dt.datetime, days: int, kind: Kind, seed: int
) -> None:
    lower = first.replace(microsecond=0)
    lower = lower.replace(hour=0, minute=0, second=0) if kind is Kind.DATE else lower
    column = Temporal(
        name="x",
        kind=kind,
        lower=lower,
        upper=lower + dt.timedelta(days=days),
        format="%Y-%m-%d",
        missing=True,
    )
    rng = np.random.default_rng(seed)
    step = 86_400 if kind is Kind.DATE else 1
    seconds = rng.integers(0, days * 86_400 // step + 1, 40) * step
    values = pd.Series(np.datetime64(lower, "s") + seconds.astype("timedelta64[s]"))
    values[3] = pd.NaT
    cells = cells_of(column, 64)
    codes = cells.encode(values)
    decoded = cells.decode(codes, rng.random(40))
    assert (cells.encode(decoded) == codes).all()
    assert decoded.isna().tolist() == values.isna().tolist()
    assert decoded.dropna().between(column.lower, column.upper).all()
    if kind is Kind.DATE:
        assert (decoded.dropna() == decoded.dropna().dt.normalize()).all()
