"""Nats a held-out customer of a sequence network that was fitted to other customers.

A customer's first ten purchases in codes: the gap since the one before, number of CDs, spend. The
network reads the purchase before, the mean of all before and the place, through one hidden layer
and directly. It gives each column of the next purchase given the columns before it, and whether
there is one. Fitted to synthetic customers it tells how well these stand for real ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

GAPS = (1, 8, 15, 29, 57, 92, 183)
MOST_CDS, PLACES, TENTHS = 6, 10, np.arange(1, 10) / 10
SIZES = (len(GAPS) + 2, MOST_CDS, len(TENTHS) + 1)
_STEPS, _BATCH, _RATE, _WIDTH = 250, 1_000, 0.02, 32


def coded(rows: pd.DataFrame, spend: np.ndarray) -> np.ndarray:
    """Codes [customers, places, columns] of purchases, -1 where a customer has none.

    Args:
        rows: ``customer_id``, ``date``, ``number_of_cds`` and ``dollar_value``, in any order.
        spend: The tenths of spend that codes end at [9].
    """
    known = rows.assign(date=pd.to_datetime(rows["date"].astype(str)))
    known = known.sort_values(["customer_id", "date"], kind="stable")
    gap = known.groupby("customer_id")["date"].diff().dt.days
    gaps = np.where(gap.isna(), 0, 1 + np.searchsorted(GAPS, gap.fillna(0), side="right"))
    cds = np.clip(known["number_of_cds"].astype(int), 1, MOST_CDS) - 1
    codes = np.stack([gaps, cds, np.searchsorted(spend, known["dollar_value"].astype(float))], 1)
    place = known.groupby("customer_id").cumcount().to_numpy()
    customer, _ = pd.factorize(known["customer_id"])
    found = np.full((customer.max() + 1, PLACES, len(SIZES)), -1, dtype=np.int64)
    kept = place < PLACES
    found[customer[kept], place[kept]] = codes[kept]
    return found


class SequenceNetwork(nn.Module):
    """p(next purchase, or none | purchases before)."""

    def __init__(self) -> None:
        super().__init__()
        codes = sum(SIZES)
        inputs = 2 * codes + PLACES
        self.hidden, self.direct = nn.Linear(inputs, _WIDTH), nn.Linear(inputs, codes + 1)
        self.out, self.inner = (
            nn.Linear(width, size, bias=False)
            for width, size in ((_WIDTH, codes + 1), (codes, codes))
        )
        owner = torch.arange(len(SIZES)).repeat_interleave(torch.tensor(SIZES))
        self.before = (owner[:, None] > owner[None]).float()
        for layer in (self.direct, self.out, self.inner):
            nn.init.zeros_(layer.weight)

    def forward(self, purchases: Purchases) -> Tensor:
        """Nats of each customer [customers]."""
        past = purchases.past
        logits = self.direct(past) + self.out(torch.tanh(self.hidden(past)))
        within = F.linear(purchases.hot, self.inner.weight * self.before)
        columns = (logits[..., :-1] + within).split(SIZES, -1)
        logs = torch.cat([part.log_softmax(-1) for part in columns], -1)
        rows = (logs * purchases.hot).sum(-1)
        there = purchases.there
        goes_on = F.binary_cross_entropy_with_logits(logits[..., -1], there, reduction="none")
        asked = torch.cat([torch.zeros(len(there), 1), there[:, :-1]], 1)
        return (goes_on * asked - rows * there).sum(1)


@dataclass(frozen=True, eq=False)
class Purchases:
    """Customers as inputs of the network.

    Attributes:
        hot: One-hot purchases [customers, places, all codes], 0 where there is none.
        past: What stands before each [customers, places, inputs].
        there: 1 where there is a purchase [customers, places].
    """

    hot: Tensor
    past: Tensor
    there: Tensor

    @classmethod
    def of(cls, codes: np.ndarray) -> Purchases:
        """Of codes [customers, places, columns]."""
        there = torch.from_numpy(codes[..., 0] >= 0).float()
        offsets = np.cumsum([0, *SIZES[:-1]])
        hot = torch.zeros(*codes.shape[:2], sum(SIZES))
        hot.scatter_(2, torch.from_numpy(np.maximum(codes, 0) + offsets), 1.0)
        hot *= there[..., None]
        before = torch.cat([torch.zeros(len(hot), 1, hot.shape[2]), hot[:, :-1]], 1)
        number = torch.arange(PLACES).clamp_min(1)[None, :, None]
        place = torch.eye(PLACES).expand(len(hot), PLACES, PLACES)
        return cls(hot, torch.cat([before, before.cumsum(1) / number, place], 2), there)

    def at(self, rows: Tensor) -> Purchases:
        """Some customers."""
        return Purchases(self.hot[rows], self.past[rows], self.there[rows])


def nats(fitted_on: np.ndarray, held_out: np.ndarray, seed: int = 0) -> float:
    """Mean nats a held-out customer under a network fitted to others.

    Args:
        fitted_on: Codes [customers, places, columns].
        held_out: Codes of the customers that are judged.
        seed: Moves initial weights and batches.
    """
    torch.manual_seed(seed)
    network, purchases = SequenceNetwork(), Purchases.of(fitted_on)
    optimiser, rng = torch.optim.Adam(network.parameters(), _RATE), np.random.default_rng(seed)
    for step in range(_STEPS):
        rows = torch.from_numpy(rng.integers(len(fitted_on), size=_BATCH))
        (group,) = optimiser.param_groups
        group["lr"] = _RATE * min(1.0, 2 * (_STEPS - step) / _STEPS)
        loss = network(purchases.at(rows)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return float(network(Purchases.of(held_out)).mean())
