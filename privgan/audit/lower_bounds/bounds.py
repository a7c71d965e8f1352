"""Compute lower bounds on ε from an attack's right guesses, each valid at its significance.

``one_run_bound`` is Theorem 5.2 of Steinke, Nasr and Jagielski, "Privacy Auditing with One (1)
Training Run" (NeurIPS 2023, arXiv 2305.08846), with its δ term. ``clopper_pearson_bound`` is that
of Jagielski, Ullman and Oprea (NeurIPS 2020), with both branches.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import upper_limit

GRID_POINTS = 16
LEAST_GUESSES = 10
_PRECISION = 1e-12


@dataclass(frozen=True)
class OneRunBound:
    """Best lower bound over the pre-registered grid of guess numbers.

    Attributes:
        epsilon: The lower bound on ε, at the significance divided by the grid's size.
        canaries: All canaries, guessed or not.
        guesses: Guesses at the best grid point, half of them "in" and half "out"; 0 if there is
            no grid.
        correct: Number of right guesses.
        grid: The guess numbers on each side that were looked at.
    """

    epsilon: float
    canaries: int
    guesses: int
    correct: int
    grid: tuple[int, ...]


def guess_grid(canaries: int) -> tuple[int, ...]:
    """Numbers of guesses on each side: 16 geometric steps, fixed before any score is seen.

    They run from max(10, m // 100) to m // 2, rounded, without duplicates. The grid is empty
    below 20 canaries.
    """
    low, high = max(LEAST_GUESSES, canaries // 100), canaries // 2
    if high < low:
        return ()
    return tuple(
        int(size) for size in np.unique(np.round(np.geomspace(low, high, GRID_POINTS)).astype(int))
    )


def clopper_pearson_bound(
    false_negatives: int,
    false_positives: int,
    members: int,
    non_members: int,
    delta: float,
    significance: float,
) -> float:
    """Lower bound on ε from counts at a threshold fixed on other runs.

    Both limits hold at once with probability 1 − significance, so both branches may be used.
    Source: Jagielski et al. 2020.
    """
    missed = upper_limit(false_negatives, members, significance / 2.0)
    alarmed = upper_limit(false_positives, non_members, significance / 2.0)
    ratios = ((1.0 - missed - delta) / alarmed, (1.0 - alarmed - delta) / missed)
    return max([0.0, *(math.log(ratio) for ratio in ratios if ratio > 0)])


def one_run_bound(
    canaries: int, guesses: int, correct: int, delta: float, significance: float
) -> float:
    """Largest ε that ``correct`` right guesses refute (Steinke et al. 2023, Theorem 5.2).

    Args:
        canaries: All canaries m whose coin was flipped, the abstained ones too.
        guesses: Guesses made, r.
        correct: Right guesses, v.
        delta: The claimed δ.
        significance: Probability of exceeding the true ε.

    Returns:
        The supremum of the ε ≥ 0 whose p-value is below the significance; 0 if there is none.
    """
    if not 0 <= correct <= guesses <= canaries:
        raise ValueError(
            f"need 0 ≤ correct ≤ guesses ≤ canaries, got {correct}, {guesses}, {canaries}"
        )
    log_choose = _log_choose(guesses)

    def refuted(epsilon: float) -> bool:
        return _p_value(log_choose, canaries, correct, epsilon, delta) < significance

    return largest_refuted(refuted)


def one_run_p_value(
    canaries: int, guesses: int, correct: int, epsilon: float, delta: float
) -> float:
    """Upper bound on P(at least ``correct`` right guesses) under (ε, δ).

    It rises with ε and δ, and falls with more right guesses. :func:`one_run_bound` is its inverse
    in ε.
    """
    return _p_value(_log_choose(guesses), canaries, correct, epsilon, delta)


def largest_refuted(refuted: Callable[[float], bool]) -> float:
    """Supremum of the refuted ε ≥ 0, rounded down; 0 if none is refuted.

    Every ε below a refuted one must be refuted too.
    """
    if not refuted(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while refuted(high):
        low, high = high, 2.0 * high
    while high - low > _PRECISION * max(1.0, high):
        middle = (low + high) / 2.0
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


@lru_cache(maxsize=64)
def _log_choose(trials: int) -> NDArray[np.float64]:
    from scipy.special import gammaln

    counts = np.arange(trials + 1)
    result: NDArray[np.float64] = (
        gammaln(trials + 1) - gammaln(counts + 1) - gammaln(trials - counts + 1)
    )
    return result


def _p_value(
    log_choose: NDArray[np.float64], canaries: int, correct: int, epsilon: float, delta: float
) -> float:
    """β + 2mδ·max_i (f(v − i) − f(v)) / i with f the upper tail of Binom(r, e^ε / (1 + e^ε))."""
    trials = len(log_choose) - 1
    counts = np.arange(trials + 1)
    log_right, log_wrong = -np.log1p(np.exp(-epsilon)), -np.log1p(np.exp(epsilon))
    mass = np.exp(log_choose + counts * log_right + (trials - counts) * log_wrong)
    tail = np.minimum(1.0, np.cumsum(mass[::-1])[::-1])
    if correct == 0:
        return 1.0
    steps = np.arange(1, correct + 1)
    slope = np.max((tail[correct - steps] - tail[correct]) / steps)
    return float(min(1.0, tail[correct] + 2.0 * canaries * delta * slope))


def one_run_search(
    scores: NDArray[np.float64], is_member: NDArray[np.bool_], delta: float, significance: float
) -> OneRunBound:
    """Best bound over the two-sided pre-registered grid (Bonferroni).

    Valid if each canary was left out by a fair coin of its own and no score depends on the coins.

    Args:
        scores: One score per canary; higher means more likely a member.
        is_member: Each canary's coin.
        delta: The claimed δ.
        significance: Probability that the bound exceeds the true ε.

    Returns:
        The bound, 0 below 20 canaries.
    """
    canaries, guesses = len(scores), guesses_on_grid(scores, is_member)
    grid = tuple(made // 2 for made, _ in guesses)
    best = OneRunBound(0.0, canaries, 0, 0, grid)
    for made, correct in guesses:
        level = significance / len(grid)
        if best.guesses and one_run_p_value(canaries, made, correct, best.epsilon, delta) >= level:
            continue
        epsilon = one_run_bound(canaries, made, correct, delta, level)
        if best.guesses == 0 or epsilon > best.epsilon:
            best = OneRunBound(epsilon, canaries, made, correct, grid)
    return best


def guesses_on_grid(
    scores: NDArray[np.float64], is_member: NDArray[np.bool_]
) -> tuple[tuple[int, int], ...]:
    """Guesses made and guesses right at each grid point.

    The highest scores are called "in", as many lowest "out".
    """
    members = _by_score(np.asarray(scores, dtype=float), np.asarray(is_member, dtype=bool))
    grid = guess_grid(len(members))
    return tuple((2 * size, int(members[-size:].sum() + (~members[:size]).sum())) for size in grid)


def largest_one_run_bound(canaries: int, delta: float, significance: float) -> float:
    """The bound of :func:`one_run_search` if every guess were right.

    It is the most that this audit can show.
    """
    grid = guess_grid(canaries)
    bounds = (
        one_run_bound(canaries, 2 * size, 2 * size, delta, significance / len(grid))
        for size in grid
    )
    return max(bounds, default=0.0)


def _by_score(scores: NDArray[np.float64], is_member: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Coins in the order of the scores, ties in random order.

    Tables list members and non-members one after the other. Ties broken by position would look like
    knowledge. The random order comes from a hash of the scores and coins. It is reproducible and
    the same for every order of the canaries, and differs for every outcome of the coins.
    """
    if not np.isfinite(scores).all() or len(scores) != len(is_member):
        raise ValueError("need one finite score per canary")
    order = np.lexsort((is_member, scores))
    digest = hashlib.sha256((scores[order] + 0.0).tobytes() + is_member[order].tobytes()).digest()
    ties = np.random.default_rng(int.from_bytes(digest[:16], "big")).random(len(scores))
    return is_member[order][np.lexsort((ties, scores[order]))]
