"""Draw customers with their rows in all related tables, for Python users."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pandas as pd

from privgan.api.asking import LARGEST_SEED, conditions_of
from privgan.api.inputs import whole
from privgan.api.kept import Fitted
from privgan.files.limits import MOST_SAMPLED_ROWS

# Customers that are drawn at once, with all of their rows.
_CUSTOMERS = 20_000


class SamplesTables(ABC):
    """What is fitted, of one table or of several."""

    @abstractmethod
    def _require(self) -> Fitted:
        """What was fitted; NotFittedError where nothing is."""

    def sample_tables(
        self, customers: int | None = None, where: str | None = None, seed: int = 0
    ) -> dict[str, pd.DataFrame]:
        """Synthetic customers with their rows in all related tables. It costs nothing.

        Args:
            customers: How many, at least 1; None for the planned number.
            where: Conditions that every customer's row in the first table meets.
            seed: Public randomness: the same seed draws the same rows.

        Returns:
            By table, the first one's name first, a frame [rows, columns]; every key matches.

        Raises:
            NotFittedError: when it is not fitted.
            UsageError: when the schema lists no related tables, or a number or a condition means
                nothing.
            IncompleteError: when the model gives the conditions next to no probability.
        """
        model = self._require().model
        wanted = model.rows
        if customers is not None:
            wanted = whole("customers", customers, least=1, most=MOST_SAMPLED_ROWS)
        sampler = model.related(
            whole("seed", seed, least=0, most=LARGEST_SEED), conditions_of(where, model.schema)
        )
        parts: list[dict[str, pd.DataFrame]] = []
        while (left := wanted - sampler.rows[model.schema.root]) > 0:
            parts.append(sampler.chunk(min(_CUSTOMERS, left)))
        return {
            name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]
        }
