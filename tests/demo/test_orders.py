"""The simulator's orders: they agree with the customers' columns, and keys match."""

import hashlib
from pathlib import Path

import numpy
import pandas
import pytest

from privgan import demo
from privgan.demo.parameters import DAYS_PER_YEAR, REFERENCE_DATE
from privgan.errors import UsageError
from privgan.table.conform import violations
from privgan.table.files import read_table
from privgan.table.schema_file import parse_schema

TODAY = pandas.Timestamp(REFERENCE_DATE)
EVENTS = """
format: privgan.schema/1
dataset: shop
unit: customer_id
max_rows_per_unit: 200
columns:
- {name: order_id, kind: identifier, pattern: "S{:08d}", role: identifier}
- {name: customer_id, kind: identifier, pattern: "S{:08d}", role: identifier}
- {name: ordered_at, kind: datetime, lower: 2016-01-01T00:00, upper: 2025-12-31T23:59}
- {name: channel, kind: categorical, categories: [web, app, store, phone]}
- name: department
  kind: categorical
  categories: [fashion, home, electronics, beauty, grocery, sports, toys, garden, books, games,
    pets, travel]
- {name: amount, kind: float, lower: 0, upper: 10000, decimals: 2}
- {name: returned, kind: float, lower: -10000, upper: 0, decimals: 2, special_values: [0]}
"""
CENT = 1e-6  # amounts are whole cents; sums of floats are off by less


@pytest.fixture(scope="module")
def shop() -> demo.Shop:
    return demo.simulate_shop(3_000, seed=11)


def recent(orders: pandas.DataFrame) -> pandas.DataFrame:
    return orders[(TODAY - orders["ordered_at"].dt.normalize()).dt.days <= DAYS_PER_YEAR]


def by_customer(shop: demo.Shop, values: pandas.Series) -> pandas.Series:
    """Values by customer_id, in the order of the customers; missing without orders."""
    return values.reindex(shop.customers["customer_id"])


def test_customers_are_the_same_as_before_there_were_orders() -> None:
    """The fingerprint was taken before the orders were written."""
    text = demo.simulate_customers(500, seed=3).to_csv(index=False)
    fingerprint = "b6e181052fc3d42ffa0327236c421de7e9761110795d85dd533282d2aa6cd6db"
    assert hashlib.sha256(text.encode()).hexdigest() == fingerprint


def test_orders_and_sum_of_the_last_12_months_are_the_customers_own(shop: demo.Shop) -> None:
    amounts = recent(shop.orders).groupby("customer_id")["amount"]
    count = by_customer(shop, amounts.size()).fillna(0).to_numpy()
    spend = by_customer(shop, amounts.sum()).fillna(0).to_numpy()
    assert (count == shop.customers["orders_12m"].to_numpy()).all()
    assert numpy.abs(spend - shop.customers["spend_12m"].to_numpy()).max() < CENT
    some = count > 0
    average = shop.customers["average_basket"].to_numpy()[some]
    assert numpy.abs(spend[some] / count[some] - average).max() < CENT


def test_the_last_order_is_as_old_as_the_customers_row_says(shop: demo.Shop) -> None:
    last = by_customer(shop, shop.orders.groupby("customer_id")["ordered_at"].max())
    tenure = (TODAY - shop.customers["sign_up_date"]).dt.days.to_numpy()
    days = (TODAY - last.dt.normalize()).dt.days.to_numpy()
    none = numpy.isnan(days)
    new = (shop.customers["orders_12m"].to_numpy() == 0) & (tenure <= DAYS_PER_YEAR)
    assert (none == new).all()
    assert 0 < none.sum() < len(none)
    assert (days[~none] == shop.customers["recency_days"].to_numpy()[~none]).all()


def test_nobody_orders_before_registration_or_after_the_reference_date(shop: demo.Shop) -> None:
    signed_up = shop.orders["customer_id"].map(
        shop.customers.set_index("customer_id")["sign_up_date"]
    )
    assert (shop.orders["ordered_at"] >= signed_up).all()
    assert shop.orders["ordered_at"].max() < TODAY + pandas.Timedelta(days=1)


def test_every_key_matches(shop: demo.Shop) -> None:
    assert shop.orders["order_id"].is_unique
    assert shop.products["product_id"].is_unique
    assert shop.products["name"].is_unique
    assert not shop.order_lines.duplicated(["order_id", "line"]).any()
    assert set(shop.orders["customer_id"]) <= set(shop.customers["customer_id"])
    assert set(shop.order_lines["order_id"]) == set(shop.orders["order_id"])
    assert set(shop.order_lines["product_id"]) <= set(shop.products["product_id"])
    assert list(shop.tables()) == ["customers", "products", "orders", "order_lines"]


def test_orders_stand_by_time_and_lines_are_numbered_inside_them(shop: demo.Shop) -> None:
    assert shop.orders["ordered_at"].is_monotonic_increasing
    assert shop.orders["order_id"].is_monotonic_increasing
    number = shop.order_lines.groupby("order_id", sort=False).cumcount() + 1
    assert (shop.order_lines["line"] == number).all()


def test_lines_sold_add_up_to_the_order_and_lines_sent_back_to_its_return(shop: demo.Shop) -> None:
    lines = shop.order_lines.assign(back=shop.order_lines["quantity"] < 0)
    sums = lines.pivot_table(index="order_id", columns="back", values="amount", aggfunc="sum")
    sums = sums.reindex(shop.orders["order_id"]).fillna(0.0)
    assert numpy.abs(sums[False].to_numpy() - shop.orders["amount"].to_numpy()).max() < CENT
    assert numpy.abs(sums[True].to_numpy() - shop.orders["returned"].to_numpy()).max() < CENT
    assert (shop.orders["amount"] > 0).all()
    assert (shop.orders["returned"] <= 0).all()
    assert (shop.orders["amount"] + shop.orders["returned"] > -CENT).all()


def test_a_line_costs_its_catalogue_price_less_a_discount_below_one_piece(
    shop: demo.Shop,
) -> None:
    lines = shop.order_lines.merge(
        shop.products, on="product_id", suffixes=("", "_listed"), validate="many_to_one"
    )
    assert (lines["price"] == lines["price_listed"]).all()
    paid = lines["quantity"] * lines["price"] - lines["discount"]
    assert numpy.abs(paid - lines["amount"]).max() < CENT
    sign = numpy.sign(lines["quantity"])
    assert (sign * lines["discount"] >= 0).all()
    assert (sign * lines["discount"] < lines["price"]).all()
    assert (sign * lines["amount"] > 0).all()


def test_a_line_sent_back_is_one_that_was_sold(shop: demo.Shop) -> None:
    lines = shop.order_lines
    back = lines["quantity"] < 0
    sold = lines[~back].groupby(["order_id", "product_id", "amount"]).size()
    returned = lines[back].assign(amount=-lines["amount"])
    returned = returned.groupby(["order_id", "product_id", "amount"]).size()
    assert len(returned) > 0
    assert (returned <= sold.reindex(returned.index).fillna(0)).all()


def test_lines_are_of_products_of_the_orders_department(shop: demo.Shop) -> None:
    department = shop.order_lines["product_id"].map(
        shop.products.set_index("product_id")["department"]
    )
    ordered = shop.order_lines["order_id"].map(shop.orders.set_index("order_id")["department"])
    assert (department == ordered).all()


def test_the_catalogue_has_several_products_in_each_category() -> None:
    products = demo.simulate_products()
    assert len(products) == 720
    assert (products.groupby("category").size() == 3).all()
    assert products["price"].min() > 0
    by_category = products.groupby("category", sort=False)["price"]
    assert by_category.apply(lambda price: price.is_monotonic_increasing).all()


def test_same_seed_gives_the_same_tables_and_another_seed_another() -> None:
    first, again = demo.simulate_shop(200, seed=3), demo.simulate_shop(200, seed=3)
    for name, table in first.tables().items():
        pandas.testing.assert_frame_equal(table, again.tables()[name])
    other = demo.simulate_orders(first.customers, seed=4)
    assert not first.orders.equals(other)
    pandas.testing.assert_frame_equal(demo.simulate_orders(first.customers, seed=3), first.orders)


@pytest.mark.parametrize("count", [1, 2, 17])
def test_any_number_of_customers(count: int) -> None:
    for seed in range(5):
        shop = demo.simulate_shop(count, seed)
        assert len(recent(shop.orders)) == shop.customers["orders_12m"].sum()


def test_customers_who_never_ordered_have_no_orders(shop: demo.Shop) -> None:
    ordered = shop.customers["customer_id"].isin(shop.orders["customer_id"])
    none = demo.simulate_shop(shop.customers[~ordered], seed=1)
    assert (len(none.orders), len(none.order_lines)) == (0, 0)
    assert list(none.orders) == list(shop.orders)
    assert none.orders.dtypes["ordered_at"] == shop.orders.dtypes["ordered_at"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_written_files_read_back(tmp_path: Path, form: str) -> None:
    paths = demo.write_orders_demo(tmp_path / "new" / "folder", 50, seed=5, form=form)
    shop = demo.simulate_shop(50, seed=5)
    assert list(paths) == ["customers", "products", "orders", "order_lines"]
    read = pandas.read_csv if form == "csv" else pandas.read_parquet
    for name, table in shop.tables().items():
        found = read(paths[name])
        assert list(found) == list(table)
        for column in table:
            same = found[column].astype(table[column].dtype)
            gone = table[column].isna()
            assert (same.isna() == gone).all(), column
            assert (same[~gone] == table.loc[~gone, column]).all(), column


def test_customers_read_from_their_file_get_the_same_orders(tmp_path: Path) -> None:
    paths = demo.write_orders_demo(tmp_path, 80, seed=5)
    again = demo.simulate_orders(pandas.read_csv(paths["customers"]), seed=5)
    pandas.testing.assert_frame_equal(again, demo.simulate_orders(80, seed=5))


def test_written_orders_conform_to_a_schema_of_events(tmp_path: Path) -> None:
    paths = demo.write_orders_demo(tmp_path, 80, seed=5)
    schema = parse_schema(EVENTS)
    assert violations(read_table(paths["orders"]), schema) == ()


def test_another_form_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="form is 'xml'; allowed are csv, parquet"):
        demo.write_orders_demo(tmp_path / "new", 5, form="xml")
    assert not (tmp_path / "new").exists()


# What is changed in the first row, and what the error says.
WRONG = [
    ({"customer_id": None}, "1 rows have no customer_id"),
    ({"customer_id": "C00000002"}, "1 rows have no customer_id, or one that another row has"),
    ({"sign_up_date": pandas.NaT}, "no date as sign_up_date"),
    ({"sign_up_date": pandas.Timestamp("2015-12-31")}, "sign_up_date before the launch"),
    ({"sign_up_date": pandas.Timestamp("2026-01-01")}, "after the reference"),
    ({"recency_days": -1}, "recency_days below 0"),
    ({"recency_days": 4000}, "before sign_up_date"),
    ({"orders_12m": -1, "recency_days": 700}, "orders_12m below 0"),
    ({"orders_12m": 2, "recency_days": 366}, "recency_days above a year"),
    ({"orders_12m": 0, "recency_days": 365}, "a recent order but orders_12m = 0"),
    ({"spend_12m": 0.19, "orders_12m": 2}, "spend_12m too small"),
    ({"spend_12m": float("nan")}, "no number as spend_12m"),
    ({"membership_tier": "lead"}, "an unknown membership_tier"),
    ({"acquisition_channel": None}, "an unknown acquisition_channel"),
    ({"preferred_category": "fashion_99"}, "an unknown preferred_category"),
    ({"income_band": "some"}, "an unknown income_band"),
]


@pytest.fixture
def two_customers() -> pandas.DataFrame:
    table = demo.simulate_customers(2, seed=0)
    table["sign_up_date"] = pandas.Timestamp("2020-01-01")
    return table.assign(recency_days=10, orders_12m=3, spend_12m=60.0, income_band=None)


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_customers_that_contradict_themselves_are_refused(
    two_customers: pandas.DataFrame, change: dict[str, object], said: str
) -> None:
    demo.simulate_orders(two_customers)
    for name, value in change.items():
        two_customers[name] = pandas.Series([value, two_customers[name][1]])
    with pytest.raises(UsageError, match=said):
        demo.simulate_orders(two_customers)


def test_a_missing_column_is_named(two_customers: pandas.DataFrame) -> None:
    with pytest.raises(UsageError, match="customers has no column recency_days, income_band"):
        demo.simulate_orders(two_customers.drop(columns=["income_band", "recency_days"]))


def test_the_released_orders_are_a_history_of_their_customer_and_lines_are_none() -> None:
    schema = parse_schema(demo.orders_schema_yaml())
    orders, lines = schema.tables
    assert orders.history is not None
    assert orders.history.order == "ordered_at"
    assert lines.history is None
