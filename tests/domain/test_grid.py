"""The public grid of fine cells.

Every step once, round values alone, nothing but the schema's facts.
"""

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import (
    Cells,
    calendar_steps,
    cells_of,
    fractions,
    number_steps,
    round_numbers,
    starts_of,
)
from privgan.schema.columns import Kind, Numeric, Temporal


def _alone(cells: Cells, value: float) -> bool:
    """Whether a value is the only one of its cell."""
    step = round((value - cells.origin) / cells.step)
    interval = int(np.searchsorted(cells.starts, step, side="right")) - 1
    return int(cells.starts[interval]) == step and int(cells.lengths[interval]) == 1


@settings(max_examples=100)
@given(
    st.integers(0, 10**13), st.integers(-(10**13), 10**13), st.integers(0, 9), st.integers(16, 1024)
)
def test_a_grid_is_sorted_starts_at_the_first_step_and_holds_each_atom_alone(
    last: int, zero: int, decimals: int, max_cells: int
) -> None:
    atoms, edges = number_steps(last, zero, 10**decimals, max_cells)
    starts = starts_of(last, atoms, edges, max_cells)
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    assert starts[-1] <= last
    assert len(starts) <= 1.2 * max_cells
    lengths = dict(zip(starts.tolist(), np.diff(np.append(starts, last + 1)).tolist(), strict=True))
    assert {lengths.get(atom) for atom in atoms} == {1}
    assert {0, last} <= atoms
    assert edges <= set(starts.tolist()) or last + 1 <= max_cells


def test_the_roundest_numbers_come_first_and_every_number_comes_once() -> None:
    numbers = list(round_numbers(1_000_000))
    assert len(numbers) == len(set(numbers)) == 9 + 5 * 90 + 1
    assert max(numbers) == 1_000_000
    place = {number: index for index, number in enumerate(numbers)}
    for digit, decade in itertools.product(range(1, 9), range(1, 6)):
        one, half, two = (
            tenths * 10 ** (decade - 1) for tenths in (10 * digit, 10 * digit + 5, 10 * digit + 3)
        )
        assert place[one] < place[half] < place[two]


def test_small_fractions_come_first_as_written_with_nine_decimals() -> None:
    found = list(itertools.islice(fractions(10**9), 6))
    assert found == [500_000_000, 333_333_333, 250_000_000, 200_000_000, 166_666_667, 666_666_667]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (
            Numeric(name="x", kind=Kind.INTEGER, lower=10_000, upper=1_000_000),
            [10_000, 50_000, 200_000, 150_000, 1_000_000],
        ),
        (
            Numeric(name="x", kind=Kind.INTEGER, lower=0, upper=2_000_000),
            [0, 1_000, 1_500, 2_000, 5_000, 10_000, 2_000_000],
        ),
        (
            Numeric(name="x", kind=Kind.INTEGER, lower=-500_000, upper=2_000_000),
            [0, -1_000, 1_000, 20_000, -20_000],
        ),
        (
            Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=0.2, decimals=9),
            [0.2, 0.1, 0.05, 0.033333333, 0.066666667],
        ),
        (
            Numeric(name="x", kind=Kind.FLOAT, lower=-3.5, upper=900, decimals=2),
            [0.0, 10.0, 20.0, 5.0, 900.0, -3.5],
        ),
    ],
)
def test_what_people_write_is_a_cell_of_its_own(column: Numeric, values: list[float]) -> None:
    cells = cells_of(column, 256)
    assert [value for value in values if not _alone(cells, value)] == []


def test_the_first_of_a_year_and_of_a_month_is_a_cell_of_its_own() -> None:
    column = Temporal(
        name="d",
        kind=Kind.DATE,
        lower=dt.datetime(2015, 5, 7),
        upper=dt.datetime(2021, 2, 3),
        format="%Y-%m-%d",
    )
    cells = cells_of(column, 256)
    assert all(
        _alone(cells, dt.datetime(2018, month, 1, tzinfo=dt.UTC).timestamp())
        for month in range(1, 13)
    )


@settings(max_examples=60)
@given(
    st.datetimes(dt.datetime(1, 1, 1)),
    st.datetimes(dt.datetime(1, 1, 1)),
    st.integers(16, 1024),
    st.sampled_from([1, 86_400]),
)
def test_calendar_steps_are_in_bounds(
    one: dt.datetime, other: dt.datetime, max_cells: int, step: int
) -> None:
    lower, upper = (moment.replace(microsecond=0) for moment in sorted((one, other)))
    if step > 1:
        lower, upper = (moment.replace(hour=0, minute=0, second=0) for moment in (lower, upper))
    last = round((upper - lower).total_seconds() / step)
    atoms = calendar_steps(lower, upper, step, max_cells)
    assert {0, last} <= atoms
    assert min(atoms) >= 0
    assert max(atoms) <= last
    assert len(starts_of(last, atoms, set(), max_cells)) <= 1.2 * max_cells
