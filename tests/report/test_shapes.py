"""Readable labels of bins."""

import datetime as dt

import numpy as np

from privgan.domain.cells import cells_of
from privgan.domain.encoding import merged_code
from privgan.report.shapes import labels
from privgan.schema.columns import Kind, Temporal


def test_times_of_day_are_labelled_as_such() -> None:
    day = dt.datetime(1900, 1, 1)
    clock = Temporal(
        name="x",
        kind=Kind.DATETIME,
        lower=day,
        upper=day.replace(hour=23, minute=59, second=59),
        format="%H:%M",
    )
    cells = cells_of(clock)
    told = labels(merged_code(cells, np.ones(cells.size), max_codes=4))
    assert str(told[0]).startswith("00:00 … 05:")
    assert str(told[-1]).endswith("23:59")


def test_a_sentinel_of_moments_is_labelled_by_its_day() -> None:
    until = Temporal(
        name="x",
        kind=Kind.DATE,
        lower=dt.datetime(2021, 6, 1),
        upper=dt.datetime(2021, 6, 30),
        format="%Y-%m-%d",
        special_values=(dt.datetime(9999, 12, 31),),
    )
    cells = cells_of(until)
    assert "9999-12-31" in labels(merged_code(cells, np.ones(cells.size), max_codes=4))
