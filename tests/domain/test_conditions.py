"""Laws of conditions, against plain Python over all values that a column may hold."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.cells import Cells, cells_of
from privgan.domain.conditions import ColumnCondition
from privgan.domain.encoding import identity_code
from privgan.domain.predicates import Predicate, met, parse_predicates
from privgan.domain.value_sets import Axis, pieces_of, shares_of
from privgan.errors import UsageError
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema
from tests.schemas import schema_of

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _allowed(where: str, schema: Schema) -> float:
    """How many values of the one column the condition allows, by the shares of its cells."""
    (condition,) = parse_predicates(where, schema)
    assert isinstance(condition, ColumnCondition)
    cells = cells_of(condition.column, 32)
    values = np.ones(cells.size)
    values[cells.first_interval : cells.first_interval + len(cells.lengths)] = cells.lengths
    return float(_shares(condition, cells) @ values)


def _shares(condition: Predicate, cells: Cells) -> np.ndarray:
    assert isinstance(condition, ColumnCondition)
    axis = Axis(condition.column)
    return shares_of(cells, axis, axis.allowed_by(condition))


@given(
    st.integers(-500, 500),
    st.integers(1, 900),
    st.integers(-600, 1_500),
    st.sampled_from(sorted(OPERATORS)),
    st.booleans(),
)
def test_comparisons_allow_exactly_the_integers_that_meet_them(
    lower: int, width: int, value: int, sign: str, special: bool
) -> None:
    sentinels = (float(lower), -999.0 - abs(lower), 9_999.0) if special else ()
    column = Numeric(
        name="x", kind=Kind.INTEGER, lower=lower, upper=lower + width, special_values=sentinels
    )
    numbers = {*range(lower, lower + width + 1), *sentinels}
    expected = sum(OPERATORS[sign](number, value) for number in numbers)
    assert _allowed(f"x {sign} {value}", schema_of(column)) == pytest.approx(expected)


@given(
    st.integers(0, 3),
    st.integers(-999, 999),
    st.integers(1, 3_000),
    st.integers(0, 3_000),
    st.sampled_from(sorted(OPERATORS)),
)
def test_comparisons_allow_exactly_the_decimals_that_meet_them(
    decimals: int, first: int, width: int, offset: int, sign: str
) -> None:
    """On the column's own grid, in exact arithmetic."""
    scale = 10**decimals
    column = Numeric(
        name="x",
        kind=Kind.FLOAT,
        lower=first / scale,
        upper=(first + width) / scale,
        decimals=decimals,
    )
    expected = sum(
        OPERATORS[sign](step, first + offset) for step in range(first, first + width + 1)
    )
    assert _allowed(
        f"x {sign} {(first + offset) / scale:.{decimals}f}", schema_of(column)
    ) == pytest.approx(expected)


AGE = Numeric(name="x", kind=Kind.INTEGER, lower=18, upper=95)
DAY = Temporal(
    name="x",
    kind=Kind.DATE,
    lower=dt.datetime(2020, 1, 1),
    upper=dt.datetime(2020, 12, 31),
    format="%Y-%m-%d",
)


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
    assert _allowed(where, schema_of(column)) == pytest.approx(expected)


def test_every_value_of_a_wide_column_can_be_asked_for() -> None:
    schema = schema_of(Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1_000_000, decimals=2))
    cents = np.random.default_rng(0).integers(0, 100_000_000, 300)
    lost = [cent for cent in cents if _allowed(f"x = {cent / 100:.2f}", schema) < 0.5]
    assert lost == []


@settings(max_examples=50)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True), st.data())
def test_categories_allow_exactly_themselves(categories: list[str], data: st.DataObject) -> None:
    column = Discrete(name="x", kind=Kind.ORDINAL, categories=tuple(categories), missing=True)
    schema = schema_of(column)
    value = data.draw(st.sampled_from(categories))
    place = categories.index(value)
    for sign, compare in OPERATORS.items():
        assert _allowed(f"x {sign} {value}", schema) == sum(
            compare(other, place) for other in range(len(categories))
        )
    assert _allowed(f"x != {value}", schema) == len(categories) - 1
    assert _allowed("x is missing", schema) == 1
    assert _allowed("x is not missing", schema) == len(categories)
    assert _allowed(f"x in ({', '.join(categories)})", schema) == len(categories)


def test_two_conditions_on_one_column_meet() -> None:
    column = Numeric(name="x", kind=Kind.INTEGER, lower=0, upper=99, missing=True)
    assert _allowed("x >= 10 and x < 20 and x is not missing", schema_of(column)) == 10
    assert _allowed("x < 10 and x > 20", schema_of(column)) == 0
    with pytest.raises(UsageError, match="both missing and present"):
        parse_predicates("x is missing and x > 3", schema_of(column))


@pytest.mark.parametrize("where", ["x > 20", "x = 33", "x <= 18", "x is missing"])
def test_what_is_decoded_under_a_condition_meets_it(where: str) -> None:
    column = Numeric(name="x", kind=Kind.INTEGER, lower=18, upper=2_000, missing=True)
    (condition,) = parse_predicates(where, schema_of(column))
    assert isinstance(condition, ColumnCondition)
    code = identity_code(cells_of(column, 32))
    axis = Axis(condition.column)
    runs = pieces_of(code, axis, axis.allowed_by(condition))
    codes = np.repeat(np.flatnonzero(_shares(condition, code.cells)), 50)
    values = axis.typed(runs.within(codes, np.random.default_rng(0)))
    if condition.missing:
        assert values.isna().all()
    else:
        assert not values.isna().any()
        sign, number = where.split()[1:]
        assert all(OPERATORS[sign](value, int(number)) for value in values)


def test_an_invented_column_is_asked_only_whether_it_is_there() -> None:
    schema = parse_schema(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n  - {name: email, kind: email,"
        " missing: true, presence: modelled}\n  - {name: Fill Rate, kind: boolean}\n"
    )
    rows = pd.DataFrame({"email": ["absent", "present"]})
    for text, kept in (
        ("email is missing", [True, False]),
        ("email is not missing", [False, True]),
    ):
        assert met(parse_predicates(text, schema)[0], rows).tolist() == kept
    for text, told in (
        ("email = present", "only 'is missing'"),
        ("Fill Rate = true", "in quotes: 'Fill Rate'"),
    ):
        with pytest.raises(UsageError, match=told):
            parse_predicates(text, schema)
    (quoted,) = parse_predicates("'Fill Rate' = true", schema)
    assert isinstance(quoted, ColumnCondition)
    assert quoted.texts == {"True"}
