"""Charge each look at the private table before handing out its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from privgan.domain.encoding import Encoder
from privgan.measurement.marginals import Clique, exact_counts
from privgan.measurement.noisy_counts import NoisyCounts
from privgan.owner.private_table import CodedRows, PrivateTable
from privgan.planning.plan import PlanStep
from privgan.privacy.events import DpEvent
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt


class Charger(Protocol):
    """Charges a step; the ledger's run is one."""

    def charge(self, step: str, event: DpEvent) -> Receipt:
        """Record the step durably and hand out its receipt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """The private table, its charger, and the coins of the mechanism that follows.

    Attributes:
        table: The private rows.
        ledger: Charges each look.
        coins: Noise and choices.
        kept: The noisy counts that histograms gave out, in order.
    """

    table: PrivateTable
    ledger: Charger
    coins: SecretStream
    kept: list[NoisyCounts] = field(default_factory=list)

    def values(self, step: PlanStep, column: str) -> pd.Series:
        """One column's values [rows], for a step that is charged first."""
        return self.table.rows(self._charged(step))[column]

    def count(self, step: PlanStep) -> int:
        """The number of rows, for a step that is charged first."""
        return len(self.table.rows(self._charged(step)))

    def customers_of(self, step: PlanStep, table: str) -> np.ndarray:
        """The customer of each row of a related table, for a step that is charged first."""
        return self.table.customers_of(self._charged(step), table)

    def customers(self, step: PlanStep) -> np.ndarray:
        """The customer of each row [rows], for a step that is charged first."""
        return self.table.customers(self._charged(step))

    def codes(self, step: PlanStep, encoder: Encoder) -> CodedRows:
        """The rows as codes, of which sums come out, for a step that is charged first."""
        return self.table.codes(self._charged(step), encoder.encode)

    def charge_unused(self, *steps: PlanStep) -> None:
        """Charge steps without anything left to measure, so that charges equal the plan."""
        for step in steps:
            self._charged(step)

    def _charged(self, step: PlanStep) -> Receipt:
        return self.ledger.charge(step.name, step.event)


def counts_of(codes: CodedRows, clique: Clique, sizes: Sequence[int]) -> np.ndarray:
    """Exact counts [cells] of private codes over a clique, the last column varying fastest."""
    return codes.summed(lambda part: exact_counts(part, clique, sizes))
