"""Figures of the demo's orders, a related table that may have an order in time."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

import privgan
from privgan.demo import write_shop
from tests.benchmarks.histories import figures

_DAY, _TWENTIETHS = 86_400.0, np.arange(0.05, 1, 0.05)
_START = pd.Timestamp("2016-01-01")


def tables_of(folder: Path, customers: int, seed: int, *, ordered: bool) -> tuple[Path, Path]:
    """The demo's tables and their schema, with an order of the orders or without one.

    Args:
        folder: Where they are written.
        customers: How many to simulate.
        seed: Draws them.
        ordered: Whether a customer's orders are a history.
    """
    tables, schema = write_shop(folder, customers, seed)
    facts = yaml.safe_load(schema.read_text(encoding="utf-8"))
    (orders,) = (table for table in facts["tables"] if table["name"] == "orders")
    for key, value in (("order", "ordered_at"), ("history", True)):
        orders.pop(key, None)
        if ordered:
            orders[key] = value
    schema.write_text(yaml.safe_dump(facts, sort_keys=False), encoding="utf-8")
    return tables, schema


def read(tables: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers and orders of a folder of tables."""
    return pd.read_csv(tables / "customers.csv"), pd.read_csv(tables / "orders.csv")


def fitted(
    tables: Path, schema: Path, customers: int, epsilon: float, effort: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers and orders of a fit, as many customers as the real ones."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = privgan.Synthesizer(
            schema,
            epsilon=epsilon,
            public_rows=customers,
            effort=effort,
            seed=seed,
            on_violation="clamp",
            ledger=Path(folder) / "ledger.sqlite",
        ).fit(str(tables))
        made = model.sample_tables(customers, seed=seed)
    return made["customers"], made["orders"]


def compared(
    made: tuple[pd.DataFrame, pd.DataFrame], real: tuple[pd.DataFrame, pd.DataFrame]
) -> dict[str, float]:
    """Distances of synthetic orders to real ones, and what goes together within a customer.

    Args:
        made: Customers and orders.
        real: The real ones, at whose twentieths numbers are cut.
    """
    one, other = _numbers(*made), _numbers(*real)
    return {name: _distance(one[name], other[name]) for name in one} | _alike(*made)


def _numbers(customers: pd.DataFrame, orders: pd.DataFrame) -> dict[str, np.ndarray]:
    by = _in_order(orders).groupby("customer_id")["day"]
    first, last, number = by.min(), by.max(), by.size()
    return {
        "gaps": by.diff().dropna().to_numpy(),
        "first": first.to_numpy(),
        "last": last.to_numpy(),
        "span": (last - first)[number > 1].to_numpy(),
        "number": number.reindex(customers["customer_id"]).fillna(0).to_numpy(),
    }


def _in_order(orders: pd.DataFrame) -> pd.DataFrame:
    days = (pd.to_datetime(orders["ordered_at"]) - _START).dt.total_seconds() / _DAY
    return orders.assign(day=days).sort_values(["customer_id", "day"], kind="stable")


def _alike(customers: pd.DataFrame, orders: pd.DataFrame) -> dict[str, float]:
    ordered = _in_order(orders)
    by = ordered.groupby("customer_id")
    later = by.cumcount() > 0
    same = {
        f"same {name}": float((ordered[name] == by[name].shift(1))[later].mean())
        for name in ("department", "channel")
    }
    signed = pd.to_datetime(customers.set_index("customer_id")["sign_up_date"])
    first = by["day"].min()
    after = first >= (signed.reindex(first.index) - _START).dt.days
    amounts = figures.within_correlation(ordered["customer_id"], ordered["amount"])
    return {**same, "after sign-up": float(after.mean()), "correlation": amounts}


def _distance(made: np.ndarray, real: np.ndarray) -> float:
    """Total variation distance in cells that end at the real twentieths."""
    ends = np.unique(np.quantile(real, _TWENTIETHS))
    one, other = (
        np.bincount(np.searchsorted(ends, values), minlength=len(ends) + 1) / len(values)
        for values in (made, real)
    )
    return 0.5 * float(np.abs(one - other).sum())
