"""Compute lower bounds on ε that assume a Gaussian trade-off; diagnostics.

They are tighter than the deciding bounds. A mechanism is μ-GDP if detecting one customer is at
least as hard as telling N(0, 1) from N(μ, 1) (Dong, Roth and Su 2022).

These bounds refute "the mechanism is Gaussian with this (ε, δ)", not (ε, δ)-privacy itself. A
sampled mechanism composed many times is only nearly Gaussian. So they never decide a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import upper_limit
from privgan.audit.lower_bounds.bounds import guesses_on_grid, largest_refuted
from privgan.privacy.tradeoff import Gaussian


def gdp_mu(
    false_negatives: int, false_positives: int, members: int, non_members: int, significance: float
) -> float:
    """Lower bound on μ from counts at a threshold fixed on other canaries or runs.

    Nasr et al. 2023 (arXiv 2302.07956), section 4: μ ≥ Φ⁻¹(1 − FPR) − Φ⁻¹(FNR). The rates are
    Clopper-Pearson upper limits, each at half the significance.

    Returns:
        The bound, 0 if it would be negative.
    """
    missed = upper_limit(false_negatives, members, significance / 2.0)
    alarmed = upper_limit(false_positives, non_members, significance / 2.0)
    if missed >= 1.0 or alarmed >= 1.0:
        return 0.0
    return Gaussian.of_rates(missed, alarmed).shift


def gdp_bound(
    false_negatives: int,
    false_positives: int,
    members: int,
    non_members: int,
    delta: float,
    significance: float,
) -> float:
    """ε at δ of the μ of :func:`gdp_mu`.

    It extrapolates far beyond what the counts themselves can certify.
    """
    mu = gdp_mu(false_negatives, false_positives, members, non_members, significance)
    return Gaussian(mu).epsilon(delta)


def refuted_mu(canaries: int, guesses: int, correct: int, significance: float) -> float:
    """Largest μ that ``correct`` right guesses refute for a Gaussian mechanism, in one run.

    Mahloujifar, Melis and Chaudhuri 2024 (arXiv 2410.22235), algorithm for membership (k = 2).

    Args:
        canaries: All canaries m whose coin was flipped, the abstained ones too.
        guesses: Guesses made, c'.
        correct: Right guesses, c.
        significance: Probability of exceeding the true μ.

    Returns:
        The bound; exactly 0 for guesses that say nothing.

    Raises:
        ValueError: The counts contradict each other.
    """
    if not 0 <= correct <= guesses <= canaries:
        raise ValueError(
            f"need 0 ≤ correct ≤ guesses ≤ canaries, got {correct}, {guesses}, {canaries}"
        )
    return largest_refuted(
        lambda mu: _gaussian_refuted(canaries, guesses, correct, mu, significance)
    )


def _gaussian_refuted(
    canaries: int, guesses: int, correct: int, mu: float, significance: float
) -> bool:
    """Whether no μ-GDP mechanism gives so many right guesses with enough probability."""
    curve = Gaussian(mu)
    right = significance * correct / canaries
    wrong = significance * (guesses - correct) / canaries
    for index in range(correct - 1, -1, -1):
        more = max(wrong, curve.least_false_negative_rate(right))
        if more == wrong:  # Neither changes any more.
            break
        right = min(1.0, right + index / (guesses - index) * (more - wrong))
        wrong = more
    return right + wrong > guesses / canaries


@dataclass(frozen=True)
class FdpBound:
    """Best f-DP bound over the pre-registered grid of guess numbers.

    Attributes:
        epsilon: The lower bound on ε.
        mu: The same as the μ of a Gaussian mechanism.
        guesses: Guesses at the best grid point; 0 if none refutes anything.
        correct: Number of right guesses.
    """

    epsilon: float
    mu: float
    guesses: int
    correct: int


def fdp_search(
    scores: NDArray[np.float64], is_member: NDArray[np.bool_], delta: float, significance: float
) -> FdpBound:
    """Best f-DP bound over the two-sided grid (Bonferroni).

    The grid is that of :func:`privgan.audit.lower_bounds.bounds.one_run_search`.

    Args:
        scores: One score per canary; higher means more likely a member.
        is_member: Each canary's coin.
        delta: The claimed δ, in (0, 1).
        significance: Probability that the bound exceeds the true ε of a Gaussian mechanism.
    """
    canaries, guesses = len(scores), guesses_on_grid(scores, is_member)
    best = FdpBound(0.0, 0.0, 0, 0)
    for made, correct in guesses:
        level = significance / len(guesses)
        if _gaussian_refuted(canaries, made, correct, best.mu, level):
            best = FdpBound(0.0, refuted_mu(canaries, made, correct, level), made, correct)
    return FdpBound(Gaussian(best.mu).epsilon(delta), best.mu, best.guesses, best.correct)
