"""Two million events in less memory than they need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.features.purchases import built, schema

ROWS, CUSTOMERS, PIECE = 2_000_000, 200_000, 250_000
MEMORY = "200MB"  # The query's table of events takes more.
FACTS = schema(
    """\
format: privgan.schema/1
dataset: many
unit: customer
events:
  time: day
  columns:
    - {name: customer, kind: identifier}
    - {name: day, kind: date}
    - {name: amount, kind: float, decimals: 2}
    - {name: order, kind: identifier}
features:
  - {name: events_seen, count: events}
  - {name: spend, sum: amount}
  - {name: orders, distinct: order}
columns:
  - {name: customer, kind: identifier}
  - {name: events_seen, kind: integer, lower: 0, upper: 1000}
  - {name: spend, kind: float, lower: 0, upper: 100000, decimals: 2}
  - {name: orders, kind: integer, lower: 0, upper: 1000}
"""
)


@pytest.mark.slow
def test_events_may_be_larger_than_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.features.building.MEMORY", MEMORY)
    path, totals = tmp_path / "events.parquet", np.zeros(CUSTOMERS, dtype=np.int64)
    rng, writer = np.random.default_rng(0), None
    for _ in range(ROWS // PIECE):
        customers = rng.integers(0, CUSTOMERS, PIECE)
        cents = rng.integers(1, 10_000, PIECE)
        np.add.at(totals, customers, cents)
        piece = pa.table(
            {
                "customer": [f"customer-number-{number:09d}" for number in customers],
                "day": pd.Timestamp("2024-01-01")
                + pd.to_timedelta(rng.integers(0, 365, PIECE), "D"),
                "amount": cents / 100,
                "order": [f"order-{number:012d}" for number in rng.integers(0, 10**9, PIECE)],
            }
        )
        writer = writer or pq.ParquetWriter(path, piece.schema)
        writer.write_table(piece)
    assert writer is not None
    writer.close()
    frame = built(path, FACTS).source.frame()
    assert frame["events_seen"].sum() == ROWS
    bought = np.flatnonzero(totals)
    assert len(frame) == len(bought)
    assert (frame["spend"].to_numpy() == (totals[bought] / 100).round(2)).all()
