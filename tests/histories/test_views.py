"""Views of histories: what they hold, and that each customer's is its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privgan.generator.exchanges import exchanged
from privgan.generator.history_draws import exchange_of
from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import PrivateTable
from privgan.parts.forms import parts_with, parts_with_fingerprint
from privgan.parts.history_form import HistoryForm
from privgan.parts.history_views import history_view
from privgan.parts.number_classes import NumberClasses
from privgan.privacy.budget import PrivacyUnit
from privgan.privacy.randomness import SecretStream
from privgan.schema.schema import Schema
from privgan.table.conform import conform
from privgan.table.schema_file import parse_schema
from tests.histories.purchases import SCHEMA, purchases

SPREAD = SCHEMA.replace("longest: 12", "spread: [amount], longest: 12")
ROWS = pd.DataFrame(
    {
        "customer": ["b", "a", "a", "b", "a", "b", "c"],
        "day": [f"2024-01-{day:02d}" for day in (5, 11, 1, 5, 3, 5, 9)],
        "segment": ["gold", "basic", "gold", "basic", "basic", "gold", "basic"],
        "channel": ["web", "app", "shop", "web", "app", "shop", "app"],
        "amount": [5.0, -30.0, 10.0, 7.0, 20.0, 6.0, 4.0],
    }
)


def _view(
    name: str, schema: Schema, rows: pd.DataFrame = ROWS, *, usual_told: bool = False
) -> pd.DataFrame:
    typed = conform(rows, schema)
    numbers = pd.factorize(typed["customer"], sort=True)[0]
    return history_view(name, HistoryForm(schema, usual_told), typed, numbers).frame


def test_a_customer_is_summed_up_over_all_its_events() -> None:
    found = _view("customers", parse_schema(SCHEMA))
    assert found["number of events"].tolist() == ["3", "3", "1"]
    assert found["first"].dt.day.tolist() == [1, 5, 9]
    assert found["last"].dt.day.tolist()[:2] == [11, 5]
    assert pd.isna(found["last"].iloc[2])
    assert found["mean amount"].tolist() == [0.0, 6.0, 4.0]
    assert "usual channel" not in found
    # What changes although it is constant by the schema is that of the first row in time.
    assert found["segment"].tolist() == ["gold", "gold", "basic"]


def test_a_model_of_an_earlier_version_keeps_its_usual_values() -> None:
    schema = parse_schema(SCHEMA)
    found = _view("customers", schema, usual_told=True)
    assert found["usual channel"].tolist() == ["app", "web", "app"]
    for usual_told in (False, True):
        form = HistoryForm(schema, usual_told)
        root = form.customers.schema
        assert parts_with(schema, root.names) == form.parts
        assert parts_with_fingerprint(schema, root.fingerprint()) == form.parts
        assert HistoryForm.with_customers(schema, root.names) == form


def test_the_spread_of_a_customers_numbers_is_told_where_it_is_asked_for() -> None:
    found = _view("customers", parse_schema(SPREAD))
    deviations = [float(np.std([10, 20, -30])), float(np.std([5, 7, 6]))]
    assert found["spread amount"].tolist()[:2] == pytest.approx(deviations, abs=0.01)
    assert pd.isna(found["spread amount"].iloc[2])
    assert "spread amount" in _view("events", parse_schema(SPREAD))


def test_exchanges_bring_spreads_nearer_and_change_no_single_value() -> None:
    schema = parse_schema(SPREAD)
    form, rng = HistoryForm(schema), np.random.default_rng(0)
    typed = conform(purchases(600, seed=2), schema)
    owner = pd.factorize(typed["customer"], sort=True)[0]
    customers = history_view("customers", form, typed, owner).frame
    mixed = typed.drop(columns="customer").reset_index(drop=True)
    mixed["amount"] = rng.permutation(mixed["amount"].to_numpy())
    found = exchanged(mixed, owner, exchange_of(form), customers, rng)
    assert sorted(found["amount"]) == sorted(mixed["amount"])

    def away(rows: pd.DataFrame) -> float:
        made = history_view("customers", form, rows, owner).frame["spread amount"]
        return float((made - customers["spread amount"]).abs().mean())

    means_alone = exchange_of(HistoryForm(parse_schema(SCHEMA)))
    others = exchanged(mixed, owner, means_alone, customers, np.random.default_rng(0))
    assert away(found) < 0.75 * away(others) < away(mixed)


def test_an_event_looks_at_its_customer_and_the_event_before() -> None:
    assert len(_view("events", parse_schema(SCHEMA))) == 7
    found = _view("events", parse_schema(SCHEMA), ROWS[ROWS["customer"] != "c"])
    assert found["events left"].tolist() == ["2", "1", "0"] * 2
    # Ties in time stay as they stand in the table.
    assert found["amount"].tolist() == [10, 20, -30, 5, 7, 6]
    assert found["amount before"].fillna(0).tolist() == [0, 10, 20, 0, 5, 7]
    # Two days of ten, with two events left, are two fifths of an even spacing.
    assert found["step"].tolist()[1] == pytest.approx(0.4)
    assert found["step"].notna().tolist() == [False, True, False, False, False, False]


def test_whose_one_event_is_told_by_its_mean_has_no_row_among_the_events() -> None:
    numbers = SCHEMA.replace(
        "  - {name: channel, kind: categorical, categories: [shop, web, app], missing: false}\n", ""
    )
    assert len(_view("events", parse_schema(numbers), ROWS.drop(columns="channel"))) == 6


def test_an_integer_may_order_rows() -> None:
    text = SCHEMA.replace(
        "kind: date, lower: 2024-01-01, upper: 2024-12-31", "kind: integer, lower: 1, upper: 366"
    )
    rows = ROWS.assign(day=[5, 11, 1, 5, 3, 5, 9])
    found = _view("customers", parse_schema(text), rows)
    assert found["first"].tolist() == [1, 5, 9]
    assert found["last"].fillna(0).tolist() == [11, 5, 0]


def test_a_customer_with_very_many_rows_counts_as_the_longest() -> None:
    schema = parse_schema(SCHEMA)
    many = pd.concat([ROWS, *[ROWS.query("customer == 'c'")] * 30_000], ignore_index=True)
    assert _view("customers", schema, many)["number of events"].tolist()[2] == "11 to 12"
    table = _private(schema, many)
    events = table.view(
        HistoryForm(schema).events,
        schema,
        PrivacyUnit(column="customer", max_rows=4),
        SecretStream(),
    )
    assert np.bincount(events._customers).max() == 4


def test_names_of_the_table_do_not_hide_those_of_a_view() -> None:
    text = SCHEMA.replace("name: channel", "name: first").replace("[segment]", "[segment, first]")
    form = HistoryForm(parse_schema(text))
    assert "first" in form.customers.schema.names
    assert form.first == "first*"


def test_views_of_whole_customers_come_from_no_other_table() -> None:
    schema = parse_schema(SCHEMA)
    assert repr(_private(schema, purchases(50))) == "PrivateTable(purchases)"


def _private(schema: Schema, rows: pd.DataFrame) -> PrivateTable:
    table = OwnersTable(conform(rows, schema), schema)
    return table.private_table(np.zeros(len(rows), dtype=bool), SecretStream())


def test_classes_hold_every_number_once() -> None:
    for classes in (
        NumberClasses(1, 10, 100),
        NumberClasses(0, 4, 9),
        NumberClasses(1, 4, 40, 0.5),
    ):
        numbers = np.arange(classes.least, classes.most + 1)
        held = classes.of(numbers)
        assert list(dict.fromkeys(held)) == list(classes.labels)
        labels = pd.Series(np.repeat(np.array(classes.labels, dtype=object), 200))
        drawn = classes.drawn(labels, np.random.default_rng(0))
        assert set(drawn) == set(numbers)


def test_drawn_numbers_lie_in_their_class_and_have_its_mean() -> None:
    classes = NumberClasses(1, 10, 100)
    for place, label in enumerate(classes.labels):
        drawn = classes.drawn(pd.Series([label] * 4_000), np.random.default_rng(place))
        assert set(classes.of(drawn)) == {label}
        assert drawn.mean() == pytest.approx(classes.means[place], rel=0.02)
