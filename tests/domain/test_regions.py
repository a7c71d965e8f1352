"""Boxes, sets of positions and orders of constraints, against all rows of a schema."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.domain.disjoint import CasesLeft
from privgan.domain.order import Order
from privgan.domain.regions import columns_of, groups_of, regions_of
from privgan.domain.value_sets import MISSING, Axis, PositionSet, set_of
from privgan.errors import DocumentError
from privgan.schema.columns import Kind, Numeric, Temporal
from privgan.schema.constraints import AtMost, Constraint
from privgan.schema.schema import Schema
from privgan.table.violations import holds
from tests.constrained import schema_of

SMALL = """\
  - {name: a, kind: integer, lower: -1, upper: 4, special_values: [0, -9, 70], missing: true}
  - {name: b, kind: float, lower: 0, upper: 2, decimals: 1}
  - {name: c, kind: integer, lower: 0, upper: 3, missing: true}
  - {name: t, kind: ordinal, categories: [x, y, z], missing: true}
  - {name: u, kind: boolean}
"""
NAMES = ("a", "b", "c", "t", "u")
WHENS = (
    "a = 0",
    "a > 1 and t is missing",
    "t >= y",
    "u = true",
    "c is not missing and b < 0.55",
    "b >= 1.5 and c = 2 and a < 3",
    "a in (0, 70) or not (b < 1 and t = x)",
)
THENS = (
    "b = 0",
    "t = x",
    "c is missing",
    "a is not missing and a <= 2",
    "t in (x, z) and b > 0.3",
    "u = false and b <= 1",
    "c > 0",
    "t not in (z) and (u = true or b != 0)",
)
PAIRS = (("a", "b"), ("b", "a"), ("a", "c"), ("c", "b"), ("b", "c"), ("c", "a"))
CELLS = [[text, truth] for text in ("x", "y", "z", "null") for truth in ("False", "True")]


@st.composite
def constraint_lines(draw: st.DrawFn) -> str:
    """Lines of one to four constraints on the columns a, b, c, t and u."""
    orders = st.builds(
        "{}: [{p[0]}, {p[1]}]".format,
        st.sampled_from(("at_most", "below")),
        p=st.sampled_from(PAIRS),
    )
    rules = st.builds(
        'when: "{}", then: "{}"'.format, st.sampled_from(WHENS), st.sampled_from(THENS)
    )
    cells = st.lists(st.sampled_from(CELLS), min_size=1, max_size=8, unique_by=tuple)
    fixed = st.builds(
        "combinations: [t, u], allowed: {}".format,
        cells.map(lambda rows: str(rows).replace("'", "")),
    )
    return "".join(
        f"  - {{{line}}}\n"
        for line in draw(st.lists(st.one_of(orders, rules, fixed), min_size=1, max_size=4))
    )


def _all_rows(schema: Schema, names: Sequence[str]) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Positions and typed values of every row that some columns can make."""
    axes = {name: Axis(schema.column(name)) for name in names}
    positions = [
        [*range(axis.last + 1), *([MISSING] if axis.column.missing else [])]
        for axis in axes.values()
    ]
    table = np.array(list(product(*positions)))
    columns = {name: table[:, place] for place, name in enumerate(names)}
    return columns, pd.DataFrame({name: axes[name].typed(found) for name, found in columns.items()})


def _within(values: PositionSet, positions: np.ndarray) -> np.ndarray:
    inside = np.logical_or.reduce(
        [(positions >= a) & (positions <= b) for a, b in values.intervals] or [positions < MISSING]
    )
    return inside | ((positions == MISSING) & values.missing)


@settings(max_examples=40)
@given(constraint_lines())
def test_boxes_leave_exactly_the_rows_that_hold_the_constraints(lines: str) -> None:
    """Each row that holds what boxes can say is in one box, each other row in none.

    And impossible means impossible.
    """
    try:
        schema = schema_of(SMALL, lines)
    except DocumentError as error:
        assert "circle" in str(error) or "exclude" in str(error)  # noqa: PT017 - both outcomes are allowed
        return
    for group in groups_of(schema):
        positions, typed = _all_rows(schema, group.columns)
        parts = [schema.constraints[index] for index in group.members]
        plain = _held([part for part in parts if not isinstance(part, AtMost)], typed, schema)
        ordered = _held([part for part in parts if isinstance(part, AtMost)], typed, schema)
        boxes = np.array(
            [_within_all(box, [positions[name] for name in group.columns]) for box in group.boxes]
        )
        assert boxes.sum(0).max() <= 1
        assert (boxes.any(0) <= plain).all()
        assert ((plain & ordered) <= boxes.any(0)).all()
        assert (boxes & ordered).any(1).all(), "a box that no row can be in is kept"


def _held(constraints: Sequence[Constraint], typed: pd.DataFrame, schema: Schema) -> np.ndarray:
    return np.logical_and.reduce(
        [np.ones(len(typed), bool), *(holds(part, typed, schema) for part in constraints)]
    )


def _within_all(box: Sequence[PositionSet], positions: Sequence[np.ndarray]) -> np.ndarray:
    return np.logical_and.reduce(
        [_within(values, found) for values, found in zip(box, positions, strict=True)]
    )


@settings(max_examples=40)
@given(constraint_lines())
def test_what_is_refused_as_impossible_is_impossible(lines: str) -> None:
    free = schema_of(SMALL)
    try:
        schema_of(SMALL, lines)
    except DocumentError as error:
        if "exclude each other" not in str(error):
            return
        constraints = _one_by_one(lines)
        _, typed = _all_rows(free, NAMES)
        assert not _held(constraints, typed, free).any()


def _one_by_one(lines: str) -> list[Constraint]:
    return [schema_of(SMALL, f"{line}\n").constraints[0] for line in lines.splitlines()]


@settings(max_examples=100)
@given(
    st.sets(st.integers(0, 30)),
    st.sets(st.integers(0, 30)),
    st.booleans(),
    st.booleans(),
    st.integers(-2, 32),
)
def test_sets_of_positions_are_sets(
    first: set[int], second: set[int], absent: bool, other: bool, place: int
) -> None:
    one, two = set_of(first, absent), set_of(second, other)
    assert one & two == set_of(first & second, absent and other)
    assert one.without(two) == set_of(first - second, absent and not other)
    assert bool(one) == (bool(first) or absent)
    assert one.last_to(place) == max((value for value in first if value <= place), default=None)


@settings(max_examples=100)
@given(
    st.integers(0, 4),
    st.integers(-10_000, 10_000),
    st.integers(1, 500),
    st.integers(-600, 12_000),
    st.booleans(),
)
def test_positions_of_numbers_are_found_as_the_numbers_are_written(
    decimals: int, lower: int, width: int, number: int, strict: bool
) -> None:
    scale = 10**decimals
    axis = Axis(
        Numeric(
            name="x",
            kind=Kind.FLOAT,
            lower=lower / scale,
            upper=(lower + width) / scale,
            decimals=decimals,
        )
    )
    values = [(lower + step) / scale for step in range(width + 1)]
    assert axis.numbers(np.arange(width + 1)).tolist() == values
    for wanted in (number / scale, number / scale + 0.3 / scale, -np.inf, np.inf):
        below = [
            place
            for place, value in enumerate(values)
            if value < wanted or (value == wanted and not strict)
        ]
        above = [
            place
            for place, value in enumerate(values)
            if value > wanted or (value == wanted and not strict)
        ]
        assert int(axis.floor(np.array(wanted), strict=strict)) == max(below, default=-1)
        assert int(axis.ceiling(np.array(wanted), strict=strict)) == min(above, default=width + 1)


def test_days_and_seconds_have_positions() -> None:
    day = Temporal(
        name="x",
        kind=Kind.DATE,
        lower=dt.datetime(2020, 1, 1),
        upper=dt.datetime(2020, 12, 31),
        format="%Y-%m-%d",
    )
    axis = Axis(day)
    assert (axis.last, str(axis.typed(np.array([31]))[0])[:10]) == (365, "2020-02-01")
    assert axis.typed(np.array([MISSING])).isna().all()


def _orders(pairs: Sequence[tuple[str, str]], schema: Schema) -> Order:
    axes: Mapping[str, Axis] = {name: Axis(schema.column(name)) for name in "abc"}
    return Order(tuple(AtMost(low=low, high=high) for low, high in pairs), axes)


def test_limits_leave_room_for_the_columns_above() -> None:
    schema = schema_of(SMALL)
    order = _orders([("a", "b"), ("b", "c")], schema)
    full = {name: Axis(schema.column(name)).full for name in "abc"}
    assert order.columns == ("a", "b", "c")
    assert order.limits(full) == {"a": 2.0, "b": 2.0, "c": 3.0}
    assert order.limits(full | {"c": set_of([1])}) == {"a": 1.0, "b": 1.0, "c": 1.0}
    assert order.limits(full | {"c": set_of([0]), "b": set_of([5])}) is None
    assert order.limits(full | {"c": set_of([0], missing=True), "b": set_of([5])}) == {
        "a": 0.0,
        "b": 0.5,
        "c": 0.0,
    }
    assert order.limits(full | {"a": set_of([5], missing=True), "c": set_of([0])}) == {
        "a": None,
        "b": 0.0,
        "c": 0.0,
    }


@pytest.mark.parametrize(
    ("when", "then", "regions"),
    [("a = 0 and t = x and u = true", "b = 0", 4), ("a = 0 or b >= 1", "not (t = x and c > 1)", 5)],
)
def test_an_implication_is_split_into_regions_that_do_not_overlap(
    when: str, then: str, regions: int
) -> None:
    schema = schema_of(SMALL, f'  - {{when: "{when}", then: "{then}"}}\n')
    axes = {name: Axis(schema.column(name)) for name in NAMES}
    left = CasesLeft(1_000)
    found = regions_of(schema.constraints[0], axes, schema, "", left)
    assert len(found) == regions
    assert left.cases < 1_000
    positions, typed = _all_rows(schema, NAMES)
    boxes = [tuple(region.get(name, axes[name].full) for name in NAMES) for region in found]
    inside = sum(_within_all(box, [*positions.values()]).astype(int) for box in boxes)
    assert np.array_equal(inside, holds(schema.constraints[0], typed, schema))


def test_a_column_named_like_a_word_of_the_grammar_is_still_read() -> None:
    """Schemas of before conditions had brackets, ``or`` and ``not``."""
    names = ("'not'", "'or'", "'in'", "'('")
    lines = "".join(f"  - {{name: {name}, kind: integer, lower: 0, upper: 3}}\n" for name in names)
    schema = schema_of(lines, '  - {when: "not = 3 and or < 2 and ( > 1", then: "in = 0"}\n')
    (constraint,) = schema.constraints
    assert columns_of(constraint, schema) == ("not", "or", "(", "in")
