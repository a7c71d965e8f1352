"""A made-up table with a rare fraud: what tells of it, what does not, and its schema."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from privgan.schema.rare import RareOutcome
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask
from privgan.table.schema_file import parse_schema

TEXT = """format: privgan.schema/1
dataset: payments
unit: row
target: {column: fraud, rare: true, positives: 160}
columns:
  - {name: amount, kind: integer, lower: 0, upper: 1000}
  - {name: channel, kind: categorical, categories: [shop, web, phone]}
  - {name: hour, kind: integer, lower: 0, upper: 23}
  - {name: noise, kind: integer, lower: 0, upper: 1000}
  - {name: fraud, kind: boolean, labels: ["no", "yes"]}
"""
SCHEMA: Schema = parse_schema(TEXT)
UNKNOWN = replace(SCHEMA, rare=RareOutcome(positive="yes"))
PLAIN = replace(
    SCHEMA, rare=None, tasks=(ResponseTask(target="fraud", positive="yes"),), target="fraud"
)


def draw(rows: int, positives: int, seed: int) -> pd.DataFrame:
    """Payments of which some are frauds: large ones, by phone, at night."""
    generator = np.random.default_rng(seed)
    fraud = generator.permutation(rows) < positives
    amount = generator.gamma(1.5, 80.0, rows) + fraud * generator.gamma(4.0, 80.0, rows)
    channel = np.where(
        fraud,
        generator.choice(["shop", "web", "phone"], rows, p=[0.1, 0.3, 0.6]),
        generator.choice(["shop", "web", "phone"], rows, p=[0.6, 0.3, 0.1]),
    )
    hour = np.where(
        fraud & (generator.random(rows) < 0.6),
        generator.integers(0, 6, rows),
        generator.integers(0, 24, rows),
    )
    return pd.DataFrame(
        {
            "amount": amount.clip(0, 1000).astype(int),
            "channel": channel,
            "hour": hour,
            "noise": generator.integers(0, 1001, rows),
            "fraud": np.where(fraud, "yes", "no"),
        }
    )
