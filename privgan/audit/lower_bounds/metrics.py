"""Report lower bounds on ε as metrics: the deciding one, its power, and diagnostics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.membership import Canaries
from privgan.audit.attacks.roc import best_threshold
from privgan.audit.intervals import holm
from privgan.audit.lower_bounds.bounds import (
    guesses_on_grid,
    largest_one_run_bound,
    largest_refuted,
    one_run_p_value,
    one_run_search,
)
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.fdp import fdp_search, gdp_bound, gdp_mu
from privgan.audit.lower_bounds.power import POWER, epsilon_detectable
from privgan.audit.randomness import stream
from privgan.files.json_types import JsonDict
from privgan.metric import Metric, none_run
from privgan.planning.plan import AUDIT


def holm_bounds(
    scores: Mapping[str, NDArray[np.float64]],
    is_member: NDArray[np.bool_],
    delta: float,
    significance: float,
) -> dict[str, float]:
    """Lower bound on ε of each score, valid for all scores at once.

    With probability 1 − significance none of them exceeds the true ε. At each ε, every score has a
    p-value for "the mechanism is (ε, δ)-private" over its whole grid (Bonferroni). Holm's method
    says for which scores it is refuted. A score's bound is the supremum of the ε that it refutes.
    For a single score it is the bound of :func:`privgan.audit.lower_bounds.bounds.one_run_search`.

    Args:
        scores: Name to one score per canary.
        is_member: Each canary's coin.
        delta: The claimed δ.
        significance: Probability that any bound exceeds the true ε.
    """
    guesses = {name: guesses_on_grid(values, is_member) for name, values in scores.items()}

    def adjusted(epsilon: float) -> list[float]:
        return holm([_over_grid(made, len(is_member), epsilon, delta) for made in guesses.values()])

    def refuted_by(place: int, epsilon: float) -> bool:
        return adjusted(epsilon)[place] < significance

    return {name: largest_refuted(partial(refuted_by, place)) for place, name in enumerate(scores)}


def _over_grid(
    guesses: Sequence[tuple[int, int]], canaries: int, epsilon: float, delta: float
) -> float:
    p_values = (
        one_run_p_value(canaries, made, correct, epsilon, delta) for made, correct in guesses
    )
    return min(1.0, len(guesses) * min(p_values, default=1.0))


SIGNIFICANCE = 0.05
BOUND, LARGEST, DETECTABLE = (
    "audit.epsilon_lower_bound",
    "audit.epsilon_lb_max",
    "audit.epsilon_detectable",
)
FDP, GDP = "audit.epsilon_lb_fdp", "audit.epsilon_lb_gdp"
# Components of the deciding score; each has a diagnostic bound of its own.
PARTS = ("density_ratio", "nearest")
_NO_DELTA = (
    "assumes a Gaussian mechanism, which has a finite ε only at a δ above 0; the claim has none"
)


@dataclass(frozen=True)
class _Shared:
    """Fields that all bounds of one audit share, as in :class:`privgan.metric.Metric`."""

    n: int
    ceiling: float | None
    confidence: float = 1.0 - SIGNIFICANCE
    baseline: float = 0.0


def bound_metrics(
    canaries: Canaries,
    deciding: NDArray[np.float64],
    others: Mapping[str, NDArray[np.float64]],
    claim: Claim | None,
    seed: int,
) -> tuple[Metric, ...]:
    """All lower bounds on ε from one run's canaries.

    Args:
        canaries: The canaries, each left out by a fair coin of its own.
        deciding: The score that decides, one per canary; no score depends on a coin.
        others: Names and scores that are shown only, corrected by Holm's method.
        claim: The claimed guarantee, or None: then δ is 0.
        seed: Draws the halves of the bound from error rates.
    """
    delta = claim.delta if claim else 0.0
    shared = _shared(len(canaries), claim)
    return (
        _deciding(canaries, deciding, delta, shared),
        _largest(len(canaries), delta),
        _detectable(len(canaries), delta, claim),
        *_gaussian(canaries, deciding, delta, seed, shared),
        *_others(canaries, others, delta, shared),
    )


def no_bounds(reason: str, others: Iterable[str] = PARTS) -> tuple[Metric, ...]:
    """All metrics of this module as NOT_RUN."""
    names = (BOUND, LARGEST, DETECTABLE, FDP, GDP, *map(name_of, others))
    return none_run(names, reason)


def name_of(score: str) -> str:
    """Metric name of a diagnostic score."""
    return f"audit.epsilon_lb_{score}"


def _shared(canaries: int, claim: Claim | None) -> _Shared:
    ceiling = claim.epsilon if claim and math.isfinite(claim.epsilon) else None
    return _Shared(n=canaries, ceiling=ceiling)


def _deciding(
    canaries: Canaries, scores: NDArray[np.float64], delta: float, shared: _Shared
) -> Metric:
    found = one_run_search(scores, canaries.is_member, delta, SIGNIFICANCE)
    return Metric(
        name=BOUND,
        value=found.epsilon,
        low=found.epsilon,
        method=(
            "one-run bound of the combined membership score over a fixed two-sided grid of guess"
            " numbers, Bonferroni"
        ),
        details={
            "guesses": found.guesses,
            "correct": found.correct,
            "grid": list(found.grid),
            "delta": delta,
            "decides": dict(AUDIT),
        },
        **asdict(shared),
    )


def _largest(canaries: int, delta: float) -> Metric:
    return Metric(
        name=LARGEST,
        value=largest_one_run_bound(canaries, delta, SIGNIFICANCE),
        confidence=1.0 - SIGNIFICANCE,
        n=canaries,
        method="the same bound if every guess were right: what this audit could have seen at most",
    )


def _detectable(canaries: int, delta: float, claim: Claim | None) -> Metric:
    found = epsilon_detectable(canaries, delta, SIGNIFICANCE)
    if found is None:
        return Metric.not_run(
            DETECTABLE,
            f"with {canaries} canaries no ε gives a bound above 0 with {POWER:.0%} power",
        )
    details: JsonDict = {"power": POWER, "delta": delta}
    if claim and math.isfinite(claim.epsilon):
        details["refutes_the_claim_from"] = epsilon_detectable(
            canaries, delta, SIGNIFICANCE, above=claim.epsilon
        )
    return Metric(
        name=DETECTABLE,
        value=found,
        confidence=1.0 - SIGNIFICANCE,
        n=canaries,
        method=(
            f"smallest true ε for which the deciding bound is above 0 with {POWER:.0%} power, if"
            " the mechanism leaks all that ε allows about each canary (randomised response) and"
            " the attack sees it; exact. A real attack sees less"
        ),
        details=details,
    )


def _gaussian(
    canaries: Canaries,
    scores: NDArray[np.float64],
    delta: float,
    seed: int,
    shared: _Shared,
) -> tuple[Metric, ...]:
    if delta <= 0.0:
        return none_run((FDP, GDP), _NO_DELTA)
    return _f_dp(canaries, scores, delta, shared), _from_error_rates(
        canaries, scores, delta, seed, shared
    )


def _f_dp(canaries: Canaries, scores: NDArray[np.float64], delta: float, shared: _Shared) -> Metric:
    found = fdp_search(scores, canaries.is_member, delta, SIGNIFICANCE)
    return Metric(
        name=FDP,
        value=found.epsilon,
        low=found.epsilon,
        method=(
            "f-DP bound in one run of the deciding score over the same grid, Bonferroni;"
            " model-assumed: it refutes a Gaussian mechanism with this (ε, δ), not (ε, δ) itself;"
            " shown only"
        ),
        details={
            "guesses": found.guesses,
            "correct": found.correct,
            "mu": found.mu,
            "delta": delta,
            "model_assumed": True,
        },
        **asdict(shared),
    )


def _from_error_rates(
    canaries: Canaries,
    scores: NDArray[np.float64],
    delta: float,
    seed: int,
    shared: _Shared,
) -> Metric:
    """Bound from error rates on the second half at the best threshold of the first."""
    first, coin = canaries.folds(2, stream(seed, "audit.epsilon_lb_gdp")) == 0, canaries.is_member
    if min(coin[first].sum(), (~coin[first]).sum(), coin[~first].sum(), (~coin[~first]).sum()) == 0:
        return Metric.not_run(GDP, "a half of the canaries holds one kind only")
    said, truth = scores[~first] >= best_threshold(coin[first], scores[first]), coin[~first]
    counts = (
        int((truth & ~said).sum()),
        int((~truth & said).sum()),
        int(truth.sum()),
        int((~truth).sum()),
    )
    bound = gdp_bound(*counts, delta, SIGNIFICANCE)
    names = ("false_negatives", "false_positives", "members", "non_members")
    return Metric(
        name=GDP,
        value=bound,
        low=bound,
        method=(
            "Gaussian mechanism whose error rates are the Clopper-Pearson limits of the deciding"
            " score's, threshold fixed on the other half of the canaries; model-assumed: Gaussian,"
            " canaries that do not influence each other; shown only"
        ),
        details={
            **dict(zip(names, counts, strict=True)),
            "mu": gdp_mu(*counts, SIGNIFICANCE),
            "delta": delta,
            "model_assumed": True,
        },
        **asdict(replace(shared, n=len(truth))),
    )


def _others(
    canaries: Canaries,
    scores: Mapping[str, NDArray[np.float64]],
    delta: float,
    shared: _Shared,
) -> tuple[Metric, ...]:
    bounds = holm_bounds(scores, canaries.is_member, delta, SIGNIFICANCE)
    return tuple(
        Metric(
            name=name_of(score),
            value=bound,
            low=bound,
            method=(
                f"one-run bound of another score over the same grid, Holm over {len(bounds)} such"
                " scores; shown only"
            ),
            details={"delta": delta, "scores": len(bounds)},
            **asdict(shared),
        )
        for score, bound in bounds.items()
    )
