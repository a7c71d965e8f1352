"""Small tables with what a review is to find in them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.drafting.draft import draft_schema
from privgan.schema.schema import Schema
from privgan.table.conform import typed_columns

ROWS = 600


def shop(rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    """Customers of a shop as text.

    Orders, spend and the last order come together, and nobody orders before signing up.
    """
    rng = np.random.default_rng(seed)
    orders = rng.integers(1, 40, rows) * (rng.random(rows) < 0.6)
    bought = orders > 0
    signed = pd.Timestamp("2018-01-01") + pd.to_timedelta(rng.integers(0, 2_000, rows), "D")
    last = signed + pd.to_timedelta(rng.integers(0, 900, rows), "D")
    spend = np.where(bought, rng.gamma(2, 40, rows).round(2) + 0.01, 0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 96, rows).astype(str),
            "tier": rng.choice(["basic", "silver", "gold"], rows, p=[0.6, 0.3, 0.1]),
            "orders": orders.astype(str),
            "spend": [f"{value:.2f}" for value in spend],
            "signed_up": signed.strftime("%Y-%m-%d"),
            "last_order_at": np.where(bought, last.strftime("%Y-%m-%d"), ""),
            "churned": rng.choice(["no", "yes"], rows),
        }
    )


def visits(rows: int = ROWS, seed: int = 2) -> pd.DataFrame:
    """A table of events: customer_id repeats, up to four rows each."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"C{serial // 4:06d}" for serial in range(rows)],
            "pages": rng.integers(0, 200, rows).astype(str),
            "device": rng.choice(["phone", "desk", "tv"], rows, p=[0.6, 0.395, 0.005]),
        }
    )


def unrelated(rows: int = ROWS, seed: int = 3) -> pd.DataFrame:
    """Independent columns, one of them always below the others by its bounds."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "rating": rng.integers(1, 90, rows).astype(str),
            "distance": rng.integers(1_000, 90_000, rows).astype(str),
            "weight": [f"{value:.1f}" for value in rng.normal(80, 12, rows)],
            "born": (
                pd.Series(
                    pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 9_000, rows), "D")
                ).dt.strftime("%Y-%m-%d")
            ),
            "visited": (
                pd.Series(
                    pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D")
                ).dt.strftime("%Y-%m-%d")
            ),
            "kind": rng.choice(["a", "b"], rows),
        }
    )


def drafted(frame: pd.DataFrame) -> Schema:
    """The draft of a table."""
    made = draft_schema(frame, "reviewed")
    return getattr(made, "schema", made)


def typed(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The rows with the draft's types."""
    return typed_columns(frame, schema)
