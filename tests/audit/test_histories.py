"""Cells and numbers of whole customers, against tables worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privgan.audit.coding import CodedTable
from privgan.audit.histories.cells import (
    Question,
    cohort_question,
    gap_question,
    length_question,
    money_question,
    transition_question,
)
from privgan.audit.histories.histories import Histories, Layout, pooled
from privgan.audit.histories.statistics import repeat_rate, scale_of, top_share, within_correlation
from tests.audit.events import AMOUNT, CHANNEL, DATE, LAYOUT, SEGMENT, STEP, Event, histories

# 2024-01-01 is day 19,723 since 1970. Days, amounts, channels.
FIRST = 19_723
THREE = [
    [(FIRST + 4, 20, 1), (FIRST, 10, 0), (FIRST + 1, 10, 0)],
    [(FIRST + 31, 5, 1)],
    [(FIRST + 2, 8, 2), (FIRST + 2, 8, 2)],
]


def _filled(question: Question, found: Histories) -> dict[str, float]:
    shares = question.shares(found)
    assert shares.sum() == pytest.approx(1)
    named = zip((*question.labels, "nothing"), shares, strict=True)
    return {label: round(float(share), 6) for label, share in named if share}


def test_events_stand_by_customer_and_time() -> None:
    found = histories(THREE)
    by_name = {int(name): place for place, name in enumerate(found.names)}
    assert [int(found.lengths[by_name[name]]) for name in range(3)] == [3, 1, 2]
    first = found.owner == by_name[0]
    assert list(found.times[first] - FIRST) == [0, 1, 4]
    assert list(found.values[first, 1]) == [10, 10, 20]
    assert [found.last[by_name[name]] - FIRST for name in range(3)] == [4, 31, 2]
    assert [int(found.occasions[by_name[name]]) for name in range(3)] == [3, 1, 1]
    assert sorted(found.gaps) == [0, 1, 3]


def test_gaps_lengths_and_first_days_by_hand() -> None:
    found, third = histories(THREE), round(1 / 3, 6)
    assert _filled(gap_question(LAYOUT), found) == {"0": third, "1": third, "3": third}
    assert _filled(length_question(), found) == {"1": third, "2": third, "3": third}
    days = {"2024-01-01": third, "2024-01-03": third, "2024-02-01": third}
    assert _filled(cohort_question(LAYOUT, found), found) == days


def test_cohorts_are_months_and_those_beyond_the_real_ones_are_counted_at_the_ends() -> None:
    real = histories([[(FIRST, 1, 0), (FIRST + 100, 1, 0)], [(FIRST + 40, 1, 0)]])
    made = histories([[(FIRST - 1, 1, 0)], [(FIRST + 30, 1, 0)], [(FIRST + 400, 1, 0)]])
    question = cohort_question(LAYOUT, real)
    named = ("2024-01", "2024-02", "2024-03", "2024-04")
    assert question.labels == ("< 2024-01", *named, "> 2024-04")
    assert _filled(question, real) == {"2024-01": 0.5, "2024-02": 0.5}
    third = round(1 / 3, 6)
    assert _filled(question, made) == {"< 2024-01": third, "2024-01": third, "> 2024-04": third}


def test_an_integer_column_orders_events_too() -> None:
    found = histories([[(0, 1, 0), (1, 1, 0), (4, 1, 0)], [(12, 1, 0)]], STEP)
    assert _filled(gap_question(STEP), found) == {"1": 0.5, "3–4": 0.5}
    assert _filled(cohort_question(STEP, found), found) == {"0": 0.5, "11–12": 0.5}


def test_gaps_of_less_than_a_day_have_cells_where_times_have_hours() -> None:
    assert "0–0.0417" not in gap_question(LAYOUT).labels
    clock = Layout.of((_with_hours(), AMOUNT, CHANNEL), "day")
    found = histories([[(FIRST, 1, 0), (FIRST + 1 / 48, 1, 0), (FIRST + 2, 1, 0)]], clock)
    assert _filled(gap_question(clock), found) == {"0–0.0417": 0.5, "1–2": 0.5}


def _with_hours() -> object:
    from dataclasses import replace

    from privgan.schema.columns import Kind

    return replace(DATE, kind=Kind.DATETIME)


def test_customers_without_a_second_event_have_no_gap() -> None:
    found = histories([[(FIRST, 1, 0)], [(FIRST + 1, 1, 0)]])
    assert _filled(gap_question(LAYOUT), found) == {"nothing": 1.0}


def test_transitions_by_hand() -> None:
    real = histories(
        [[(0, 1, 0), (1, 1, 0), (2, 1, 1)], [(0, 2, 1), (1, 2, 0)], [(5, 1, np.nan), (6, 1, 1)]]
    )
    expected = {"shop → shop": 0.25, "shop → web": 0.25, "web → shop": 0.25, "– → web": 0.25}
    question = transition_question(LAYOUT, 2, real)
    assert _filled(question, real) == expected
    # A category that no real customer has is counted as another.
    assert _filled(question, histories([[(0, 1, 2), (1, 1, 0)]])) == {"… → shop": 1.0}


def test_recency_frequency_and_money_by_hand() -> None:
    real = histories(
        [[(10 * place - back, 100 * place, 0) for back in range(place + 1)] for place in range(5)]
    )
    question = money_question(LAYOUT, real)
    assert question is not None
    assert _filled(question, real) == {f"R{n} F{n} M{n}": 0.2 for n in range(1, 6)}
    # Later than any real event, rarest, and with the largest mean.
    assert _filled(question, histories([[(99, 1000, 0)]])) == {"R5 F1 M5": 1.0}


def test_money_is_the_last_number_that_varies_within_a_customer() -> None:
    columns = (DATE, AMOUNT, SEGMENT, AMOUNT)
    assert Layout.of(columns, "day").money == 3
    held = Layout(columns, 0, frozenset({3}))
    assert (held.money, held.numeric, held.categorical) == (1, (1, 3), (2,))
    assert Layout.of((DATE, CHANNEL), "day").money is None
    assert money_question(Layout.of((DATE, CHANNEL), "day"), histories(THREE)) is None


def test_repeat_rate_and_the_top_tenth_by_hand() -> None:
    assert repeat_rate(histories(THREE)) == pytest.approx(1 / 3)
    ten = [[(FIRST, place, 0)] for place in range(1, 11)]
    assert top_share(histories(ten), 1) == pytest.approx(10 / 55)
    assert top_share(histories([*ten, [(FIRST, 0, 0)]]), 1) == pytest.approx(19 / 55)
    assert math.isnan(top_share(histories([[(0, -1, 0)], [(0, 1, 0)]]), 1))


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ([[1, 1], [2, 2]], 1.0),
        ([[0, 1], [0, 1]], -1.0),
        # Means .5 and 1.5: between 1, within .5, so (1 - .5) / (1 + .5).
        ([[0, 1], [1, 2]], 1 / 3),
        ([[0, 0], [3]], 1.0),
        ([[1, 2], [1, np.nan, 2]], -1.0),
    ],
)
def test_correlation_within_customers_by_hand(logs: list[list[float]], expected: float) -> None:
    customers = [[(day, np.expm1(log), 0) for day, log in enumerate(part)] for part in logs]
    assert _within(customers) == pytest.approx(expected)
    # Negative values: places among all values, which these five tables do not stretch.
    returns = [[(day, -value - 1, place) for day, value, place in part] for part in customers]
    assert _within(returns) == pytest.approx(expected)


def _within(customers: list[list[Event]]) -> float:
    found = histories(customers)
    return within_correlation(found, 1, scale_of(found.values[:, 1]))


def test_a_return_does_not_outweigh_all_else() -> None:
    values = np.array([-100.0, 1.0, 2.0, np.nan])
    assert list(scale_of(values)(np.array([-100.0, 0.0, 2.0, 5.0]))) == [0.5, 1.0, 2.5, 3.0]
    assert scale_of(values[1:])(np.array([1.0])) == np.log(2.0)


@pytest.mark.parametrize("customers", [[[1], [2]], [[1, 1], [1]], [[1, 2]]])
def test_a_correlation_that_nobody_shows_is_not_a_number(customers: list[list[float]]) -> None:
    events = [[(day, value, 0) for day, value in enumerate(part)] for part in customers]
    assert math.isnan(_within(events))


def test_events_without_a_time_and_their_customers_are_left_out() -> None:
    rows = np.array([[86_400.0, 1, 0], [np.nan, 2, 0], [np.nan, 3, 0]])
    table = CodedTable(np.zeros((3, 3), dtype=np.int64), rows)
    found = Histories.of(LAYOUT, table, np.array([7, 7, 9]))
    assert (list(found.names), list(found.times)) == ([7], [1.0])


def test_two_tables_of_customers_are_pooled() -> None:
    both = pooled(histories(THREE[:1]), histories(THREE[1:]))
    whole = histories(THREE)
    assert list(both.hashes) == list(whole.hashes)
    assert np.array_equal(both.values, whole.values)
    assert sorted(both.names) == [0, 1, 2]


def test_histories_up_to_a_time_keep_the_customers_who_had_come() -> None:
    past = histories(THREE).until(FIRST + 1)
    assert (list(past.names), list(past.times - FIRST)) == ([0], [0, 1])
