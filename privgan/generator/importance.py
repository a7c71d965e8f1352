"""Draw rows of equal weight from weighted ones: sampling importance resampling.

Rows are chosen from a pool with probability in proportion to their weights. The pool grows until no
row would be chosen twice, as in acceptance and rejection by the largest weight, or until a bound of
work. Beyond it rows repeat, and the effective number of rows says how much that costs.

Sources: Rubin 1988, Using the SIR algorithm to simulate posterior distributions; Kish 1965, Survey
Sampling, section 11.7, for the effective number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from privgan.domain.stratified import spread
from privgan.errors import IncompleteError
from privgan.generator.orders import Drawn

_MOST_TIMES, _MOST_ROWS = 40, 400_000  # The bound of work: the larger of the two.
_SPARE = 1.1
_NEARLY = 1 - 1e-6  # Shares of values are rounded.


@dataclass(frozen=True, eq=False)
class Weighted:
    """Rows, each with the logarithm of its weight [rows]."""

    rows: Drawn
    logs: np.ndarray

    def living(self) -> Weighted:
        """The rows that have a weight."""
        kept = np.flatnonzero(np.isfinite(self.logs))
        return (
            self if len(kept) == len(self.logs) else Weighted(self.rows.at(kept), self.logs[kept])
        )


def relative(logs: np.ndarray) -> np.ndarray:
    """Weights [rows] whose largest is 1; all are 0 where no row has any."""
    highest = logs.max(initial=-np.inf)
    weights: np.ndarray = np.exp(logs - (highest if np.isfinite(highest) else 0.0))
    return weights


def effective(weights: np.ndarray) -> float:
    """How many rows of equal weight tell as much as weighted ones; 0 where none has any."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def resampled(
    draw: Callable[[int], Weighted], rows: int, rng: np.random.Generator
) -> tuple[Drawn, float]:
    """Draw rows of equal weight, exchangeable, and how many of them are effective.

    Args:
        draw: Draws so many weighted rows; some may have no weight.
        rows: How many.
        rng: Public randomness.

    Returns:
        The rows, and the effective number, at most ``rows``.

    Raises:
        IncompleteError: No row has any weight.
    """
    pool, drawn, most = [draw(rows).living()], rows, max(_MOST_TIMES * rows, _MOST_ROWS)
    while (enough := _distinct(pool)) < rows * _NEARLY and drawn < most:
        # How many are missing, by how many distinct ones the pool has; at most a doubling.
        times = min(_SPARE * (rows / enough - 1) if enough else 1.0, 1.0)
        more = min(max(int(drawn * times), rows // 8, 1), most - drawn)
        pool.append(draw(more).living())
        drawn += more
    logs = np.concatenate([part.logs for part in pool])
    if not len(logs):
        raise IncompleteError(
            f"the model gives the conditions and constraints next to no probability: none of"
            f" {drawn:,} rows holds them; widen a condition"
        )
    weights = relative(logs)
    chosen = spread(weights, rows, rng)
    told = rows if enough >= rows * _NEARLY else min(rows, effective(weights))
    return Drawn.joined([part.rows for part in pool]).at(chosen), float(told)


def _distinct(pool: list[Weighted]) -> float:
    """Number of rows that can be chosen so that none is likely to be chosen twice."""
    return float(relative(np.concatenate([part.logs for part in pool])).sum())
