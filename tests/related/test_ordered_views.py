"""Views of a related table with an order: what they hold, and that each row is of one customer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import DocumentError
from privgan.parts.forms import parts_with, parts_with_fingerprint
from privgan.parts.related_form import RelatedForm
from privgan.parts.related_views import related_view
from privgan.table.schema_file import dump_schema, parse_schema
from tests.related.shop import ORDERED, frames, schema
from tests.related.test_views import TABLES, _without, related

FACTS = schema(ORDERED)
FORM = RelatedForm(FACTS)


def test_the_schema_reads_back_with_its_order() -> None:
    history = FACTS.child("orders").history
    assert history is not None
    assert (history.order, history.spread, history.longest) == ("day", ("amount",), 8)
    assert FACTS.alone("orders").history == history
    assert parse_schema(dump_schema(FACTS)) == FACTS
    plain = ORDERED.replace("{spread: [amount]}", "true")
    assert parse_schema(dump_schema(schema(plain))) == schema(plain)
    assert FACTS.fingerprint() != schema().fingerprint()


def test_one_table_alone_has_an_order_and_a_spread_has_ordinary_numbers() -> None:
    lines = (
        ORDERED.replace("{table: orders, column: order}", "{table: customers, column: customer}")
        .replace("- {name: order, kind: identifier}\n", "- {name: customer, kind: identifier}\n")
        .replace("    longest: 4\n", "    longest: 4\n    order: pieces\n    history: true\n")
    )
    special = ORDERED.replace("decimals: 2,", "decimals: 2, special_values: [0],")
    for text, told in (
        (lines, "table 'lines': has an order, and 'orders' has one; one table alone may"),
        (special, "history.spread: 'amount' has special values"),
    ):
        with pytest.raises(DocumentError, match="line ") as caught:
            schema(text)
        assert told in str(caught.value), caught.value


def test_facts_of_a_history_that_a_table_cannot_have_are_refused() -> None:
    orders = FACTS.child("orders")
    assert orders.history is not None
    wrong = replace(orders, history=replace(orders.history, constant=("channel",)))
    with pytest.raises(DocumentError, match=r"history\.constant is left out here"):
        parse_schema(dump_schema(replace(FACTS, tables=(wrong, FACTS.child("lines")))))


def test_the_parent_tells_summaries_and_the_rows_look_at_the_row_before() -> None:
    customers, orders, lines = FORM.parts
    told = ("number of orders", "first of orders", "last of orders")
    means = ("mean amount of orders", "spread amount of orders")
    assert customers.schema.names == ("segment", "age", *told, *means)
    assert orders.context == (
        *("segment above", "age above", "number of orders", "events left", "day"),
        *("amount before", "channel before"),
    )
    assert orders.own == ("step", "channel", "amount", "number of lines")
    assert (orders.derived, orders.least, orders.unit.max_rows) == (4, 1, 5)
    assert orders.borrowed["age above"] == ("customers", "age")
    assert orders.borrowed["amount before"] == ("orders", "amount")
    assert lines.borrowed["day above"] == ("orders", "day")
    assert lines.borrowed["number of lines"] == ("orders", "number of lines")
    assert FORM.histories["orders"].counts == FORM.classes(FACTS.child("orders"))
    assert sum(part.share for part in FORM.parts) < 1


def test_without_an_order_the_parts_are_those_of_exchangeable_rows() -> None:
    assert RelatedForm(schema()).histories == {}
    root = FORM.parts[0].schema
    assert parts_with(FACTS, root.names) == FORM.parts
    assert parts_with_fingerprint(FACTS, root.fingerprint()) == FORM.parts


def test_customers_are_told_what_sorting_gives() -> None:
    tables = frames()
    root = related_view("customers", FORM, related(tables, FACTS)).frame
    names, orders = tables["customers"]["customer"], tables["orders"]
    days = pd.to_datetime(orders["day"]).groupby(orders["customer"])
    number = names.map(days.size()).fillna(0).astype(int)
    assert root["number of orders"].tolist() == number.astype(str).tolist()
    first, last = (names.map(found) for found in (days.min(), days.max()))
    for name, expected in (("first", first), ("last", last.where(number > 1))):
        found = root[f"{name} of orders"].astype(expected.dtype)
        pd.testing.assert_series_equal(found, expected, check_names=False)
    spread = names.map(orders.groupby("customer")["amount"].std(ddof=0)).where(number > 1)
    assert np.allclose(root["spread amount of orders"], spread, atol=0.0101, equal_nan=True)


def test_orders_look_at_the_one_before_in_time() -> None:
    tables = frames()
    view = related_view("orders", FORM, related(tables, FACTS))
    place = {name: at for at, name in enumerate(tables["customers"]["customer"])}
    orders = tables["orders"].assign(
        at=tables["orders"]["customer"].map(place), day=pd.to_datetime(tables["orders"]["day"])
    )
    orders = orders.sort_values(["at", "day"], kind="stable").reset_index(drop=True)
    assert view.customers.tolist() == orders["at"].tolist()
    assert view.frame["day"].tolist() == orders["day"].tolist()
    before = orders.groupby("at")["amount"].shift(1).rename("amount before")
    assert view.frame["amount before"].equals(before)
    left = orders.groupby("at").cumcount(ascending=False)
    lefts = FORM.histories["orders"].lefts.of(left.to_numpy())
    assert view.frame["events left"].tolist() == lefts.tolist()
    ages = tables["customers"]["age"].iloc[orders["at"]].tolist()
    assert view.frame["age above"].tolist() == ages
    lines = orders["order"].map(tables["lines"]["order"].value_counts())
    assert view.frame["number of lines"].tolist() == lines.astype(str).tolist()


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 30), st.integers(0, 30), st.integers(0, 29))
def test_one_customer_less_leaves_every_other_row_as_it_is(
    customers: int, seed: int, place: int
) -> None:
    tables = frames(customers, seed)
    if not len(tables["orders"]):
        return
    place %= customers
    left = _without(tables, tables["customers"]["customer"][place])
    fewer = {name: frame[left[name]].reset_index(drop=True) for name, frame in tables.items()}
    for name in TABLES:
        shuffle = np.arange(len(tables[name]))
        whole = related_view(name, FORM, related(tables, FACTS), shuffle)
        less = related_view(name, FORM, related(fewer, FACTS), shuffle[left[name]]).frame
        others = whole.frame[whole.customers != place].reset_index(drop=True)
        pd.testing.assert_frame_equal(others, less, check_dtype=False)


def test_what_is_derived_of_a_random_row_follows_from_the_parents_row() -> None:
    """Each number of rows that are left is as likely, and the parent's columns are its own."""
    history, rng = FORM.histories["orders"], np.random.default_rng(0)
    parents = pd.DataFrame({"segment": ["new", "loyal"] * 3_000, "age": 30})
    parents["number of orders"] = ["0", "4"] * 3_000
    known, number = FORM.known(FACTS.child("orders"), parents, rng)
    assert number.tolist() == [0, 4] * 3_000
    assert list(known.columns) == list(FORM.parts[1].schema.names[: FORM.parts[1].derived])
    assert known["segment above"].tolist() == parents["segment"].tolist()
    left = known.loc[number == 4, history.left].value_counts(normalize=True)
    assert set(left.index) == {"0", "1", "2", "3"}
    assert np.allclose(left, 0.25, atol=0.03)
