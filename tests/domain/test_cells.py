"""From values to cells and codes and back: laws for any column the schema allows."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, encoder_from_json, identity_code, merged_code
from privgan.domain.value_sets import Axis, pieces_of
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal


@st.composite
def numeric_columns(draw: st.DrawFn) -> Numeric:
    decimals = draw(st.integers(0, 4))
    step = 10.0**-decimals
    lower = round(draw(st.integers(-10_000, 10_000)) * step, decimals)
    upper = round(lower + draw(st.integers(1, 3_000_000)) * step, decimals)
    far = st.integers(1, 10**9)
    sentinels = (
        lower,
        round(lower - draw(far) * step, decimals),
        round(upper + draw(far) * step, decimals),
    )
    special = tuple(draw(st.lists(st.sampled_from(sentinels), unique=True)))
    kind = Kind.FLOAT if decimals else Kind.INTEGER
    return Numeric(
        name="x",
        kind=kind,
        lower=lower,
        upper=upper,
        decimals=decimals,
        special_values=special,
        missing=draw(st.booleans()),
    )


def _values(column: Numeric, seed: int, count: int = 60) -> pd.Series:
    rng = np.random.default_rng(seed)
    numbers = np.round(rng.uniform(column.lower, column.upper, count), column.decimals)
    ends = [column.lower, column.upper, *column.special_values]
    numbers[-len(ends) :] = ends
    if column.missing:
        numbers[5] = np.nan
    return pd.Series(numbers)


@settings(max_examples=60)
@given(numeric_columns(), st.integers(0, 999), st.integers(16, 256))
def test_decoding_a_code_stays_in_its_cell_on_the_grid_and_in_bounds(
    column: Numeric, seed: int, max_cells: int
) -> None:
    cells = cells_of(column, max_cells)
    codes = cells.encode(_values(column, seed))
    decoded = cells.decode(codes, np.random.default_rng(seed).random(len(codes)))
    assert (cells.encode(decoded) == codes).all()
    numbers = decoded.astype(float).dropna()
    special = numbers.isin(column.special_values)
    assert numbers[~special].between(column.lower - 1e-9, column.upper + 1e-9).all()
    assert set(column.special_values) <= set(numbers)
    np.testing.assert_allclose(numbers, numbers.round(column.decimals), atol=1e-9)
    assert decoded.isna().sum() == (1 if column.missing else 0)


@settings(max_examples=60)
@given(numeric_columns(), st.integers(16, 256))
def test_cells_cover_every_step_once(column: Numeric, max_cells: int) -> None:
    cells = cells_of(column, max_cells)
    steps = round((column.upper - column.lower) * 10**column.decimals) + 1
    within = [value for value in column.special_values if column.lower <= value <= column.upper]
    assert cells.lengths.sum() == steps - len(within)
    assert (cells.lengths > 0).all()
    assert len(cells.starts) <= 1.3 * max_cells


@settings(max_examples=60)
@given(numeric_columns(), st.integers(0, 999))
def test_positions_are_ranks_among_all_values(column: Numeric, seed: int) -> None:
    """A special value outside the bounds is one value more, however far away it lies."""
    axis, cells = Axis(column), cells_of(column)
    values = _values(column, seed).dropna().to_numpy()
    np.testing.assert_allclose(axis.numbers(axis.floor(values)), values, atol=1e-9)
    assert (axis.floor(values) == axis.ceiling(values)).all()
    assert axis.last + 1 == cells.lengths.sum() + len(column.special_values)
    assert (np.diff(axis.floor(np.sort(values))) >= 0).all()
    pieces = pieces_of(merged_code(cells, np.ones(cells.size), max_codes=8), axis, axis.full)
    starts, lengths = pieces.starts[pieces.starts >= 0], pieces.lengths[pieces.starts >= 0]
    order = np.argsort(starts)
    assert (starts[order][1:] == (starts + lengths)[order][:-1]).all()
    assert (starts.min(), (starts + lengths).max()) == (0, axis.last + 1)


def test_cells_depend_on_the_schema_alone() -> None:
    column = Numeric(name="x", kind=Kind.INTEGER, lower=0, upper=10_000)
    assert cells_of(column).starts.tolist() == cells_of(column).starts.tolist()


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (
            Discrete(name="c", kind=Kind.CATEGORICAL, categories=("b", "a"), missing=True),
            ["a", None, "b", "a"],
        ),
        (
            Discrete(name="c", kind=Kind.BOOLEAN, categories=("no", "yes")),
            ["yes", "no", "no", "yes"],
        ),
        (
            Temporal(
                name="d",
                kind=Kind.DATE,
                lower=dt.datetime(2020, 1, 1),
                upper=dt.datetime(2020, 3, 1),
                format="%Y-%m-%d",
            ),
            list(pd.to_datetime(["2020-01-01", "2020-03-01", "2020-02-29", "2020-01-02"])),
        ),
        (
            Temporal(
                name="d",
                kind=Kind.DATETIME,
                lower=dt.datetime(2021, 6, 1),
                upper=dt.datetime(2021, 6, 1, 0, 0, 3),
                format="%Y-%m-%d %H:%M:%S",
                special_values=(dt.datetime(9999, 12, 31, 23, 59, 59), dt.datetime(1, 1, 1)),
            ),
            list(
                pd.Series(
                    np.array(
                        [
                            "2021-06-01T00:00:00",
                            "9999-12-31T23:59:59",
                            "0001-01-01T00:00:00",
                            "2021-06-01T00:00:03",
                        ],
                        dtype="datetime64[s]",
                    )
                )
            ),
        ),
    ],
)
def test_small_domains_come_back_exactly(column: Column, values: list[object]) -> None:
    cells, series = cells_of(column), pd.Series(values)
    decoded = cells.decode(cells.encode(series), np.full(len(values), 0.5))
    assert [None if pd.isna(value) else value for value in decoded] == values


@settings(max_examples=40)
@given(numeric_columns(), st.integers(0, 999), st.integers(3, 30))
def test_merged_codes_keep_order_mass_and_the_special_values(
    column: Numeric, seed: int, max_codes: int
) -> None:
    cells = cells_of(column, 128)
    shares = np.random.default_rng(seed).dirichlet(np.full(cells.size, 0.05))
    code = merged_code(cells, shares, max_codes=max_codes)
    inside = code.code_of[cells.first_interval : cells.first_interval + len(cells.starts)]
    assert (np.diff(inside) >= 0).all()
    assert set(code.code_of) == set(range(code.size))
    assert code.size <= 2 * max_codes + len(cells.special) + 2
    np.testing.assert_allclose(np.bincount(code.code_of, weights=code.within), 1.0)
    singles = [
        *range(cells.first_interval),
        *([cells.missing_code] if cells.missing_code is not None else []),
    ]
    for cell in singles:
        assert (code.code_of == code.code_of[cell]).sum() == 1


@pytest.mark.parametrize(
    ("lower", "special_share", "codes"),
    [(0, 0.0, 10), (0, 0.3, 7), (-50, 0.0, 10), (-50, 0.4, 6), (-50, 0.98, 2)],
)
def test_codes_are_quantiles_of_the_whole_column(
    lower: int, special_share: float, codes: int
) -> None:
    """Zeros that are 30 % of a column hold three of its tenths; values above hold the others."""
    column = Numeric(
        name="x",
        kind=Kind.INTEGER,
        lower=lower,
        upper=lower + 100,
        special_values=(0.0,),
        missing=True,
    )
    cells = cells_of(column, 512)
    shares = np.full(cells.size, 0.9 * (1 - special_share) / len(cells.starts))
    shares[0], shares[cells.size - 1] = 0.9 * special_share, 0.1
    code = merged_code(cells, shares, max_codes=10)
    inside = code.code_of[cells.first_interval : cells.first_interval + len(cells.starts)]
    assert len(set(inside)) == codes
    if special_share < 0.9:
        masses = np.bincount(
            inside, weights=np.full(len(inside), (1 - special_share) / len(inside))
        )[1:]
        assert np.abs(masses - 0.1).max() < 0.03


def test_rare_categories_share_one_code_and_come_back_by_their_noisy_shares() -> None:
    column = Discrete(
        name="c", kind=Kind.CATEGORICAL, categories=tuple(f"v{i}" for i in range(100))
    )
    shares = np.r_[np.full(4, 0.2), np.full(96, 0.2 / 96)]
    code = merged_code(cells_of(column), shares, max_codes=5)
    assert code.size == 5
    decoded = code.decode(np.full(500, 4), np.random.default_rng(0))
    assert not set(decoded) & {"v0", "v1", "v2", "v3"}
    assert decoded.nunique() > 60


@settings(max_examples=25, derandomize=True)
@given(st.integers(0, 999), st.integers(2, 9))
def test_codes_come_back_as_their_own_cells_in_their_shares(seed: int, max_codes: int) -> None:
    """5 standard errors over at most 25 × 100 shares.

    A failure has a probability below .002, and draws are fixed.
    """
    rng = np.random.default_rng(seed)
    column = Discrete(name="c", kind=Kind.ORDINAL, categories=tuple(f"v{i}" for i in range(40)))
    shares = rng.dirichlet(np.full(40, 0.3)) * (rng.random(40) < 0.7)
    code = merged_code(cells_of(column), shares / shares.sum(), max_codes=max_codes)
    codes = rng.integers(0, code.size, 20_000)
    cells = code.cells.encode(code.decode(codes, rng))
    assert (code.code_of[cells] == codes).all()
    found = np.bincount(cells, minlength=40) / np.bincount(codes)[code.code_of]
    assert (found[code.within == 0] == 0).all()
    error = np.sqrt(code.within * (1 - code.within) / np.bincount(codes)[code.code_of])
    assert (np.abs(found - code.within) <= 5 * error + 1e-3).all()


def test_an_encoder_survives_writing() -> None:
    column = Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=50, decimals=2)
    cells = cells_of(column, 64)
    code = merged_code(cells, np.random.default_rng(0).dirichlet(np.ones(cells.size)), max_codes=7)
    again = encoder_from_json({"x": cells}, {"x": code.to_json()})
    frame = pd.DataFrame({"x": np.linspace(0, 50, 333).round(2)})
    assert (again.encode(frame) == Encoder((code,)).encode(frame)).all()
    np.testing.assert_allclose(again.columns[0].within, code.within, atol=1e-8)


def test_one_cell_a_code_needs_no_measurement() -> None:
    cells = cells_of(Discrete(name="c", kind=Kind.ORDINAL, categories=("1", "2", "3")))
    assert identity_code(cells).encode(pd.Series(["3", "1"])).tolist() == [2, 0]
