"""Simulate a retailer's orders for the customers of the demo, with lines and products.

The orders agree with each customer's columns: number, sum and last day of the last 12 months, and
the day of registration. `orders_truth` tells what is known about them; ``README.md`` explains all.

>>> shop = simulate_shop(100, seed=7)
>>> shop.orders.loc[0, "order_id"]
'O00000001'
>>> int(shop.customers["orders_12m"].sum()) <= len(shop.orders) <= len(shop.order_lines)
True
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from privgan.demo import order_parameters as q
from privgan.demo.baskets import Lines, Orders, draw_lines, draw_orders
from privgan.demo.catalogue import product_ids, simulate_products
from privgan.demo.graph import GROUPS
from privgan.demo.network import Codes
from privgan.demo.purchases import draw_purchases
from privgan.demo.shoppers import read_shoppers
from privgan.demo.simulator import simulate_customers
from privgan.errors import UsageError

if TYPE_CHECKING:
    import pandas

_STREAM = 1  # makes the orders' coins others than the customers' of the same seed
_FORMS = ("csv", "parquet")
_DATES = {"customers": "%Y-%m-%d", "orders": "%Y-%m-%d %H:%M:%S"}  # how a CSV writes moments


@dataclass(frozen=True, kw_only=True, eq=False)
class Shop:
    """Four related tables; each child names its parent's key.

    Attributes:
        customers: One row a customer, key ``customer_id``.
        orders: One row an order, key ``order_id``, parent customers.
        order_lines: One row a line, key ``order_id`` and ``line``, parents orders and products.
        products: One row a product, key ``product_id``.
    """

    customers: pandas.DataFrame
    orders: pandas.DataFrame
    order_lines: pandas.DataFrame
    products: pandas.DataFrame

    def tables(self) -> dict[str, pandas.DataFrame]:
        """The tables by name, parents first."""
        return {
            "customers": self.customers,
            "products": self.products,
            "orders": self.orders,
            "order_lines": self.order_lines,
        }


def simulate_orders(customers: pandas.DataFrame | int, seed: int = 0) -> pandas.DataFrame:
    """Simulate the orders [orders, 7 columns] of customers, by time.

    Args:
        customers: A table like that of `simulate_customers`, or how many to simulate.
        seed: The same customers and seed give the same orders.

    Raises:
        UsageError: where the customers' columns are absent or contradict each other.
    """
    return simulate_shop(customers, seed).orders


def simulate_shop(customers: pandas.DataFrame | int, seed: int = 0) -> Shop:
    """Simulate orders with their lines; arguments and errors are those of `simulate_orders`."""
    table = simulate_customers(customers, seed) if isinstance(customers, int) else customers
    shoppers, rng = read_shoppers(table), numpy.random.default_rng([seed, _STREAM])
    orders = draw_orders(shoppers, draw_purchases(shoppers, rng), rng)
    lines = draw_lines(shoppers, orders, rng)
    ids = _order_ids(len(orders.cents))
    return Shop(
        customers=table,
        orders=_orders_table(orders, lines, ids, table["customer_id"]),
        order_lines=_lines_table(lines, ids),
        products=simulate_products(),
    )


def write_orders_demo(
    folder: Path, customers: pandas.DataFrame | int, seed: int = 0, *, form: str = "csv"
) -> dict[str, Path]:
    """Write the four tables of `simulate_shop` into a folder; returns each table's path.

    Raises:
        UsageError: where form is neither csv nor parquet, and as `simulate_orders`.
    """
    if form not in _FORMS:
        raise UsageError(f"form is {form!r}; allowed are {', '.join(_FORMS)}")
    tables = simulate_shop(customers, seed).tables()
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.{form}" for name in tables}
    for name, table in tables.items():
        if form == "csv":
            table.to_csv(paths[name], index=False, date_format=_DATES.get(name))
        else:
            table.to_parquet(paths[name], index=False)
    return paths


def _orders_table(
    orders: Orders, lines: Lines, ids: Codes, customer_id: pandas.Series
) -> pandas.DataFrame:
    import pandas

    back = lines.quantity < 0
    returned = numpy.bincount(
        lines.order[back], weights=lines.cents[back], minlength=len(orders.cents)
    )
    return pandas.DataFrame(
        {
            "order_id": ids,
            "customer_id": customer_id.to_numpy()[orders.customer],
            "ordered_at": orders.moment.astype("datetime64[ns]"),
            "channel": numpy.array(q.CHANNELS, dtype=object)[orders.channel],
            "department": numpy.array(GROUPS, dtype=object)[orders.department],
            "amount": orders.cents / 100,
            "returned": returned / 100,
        }
    )


def _lines_table(lines: Lines, ids: Codes) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame(
        {
            "order_id": ids[lines.order],
            "line": lines.number,
            "product_id": numpy.array(product_ids(), dtype=object)[lines.product],
            "quantity": lines.quantity,
            "price": lines.price_cents / 100,
            "discount": (lines.quantity * lines.price_cents - lines.cents) / 100,
            "amount": lines.cents / 100,
        }
    )


def _order_ids(count: int) -> Codes:
    return numpy.array([f"O{serial:08d}" for serial in range(1, count + 1)], dtype=object)
