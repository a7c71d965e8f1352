"""Draw rows of equal weight from weighted ones: sampling importance resampling.

Rows are chosen from a pool with probability in proportion to their weights. The pool grows until
next to no row is chosen twice, or until a bound of work. Beyond it rows repeat, and the effective
number of rows says how much that costs.

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

_MOST_TIMES, _MOST_ROWS = 20, 400_000  # The bound of work: the larger of the two.
_LEAST_POOL = 1_000  # Of few rows, too, the weights decide.
_REPEATS = 1e-3  # Share of the rows that may repeat others unsaid.
_LEAST_GROWTH = 1 / 8  # Of the pool.


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
    most, drawn = max(_MOST_TIMES * rows, _MOST_ROWS), max(rows, _LEAST_POOL)
    pool = draw(drawn).living()
    while (repeats := _repeats(pool, rows)) > _REPEATS * rows and drawn < most:
        more = min(int(drawn * np.clip(2 * repeats / rows, _LEAST_GROWTH, 1)) + 1, most - drawn)
        pool, drawn = _joined(pool, draw(more).living()), drawn + more
    if not len(pool.logs):
        raise IncompleteError(
            "the model gives the conditions and constraints next to no probability: none of"
            f" {drawn:,} rows holds them; widen a condition"
        )
    weights = relative(pool.logs)
    told = rows if repeats <= _REPEATS * rows else min(rows, effective(weights))
    return pool.rows.at(spread(weights, rows, rng)), float(told)


def accepted(draw: Callable[[int], Weighted], tried: int, rng: np.random.Generator) -> Drawn:
    """Draw rows of equal weight by acceptance and rejection of so many weighted ones."""
    pool = draw(tried).living()
    return pool.rows.at(np.flatnonzero(rng.random(len(pool.logs)) < relative(pool.logs)))


def _repeats(pool: Weighted, rows: int) -> float:
    """How many of the rows are expected to repeat others."""
    weights = relative(pool.logs)
    total = weights.sum()
    return float(np.maximum(weights * (rows / total) - 1, 0).sum()) if total else float(rows)


def _joined(one: Weighted, other: Weighted) -> Weighted:
    return Weighted(Drawn.joined([one.rows, other.rows]), np.concatenate([one.logs, other.logs]))
