"""The study of recommendations: its tables, its second recommender, and how the page tells it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from privgan.table.schema_file import parse_schema
from tests.benchmarks.recommending.page import write_markdown
from tests.benchmarks.recommending.shops import CDNOW, SHOP, cdnow, shop
from tests.benchmarks.recommending.study import (
    BEFORE,
    MODEL,
    POPULARITY,
    REAL,
    SYNTHETIC,
    Measured,
    _errors,
    _successors,
)


def test_the_simulators_lines_fit_their_schema() -> None:
    found = shop(60, 0)
    schema = parse_schema(found.schema)
    assert list(found.rows.columns) == list(schema.names)
    assert len(found.values) == 720
    assert set(found.rows["product_id"]) <= set(found.values)
    assert schema.target == found.column


def test_cdnow_has_declared_bands(tmp_path: Path) -> None:
    lines = [" id date n dollars", " 00001 19970101 1 11.77", " 00001 19970301 9 250.00"]
    (tmp_path / "cdnow_transactions.txt").write_text("\n".join(lines), encoding="utf-8")
    found = cdnow(tmp_path)
    assert found.rows["band"].tolist() == ["from 10", "from 100"]
    assert parse_schema(found.schema).names == tuple(found.rows.columns)


def test_successors_are_counted_within_customers() -> None:
    owner, values = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    found = _successors(owner, values, np.array([0.4, 0.6]))
    assert np.allclose(found.sum(axis=1), 1)
    assert np.isclose(found[0, 1], (20 * 0.6 + 1) / 21)
    assert np.isclose(found[1, 0], (20 * 0.4 + 1) / 22)


def test_the_page_tells_medians_and_every_loss(tmp_path: Path) -> None:
    def one(table: str, seed: int, ndcg: float) -> Measured:
        told = {MODEL: ndcg, SYNTHETIC: 0.1, POPULARITY: 0.05, REAL: 0.2, BEFORE: 0.3}
        figures = {way: {"ndcg": value, "hit_rate": value} for way, value in told.items()}
        errors = {"synthetic past": ndcg} if table == SHOP else {}
        return Measured(
            table=table, seed=seed, customers=80, asked=20, figures=figures, errors=errors
        )

    found = [one(SHOP, 0, 0.2), one(SHOP, 1, 0.19), one(SHOP, 2, 0.1), one(CDNOW, 0, 0.1)]
    write_markdown(tmp_path / "page.md", found, "quick")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    asked = (
        (SHOP, f"`{MODEL}`", REAL, "≥ 0.9 | 0.950 (0.500 to 1.000) | met"),
        (SHOP, SYNTHETIC, REAL, "≥ 0.9 | 0.500 (0.500 to 0.500) | **missed**"),
        (CDNOW, f"`{MODEL}`", REAL, "≥ 0.9 | 0.500 | **missed**"),
        (SHOP, f"`{MODEL}`", f"{BEFORE}, real rows", "nothing | 0.633 (0.333 to 0.667) | lost"),
    )
    for table, way, other, told in asked:
        assert f"| {table} | {way} | {other} | {told} |" in text
    assert "| synthetic past | 0.190 (0.100 to 0.200) |" in text
    write_markdown(tmp_path / "alone.md", found[3:], "quick")
    alone = (tmp_path / "alone.md").read_text(encoding="utf-8")
    # Nothing is said of a table that no fit has ended of.
    assert "In the simulator" not in alone
    assert "WAPE" not in alone


def test_the_error_of_a_forecast_is_that_of_the_series() -> None:
    """Customers alike in all tables: the synthetic past forecasts as the real one does."""
    days = pd.date_range("2016-01-01", "2025-12-31", freq="5D").strftime("%Y-%m-%d")
    rows = pd.DataFrame({"customer_id": "c", "day": days})
    found = _errors(rows, rows, rows)
    assert found["synthetic past"] == found["real past"] < 0.15
    assert set(found) == {"synthetic past", "real past", "last value"}
    late = rows[rows["day"] >= "2024-01-01"]
    assert _errors(rows, late, rows)["synthetic past"] > found["real past"]
