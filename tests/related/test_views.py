"""Views of related tables: what they hold, and that each row is of one customer alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.owner.private_table import bounded
from privgan.parts.forms import parts_with_fingerprint
from privgan.parts.related_form import RelatedForm
from privgan.parts.related_views import RelatedFrames, children_of_each, related_view
from privgan.related.keys import linked
from privgan.schema.schema import Schema
from privgan.table.conform import typed_rows
from tests.coins import RepeatableStream
from tests.related.shop import SCHEMA, frames, schema

TABLES = ("customers", "orders", "lines")


def related(tables: dict[str, pd.DataFrame], facts: Schema | None = None) -> RelatedFrames:
    """Clean tables as typed rows with their links."""
    facts = facts or schema()
    links = linked(tables, facts)
    assert not links.violations
    typed = {
        name: typed_rows(frame, facts.alone(name))[0][
            [column.name for column in facts.alone(name).modelled]
        ]
        for name, frame in tables.items()
    }
    return RelatedFrames(frames=typed, parents=links.parents, customers=links.customers)


def test_parts_have_the_columns_that_they_are_made_from() -> None:
    customers, orders, lines = RelatedForm(schema()).parts
    assert customers.schema.names == (
        *("segment", "age", "number of orders", "mean amount of orders"),
    )
    assert customers.context == ()
    assert orders.context == (
        *("segment above", "age above", "number of orders"),
        *("day before", "channel before", "amount before"),
    )
    assert orders.own == ("day", "channel", "amount", "number of lines")
    assert lines.context == (
        *("day above", "channel above", "amount above", "number of lines"),
        *("product before", "pieces before"),
    )
    assert [part.unit.max_rows for part in (customers, orders, lines)] == [1, 5, 12]
    assert {part.unit.column for part in (customers, orders, lines)} == {"customer"}
    assert lines.borrowed["day above"] == ("orders", "day")
    assert lines.borrowed["pieces before"] == ("lines", "pieces")
    assert sum(part.share for part in (customers, orders, lines)) < 1
    assert lines.schema.constraints == schema().child("lines").constraints


def test_names_give_way_to_the_tables_own() -> None:
    text = SCHEMA.replace("name: age", "name: number of orders").replace(
        "name: channel", "name: segment above"
    )
    form = RelatedForm(schema(text))
    assert form.parts[0].schema.names == (
        *("segment", "number of orders", "number of orders*", "mean amount of orders"),
    )
    assert form.parts[1].context[0] == "segment above*"


def test_views_hold_what_a_plain_join_gives() -> None:
    tables = frames()
    rows, form = related(tables), RelatedForm(schema())
    root = related_view("customers", form, rows).frame
    each = tables["orders"]["customer"].value_counts()
    assert root["number of orders"].tolist() == [
        str(min(each.get(name, 0), 8)) for name in tables["customers"]["customer"]
    ]
    means = tables["orders"].groupby("customer")["amount"].mean().round(2)
    expected = tables["customers"]["customer"].map(means)
    assert np.allclose(root["mean amount of orders"], expected, atol=0.0101, equal_nan=True)
    orders = related_view("orders", form, rows, np.arange(478)).frame
    joined = tables["orders"].merge(tables["customers"], on="customer", how="left")
    assert orders["age above"].tolist() == joined["age"].tolist()
    assert orders["segment above"].astype(str).tolist() == joined["segment"].tolist()
    assert orders["amount"].tolist() == tables["orders"]["amount"].tolist()
    lines = tables["lines"]["order"].value_counts()
    assert orders["number of lines"].tolist() == [
        str(lines[name]) for name in tables["orders"]["order"]
    ]
    before = tables["orders"].groupby("customer")["amount"].shift(1)
    pd.testing.assert_series_equal(orders["amount before"], before, check_names=False)
    assert children_of_each(schema().child("orders"), rows).sum() == 478


def _without(tables: dict[str, pd.DataFrame], customer: str) -> dict[str, np.ndarray]:
    """Which rows of each table are another customer's."""
    orders = tables["orders"]
    gone = set(orders.loc[orders["customer"] == customer, "order"])
    return {
        "customers": (tables["customers"]["customer"] != customer).to_numpy(),
        "orders": (orders["customer"] != customer).to_numpy(),
        "lines": (~tables["lines"]["order"].isin(gone)).to_numpy(),
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(0, 30), st.integers(0, 39))
def test_one_customer_less_leaves_every_other_row_as_it_is(
    customers: int, seed: int, place: int
) -> None:
    tables, form = frames(customers, seed), RelatedForm(schema())
    if not len(tables["orders"]):
        return
    left = _without(tables, tables["customers"]["customer"][place % customers])
    fewer = {name: frame[left[name]].reset_index(drop=True) for name, frame in tables.items()}
    rng = np.random.default_rng(seed)
    for name in TABLES:
        shuffle = rng.integers(0, 2**63, len(tables[name]), dtype=np.uint64)
        whole = related_view(name, form, related(tables), shuffle).frame
        less = related_view(name, form, related(fewer), shuffle[left[name]]).frame
        pd.testing.assert_frame_equal(
            whole[left[name]].reset_index(drop=True), less, check_dtype=False
        )


def test_a_customer_alone_has_the_rows_that_it_has_among_others() -> None:
    tables, form = frames(40, 3), RelatedForm(schema())
    whole = {name: related_view(name, form, related(tables), np.arange(999)[: len(tables[name])])
             for name in TABLES}  # fmt: skip
    for place, customer in enumerate(tables["customers"]["customer"]):
        left = _without(tables, customer)
        own = {name: frame[~left[name]].reset_index(drop=True) for name, frame in tables.items()}
        for name in TABLES:
            shuffle = np.flatnonzero(~left[name])
            assert (whole[name].customers[shuffle] == place).all()
            alone = related_view(name, form, related(own), shuffle).frame
            among = whole[name].frame.iloc[shuffle].reset_index(drop=True)
            pd.testing.assert_frame_equal(among, alone, check_dtype=False)


def test_another_row_of_the_same_parent_is_looked_at_and_never_one_of_another() -> None:
    tables = frames()
    tables["orders"]["amount"] = tables["orders"]["customer"].rank(method="dense") / 100
    view = related_view("orders", RelatedForm(schema()), related(tables), np.arange(478)[::-1])
    known = view.frame["amount before"].notna()
    assert (view.frame["amount before"] == view.frame["amount"])[known].all()
    assert (~known).sum() == tables["orders"]["customer"].nunique()


def test_of_each_customer_at_most_k_rows_of_each_table_are_measured() -> None:
    tables = frames(60, 1)
    rows, facts = related(tables), schema()
    for part in RelatedForm(facts).parts:
        shuffle = np.arange(len(tables[part.name]))
        view = related_view(part.name, RelatedForm(facts), rows, shuffle)
        used = bounded(view.customers, part.unit.max_rows, RepeatableStream(1))
        each = np.bincount(view.customers, minlength=60)
        kept = np.bincount(view.customers[used], minlength=60)
        assert kept.tolist() == np.minimum(each, part.unit.max_rows).tolist()


def test_large_numbers_of_rows_are_told_by_classes_and_drawn_within_them() -> None:
    text = SCHEMA.replace("longest: 8", "longest: 300")
    form, child = RelatedForm(schema(text)), schema(text).child("orders")
    classes, rng = form.classes(child), np.random.default_rng(0)
    assert classes.labels[:3] == ("0", "1", "2")
    assert classes.of(np.array([0, 10, 299, 5_000])).tolist()[:2] == ["0", "10"]
    for number in (0, 1, 10, 11, 57, 300, 4_000):
        label = classes.of(np.array([number]))
        drawn = form.numbers(child, pd.Series(np.repeat(label, 500)), rng)
        assert (classes.of(drawn) == label[0]).all()
        assert drawn.max() <= 300


def test_the_form_of_an_earlier_version_has_no_means() -> None:
    facts = schema()
    earlier = RelatedForm(facts, means=False)
    assert earlier.parts[0].schema.names == ("segment", "age", "number of orders")
    for form in (earlier, RelatedForm(facts)):
        root = form.parts[0].schema
        assert RelatedForm.with_root(facts, root.names).means == form.means
        assert parts_with_fingerprint(facts, root.fingerprint()) == form.parts
    assert RelatedForm.with_root(facts, ("segment",)).means


def test_means_are_of_few_numbers_of_the_roots_children_alone() -> None:
    form = RelatedForm(schema())
    orders, lines = schema().tables
    assert [column.name for column in form.averaged(orders)] == ["amount"]
    assert form.averaged(lines) == ()
    special = SCHEMA.replace(
        "upper: 500, decimals: 2", "upper: 500, decimals: 2, special_values: [0]"
    )
    assert RelatedForm(schema(special)).averaged(schema(special).child("orders")) == ()
    one = SCHEMA.replace("longest: 8", "longest: 1")
    assert RelatedForm(schema(one)).averaged(schema(one).child("orders")) == ()
