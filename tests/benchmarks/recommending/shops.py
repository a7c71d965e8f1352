"""Purchases of customers whose next one is to be recommended, and their schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from privgan.demo import simulate_shop
from privgan.demo.catalogue import simulate_products
from privgan.demo.graph import GROUPS

SHOP, CDNOW = "simulator", "cdnow"
CUSTOMER = "customer_id"
_TIERS = ("basic", "silver", "gold", "platinum")
HORIZON = 3  # Months that are forecast, of the simulator alone.
_DEAREST, _WIDTH, _MOST_DOLLARS = 500, 5, 100


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """A table of purchases.

    Attributes:
        rows: A purchase a row, each customer's in order of time.
        schema: The text of its schema.
        column: What is recommended.
        forecast: Whether purchases by month are forecast, too.
    """

    rows: pd.DataFrame
    schema: str
    column: str
    forecast: bool = False

    @property
    def values(self) -> list[str]:
        """What can be recommended."""
        columns = yaml.safe_load(self.schema)["columns"]
        return next(part["categories"] for part in columns if part["name"] == self.column)


def shop(customers: int, seed: int) -> Purchases:
    """Order lines of the simulator with their customer: 720 products of 12 departments.

    Args:
        customers: How many are simulated; those who never ordered have no line.
        seed: Draws them.
    """
    found = simulate_shop(customers, seed)
    products = found.products.set_index("product_id")
    lines = found.order_lines[found.order_lines["quantity"] > 0]
    orders = found.orders.set_index("order_id")[[CUSTOMER, "ordered_at"]]
    tiers = found.customers.set_index(CUSTOMER)["membership_tier"]
    rows = lines.join(orders, on="order_id").sort_values([CUSTOMER, "ordered_at"], kind="stable")
    table = pd.DataFrame(
        {
            CUSTOMER: rows[CUSTOMER].astype(str),
            "day": pd.to_datetime(rows["ordered_at"]).dt.strftime("%Y-%m-%d"),
            "membership_tier": rows[CUSTOMER].map(tiers).astype(str),
            "department": rows["product_id"].map(products["department"]).astype(str),
            "product_id": rows["product_id"].astype(str),
            "amount": rows["amount"].astype(float).clip(0, _DEAREST),
        }
    ).reset_index(drop=True)
    allowed = simulate_products()[["department", "product_id"]]
    facts = _schema(
        "shop-lines",
        "day",
        ("2015-12-31", "2025-12-31"),
        20,
        [
            _categories("membership_tier", list(_TIERS)),
            _categories("department", list(GROUPS)),
            _categories("product_id", allowed["product_id"].tolist()),
            {"name": "amount", "kind": "float", "decimals": 2, "lower": 0, "upper": _DEAREST},
        ],
        "product_id",
    )
    facts["history"] = {"constant": ["membership_tier"], "longest": 300}
    facts["tasks"].append({"kind": "forecast", "horizon": HORIZON})
    facts["constraints"] = [
        {"combinations": ["department", "product_id"], "allowed": allowed.to_numpy().tolist()}
    ]
    return Purchases(rows=table, schema=_text(facts), column="product_id", forecast=True)


def cdnow(data: Path) -> Purchases:
    """CDNOW's purchases; what is recommended is the band of five dollars that one costs.

    The file names no product: the bands are declared.

    Args:
        data: The folder of the published tables.
    """
    names = [CUSTOMER, "day", "cds", "dollars"]
    rows = pd.read_csv(
        data / "cdnow_transactions.txt", sep=r"\s+", header=0, names=names, dtype=str
    )
    dollars = rows["dollars"].astype(float)
    bands = [*range(0, _MOST_DOLLARS, _WIDTH), _MOST_DOLLARS]
    labels = [f"from {low}" for low in bands]
    table = pd.DataFrame(
        {
            CUSTOMER: rows[CUSTOMER],
            "day": pd.to_datetime(rows["day"]).dt.strftime("%Y-%m-%d"),
            "cds": rows["cds"].astype(int).clip(1, 30),
            "band": np.array(labels)[np.searchsorted(bands, dollars, side="right") - 1],
        }
    ).sort_values([CUSTOMER, "day"], kind="stable", ignore_index=True)
    columns = [
        {"name": "cds", "kind": "integer", "lower": 1, "upper": 30},
        _categories("band", labels),
    ]
    facts = _schema("cdnow-bands", "day", ("1997-01-01", "1998-06-30"), 10, columns, "band")
    facts["history"] = {"longest": 50}
    return Purchases(rows=table, schema=_text(facts), column="band")


def tables(data: Path, customers: int) -> Mapping[str, Callable[[], Purchases]]:
    """The tables by name, each made when it is wanted."""
    return {SHOP: lambda: shop(customers, 0), CDNOW: lambda: cdnow(data)}


def _categories(name: str, values: list[str]) -> dict[str, object]:
    return {"name": name, "kind": "categorical", "categories": values}


def _schema(
    dataset: str,
    order: str,
    ends: tuple[str, str],
    most: int,
    columns: list[dict[str, object]],
    recommended: str,
) -> dict[str, Any]:
    lower, upper = ends
    return {
        "format": "privgan.schema/1",
        "dataset": dataset,
        "unit": CUSTOMER,
        "max_rows_per_unit": most,
        "order": order,
        "columns": [
            {"name": CUSTOMER, "kind": "identifier"},
            {"name": order, "kind": "date", "lower": lower, "upper": upper},
            *columns,
        ],
        "tasks": [{"kind": "recommendation", "column": recommended}],
    }


def _text(facts: dict[str, Any]) -> str:
    return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
