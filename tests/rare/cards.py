"""A made-up table like a published one of cards: defaults lie in the last twentieth of balances."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

TEXT = """format: privgan.schema/1
dataset: cards
unit: row
target: {column: bad, rare: true, positives: 260}
columns:
  - {name: student, kind: boolean, labels: ["no", "yes"]}
  - {name: balance, kind: integer, lower: 0, upper: 3000}
  - {name: income, kind: integer, lower: 0, upper: 80000}
  - {name: bad, kind: boolean, labels: ["no", "yes"]}
"""
SCHEMA: Schema = parse_schema(TEXT)


def draw(rows: int, seed: int) -> pd.DataFrame:
    """Cards of which some 3 % go bad: by the logistic curve of ``ISLR::Default``."""
    generator = np.random.default_rng(seed)
    student = generator.random(rows) < 0.3
    balance = generator.normal(np.where(student, 990, 770), 480).clip(0, 3000)
    income = generator.normal(np.where(student, 18_000, 40_000), 8_000).clip(0, 80_000)
    odds = -10.87 + 0.0057 * balance - 0.65 * student
    bad = generator.random(rows) < 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {
            "student": np.where(student, "yes", "no"),
            "balance": balance.astype(int),
            "income": income.astype(int),
            "bad": np.where(bad, "yes", "no"),
        }
    )
