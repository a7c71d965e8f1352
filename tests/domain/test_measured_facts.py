"""Facts that are left to be measured.

How they are written, and how values are mapped into what was measured.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privgan.domain.cells import cells_of
from privgan.domain.measured import (
    LARGEST_STEP,
    clamp,
    clamp_measured,
    limits,
    opened,
    widest_numbers,
    with_bounds,
    with_categories,
)
from privgan.errors import DocumentError, InternalError, TableError
from privgan.notation.moments import read_moments
from privgan.release.verification.row_domain import column_problem
from privgan.schema.columns import (
    Column,
    Discrete,
    Kind,
    Numeric,
    Open,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Source,
    Temporal,
)
from privgan.schema.schema import Schema
from privgan.table.conform import check_confirmed, conform, violations
from privgan.table.files import read_table
from privgan.table.schema_file import dump_schema, parse_schema

HEAD = """format: privgan.schema/1
dataset: small
unit: row
columns:
"""
TEXT = (
    HEAD
    + """  - {name: age, kind: integer, source: {lower: measured, upper: measured},
        special_values: [-1]}
  - {name: spend, kind: float, decimals: 2, source: {lower: measured, upper: measured},
      missing: true}
  - {name: since, kind: date, source: {lower: measured, upper: measured}, format: "%d.%m.%Y"}
  - {name: seen, kind: datetime, source: {lower: measured, upper: measured,
      missing: assumed_public}, missing: true}
  - {name: town, kind: categorical, other: no, source: {categories: measured}, missing: true}
  - {name: tier, kind: ordinal, categories: [low, high]}
"""
)
SCHEMA = parse_schema(TEXT)


def _resolved(schema: Schema = SCHEMA) -> Schema:
    facts: dict[str, Column] = {}
    for column in schema.open_columns:
        if isinstance(column, OpenCategorical):
            facts[column.name] = with_categories(column, ["b", "a"])
        else:
            assert isinstance(column, OpenNumeric | OpenTemporal)
            facts[column.name] = with_bounds(column, 18_000, 19_000)
    return schema.resolved(facts)


def _frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": ["-1", "17000", "20000"],
            "spend": ["", "185.25", "99999.99"],
            "since": ["01.01.2019", "29.02.2020", "31.12.2261"],
            "seen": ["1970-01-01 05:06:07", "", "1999-01-01 00:00:00"],
            "town": ["a", "", "Zz"],
            "tier": ["low", "high", "low"],
        }
    )


def test_open_columns_have_no_cells_and_no_values_to_map_into() -> None:
    assert [column.name for column in SCHEMA.open_columns] == [
        "age",
        "spend",
        "since",
        "seen",
        "town",
    ]
    for column in SCHEMA.open_columns:
        with pytest.raises(TypeError, match="still to be measured"):
            cells_of(column)
        with pytest.raises(TypeError, match="still to be measured"):
            clamp(pd.Series([1.0]), column)


def test_open_and_resolved_schemas_survive_writing() -> None:
    assert parse_schema(dump_schema(SCHEMA)) == SCHEMA
    resolved = _resolved()
    assert parse_schema(dump_schema(resolved)) == resolved
    assert resolved.fingerprint() != SCHEMA.fingerprint()
    check_confirmed(resolved)


def test_a_resolved_schema_says_what_was_measured() -> None:
    resolved = _resolved()
    assert resolved.open_columns == ()
    measured = [
        "age.lower",
        "age.upper",
        "spend.lower",
        "spend.upper",
        "since.lower",
        "since.upper",
    ]
    assert list(resolved.facts_from(Source.MEASURED)) == [
        *measured,
        "seen.lower",
        "seen.upper",
        "town.categories",
    ]
    assert resolved.facts_from(Source.ASSUMED_PUBLIC) == ("seen.missing",)
    town, age = resolved.column("town"), resolved.column("age")
    assert isinstance(town, Discrete)
    assert (town.categories, town.other) == (("a", "b", "no"), "no")
    assert isinstance(age, Numeric)
    assert (age.lower, age.upper) == (18_000, 19_000)
    assert [opened(column) for column in resolved.columns] == list(SCHEMA.columns)


def test_resolving_needs_each_open_column_and_no_other() -> None:
    facts = {column.name: column for column in _resolved().columns}
    for wrong in (
        {},
        {"age": facts["age"]},
        facts,
        {column.name: column for column in SCHEMA.open_columns},
    ):
        with pytest.raises(InternalError, match="the open columns are"):
            SCHEMA.resolved(wrong)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (
            "x, kind: integer, source: measured",
            "lower and upper can be measured; write source: {lower: measured, upper: measured}",
        ),
        (
            "x, kind: integer, source: {lower: measured}, upper: 3",
            "lower and upper are measured together",
        ),
        (
            "x, kind: integer, source: {lower: measured, upper: measured}, lower: 3",
            "give lower and upper, or neither",
        ),
        ("x, kind: float, source: {lower: measured, upper: measured}", "kind float needs decimals"),
        (
            "x, kind: integer, source: {kind: measured}, lower: 1, upper: 2",
            "lower and upper can be measured",
        ),
        (
            "x, kind: integer, source: {lower: declared, upper: measured}",
            "kind integer needs lower",
        ),
        (
            "x, kind: ordinal, source: {categories: measured}",
            "of kind ordinal nothing can be measured",
        ),
        ("x, kind: boolean, source: {labels: measured}", "of kind boolean nothing can be measured"),
        ("x, kind: text, source: measured", "of kind text nothing can be measured"),
        ("x, kind: categorical, source: {categories: measured}", "measured categories need other"),
        (
            "x, kind: categorical, source: {categories: measured}, other: '?'",
            "'?' is a missing marker",
        ),
        (
            "x, kind: categorical, source: {categories: measured}, other: z, categories: [a]",
            "must hold 'z'",
        ),
        ("x, kind: categorical, categories: [a], other: a", "other goes only with"),
        (
            "x, kind: integer, source: {lower: measured, upper: measured}, special_values: [1.5]",
            "more than 0 decimals",
        ),
        (
            "x, kind: integer, source: {lower: measured, upper: measured}, special_values: [1e20]",
            "2^52 steps",
        ),
    ],
)
def test_mistakes_are_told_with_their_line(column: str, told: str) -> None:
    text = (
        HEAD.replace("columns:", "missing_markers: ['?']\ncolumns:")
        + f"  - {{name: ok, kind: boolean}}\n  - {{name: {column}}}\n"
    )
    with pytest.raises(DocumentError) as error:
        parse_schema(text)
    assert any(
        told in mistake and mistake.startswith("line 7") for mistake in error.value.mistakes
    ), error.value.mistakes


def test_an_open_table_gets_its_types_and_no_bounds() -> None:
    assert violations(_frame(), SCHEMA) == ()
    typed = conform(_frame(), SCHEMA)
    assert typed["age"].tolist() == [-1, 17_000, 20_000]
    assert typed["since"].dt.year.tolist() == [2019, 2020, 2261]
    assert typed["town"].tolist() == ["a", None, "Zz"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("age", "inf", "an infinite value"),
        ("age", "CANARY7", "text where a number is expected"),
        ("age", "1e17", "a value outside"),
        ("age", "1.5", "more than 0 decimals"),
        ("age", "", "missing where none may be"),
        ("since", "CANARY7", "no moment"),
        ("tier", "CANARY7", "none of the 2 categories"),
    ],
)
def test_what_no_measuring_can_mend_stays_a_violation_before_and_after(
    name: str, value: str, problem: str
) -> None:
    spoilt = _frame()
    spoilt.loc[1, name] = value
    for schema in (SCHEMA, _resolved()):
        with pytest.raises(TableError, match=problem):
            conform(spoilt, schema)
        conform(spoilt, schema, on_violation="clamp")


def test_what_lies_outside_measured_facts_is_mapped_whatever_is_asked() -> None:
    mapped = conform(_frame(), _resolved())
    assert mapped["age"].tolist() == [-1, 18_000, 19_000]
    assert mapped["spend"].tolist()[1:] == [185.25, 190.0]
    assert mapped["since"].dt.strftime("%Y-%m").tolist() == ["2019-04", "2020-02", "2022-01"]
    assert mapped["seen"].isna().tolist() == [False, True, False]
    assert mapped["town"].tolist() == ["a", None, "no"]
    assert violations(_frame(), _resolved()) == ()
    declared = parse_schema(
        dump_schema(_resolved()).replace("measured", "declared").replace("  other: 'no'\n", "")
    )
    assert len(violations(_frame(), declared)) == 5


@pytest.mark.parametrize("on_violation", ["refuse", "clamp"])
def test_mapping_typed_rows_is_conforming_to_the_resolved_schema(on_violation: str) -> None:
    frame = _frame()
    if on_violation == "clamp":
        frame = pd.concat(
            [frame, frame.assign(age="?", since="?", spend="-inf", seen="?", tier="?")],
            ignore_index=True,
        )
    once = conform(frame, _resolved(), on_violation=on_violation)
    pd.testing.assert_frame_equal(
        clamp_measured(conform(frame, SCHEMA, on_violation=on_violation), _resolved()), once
    )
    pd.testing.assert_frame_equal(clamp_measured(once, _resolved()), once)


def test_mapping_looks_at_each_row_by_itself() -> None:
    resolved = _resolved()
    typed = conform(_frame(), SCHEMA)
    whole = clamp_measured(typed, resolved)
    for row in range(len(typed)):
        pd.testing.assert_frame_equal(
            clamp_measured(typed.iloc[[row]], resolved), whole.iloc[[row]]
        )


_ANY = (
    st.integers(-LARGEST_STEP, LARGEST_STEP)
    | st.integers(-300, 300)
    | st.sampled_from([LARGEST_STEP, -LARGEST_STEP])
)


@given(_ANY, _ANY, st.integers(0, 12))
def test_measured_bounds_hold_what_was_measured_and_look_like_bounds(
    one: int, two: int, decimals: int
) -> None:
    column = OpenNumeric(name="x", kind=Kind.FLOAT if decimals else Kind.INTEGER, decimals=decimals)
    low, high = sorted((one, two))
    found = with_bounds(column, low, high)
    assert isinstance(found, Numeric)
    assert found.lower < found.upper
    steps = [int(Decimal(repr(bound)).scaleb(decimals)) for bound in (found.lower, found.upper)]
    assert steps[0] <= low
    assert steps[1] >= high
    assert steps[1] - steps[0] <= 1.3 * (high - low) + 1
    assert round(found.lower, decimals) == found.lower
    wide = 10 ** max(0, len(str(high - low)) - 3)
    assert all(step % wide == 0 or abs(step) == LARGEST_STEP for step in steps)


@given(st.sampled_from([Kind.DATE, Kind.DATETIME]), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_measured_moments_hold_what_was_measured(
    kind: Kind, one: float, two: float, near: bool
) -> None:
    column = OpenTemporal(name="x", kind=kind, format="%Y")
    first, last = limits(column)
    low, high = sorted(round(first + share * (last - first)) for share in (one, two))
    high = min(high, low + 500) if near else high
    found = with_bounds(column, low, high)
    assert isinstance(found, Temporal)
    assert found.lower < found.upper
    per_day = 1 if kind is Kind.DATE else 86_400
    assert found.lower.toordinal() - dt.date(1970, 1, 1).toordinal() <= low / per_day
    assert found.upper.toordinal() - dt.date(1970, 1, 1).toordinal() >= high // per_day
    assert cells_of(found).lengths.sum() > 1


def test_categories_come_out_sorted_with_the_label_for_others_last() -> None:
    column = OpenCategorical(name="x", kind=Kind.CATEGORICAL, other="m")
    assert with_categories(column, ["z", "m", "b"]).categories == ("b", "z", "m")
    assert with_categories(column, []).categories == ("m",)
    assert isinstance(column, Open)


def test_special_values_do_not_stretch_measured_bounds() -> None:
    column = OpenNumeric(
        name="x",
        kind=Kind.INTEGER,
        special_values=(-1.0, 999.0),
        sources={"lower": Source.MEASURED},
    )
    found = with_bounds(column, 20, 60)
    assert isinstance(found, Numeric)
    assert (found.lower, found.upper) == (20, 60)
    assert clamp(pd.Series([-1.0, np.nan, 2_000.0, 999.0]), found).dropna().tolist() == [
        -1,
        60,
        999,
    ]


@pytest.mark.parametrize("type_name", ["int64", "Int64"])
def test_one_missing_integer_changes_no_other_row(type_name: str, tmp_path: Path) -> None:
    """Read as float, integers above 2^53 would all move when one customer's value is missing."""
    text = """
format: privgan.schema/1
dataset: d
unit: row
columns:
- {name: open, kind: categorical, other: rest, source: {categories: measured}, missing: true}
- {name: known, kind: categorical, categories: ["9007199254740993"], missing: true}
"""
    schema, large = parse_schema(text), [2**53 + 1] * 3
    seen = []
    for values in (large, [*large, None]):
        path = tmp_path / f"{len(values)}.parquet"
        table = pa.table({name: pa.array(values, pa.int64()) for name in schema.names})
        if type_name == "Int64":
            table = pa.Table.from_pandas(
                pd.DataFrame({name: pd.Series(values, dtype="Int64") for name in schema.names})
            )
        pq.write_table(table, path)
        seen.append(conform(read_table(path), schema).iloc[:3])
    pd.testing.assert_frame_equal(*seen)
    assert set(seen[0].to_numpy().ravel()) == {str(2**53 + 1)}


@pytest.mark.parametrize("text", ["now", "today", " Now "])
def test_the_present_moment_is_no_value(text: str) -> None:
    """pandas reads these words as the present moment: a table would change at each reading."""
    assert read_moments(pd.Series([text, "2001-02-03"]), "%Y-%m-%d").isna().tolist() == [
        True,
        False,
    ]


def test_a_time_zone_in_a_format_is_refused() -> None:
    line = (
        '  - {name: at, kind: datetime, lower: 2000-01-01, upper: 2030-01-01, format: "%Y-%m-%d'
        ' %H:%M:%S%z"}\n'
    )
    with pytest.raises(DocumentError, match="time zone"):
        parse_schema(HEAD + line)


def test_values_drawn_inside_the_widest_bounds_are_in_the_domain() -> None:
    # 2^52 steps of .01: numpy rounds past the nearest step there, and the bound is one.
    rng = np.random.default_rng(0)
    for decimals in range(7):
        open_column = OpenNumeric(
            name="x",
            kind=Kind.FLOAT if decimals else Kind.INTEGER,
            decimals=decimals,
            sources={"lower": Source.MEASURED, "upper": Source.MEASURED},
        )
        column = widest_numbers(open_column)
        cells = cells_of(column)
        codes = np.repeat(np.arange(cells.size), 20)
        drawn = cells.decode(codes, rng.random(len(codes)))
        assert column_problem(drawn, column) == "", decimals
        ends = pd.Series([column.lower, column.upper], dtype=drawn.dtype)
        assert column_problem(ends, column) == "", decimals
