"""A small shop of three related tables: customers, their orders, and the orders' lines."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

SCHEMA = """\
format: privgan.schema/1
dataset: shop
unit: customer
tables:
  - name: customers
    key: customer
    columns:
      - {name: customer, kind: identifier, pattern: "C{:05d}", role: identifier}
      - {name: segment, kind: categorical, categories: [new, loyal], role: quasi-identifier}
      - {name: age, kind: integer, lower: 18, upper: 90}
  - name: orders
    key: order
    parent: {table: customers, column: customer}
    max_rows_per_unit: 5
    longest: 8
    columns:
      - {name: order, kind: identifier, pattern: "O{:06d}"}
      - {name: customer, kind: identifier}
      - {name: day, kind: date, lower: 2024-01-01, upper: 2024-12-31}
      - {name: channel, kind: categorical, categories: [web, store]}
      - {name: amount, kind: float, lower: 0, upper: 500, decimals: 2, role: sensitive}
  - name: lines
    parent: {table: orders, column: order}
    max_rows_per_unit: 12
    longest: 4
    columns:
      - {name: order, kind: identifier}
      - {name: product, kind: categorical, categories: [shoe, sock, shirt]}
      - {name: pieces, kind: integer, lower: 1, upper: 9}
    constraints:
      - {when: product = shoe, then: pieces <= 2}
"""


def schema(text: str = SCHEMA) -> Schema:
    """The shop's schema."""
    return parse_schema(text, name="shop.yaml")


@cache
def _frames(customers: int, seed: int) -> tuple[pd.DataFrame, ...]:
    rng = np.random.default_rng(seed)
    loyal = rng.random(customers) < 0.4
    names = np.array([f"K-{number}" for number in rng.permutation(customers)], dtype=object)
    people = pd.DataFrame(
        {
            "customer": names,
            "segment": np.where(loyal, "loyal", "new"),
            "age": rng.integers(18, 91, customers),
        }
    )
    each = np.where(loyal, rng.poisson(3.0, customers), rng.poisson(0.8, customers)).clip(0, 8)
    owner = np.repeat(np.arange(customers), each)
    count = len(owner)
    taste = rng.random(customers)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 366, count), unit="D")
    web = rng.random(count) < np.where(loyal[owner], 0.8, 0.3)
    orders = pd.DataFrame(
        {
            "order": np.array([f"B{number}" for number in rng.permutation(count)], dtype=object),
            "customer": names[owner],
            "day": days.strftime("%Y-%m-%d"),
            "channel": np.where(web, "web", "store"),
            "amount": (400 * taste[owner] + 100 * rng.random(count)).round(2),
        }
    )
    lines_each = 1 + rng.binomial(3, np.where(web, 0.2, 0.6))
    of = np.repeat(np.arange(count), lines_each)
    product = np.where(rng.random(len(of)) < np.where(web[of], 0.7, 0.2), "shoe", "sock")
    pieces = np.where(product == "shoe", rng.integers(1, 3, len(of)), rng.integers(1, 10, len(of)))
    lines = pd.DataFrame(
        {"order": orders["order"].to_numpy()[of], "product": product, "pieces": pieces}
    )
    orders = orders.sample(frac=1, random_state=seed).reset_index(drop=True)
    return people, orders, lines.sample(frac=1, random_state=seed).reset_index(drop=True)


def frames(customers: int = 300, seed: int = 0) -> dict[str, pd.DataFrame]:
    """The shop's tables by name; some customers have no orders."""
    people, orders, lines = _frames(customers, seed)
    return {"customers": people.copy(), "orders": orders.copy(), "lines": lines.copy()}


def written(folder: Path, tables: dict[str, pd.DataFrame], form: str = "csv") -> Path:
    """The tables as files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        if form == "csv":
            frame.to_csv(folder / f"{name}.csv", index=False)
        else:
            frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


ORDERED = SCHEMA.replace(
    "    longest: 8\n", "    longest: 8\n    order: day\n    history: {spread: [amount]}\n"
)
