"""A small table of purchases whose dependence is known, and its schema."""

import numpy as np
import pandas as pd

SCHEMA = """
format: privgan.schema/1
dataset: purchases
unit: customer
max_rows_per_unit: 6
order: day
history: {constant: [segment], longest: 12}
columns:
  - {name: customer, kind: identifier, missing: false}
  - {name: day, kind: date, lower: 2024-01-01, upper: 2024-12-31, missing: false}
  - {name: segment, kind: categorical, categories: [basic, gold], missing: false}
  - {name: channel, kind: categorical, categories: [shop, web, app], missing: false}
  - {name: amount, kind: float, lower: -50, upper: 1000, decimals: 2, missing: false}
"""
_MOST = 12


def purchases(customers: int = 1_500, seed: int = 0) -> pd.DataFrame:
    """Rows of customers: gold ones buy oftener and dearer, each has a level and a channel.

    The first purchase falls in the first quarter; a purchase keeps the channel of the one before
    with probability 0.8; one in twenty is given back.
    """
    rng = np.random.default_rng(seed)
    gold = rng.random(customers) < 0.3
    rows = np.clip(rng.geometric(np.where(gold, 0.2, 0.5)), 1, _MOST)
    owner = np.repeat(np.arange(customers), rows)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows)
    first = rng.integers(0, 91, customers)
    gaps = np.where(place == 0, 0, rng.geometric(1 / 20, len(owner)))
    day = np.minimum(first[owner] + _running(gaps, place), 365)
    level = np.where(gold, 4.5, 3.5) + 0.6 * rng.standard_normal(customers)
    amount = np.exp(level[owner] + 0.5 * rng.standard_normal(len(owner)))
    amount = np.where(rng.random(len(owner)) < 0.05, -np.minimum(amount, 50), amount)
    channel = rng.integers(0, 3, len(owner))
    for row in range(1, len(owner)):
        if place[row] and rng.random() < 0.8:
            channel[row] = channel[row - 1]
    return pd.DataFrame(
        {
            "customer": [f"c{number:05d}" for number in owner],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
            "segment": np.where(gold, "gold", "basic")[owner],
            "channel": np.array(["shop", "web", "app"])[channel],
            "amount": np.round(np.clip(amount, -50, 1000), 2),
        }
    )


def _running(gaps: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Sum of a customer's gaps up to each row [rows]."""
    total = np.cumsum(gaps)
    starts = np.flatnonzero(place == 0)
    before = np.repeat(total[starts] - gaps[starts], np.diff(np.append(starts, len(gaps))))
    return total - before
