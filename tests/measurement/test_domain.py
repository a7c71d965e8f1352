"""Stage 1's looks at open columns: each pays first, and one unit moves little."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.domain.measured import LARGEST_STEP, clamp_measured, steps_of
from privgan.errors import IncompleteError, InternalError
from privgan.measurement.domain import (
    RANGE_CELLS,
    bound_edges,
    bound_scores,
    coarse_range,
    measure_domain,
    range_counts,
)
from privgan.measurement.looks import Looks
from privgan.owner.private_table import PrivateTable
from privgan.planning.domain_stage import domain_steps
from privgan.planning.plan import StepKind
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.calibration import zcdp_of
from privgan.privacy.events import DpEvent
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt, mint
from privgan.schema.columns import Discrete, Kind, Numeric, OpenNumeric, OpenTemporal, Temporal
from privgan.schema.schema import Schema
from privgan.table.conform import conform
from privgan.table.schema_file import dump_schema, parse_schema
from tests.coins import RepeatableStream

TEXT = """format: privgan.schema/1
dataset: open
unit: id
max_rows_per_unit: 3
columns:
  - {name: id, kind: identifier}
  - {name: spend, kind: float, decimals: 2, source: {lower: measured, upper: measured},
      missing: true}
  - {name: age, kind: integer, source: {lower: measured, upper: measured}}
  - {name: balance, kind: float, decimals: 2, source: {lower: measured, upper: measured}}
  - {name: since, kind: date, source: {lower: measured, upper: measured}}
  - {name: seen, kind: datetime, source: {lower: measured, upper: measured}}
  - {name: town, kind: categorical, other: elsewhere, source: {categories: measured}, missing: true}
"""
SCHEMA = parse_schema(TEXT)
ROWS = parse_schema(TEXT.replace("unit: id\nmax_rows_per_unit: 3", "unit: row"))
TOWNS = [f"town-{i}" for i in range(12)]
NOISE = zcdp_of(PrivacyBudget(epsilon=0.2)) ** -0.5


class Book:
    """A charger that remembers; it refuses when told to."""

    def __init__(self, refuse_at: int | None = None) -> None:
        self.charged: list[tuple[str, DpEvent]] = []
        self._refuse_at = refuse_at

    def charge(self, step: str, event: DpEvent) -> Receipt:
        if len(self.charged) == self._refuse_at:
            raise InternalError("no more")
        self.charged.append((step, event))
        return mint(dataset="open", step=step, event=event)


class SpyTable(PrivateTable):
    """Counts how often rows came out."""

    looks = 0

    def _redeem(self, receipt: Receipt) -> None:
        super()._redeem(receipt)
        self.looks += 1


class Noiseless(SecretStream):
    """Coins that add nothing and choose the best: they show what the noise is added to."""

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        return np.asarray(counts, dtype=np.int64)

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        return int(np.argmax(scores))


def _frame(seed: int = 0, rows: int = 20_000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    spend = rng.lognormal(4, 1, rows).round(2)
    return pd.DataFrame(
        {
            "spend": np.where(rng.random(rows) < 0.1, np.nan, spend),
            "age": rng.normal(45, 15, rows).clip(18, 95).round(),
            "balance": rng.normal(0, 300, rows).round(2),
            "since": (
                pd.to_datetime(rng.integers(14_610, 20_450, rows), unit="D").astype("datetime64[s]")
            ),
            "seen": (
                pd.to_datetime(
                    1_600_000_000 + rng.exponential(2e7, rows).astype(int), unit="s"
                ).astype("datetime64[s]")
            ),
            "town": rng.choice([*TOWNS, None], rows, p=[0.3, 0.2, *[0.05] * 5, *[0.02] * 5, 0.15]),
        }
    )


def _scale(columns: int, epsilon_scale: float = NOISE) -> float:
    """The scale at which each of so many open columns costs what one would alone."""
    return float(epsilon_scale / np.sqrt(columns))


def _measure(
    frame: pd.DataFrame, coins: SecretStream, schema: Schema = ROWS, scale: float = _scale(6)
) -> Schema:
    steps = domain_steps(schema, scale=scale, discovery_delta=1e-8)
    return measure_domain(
        Looks(table=PrivateTable("open", schema.unit, frame), ledger=Book(), coins=coins),
        schema,
        steps,
    )


def _looks(table: PrivateTable, book: Book) -> Looks:
    return Looks(table=table, ledger=book, coins=SecretStream())


def _numbers(column: object) -> tuple[float, float]:
    assert isinstance(column, Numeric | Temporal)
    if isinstance(column, Temporal):
        return tuple(
            (bound - dt.datetime(1970, 1, 1)).total_seconds()
            for bound in (column.lower, column.upper)
        )  # type: ignore[return-value]
    return column.lower, column.upper


# --- paying
# --------------------------------------------------------------------------------


def test_every_look_is_charged_in_the_plans_order_and_redeemed_once() -> None:
    steps = domain_steps(SCHEMA, scale=20.0, discovery_delta=1e-8)
    table, book = SpyTable("open", SCHEMA.unit, _frame(rows=500)), Book()
    measure_domain(_looks(table, book), SCHEMA, steps)
    assert book.charged == [(step.name, step.event) for step in steps]
    assert table.looks == len(steps)


@pytest.mark.parametrize(("then", "fits"), [("spend < 500", True), ("age > 1000", False)])
def test_constraints_that_measured_bounds_leave_no_row_for_are_told(then: str, fits: bool) -> None:
    """Ages are 18 to 95: with noiseless looks no measured bound is negative or reaches 1,000."""
    rule = (
        f"constraints:\n  - {{when: age >= 0, then: {then}}}\n  - {{when: age < 0, then: age <"
        " -1000}\n"
    )
    schema = parse_schema(TEXT.replace("unit: id\nmax_rows_per_unit: 3", "unit: row") + rule)
    if fits:
        assert _measure(_frame(), Noiseless(), schema).constraints == schema.constraints
    else:
        with pytest.raises(IncompleteError, match=r"measured no row holds constraints\[0\]"):
            _measure(_frame(), Noiseless(), schema)


@pytest.mark.parametrize("at", [0, 1, 4, 15])
def test_no_row_comes_out_after_a_refused_charge(at: int) -> None:
    table = SpyTable("open", SCHEMA.unit, _frame(rows=500))
    steps = domain_steps(SCHEMA, scale=20.0, discovery_delta=1e-8)
    with pytest.raises(InternalError, match="no more"):
        measure_domain(_looks(table, Book(refuse_at=at)), SCHEMA, steps)
    assert table.looks == at


def test_steps_that_are_not_the_schemas_are_refused_before_the_first_look() -> None:
    table, steps = (
        SpyTable("open", SCHEMA.unit, _frame(rows=500)),
        domain_steps(SCHEMA, scale=20.0, discovery_delta=1e-8),
    )
    for wrong in (steps[1:], (*steps, steps[0]), ()):
        with pytest.raises(InternalError, match="leaves open"):
            measure_domain(_looks(table, Book()), SCHEMA, wrong)
    assert table.looks == 0


# --- sensitivities
# --------------------------------------------------------------------------------

_STEPS = st.lists(st.integers(-LARGEST_STEP, LARGEST_STEP) | st.integers(-50, 50), max_size=40)


@settings(max_examples=150)
@given(
    _STEPS,
    st.lists(st.integers(-LARGEST_STEP, LARGEST_STEP) | st.integers(-5, 5), min_size=1, max_size=5),
)
def test_a_customers_rows_move_range_counts_by_their_number_at_most(
    others: list[int], own: list[int]
) -> None:
    one, two = (
        range_counts(np.array(others, np.int64)),
        range_counts(np.array(others + own, np.int64)),
    )
    assert len(one) == len(two) == RANGE_CELLS
    assert np.abs(two - one).sum() == len(own)


@settings(max_examples=150)
@given(
    _STEPS,
    st.lists(st.integers(-60, 60), min_size=1, max_size=5),
    st.lists(st.integers(-70, 70), min_size=1, unique=True),
)
def test_a_customers_rows_move_every_score_by_their_number_at_most(
    others: list[int], own: list[int], edges: list[int]
) -> None:
    grid = np.array(sorted(edges))
    for kind in (StepKind.LOWER_BOUND, StepKind.UPPER_BOUND):
        one = bound_scores(np.array(others, np.int64), grid, kind)
        two = bound_scores(np.array(others + own, np.int64), grid, kind)
        assert np.abs(two - one).max() <= len(own) + 1e-9


@settings(max_examples=30)
@given(st.integers(0, 1_000), st.integers(1, 3))
def test_a_customers_rows_count_by_their_number_whatever_the_column(seed: int, own: int) -> None:
    """From typed values on: missing ones do not count, and no value counts twice."""
    frame = _frame(seed, 60)
    for column in SCHEMA.open_columns:
        if isinstance(column, OpenNumeric | OpenTemporal):
            whole = range_counts(steps_of(frame[column.name], column))
            fewer = range_counts(steps_of(frame[column.name].iloc[own:], column))
            assert np.abs(whole - fewer).sum() == frame[column.name].iloc[:own].notna().sum()


class Fixed(SecretStream):
    """Releases that do not depend on the rows; it remembers what noise would have been added to."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[np.ndarray] = []
        self.scores: list[np.ndarray] = []

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        self.counts.append(counts)
        return np.full(len(counts), 10**6 if len(counts) == RANGE_CELLS else -(10**6))

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        self.scores.append(scores)
        return len(scores) // 3


@settings(max_examples=25)
@given(st.integers(0, 1_000), st.integers(1, 3))
def test_what_meets_the_noise_moves_by_no_more_than_the_noise_was_made_for(
    seed: int, own: int
) -> None:
    """Two tables that differ in a customer's rows.

    Counts differ by its rows, scores by one sensitivity, at every look.
    """
    frame = _frame(seed, 80).assign(town=np.tile(TOWNS, 7)[:80])
    seen = Fixed(), Fixed()
    for coins, rows in zip(seen, (frame, frame.iloc[own:]), strict=True):
        _measure(rows, coins, SCHEMA)
    assert len(seen[0].counts) == 6
    for one, two in zip(seen[0].counts, seen[1].counts, strict=True):
        assert np.abs(one - two).sum() <= own
    assert len(seen[0].scores) == 10
    for one, two in zip(seen[0].scores, seen[1].scores, strict=True):
        assert np.abs(one - two).max() <= own / SCHEMA.unit.max_rows + 1e-9


# --- an outlier
# --------------------------------------------------------------------------------


def test_one_row_far_beyond_the_rest_moves_no_bound_and_shows_no_value() -> None:
    """With the same coins one row of 4,000 moves a bound only where it tips a noisy choice.

    As rarely as its cost says.

    Categories are not compared: one value more shifts all the test stream's noise.
    """
    frame = _frame(rows=4_000)
    outlier = frame.iloc[[0]].assign(
        spend=frame["spend"].max() * 10,
        age=frame["age"].max() * 10,
        balance=frame["balance"].min() * 10,
        since=pd.Timestamp("2200-01-01"),
        seen=pd.Timestamp("2200-01-01"),
        town="zz-only-one",
    )
    more = pd.concat([frame, outlier], ignore_index=True)
    moved = 0
    for column in ROWS.open_columns:
        alone = replace(ROWS, columns=(column,))
        for seed in range(30):
            one, two = (
                _measure(rows, RepeatableStream(seed), alone, NOISE) for rows in (frame, more)
            )
            assert "zz-only-one" not in dump_schema(two)
            moved += one != two and column.name != "town"
    assert moved <= 8, "of 150 pairs of tables"


def test_the_same_noise_gives_the_same_schema_whatever_the_rows() -> None:
    """Post-processing: with the releases fixed, the table no longer matters."""
    assert _measure(_frame(1, 700), Fixed()) == _measure(_frame(2, 30), Fixed())


# --- what comes out
# --------------------------------------------------------------------------------


def test_bounds_cover_the_values_and_are_not_absurdly_wide() -> None:
    """20,000 rows, ε = 0.2 a column.

    Nearly always 99 % inside, always 98 %, at most a few times as wide as the values.
    """
    frame, seeds = _frame(), 12
    inside = pd.DataFrame(
        index=range(seeds), columns=["spend", "age", "balance", "since", "seen"], dtype=float
    )
    width = inside.copy()
    for seed in range(seeds):
        measured = _measure(frame, RepeatableStream(seed))
        for name in inside:
            column = measured.column(name)
            values = frame[name].dropna()
            lower, upper = _numbers(column)
            numbers = (
                values.astype("int64").to_numpy(float)
                if isinstance(column, Temporal)
                else values.to_numpy()
            )
            inside.loc[seed, name] = np.mean((numbers >= lower) & (numbers <= upper))
            width.loc[seed, name] = (upper - lower) / (numbers.max() - numbers.min())
    assert (inside.min() >= 0.98).all(), inside.min()
    assert ((inside >= 0.99).mean() >= 0.75).all(), inside
    assert (width.median() < 3).all(), width.median()
    assert (width.max() < 8).all(), width.max()


def test_where_a_choice_would_be_too_noisy_the_range_that_is_known_is_kept() -> None:
    """A few thousand rows, three a customer: quantiles would cut off a large part of the values."""
    frame = _frame(rows=3_400)
    book, table = Book(), PrivateTable("open", SCHEMA.unit, frame)
    steps = domain_steps(SCHEMA, scale=_scale(6), discovery_delta=1e-8)
    found = measure_domain(_looks(table, book), SCHEMA, steps)
    assert book.charged == [(step.name, step.event) for step in steps]
    age = found.column("age")
    assert isinstance(age, Numeric)
    assert frame["age"].between(age.lower, age.upper).mean() >= 0.98


def test_categories_with_a_share_of_one_percent_are_found_and_rare_ones_are_not() -> None:
    frame = _frame()
    frame.loc[:199, "town"] = "hamlet"
    frame.loc[200:204, "town"] = "farm"
    for seed in range(5):
        town = _measure(frame, RepeatableStream(seed), scale=_scale(6) / 2).column("town")
        assert isinstance(town, Discrete)
        assert set(TOWNS) <= set(town.categories)
        assert town.categories[-1] == town.other == "elsewhere"
        assert "farm" not in town.categories


def test_without_noise_the_bounds_hold_the_data_tightly() -> None:
    frame = _frame(rows=3_000)
    measured = _measure(frame, Noiseless(), scale=1e-3)
    lower, upper = _numbers(measured.column("age"))
    assert frame["age"].between(lower, upper).mean() >= 0.997
    assert upper - lower <= 1.3 * (frame["age"].max() - frame["age"].min())


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_hardly_any_rows_still_give_a_usable_schema(rows: int) -> None:
    """Where only noise shows, bounds are the public grid's; only the label for others is left."""
    for seed in range(3):
        measured = _measure(_frame(rows=rows), RepeatableStream(seed))
        assert measured.open_columns == ()
        assert measured.column("town").categories == ("elsewhere",)  # type: ignore[attr-defined]
        for column in measured.modelled:
            lower, upper = (0, 1) if isinstance(column, Discrete) else _numbers(column)
            assert lower < upper
            assert cells_of(column).size > 0
        assert parse_schema(dump_schema(measured)) == measured


@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(
    st.integers(0, 10_000),
    st.integers(1, 60),
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e8),
    st.sampled_from([0.01, 1.0, 30.0, 1e4]),
)
def test_any_table_and_any_noise_give_a_schema_that_its_rows_fit_and_that_can_be_read_back(
    seed: int, rows: int, centre: float, spread: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    frame = _frame(seed, rows).assign(
        balance=rng.normal(centre, spread, rows).round(2),
        age=rng.normal(centre, spread, rows).round(),
    )
    measured = _measure(frame, RepeatableStream(seed), SCHEMA, scale)
    assert parse_schema(dump_schema(measured)) == measured
    mapped = clamp_measured(frame, measured)
    for column in measured.modelled:
        if not isinstance(column, Discrete):
            lower, upper = _numbers(column)
            assert lower < upper
        cells = cells_of(column)
        codes = cells.encode(mapped[column.name])
        assert (
            cells.decode(codes, np.zeros(rows)).isna().tolist()
            == mapped[column.name].isna().tolist()
        )
    ids = [f"c{i // 3}" for i in range(rows)]
    table = frame.assign(id=ids)
    pd.testing.assert_frame_equal(conform(table, measured).drop(columns="id"), mapped)


def test_missing_and_special_values_do_not_count() -> None:
    column = OpenNumeric(name="x", kind=Kind.INTEGER, special_values=(-1.0, 0.0))
    values = pd.Series([-1.0, 0.0, 3.0, np.nan, 8.0])
    assert steps_of(values, column).tolist() == [3, 8]


def test_a_range_cell_holds_the_steps_of_one_octave() -> None:
    steps = np.array([-LARGEST_STEP, -4, -3, -2, -1, 0, 1, 2, 3, 4, 7, 8, LARGEST_STEP])
    counts = range_counts(steps)
    middle = RANGE_CELLS // 2
    assert counts[middle - 3 : middle + 5].tolist() == [1, 2, 1, 1, 1, 2, 2, 1]
    assert counts[0] == counts[-1] == 1


@pytest.mark.parametrize(
    ("cells", "count", "expected"),
    [
        ({3: 1}, 10**6, (4, 7)),
        ({-3: 1, 2: 1}, 10**6, (-7, 3)),
        ({0: 1}, 10**6, (0, 0)),
        ({3: 1}, 100, (2, 15)),
        ({0: 1}, 100, (-1, 1)),
        ({}, 1, (-LARGEST_STEP, LARGEST_STEP)),
    ],
)
def test_the_coarse_range_is_that_of_the_outermost_cells(
    cells: dict[int, int], count: int, expected: tuple[int, int]
) -> None:
    """Cells by their octave; one that holds few is widened by one."""
    noisy = np.zeros(RANGE_CELLS, np.int64)
    for octave in cells:
        noisy[RANGE_CELLS // 2 + octave] = count
    assert coarse_range(noisy, 10.0) == expected


def test_noise_alone_hardly_ever_shows_a_cell() -> None:
    coins = RepeatableStream(5)
    shown = [
        coarse_range(coins.discrete_gaussian(np.zeros(RANGE_CELLS, np.int64), 25.0), 25.0)
        for _ in range(3_000)
    ]
    assert sum(found != (-LARGEST_STEP, LARGEST_STEP) for found in shown) <= 12


@settings(max_examples=100)
@given(st.integers(-LARGEST_STEP, LARGEST_STEP), st.integers(0, 2**53 - 2))
def test_edges_are_few_sorted_and_inside(first: int, width: int) -> None:
    last = min(first + width, LARGEST_STEP)
    edges = bound_edges(first, last, OpenNumeric(name="x", kind=Kind.INTEGER))
    assert len(edges) <= 256
    assert (np.diff(edges) > 0).all()
    assert edges[0] == first
    assert edges[-1] == last


def test_edges_of_moments_stay_within_the_calendar() -> None:
    column = OpenTemporal(name="x", kind=Kind.DATE, format="%Y-%m-%d")
    edges = bound_edges(-LARGEST_STEP, LARGEST_STEP, column)
    assert dt.date(1970, 1, 1) + dt.timedelta(days=int(edges[0])) == dt.date(1678, 1, 1)
    assert dt.date(1970, 1, 1) + dt.timedelta(days=int(edges[-1])) == dt.date(2261, 12, 31)
