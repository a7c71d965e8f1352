"""Compute the power of a one-run audit: the smallest ε that it would have shown.

It keeps a bound of 0 from being read as safe.

The attacker assumed is the best one against the worst ε-private mechanism, randomised response.
Every ε-private answer about one bit is made from it (Kairouz, Oh and Viswanath 2015, Theorem 3.4).
For each canary it says "in" or "out" and is right with probability e^ε / (1 + e^ε). Its scores tell
nothing else, so equal ones lie in random order.

A membership attack on synthetic rows sees far less, so it needs a larger true ε. The figures
describe the *number of canaries and the bound*, not the attack. The claim's δ enters the bound.
That a mechanism may also fail outright with probability δ is left out; this makes the figures
larger, never smaller.

The chance of a detection is exact, up to rounding and an omitted probability of 1e-9. Given how
many canaries are called "in", the right guesses at rising grid points are a random walk. A
detection is its first crossing of the counts at which the bound exceeds a level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from privgan.audit.lower_bounds.bounds import guess_grid, one_run_p_value

POWER = 0.8
_LEFT_OUT = 1e-9
_LARGEST_EPSILON = 40.0
_PRECISION = 1e-4


@lru_cache(maxsize=64)
def epsilon_detectable(
    canaries: int, delta: float, significance: float, *, power: float = POWER, above: float = 0.0
) -> float | None:
    """Smallest ε of randomised response that the deciding bound detects with a given power.

    Detection means that the bound exceeds a level.

    Args:
        canaries: All canaries m.
        delta: The claimed δ.
        significance: Of the bound over its whole grid.
        power: Wanted probability of exceeding the level, in (0, 1).
        above: The level: 0 to ask what would be seen at all, the claimed ε to ask what would refute
            it.

    Returns:
        The ε to within 1e-4; None if no ε is enough.
    """
    from scipy.optimize import brentq

    needed = critical_counts(canaries, delta, significance, above)
    if all(count > 2 * size for count, size in zip(needed, guess_grid(canaries), strict=True)):
        return None

    def excess(epsilon: float) -> float:
        return detection_power(epsilon, canaries, needed) - power

    high = above + 1.0
    while excess(high) < 0.0:
        if high > _LARGEST_EPSILON:
            return None
        high *= 2.0
    return float(brentq(excess, 0.0, high, xtol=_PRECISION))


def critical_counts(
    canaries: int, delta: float, significance: float, above: float = 0.0
) -> tuple[int, ...]:
    """Fewest right guesses at each grid point for a bound above a level.

    One more than all if none suffice.
    """
    grid = guess_grid(canaries)

    def enough(size: int, correct: int) -> bool:
        return one_run_p_value(canaries, 2 * size, correct, above, delta) < significance / len(grid)

    return tuple(_first(2 * size + 1, partial(enough, size)) for size in grid)


def _first(end: int, holds: Callable[[int], bool]) -> int:
    """Smallest number in 0 to ``end`` at which a condition holds.

    It must stay true from there on; it is taken to hold at ``end``.
    """
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def detection_power(epsilon: float, canaries: int, needed: Sequence[int]) -> float:
    """Probability that randomised response with ε reaches the needed count at some grid point.

    Args:
        epsilon: The true ε ≥ 0.
        canaries: All canaries.
        needed: The count for each point of :func:`privgan.audit.lower_bounds.bounds.guess_grid`.
    """
    walk, shares = _Walk(canaries, epsilon), _smaller_group(canaries)
    missed, state, done = 0.0, walk.start(), 0
    for size, count in zip(walk.grid, needed, strict=True):
        # From here on, walks whose smaller group ends within this step are treated apart.
        missed += walk.missed_beyond(state, done, needed, shares[done:size], size)
        state, done = walk.step(state, walk.right ** (2 * (size - done)), count), size
    missed += float(shares[done:].sum() * state.sum())
    return 1.0 - missed


def _smaller_group(canaries: int) -> NDArray[np.float64]:
    """Distribution of the size of the smaller group, "in" or "out" [m // 2 + 1]."""
    from scipy.stats import binom

    shares: NDArray[np.float64] = 2.0 * binom.pmf(np.arange(canaries // 2 + 1), canaries, 0.5)
    if canaries % 2 == 0:
        shares[-1] /= 2.0
    return shares


class _Walk:
    """Distribution of right guesses at rising grid points, for walks without a detection yet.

    Args:
        canaries: All canaries.
        epsilon: The true ε.

    Attributes:
        grid: The points of the grid.
        right: Fourier transform of a guess that follows the answer.
        against: The same of a guess against the answer, as it is made of a canary beyond the
            smaller group.
    """

    def __init__(self, canaries: int, epsilon: float) -> None:
        from scipy.fft import next_fast_len

        self.grid = guess_grid(canaries)
        self._length = next_fast_len(2 * self.grid[-1] + 1, real=True)
        share = 1.0 / (1.0 + math.exp(-epsilon))
        turns = np.exp(-2j * np.pi * np.arange(self._length // 2 + 1) / self._length)
        self.right, self.against = 1.0 - share + share * turns, share + (1.0 - share) * turns

    def start(self) -> NDArray[np.float64]:
        """The walk before any guess."""
        state = np.zeros(self._length)
        state[0] = 1.0
        return state

    def step(
        self, state: NDArray[np.float64], guesses: NDArray[np.complex128], needed: int
    ) -> NDArray[np.float64]:
        """Add guesses, given by their transform, and drop walks that reach the needed count."""
        from scipy.fft import irfft, rfft

        after: NDArray[np.float64] = irfft(rfft(state) * guesses, self._length)
        after[needed:] = 0.0
        return np.maximum(after, 0.0)

    def missed_beyond(
        self,
        state: NDArray[np.float64],
        done: int,
        needed: Sequence[int],
        shares: NDArray[np.float64],
        size: int,
    ) -> float:
        """Probability of no detection from this grid point on.

        It is for a smaller group whose size ends in this step.

        Args:
            state: The walks at the point before.
            done: The size of that point, 0 before the first.
            needed: The needed counts of all points.
            shares: Probability that the smaller group has ``done``, ``done + 1``, … members [size −
                done].
            size: The size of this point.
        """
        skipped = int(np.searchsorted(np.cumsum(shares), _LEFT_OUT / len(self.grid)))
        missed = float(shares[:skipped].sum())  # Treated as not detected.
        if skipped == len(shares):
            return missed
        # A guess "in" and one "out" per size; beyond the smaller group one of the two goes against
        # the answer.
        mixed, power = np.zeros_like(self.right), np.ones_like(self.right)
        for share in shares[skipped:][::-1]:
            mixed, power = mixed * self.right + share * power, power * self.against
        mixed = mixed * self.right ** (size - done + skipped) * self.against
        pair = self.right * self.against
        found = self.step(state, mixed, needed[self.grid.index(size)])
        for before, after, count in zip(self.grid, self.grid[1:], needed[1:], strict=False):
            if before >= size:
                found = self.step(found, pair ** (after - before), count)
        return missed + float(found.sum())
