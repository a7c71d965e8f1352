"""Laws of conditions, drafts, bounds and files, each against plain Python over all values that a column may hold."""

import datetime as dt
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from privgan.errors import DocumentError, InternalError, TableError, UsageError
from privgan.privacy.events import DiscreteGaussian
from privgan.privacy.receipts import mint
from privgan.privacy.unit import PrivacyUnit
from privgan.table.cells import cells_of
from privgan.table.columns import Column, Discrete, Kind, Numeric, Source, Temporal
from privgan.table.conform import conform, violations
from privgan.table.draft import draft_schema
from privgan.table.encoding import identity_code
from privgan.table.files import as_written, presented, read_table, write_tables
from privgan.table.private import PrivateTable
from privgan.table.schema import Schema
from privgan.table.schema_file import parse_schema
from privgan.table.where import parse_where

HEAD = "format: privgan.schema/1\ndataset: small\nunit: row\ncolumns:\n"
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _schema(*columns: Column) -> Schema:
    return Schema(dataset="small", unit=PrivacyUnit(), columns=columns)


def _allowed(where: str, schema: Schema) -> float:
    """How many values of the one column the condition allows, by the shares of its cells."""
    (condition,) = parse_where(where, schema)
    cells = cells_of(condition.column, 32)
    values = np.ones(cells.size)
    values[cells.first_interval : cells.first_interval + len(cells.lengths)] = cells.lengths
    return float(condition.shares(cells) @ values)


# --- conditions ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(-500, 500), st.integers(1, 900), st.integers(-600, 1_500), st.sampled_from(sorted(OPERATORS)), st.booleans())
def test_comparisons_allow_exactly_the_integers_that_meet_them(
    lower: int, width: int, value: int, sign: str, special: bool
) -> None:
    column = Numeric(
        name="x", kind=Kind.INTEGER, lower=lower, upper=lower + width, special_values=(float(lower),) if special else ()
    )
    expected = sum(OPERATORS[sign](number, value) for number in range(lower, lower + width + 1))
    assert _allowed(f"x {sign} {value}", _schema(column)) == pytest.approx(expected)


@settings(deadline=None)
@given(
    st.integers(0, 3), st.integers(-999, 999), st.integers(1, 3_000), st.integers(0, 3_000), st.sampled_from(sorted(OPERATORS))
)
def test_comparisons_allow_exactly_the_decimals_that_meet_them(
    decimals: int, first: int, width: int, offset: int, sign: str
) -> None:
    """On the column's own grid, in exact arithmetic."""
    scale = 10**decimals
    column = Numeric(name="x", kind=Kind.FLOAT, lower=first / scale, upper=(first + width) / scale, decimals=decimals)
    expected = sum(OPERATORS[sign](step, first + offset) for step in range(first, first + width + 1))
    assert _allowed(f"x {sign} {(first + offset) / scale:.{decimals}f}", _schema(column)) == pytest.approx(expected)


AGE = Numeric(name="x", kind=Kind.INTEGER, lower=18, upper=95)
DAY = Temporal(name="x", kind=Kind.DATE, lower=dt.datetime(2020, 1, 1), upper=dt.datetime(2020, 12, 31), format="%Y-%m-%d")


@pytest.mark.parametrize(
    ("column", "where", "expected"),
    [
        (AGE, "x >= 59.5", 36),
        (AGE, "x <= 59.5", 42),
        (AGE, "x = 59.5", 0),
        (AGE, "x > 59.5", 36),
        (AGE, "x < 59.5", 42),
        (DAY, "x > 2020-12-29", 2),
        (DAY, "x < 2020-01-03", 2),
        (DAY, "x > 2020-12-29T12:00:00", 2),
        (DAY, "x < 2020-01-02T12:00:00", 2),
    ],
)
def test_values_between_two_neighbours(column: Column, where: str, expected: int) -> None:
    assert _allowed(where, _schema(column)) == pytest.approx(expected)


def test_every_value_of_a_wide_column_can_be_asked_for() -> None:
    schema = _schema(Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1_000_000, decimals=2))
    cents = np.random.default_rng(0).integers(0, 100_000_000, 300)
    lost = [cent for cent in cents if _allowed(f"x = {cent / 100:.2f}", schema) < 0.5]
    assert lost == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True), st.data())
def test_categories_allow_exactly_themselves(categories: list[str], data: st.DataObject) -> None:
    column = Discrete(name="x", kind=Kind.ORDINAL, categories=tuple(categories), missing=True)
    schema = _schema(column)
    value = data.draw(st.sampled_from(categories))
    place = categories.index(value)
    for sign, compare in OPERATORS.items():
        assert _allowed(f"x {sign} {value}", schema) == sum(compare(other, place) for other in range(len(categories)))
    assert _allowed(f"x != {value}", schema) == len(categories) - 1
    assert _allowed("x is missing", schema) == 1
    assert _allowed("x is not missing", schema) == len(categories)
    assert _allowed(f"x in ({', '.join(categories)})", schema) == len(categories)


def test_two_conditions_on_one_column_meet() -> None:
    column = Numeric(name="x", kind=Kind.INTEGER, lower=0, upper=99, missing=True)
    assert _allowed("x >= 10 and x < 20 and x is not missing", _schema(column)) == 10
    assert _allowed("x < 10 and x > 20", _schema(column)) == 0
    with pytest.raises(UsageError, match="both missing and present"):
        parse_where("x is missing and x > 3", _schema(column))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
@example("tier = 'low")
@example("in in in (")
@example("tier in (low")
@example("tier is not")
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    schema = _schema(Discrete(name="tier", kind=Kind.ORDINAL, categories=("low", "high")), AGE)
    try:
        found = parse_where(text, schema)
    except UsageError as error:
        assert str(error).startswith("--where")  # noqa: PT017 - both outcomes are allowed
    else:
        assert found


@pytest.mark.parametrize("where", ["x > 20", "x = 33", "x <= 18", "x is missing"])
def test_what_is_decoded_under_a_condition_meets_it(where: str) -> None:
    column = Numeric(name="x", kind=Kind.INTEGER, lower=18, upper=2_000, missing=True)
    (condition,) = parse_where(where, _schema(column))
    code = identity_code(cells_of(column, 32))
    weight = condition.shares(code.cells)
    codes = np.repeat(np.flatnonzero(weight), 50)
    values = code.decode(codes, np.random.default_rng(0), allowed=condition.cells(code.cells), weight=weight)
    if condition.missing:
        assert values.isna().all()
    else:
        assert not values.isna().any()
        sign, number = where.split()[1:]
        assert all(OPERATORS[sign](value, int(number)) for value in values)


# --- bounds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lower", "upper", "decimals"), [(0.25, 9.75, 1), (0.5, 10.5, 0), (0.005, 1.0, 2)])
def test_bounds_off_the_grid_are_refused_or_kept(lower: float, upper: float, decimals: int) -> None:
    """Such a schema must be refused, or else whatever is sampled must lie inside: a run ends in an error after its charges."""
    text = f"{HEAD}  - {{name: x, kind: float, lower: {lower}, upper: {upper}, decimals: {decimals}}}\n"
    try:
        schema = parse_schema(text)
    except DocumentError:
        return
    cells = cells_of(schema.column("x"))
    sampled = pd.DataFrame({"x": cells.decode(np.arange(cells.size), np.full(cells.size, 0.999))})
    assert violations(sampled, schema) == ()


@pytest.mark.parametrize("upper", ["2021-01-01", "'2021-01-01T00:00:00+02:00'"])
def test_bounds_with_a_time_zone_are_a_mistake_with_a_line(upper: str) -> None:
    text = f"{HEAD}  - {{name: x, kind: datetime, lower: '2020-01-01T00:00:00+02:00', upper: {upper}}}\n"
    try:
        schema = parse_schema(text)
    except DocumentError as error:
        assert "line 5" in str(error)  # noqa: PT017 - refusing is what is wanted
        return
    conform(pd.DataFrame({"x": ["2020-05-05 00:00:00"]}), schema)


def test_the_far_future_date_of_many_tables_is_read() -> None:
    schema = parse_schema(f"{HEAD}  - {{name: x, kind: date, lower: 1900-01-01, upper: 9999-12-31}}\n")
    typed = conform(pd.DataFrame({"x": ["9999-12-31", "2020-01-01"]}), schema)
    assert str(typed["x"].iloc[0])[:10] == "9999-12-31"


@settings(deadline=None, max_examples=60)
@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    st.integers(1, 40_000),
    st.sampled_from([Kind.DATE, Kind.DATETIME]),
    st.integers(0, 999),
)
def test_moments_stay_in_their_cell_and_inside_their_bounds(first: dt.datetime, days: int, kind: Kind, seed: int) -> None:
    lower = first.replace(microsecond=0)
    lower = lower.replace(hour=0, minute=0, second=0) if kind is Kind.DATE else lower
    column = Temporal(name="x", kind=kind, lower=lower, upper=lower + dt.timedelta(days=days), format="%Y-%m-%d", missing=True)
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


# --- drafts -------------------------------------------------------------------------------------------------------

_CELLS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-1_000, 1_000, places=2).map(str),
    st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1)).map(str),
    st.sampled_from(["", "true", "False", "gold", "silver", "a b", "x@y.org"]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(_CELLS, st.sampled_from(["a", "b"])), min_size=5, max_size=40))
def test_a_text_table_conforms_to_its_own_draft(rows: list[tuple[str, str]]) -> None:
    """But for identifiers that repeat: there a person must name the unit."""
    frame = pd.DataFrame(rows, columns=["x", "y"])
    found = violations(frame, draft_schema(frame, "d", assume_public=True))
    assert [violation.problem for violation in found if "declare it as the unit" not in violation.problem] == []


@pytest.mark.parametrize("kind", ["date", "integer", "decimal"])
@given(seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_a_column_of_one_kind_conforms_to_its_own_draft(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {
        "date": np.datetime_as_string(np.datetime64("2001-05-06") + rng.integers(0, 9_000, 60)),
        "integer": rng.integers(-50_000, 9_000, 60).astype(str),
        "decimal": np.char.mod("%.3f", rng.normal(0, 500, 60)),
    }[kind]
    frame = pd.DataFrame({"x": values, "y": ["a", "b"] * 30})
    schema = draft_schema(frame, "d", assume_public=True)
    assert violations(frame, schema) == ()
    column = schema.column("x")
    assert column.kind == {"date": Kind.DATE, "integer": Kind.INTEGER, "decimal": Kind.FLOAT}[kind]


def test_nullable_integers_of_parquet_conform_to_their_own_draft(tmp_path: Path) -> None:
    pd.DataFrame({"children": [0.0, 1.0, 2.0, np.nan] * 30, "y": ["a", "b"] * 60}).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet")
    assert violations(frame, draft_schema(frame, "d", assume_public=True)) == ()


def test_numbers_with_an_exponent_conform_to_their_own_draft() -> None:
    frame = pd.DataFrame({"x": [f"{i}e-3" for i in range(1, 40)], "y": ["a", "b", "a"] * 13})
    assert violations(frame, draft_schema(frame, "d", assume_public=True)) == ()


def test_far_future_dates_are_drafted_coded_and_written(tmp_path: Path) -> None:
    days = ["9999-12-31", "2020-01-01", "2301-05-06"] * 20
    frame = pd.DataFrame({"x": days, "y": ["a"] * 60})
    schema = draft_schema(frame, "d", assume_public=True)
    column = schema.column("x")
    assert (column.kind, column.upper.year) == (Kind.DATE, 9999)  # type: ignore[attr-defined]
    typed = conform(frame, schema)
    cells = cells_of(column, 4_000_000)
    decoded = pd.DataFrame({"x": cells.decode(cells.encode(typed["x"]), np.zeros(60)), "y": typed["y"]})
    assert write_tables(iter([presented(decoded, schema)]), schema, tmp_path / "t.parquet", tmp_path / "t.csv") == 60
    for name in ("t.parquet", "t.csv"):
        assert conform(read_table(tmp_path / name), schema)["x"].dt.strftime("%Y-%m-%d").tolist() == days


@pytest.mark.parametrize(("numbers", "decimals"), [(["1.50", "2.25"], 2), (["15e-4", "2.5e-3"], 4), (["1.5e3", "2e2", "0.5"], 1)])
def test_decimals_of_numbers_with_exponents(numbers: list[str], decimals: int) -> None:
    frame = pd.DataFrame({"x": [*numbers, *(f"{i}.5" for i in range(1, 15))]})
    found = draft_schema(frame.assign(y="a"), "d", assume_public=True).column("x")
    assert isinstance(found, Numeric)
    assert found.decimals == decimals


def test_every_drafted_fact_is_marked() -> None:
    frame = pd.DataFrame({"x": [str(i) for i in range(40)], "y": ["a", "b"] * 20, "name": [f"N {i}" for i in range(40)]})
    for assume, source in ((False, Source.CONFIRM), (True, Source.ASSUMED_PUBLIC)):
        schema = draft_schema(frame, "d", assume_public=assume)
        for column in schema.columns:
            assert set(column.sources.values()) == {source}
            assert {"kind", "missing", "role"} <= set(column.sources)
        assert {"lower", "upper"} <= set(schema.column("x").sources)


# --- files --------------------------------------------------------------------------------------------------------


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,a\n1,2\n", "more than once"),
        (b"a,\n1,2\n", "has no name"),
        (b"a,b\n1,2\n4,5,6\n", "more fields"),
        (b"a,b\n1,\xe4\n", "UTF-8"),
        (b'a,b\n1,"2\n4,5\n', "quoting"),
        (b"a,b\n1,2,CANARY\n4,5,6\n", "more fields"),
        (b"a,b\n1,\x002\n4,5\n", "NUL"),
        (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has fewer fields"),
        (b'a,b\n1,"x\ny"\n\nCANARY\n4,5\n', "line 5 has fewer fields"),
        (b"a,b\n1,\n2,\nCANARY\n", "line 4 has fewer fields"),
    ],
    ids=[
        "empty",
        "header",
        "repeated",
        "unnamed",
        "longer",
        "latin1",
        "quote",
        "all-longer",
        "nul",
        "shorter",
        "shorter-late",
        "shorter-beside-empty",
    ],
)
@pytest.mark.filterwarnings("ignore::pandas.errors.ParserWarning")
def test_files_that_are_no_table_are_refused_without_a_value(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(TableError, match=told) as error:
        read_table(_file(tmp_path, content))
    assert "CANARY" not in str(error.value)


def test_empty_cells_at_the_end_of_lines_are_no_short_lines(tmp_path: Path) -> None:
    frame = read_table(_file(tmp_path, b'a,b\n1,\n\n"2\n3",\n,\n'))
    assert frame.to_dict("list") == {"a": ["1", "2\n3", ""], "b": ["", "", ""]}


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "."])
def test_paths_that_are_no_file_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TableError, match=r"no such file|is a folder"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("sep", ["", ";;", "\n", '"'])
def test_separators_that_cannot_be_are_refused(tmp_path: Path, sep: str) -> None:
    with pytest.raises(TableError, match="--sep"):
        read_table(_file(tmp_path, b"a,b\n1,2\n"), sep=sep)


def test_text_stays_text_until_a_schema_types_it(tmp_path: Path) -> None:
    frame = read_table(_file(tmp_path, '\ufeffa\tb\n01\tNA\n"x\ty"\tnull\n'.encode()), sep="\\t")
    assert frame.to_dict("list") == {"a": ["01", "x\ty"], "b": ["NA", "null"]}


@pytest.mark.parametrize(
    ("categories", "values"),
    [
        (("10", "2"), ["10", None, "2"]),
        (("9007199254740993", "5"), ["9007199254740993", None, "5"]),
        (("99999999999999999999", "5"), ["99999999999999999999", None, "5"]),
    ],
    ids=["small", "beyond 2^53", "20 digits"],
)
def test_whole_number_categories_are_presented_as_they_are(categories: tuple[str, ...], values: list[str | None]) -> None:
    schema = _schema(Discrete(name="x", kind=Kind.CATEGORICAL, categories=categories, missing=True))
    shown = presented(pd.DataFrame({"x": pd.Series(values, dtype=object)}), schema)
    assert violations(shown, schema) == ()
    assert [None if pd.isna(value) else str(value) for value in shown["x"]] == values


def test_written_tables_read_back_to_the_same_rows(tmp_path: Path) -> None:
    schema = _schema(
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=('a,"b', "line\nbreak", "é"), missing=True),
        Discrete(name="gone", kind=Kind.BOOLEAN, categories=("False", "True"), missing=True),
        Numeric(name="spend", kind=Kind.FLOAT, lower=-1, upper=1e6, decimals=2, missing=True),
        Numeric(name="age", kind=Kind.INTEGER, lower=0, upper=99, missing=True),
        Temporal(name="day", kind=Kind.DATE, lower=DAY.lower, upper=DAY.upper, format="%d.%m.%Y", missing=True),
    )
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            column.name: (code := identity_code(cells_of(column))).decode(rng.integers(0, code.size, 200), rng)
            for column in schema.columns
        }
    )
    for column in schema.names:
        frame.loc[:60, column] = None
    shown = presented(frame, schema)
    chunks = [shown.iloc[:50].reset_index(drop=True), shown.iloc[50:].reset_index(drop=True)]
    assert write_tables(iter(chunks), schema, tmp_path / "t.parquet", tmp_path / "t.csv") == 200
    expected = conform(frame, schema)
    for name in ("t.parquet", "t.csv"):
        pd.testing.assert_frame_equal(conform(read_table(tmp_path / name), schema), expected, check_dtype=False)
    assert next(iter(as_written(shown, schema)["day"].dropna()))[2] == "."


# --- the private table --------------------------------------------------------------------------------------------


def test_a_refused_receipt_touches_no_row() -> None:
    looked: list[int] = []

    def encode(frame: pd.DataFrame) -> np.ndarray:
        looked.append(len(frame))
        return frame.to_numpy()

    table = PrivateTable("small", PrivacyUnit(), pd.DataFrame({"x": [1, 2]}))
    other = mint(dataset="other", step="one", event=DiscreteGaussian(5.0, 1))
    with pytest.raises(InternalError):
        table.codes(other, encode)
    assert looked == []
    assert table.codes(mint(dataset="small", step="one", event=DiscreteGaussian(5.0, 1)), encode).tolist() == [[1], [2]]
    assert looked == [2]


@pytest.mark.filterwarnings("ignore:in 3.12 __contains__:DeprecationWarning")
def test_an_unpaid_look_needs_its_name() -> None:
    table = PrivateTable("small", PrivacyUnit(), pd.DataFrame({"x": [1, 2]}))
    with pytest.raises((InternalError, TypeError)):
        table.uncharged_rows("curiosity")  # type: ignore[arg-type]
