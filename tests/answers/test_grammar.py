"""Questions are read as they are meant, or refused with what to do."""

from __future__ import annotations

import pytest

from privgan.answers.grammar import parse_question
from privgan.answers.question import Measure
from privgan.domain.conditions import ColumnCondition
from privgan.errors import UsageError
from tests.answers.world import SCHEMA


def test_a_question_is_read_with_all_its_parts() -> None:
    found = parse_question(
        'share("bought it" = yes where age < 30) - share("bought it" = yes where age >= 30)'
        " where region in (n, s) by 职业",
        SCHEMA,
    )
    first, second = found.statistics
    assert first.measure is Measure.SHARE
    (young,), (old,), (places,) = first.where, second.where, found.where
    assert isinstance(young, ColumnCondition)
    assert isinstance(old, ColumnCondition)
    assert isinstance(places, ColumnCondition)
    assert young.upper < 30 <= old.lower
    assert places.texts == {"n", "s"}
    assert [column.name for column in found.by] == ["职业"]


def test_where_and_by_come_in_any_order() -> None:
    one = parse_question("count() by 职业 where age >= 30", SCHEMA)
    other = parse_question("COUNT() WHERE age >= 30 BY 职业", SCHEMA)
    assert (one.where, one.by) == (other.where, other.by)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("average(age)", "'average' is no statistic"),
        ("mean age", "comes a bracket"),
        ("mean(age", "is not closed"),
        ("mean()", "says not of what"),
        ("mean(职业)", "goes with numbers"),
        ("sum(joined)", "sum goes with numbers"),
        ("mean(ago)", "did you mean 'age'|is no column"),
        ("count(foo = 1)", "is no column"),
        ("share(职业 = 律师)", "is no category"),
        ("quantile(age, 1.5)", "above 0 and below 1"),
        ("quantile(age)", "above 0 and below 1"),
        ("count() by", "come columns"),
        ("count() by 职业 region", "come columns"),
        ("count() by 职业, 职业", "twice"),
        ("count() by 职业, region, age", "at most 2"),
        ("count() where", "comes a condition"),
        ("count(age > 30 where)", "comes a condition"),
        ("count(age > 30 or)", "ends where a comparison is due"),
        ("count((age > 30 or age < 20)", "is not closed"),
        ("share(age = 90)", "no row can meet the condition"),
        ("count() where age < 20 and age > 30", "no row can meet the condition"),
        ("count() count()", "cannot be read at character 9"),
        ("count() - ", "ends with"),
        ("count() - mean(age)", "different units"),
        ("mean(joined) - mean(joined)", "differences are of numbers"),
        ("x" * 20_000, "at most 10,000"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_question(text, SCHEMA)
