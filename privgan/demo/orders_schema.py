"""Write the schema of the demo's related tables: customers, their orders, the orders' lines.

Public facts alone, from the model's parameters and from no row. The catalogue of products is
public, and no table of the release. A customer's orders are a history: they have an order.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.catalogue import product_ids, simulate_products
from privgan.demo.graph import GROUPS
from privgan.demo.orders import simulate_shop
from privgan.demo.schema import demo_columns
from privgan.files.json_types import JsonDict

DATASET = "retail-demo-orders"
# What the demo tells of a customer beside the orders.
_CUSTOMER = (
    *("customer_id", "name", "email", "age", "gender", "region"),
    *("acquisition_channel", "sign_up_date", "membership_tier", "converted"),
)
_ORDER = ("order_id", "customer_id", "ordered_at", "channel", "department", "amount", "returned")
_LINE = ("order_id", "department", "product_id", "quantity", "amount")
# Chosen, and clamped to: an order beyond is one in some 5,000.
_LARGEST_ORDER, _LARGEST_LINE, _MOST_PIECES = 1_000, 500, 50
_ORDERS_MEASURED, _LINES_MEASURED, _MOST_ORDERS = 10, 20, 300
_COMMENT = (
    "# Simulated customers of a retailer with their orders; every fact comes from privgan's own"
    " model (privgan/demo/README.md).\n"
)


def orders_schema_yaml() -> str:
    """Schema of the simulated customers, orders and lines as YAML text."""
    document = {
        "format": "privgan.schema/1",
        "dataset": DATASET,
        "unit": "customer_id",
        "tables": [_customers(), _orders(), _lines()],
    }
    return _COMMENT + yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110)


def write_shop(folder: Path, customers: int, seed: int) -> tuple[Path, Path]:
    """Write the three tables and their schema.

    Args:
        folder: Where ``tables/`` and ``schema.yaml`` are written.
        customers: How many to simulate.
        seed: Draws them and their orders.

    Returns:
        The folder of the tables, and the schema's file.
    """
    shop, tables = simulate_shop(customers, seed), folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    shop.customers[list(_CUSTOMER)].to_csv(
        tables / "customers.csv", index=False, date_format="%Y-%m-%d"
    )
    shop.orders[list(_ORDER)].to_csv(
        tables / "orders.csv", index=False, date_format="%Y-%m-%d %H:%M:%S"
    )
    lines = shop.order_lines.merge(shop.products[["product_id", "department"]], on="product_id")
    lines[list(_LINE)].to_csv(tables / "order_lines.csv", index=False)
    schema = folder / "schema.yaml"
    schema.write_text(orders_schema_yaml(), encoding="utf-8")
    return tables, schema


def _customers() -> JsonDict:
    found = {column["name"]: column for column in demo_columns()}
    return {
        "name": "customers",
        "key": "customer_id",
        "columns": [found[name] for name in _CUSTOMER],
    }


def _orders() -> JsonDict:
    columns = [
        {"name": "order_id", "kind": "identifier", "pattern": "O{:08d}"},
        {"name": "customer_id", "kind": "identifier"},
        {
            "name": "ordered_at",
            "kind": "datetime",
            "lower": f"{p.LAUNCH_DATE} 00:00:00",
            "upper": f"{p.REFERENCE_DATE} 23:59:59",
        },
        {"name": "channel", "kind": "categorical", "categories": list(q.CHANNELS)},
        {"name": "department", "kind": "categorical", "categories": list(GROUPS)},
        _money("amount", 0, _LARGEST_ORDER),
        _money("returned", -_LARGEST_ORDER, 0, special_values=[0]),
    ]
    return {
        "name": "orders",
        "key": "order_id",
        "parent": {"table": "customers", "column": "customer_id"},
        "max_rows_per_unit": _ORDERS_MEASURED,
        "longest": _MOST_ORDERS,
        "order": "ordered_at",
        "history": True,
        "columns": columns,
    }


def _lines() -> JsonDict:
    columns = [
        {"name": "order_id", "kind": "identifier"},
        {"name": "department", "kind": "categorical", "categories": list(GROUPS)},
        {"name": "product_id", "kind": "categorical", "categories": product_ids()},
        {"name": "quantity", "kind": "integer", "lower": -_MOST_PIECES, "upper": _MOST_PIECES},
        _money("amount", -_LARGEST_LINE, _LARGEST_LINE),
    ]
    return {
        "name": "order_lines",
        "parent": {"table": "orders", "column": "order_id"},
        "max_rows_per_unit": _LINES_MEASURED,
        "longest": 2 * q.LARGEST_LINES,
        "columns": columns,
        "constraints": [
            {
                "combinations": ["department", "product_id"],
                "allowed": simulate_products()[["department", "product_id"]].to_numpy().tolist(),
                "description": "each product belongs to one department",
            }
        ],
    }


def _money(name: str, lower: int, upper: int, **facts: object) -> JsonDict:
    return {
        "name": name,
        "kind": "float",
        "decimals": 2,
        "lower": lower,
        "upper": upper,
        "role": "sensitive",
        **facts,
    }
