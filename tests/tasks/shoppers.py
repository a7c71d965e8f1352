"""Made-up purchases, the next told by those before, with a season: for the audit's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.histories.tables import history_tables
from privgan.audit.tasks.tables import TaskTables
from privgan.owner.private_table import numbered
from privgan.schema.schema import Schema
from privgan.table.conform import conform
from privgan.table.schema_file import parse_schema

PRODUCTS = tuple(f"p{number:02d}" for number in range(24))
TEXT = f"""format: privgan.schema/1
dataset: shoppers
unit: customer
max_rows_per_unit: 8
order: day
history: {{constant: [segment], longest: 20}}
columns:
  - {{name: customer, kind: identifier}}
  - {{name: day, kind: date, lower: 2022-01-01, upper: 2024-12-31}}
  - {{name: segment, kind: categorical, categories: [basic, gold]}}
  - {{name: product, kind: categorical, categories: [{", ".join(PRODUCTS)}]}}
  - {{name: amount, kind: float, decimals: 1, lower: 0, upper: 100}}
tasks:
  - {{kind: recommendation, column: product}}
  - {{kind: recommendation, column: product, new: true}}
  - {{kind: forecast, target: amount}}
  - {{kind: forecast, period: quarter, horizon: 2}}
"""
SCHEMA: Schema = parse_schema(TEXT)
_GROUPS, _DAYS = 4, 1_096


def draw(customers: int, seed: int) -> pd.DataFrame:
    """Customers who stay in one of four groups of products, and buy most in December."""
    generator = np.random.default_rng(seed)
    number = generator.integers(2, 9, customers)
    owner = np.repeat(np.arange(customers), number)
    group = generator.integers(0, _GROUPS, customers)[owner]
    strays = generator.random(len(owner)) < 0.2
    group = np.where(strays, generator.integers(0, _GROUPS, len(owner)), group)
    size = len(PRODUCTS) // _GROUPS
    rank = np.minimum(generator.geometric(0.35, len(owner)) - 1, size - 1)
    season = 1 + 0.8 * np.cos(2 * np.pi * (np.arange(_DAYS) - 350) / 365.25)
    day = generator.choice(_DAYS, len(owner), p=season / season.sum())
    rows = pd.DataFrame(
        {
            "customer": [f"{seed}-{number}" for number in owner],
            "day": pd.Timestamp("2022-01-01") + pd.to_timedelta(day, unit="D"),
            "segment": np.where(generator.random(customers) < 0.3, "gold", "basic")[owner],
            "product": np.array(PRODUCTS)[group * size + rank],
            "amount": np.round(generator.gamma(3.0, 5.0, len(owner)).clip(0, 100), 1),
        }
    )
    return rows.sort_values(["customer", "day"], kind="stable", ignore_index=True)


def useless(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every column right and nothing between them, but for months: all days fall in one year."""
    generator = np.random.default_rng(seed)
    mixed = rows["product"].to_numpy()[generator.permutation(len(rows))]
    day = pd.Timestamp("2022-01-01") + pd.to_timedelta(generator.integers(0, 365, len(rows)), "D")
    return rows.assign(product=mixed, day=day)


def tables(synthetic: pd.DataFrame, schema: Schema = SCHEMA, customers: int = 900) -> TaskTables:
    """The audit's tables with one synthetic table."""
    parts = draw(customers, 1), draw(customers // 2, 2), synthetic
    typed = [conform(part, schema) for part in parts]
    coder = AuditCoder.from_reference(schema, typed[0])
    coded: list[CodedTable] = [coder.code(part) for part in typed]
    for place in (0, 1):
        names = numbered(parts[place]["customer"].to_numpy())
        coded[place] = replace(coded[place], customers=names)
    kept_in, left_out, made = coded
    histories = None
    if schema.history is not None:
        three = (kept_in, left_out, made)
        units = synthetic["customer"].to_numpy()
        histories = history_tables(schema.history, coder.columns, three, units)
    return TaskTables(coder, kept_in, left_out, made, 0, histories)
