"""Features by pandas and plain Python, one customer at a time, to compare with DuckDB's."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

CUTOFF = pd.Timestamp("2024-07-01")


def reference(events: pd.DataFrame) -> pd.DataFrame:
    """Features [customers, columns] of ``test_properties.py``.

    Args:
        events: Customer, moment, amount as a Decimal or None, channel [events, columns].
    """
    rows = {}
    for customer, own in events.dropna(subset=["customer"]).groupby("customer", sort=True):
        found = own.sort_values(["moment"], kind="stable")
        if (found["moment"] < CUTOFF).any():
            rows[customer] = {name: rule(found) for name, rule in RULES.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[*RULES])
    return frame.rename_axis("customer").reset_index()


def _before(own: pd.DataFrame, days: int | None = None) -> pd.DataFrame:
    known = own[own["moment"] < CUTOFF]
    return known if days is None else known[known["moment"] >= CUTOFF - pd.Timedelta(days=days)]


def _after(own: pd.DataFrame, days: int) -> pd.DataFrame:
    later = own[own["moment"] >= CUTOFF]
    return later[later["moment"] < CUTOFF + pd.Timedelta(days=days)]


def _amounts(own: pd.DataFrame) -> list[Decimal]:
    return [amount for amount in own["amount"] if amount is not None]


def _total(own: pd.DataFrame) -> float:
    return float(sum(_amounts(own), Decimal(0)))


def _mean(own: pd.DataFrame) -> float | None:
    amounts = _amounts(own)
    if not amounts:
        return None
    return float(Fraction(sum(amounts, Decimal(0))) / len(amounts))


def _ends(own: pd.DataFrame, *, last: bool) -> float | None:
    order = [
        (moment, amount)
        for moment, amount in zip(own["moment"], own["amount"], strict=True)
        if amount is not None
    ]
    return float((max if last else min)(order)[1]) if order else None


def _top(own: pd.DataFrame) -> str | None:
    counts = [
        (-(own["channel"] == name).sum(), place) for place, name in enumerate(("web", "shop"))
    ]
    most, place = min(counts)
    return ("web", "shop")[place] if most else None


def _share(own: pd.DataFrame) -> float | None:
    large = [amount is not None and amount > 1 for amount in own["amount"]]
    return sum(large) / len(large) if large else None


def _days(own: pd.DataFrame) -> pd.Series:
    return own["moment"].dt.normalize()


RULES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "purchases": lambda own: len(_before(own)),
    "days": lambda own: _days(_before(own)).nunique(),
    "spend": lambda own: _total(_before(own)),
    "average": lambda own: _mean(_before(own)),
    "least": lambda own: min(map(float, _amounts(_before(own))), default=None),
    "most": lambda own: max(map(float, _amounts(_before(own))), default=None),
    "first_amount": lambda own: _ends(_before(own), last=False),
    "last_amount": lambda own: _ends(_before(own), last=True),
    "recency": lambda own: (CUTOFF - _days(_before(own)).max()).days,
    "tenure": lambda own: (CUTOFF - _days(_before(own)).min()).days,
    "large": lambda own: _share(_before(own)),
    "favourite": lambda own: _top(_before(own)),
    "returns_60": lambda own: sum(amount < 0 for amount in _amounts(_before(own, 60))),
    "spend_next": lambda own: _total(_after(own, 45)),
    "came_back": lambda own: str(bool(len(_after(own, 45)))),
}
