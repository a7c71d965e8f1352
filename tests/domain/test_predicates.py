"""Laws of predicates: what they mean row by row, and that their regions do not overlap."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from privgan.domain import disjoint
from privgan.domain.conditions import ColumnCondition
from privgan.domain.disjoint import Region, disjoint_regions
from privgan.domain.predicates import columns_in, met, parse_predicates
from privgan.domain.value_sets import MISSING, Axis, PositionSet
from privgan.errors import UsageError
from tests.schemas import schema_of_lines

SCHEMA = schema_of_lines(
    "name: age, kind: integer, lower: 18, upper: 22, special_values: [-1], missing: true",
    "name: 职业, kind: categorical, categories: [退休, 学生, or], missing: true",
    "name: tier, kind: ordinal, categories: [low, mid, high]",
)
AXES = {column.name: Axis(column) for column in SCHEMA.modelled}
PLACES = np.array(
    list(
        product(
            *(
                [*range(axis.last + 1), *([MISSING] if axis.column.missing else [])]
                for axis in AXES.values()
            )
        )
    )
)
ROWS = pd.DataFrame(
    {name: axis.typed(PLACES[:, place]) for place, (name, axis) in enumerate(AXES.items())}
)
LEAVES = (
    "age >= 20",
    "age = -1",
    "age != 19",
    "age in (18, 21)",
    "age not in (18, 21)",
    "age is missing",
    "职业 = 退休",
    "职业 in (退休, 'or')",
    "职业 not in (学生)",
    "职业 is not missing",
    "tier > low",
)
TEXTS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=7,
)


def _meant(text: str) -> np.ndarray:
    """Which rows a text means, by Python's own operators on the leaves."""
    ages, jobs, tiers = (ROWS[name].tolist() for name in AXES)
    known = [not pd.isna(age) for age in ages]
    meaning = {
        "age >= 20": [k and a >= 20 for k, a in zip(known, ages, strict=True)],
        "age = -1": [k and a == -1 for k, a in zip(known, ages, strict=True)],
        "age != 19": [k and a != 19 for k, a in zip(known, ages, strict=True)],
        "age in (18, 21)": [k and a in (18, 21) for k, a in zip(known, ages, strict=True)],
        "age not in (18, 21)": [k and a not in (18, 21) for k, a in zip(known, ages, strict=True)],
        "age is missing": [not k for k in known],
        "职业 = 退休": [job == "退休" for job in jobs],
        "职业 in (退休, 'or')": [job in ("退休", "or") for job in jobs],
        "职业 not in (学生)": [job is not None and job != "学生" for job in jobs],
        "职业 is not missing": [job is not None for job in jobs],
        "tier > low": [tier != "low" for tier in tiers],
    }
    names = {f"L{place}": np.array(meaning[leaf]) for place, leaf in enumerate(LEAVES)}
    for place, leaf in sorted(enumerate(LEAVES), key=lambda pair: -len(pair[1])):
        text = text.replace(leaf, f"L{place}")
    written = text.replace("not ", "~").replace(" and ", " & ").replace(" or ", " | ")
    return np.asarray(eval(written, {}, names), dtype=bool)  # Our own texts alone.


def _within(region: Region) -> np.ndarray:
    """Which rows lie in a region."""

    def held(values: PositionSet, places: np.ndarray) -> np.ndarray:
        inside = [(places >= first) & (places <= last) for first, last in values.intervals]
        return np.logical_or.reduce([(places == MISSING) & values.missing, *inside])

    columns = [held(values, PLACES[:, [*AXES].index(name)]) for name, values in region.items()]
    return np.logical_and.reduce([np.ones(len(PLACES), dtype=bool), *columns])


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("not (not (age >= 20))")
@example("(age >= 20) or (not (age >= 20))")
def test_regions_hold_exactly_the_rows_that_are_meant_each_once(text: str) -> None:
    meant = _meant(text)
    try:
        where = parse_predicates(text, SCHEMA)
        regions = disjoint_regions(where)
    except UsageError as error:
        told = ("no row can meet the condition", "both missing and present")
        assert any(words in str(error) for words in told)  # noqa: PT017 - none is meant
        assert not meant.any()
        return
    np.testing.assert_array_equal(np.logical_and.reduce([met(one, ROWS) for one in where]), meant)
    np.testing.assert_array_equal(sum(_within(region).astype(int) for region in regions), meant)
    assert all(_within(region).any() for region in regions)


def test_not_binds_before_and_and_and_before_or() -> None:
    def rows(text: str) -> np.ndarray:
        return np.logical_and.reduce([met(one, ROWS) for one in parse_predicates(text, SCHEMA)])

    one = "not tier = low and age = 18 or 职业 = 退休"
    np.testing.assert_array_equal(rows(one), rows("((not tier = low) and age = 18) or 职业 = 退休"))
    assert (rows(one) != rows("not (tier = low and (age = 18 or 职业 = 退休))")).any()


def test_words_in_quotes_are_names_and_values() -> None:
    schema = schema_of_lines('name: "not", kind: categorical, categories: [and, "(", ")", ","]')
    (found,) = parse_predicates("'not' = and", schema)
    assert found.texts == {"and"}  # type: ignore[union-attr]
    (found,) = parse_predicates("'not' in ('(', ',', \")\")", schema)
    assert found.texts == {"(", ",", ")"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the condition is empty"),
        ("tier = low or", "ends where a comparison is due"),
        ("not", "ends where a comparison is due"),
        ("(tier = low", "a bracket is not closed"),
        ("tier = low)", "joined by 'and' and 'or'"),
        ("tier = low tier = mid", "joined by 'and' and 'or'"),
        ("tier not = low", "'not' goes before 'in' alone"),
        ("tier in ()", "the list after 'in' is empty"),
        ("tier in low", "a list in brackets"),
        ("age in (18, x)", "'x' is no value of age"),
        ("tier = highest or age = 3", "'highest' is no category of tier"),
        ("xor or age = 3", "'xor' is no column"),
        ("(" * 60 + "tier = low" + ")" * 60, "nested more than 50 deep"),
        ("age is missing and age = 18", "both missing and present"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=r"^where: ") as caught:
        parse_predicates(text, SCHEMA)
    assert told in str(caught.value)


def test_a_condition_of_too_many_cases_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """(a1 and b1 and c1) or (a2 and …) comes to ever more pieces that do not overlap."""
    names = [f"c{place}" for place in range(12)]
    schema = schema_of_lines(
        *(f"name: {name}, kind: integer, lower: 0, upper: 99" for name in names)
    )
    text = " or ".join(
        "(" + " and ".join(f"{name} != {place}" for name in names) + ")" for place in range(4)
    )
    wide = f"not ({text.replace('!=', '=')})"
    for monstrous in (text, wide):
        monkeypatch.setattr(disjoint, "MOST_BOXES", 20)
        with pytest.raises(UsageError, match="more than 20 cases that do not overlap"):
            disjoint_regions(parse_predicates(monstrous, schema))
    monkeypatch.undo()
    monkeypatch.setattr(disjoint, "_MOST_CASES", 30)
    with pytest.raises(UsageError, match="cases that do not overlap"):
        disjoint_regions(parse_predicates(wide, schema))


@settings(max_examples=200)
@given(st.text(max_size=40) | st.text("()andor not in,=tierlow'", max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        found = parse_predicates(text, SCHEMA)
    except UsageError as error:
        assert str(error).startswith("where: ")  # noqa: PT017 - both outcomes are allowed
    else:
        assert set(columns_in(found)) <= set(AXES)


def test_a_plain_condition_is_one_region_and_one_predicate_a_column() -> None:
    where = parse_predicates("age >= 19 and tier = low and age < 21", SCHEMA)
    assert [type(part) for part in where] == [ColumnCondition] * 2
    assert len(disjoint_regions(where)) == 1
