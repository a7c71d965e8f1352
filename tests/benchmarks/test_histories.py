"""The figures of whole customers, on customers whose figures are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.histories import figures, orders, sequences

_START = pd.Timestamp("2016-01-01")


def _purchases(customers: int, seed: int, *, level: float) -> pd.DataFrame:
    """Three purchases each, whose log spend has a correlation of level² / (level² + 1)."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), 3)
    logs = level * rng.standard_normal(customers)[owner] + rng.standard_normal(3 * customers)
    return pd.DataFrame(
        {
            "customer_id": owner,
            "date": pd.Timestamp("1997-01-01")
            + pd.to_timedelta(np.tile([0, 10, 40], customers), unit="D"),
            "number_of_cds": 1 + rng.integers(0, 3, len(owner)),
            "dollar_value": np.exp(3 + 0.5 * logs),
        }
    )


def test_the_correlation_is_the_true_one() -> None:
    # 20,000 customers: the standard error is .006.
    rows = _purchases(20_000, 0, level=1.0)
    found = figures.within_correlation(rows["customer_id"], rows["dollar_value"])
    assert found == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_the_sequence_network_finds_what_goes_together() -> None:
    spend = np.exp(3 + 0.5 * np.linspace(-2, 2, 9))
    judged, alike, loose = (
        sequences.coded(_purchases(4_000, seed, level=level), spend)
        for seed, level in ((1, 2.0), (2, 2.0), (3, 0.0))
    )
    assert judged.shape == (4_000, sequences.PLACES, 3)
    assert (judged[:, 3:] == -1).all()
    assert sequences.nats(alike, judged) < sequences.nats(loose, judged) - 0.3
    # Three numbers of CDs are even: at least 3 log 3 nats are left.
    assert sequences.nats(alike, judged) > 3 * np.log(3)


def test_tables_alike_are_not_told_apart_and_others_are() -> None:
    def flat(seed: int, level: float) -> pd.DataFrame:
        rows = _purchases(3_000, seed, level=level)
        return figures.flattened(rows, "customer_id", "date", ("dollar_value",), "dollar_value")

    assert figures.told_apart(flat(1, 2.0), flat(2, 2.0)) == pytest.approx(0.5, abs=0.05)
    assert figures.told_apart(flat(1, 2.0), flat(2, 0.0)) > 0.6


def test_cells_of_money_are_shares() -> None:
    rows = _purchases(500, 0, level=1.0)
    cells = figures.money_cells(
        rows["customer_id"], rows["date"], rows["dollar_value"], rows["date"].max()
    )
    assert float(cells.sum()) == pytest.approx(1)
    assert figures.distance(cells, cells) == 0


def test_orders_are_as_near_as_they_are_made() -> None:
    customers = pd.DataFrame({"customer_id": range(200), "sign_up_date": "2016-01-05"})
    owner = np.repeat(np.arange(200), 3)
    days = _START + pd.to_timedelta(owner % 100 + np.tile([0, 7, 40], 200), unit="D")
    rows = pd.DataFrame({"customer_id": owner, "ordered_at": days, "amount": 1.0 + owner})
    rows = rows.assign(department=np.where(owner % 2, "home", "garden"), channel="web")
    same = orders.compared((customers, rows), (customers, rows))
    assert max(same[name] for name in ("gaps", "first", "last", "span", "number")) == 0
    assert same["same department"] == same["same channel"] == 1
    assert same["after sign-up"] == pytest.approx(0.96)
    later = rows.assign(ordered_at=days + pd.to_timedelta(30 * np.tile([0, 0, 1], 200), unit="D"))
    moved = orders.compared((customers, later), (customers, rows))
    assert moved["first"] == 0
    assert min(moved[name] for name in ("gaps", "last", "span")) > 0.2
