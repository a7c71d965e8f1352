"""Run diagnostic membership attacks; they never affect the verdict.

The combined score of :mod:`privgan.audit.attacks.membership` and its bound decide. No score here
depends on a coin either: distances are to synthetic rows, or to canaries of both kinds in other
folds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.membership import FOLDS, METHOD, Canaries, Scores, rate_metric
from privgan.audit.attacks.roc import (
    GROUPS,
    Rates,
    halves_hold_both,
    rates_at,
    rates_json,
    rates_of_half,
    rates_of_most_exposed,
    roc_points,
)
from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap
from privgan.audit.intervals import area_p_value, area_under_curve, hanley_mcneil, holm
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import counts_within, nearest
from privgan.audit.randomness import stream
from privgan.metric import Metric, none_run

LOW_RATE = "attack.membership.tpr_at_fpr_0.001"
RECORD_MAX, RECORD_MEAN = "attack.membership.record_max", "attack.membership.record_mean"
REFERENCE_ROWS = 10_000
_LOW, _LEAST = 0.001, 1000
_SLACK = 1e-5  # Distances are compared in 32 bits.


@dataclass(frozen=True)
class Attack:
    """One diagnostic attack.

    Attributes:
        name: Its metric's name.
        what: Its score, in words.
    """

    name: str
    what: str


DENSITY_RATIO = Attack(
    "attack.membership.density_ratio_auc",
    "one part of the score: log-odds that a row is synthetic",
)
CALIBRATED = Attack(
    "attack.membership.calibrated_auc",
    "distance to the nearest canary of other folds less distance to the nearest synthetic row",
)
MONTE_CARLO = Attack(
    "attack.membership.monte_carlo_auc",
    "number of synthetic rows nearer than the median canary's nearest one",
)


def shown_not_run(reason: str) -> tuple[Metric, ...]:
    """All metrics of this module as NOT_RUN."""
    names = (
        DENSITY_RATIO.name,
        CALIBRATED.name,
        MONTE_CARLO.name,
        LOW_RATE,
        RECORD_MAX,
        RECORD_MEAN,
    )
    return none_run(names, reason)


def calibrated_scores(
    coder: AuditCoder, canaries: Canaries, nearest_scores: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Nearness to synthetic rows relative to canaries of other folds [customers].

    Args:
        coder: Names the columns.
        canaries: The canaries.
        nearest_scores: Minus the squared distances to the nearest synthetic rows [customers].
        seed: Draws folds and reference rows.
    """
    generator = stream(seed, "attack.membership.calibrated_auc")
    fold = canaries.folds(FOLDS, generator)[canaries.owner]
    features = FeatureMap.from_reference(coder.columns, canaries.rows)(canaries.rows)
    found = np.zeros(len(canaries.rows))
    for part in np.unique(fold):
        others = np.flatnonzero(fold != part)
        if len(others):
            reference = features[generator.permutation(others)[:REFERENCE_ROWS]]
            found[fold == part] = nearest(features[fold == part], reference).distances[:, 0]
    near = -canaries.max_by_customer(-np.round(found, 5))
    return np.sqrt(near) - np.sqrt(np.maximum(0.0, -nearest_scores))


def monte_carlo_scores(
    coder: AuditCoder,
    canaries: Canaries,
    synthetic: CodedTable,
    nearest_scores: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Number of synthetic rows within the median canary's distance [customers]."""
    features = FeatureMap.from_reference(coder.columns, canaries.rows)
    made = features(
        synthetic.sample(REFERENCE_ROWS, stream(seed, "attack.membership.monte_carlo_auc"))
    )
    radius = float(np.median(-nearest_scores)) + _SLACK
    return canaries.max_by_customer(
        counts_within(features(canaries.rows), made, radius).astype(float)
    )


def shown_metrics(
    coder: AuditCoder,
    canaries: Canaries,
    synthetic: CodedTable,
    scores: Scores,
    claim: Claim | None,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics of the diagnostic attacks, the combined score's rate at 0.1 %, and record risks.

    Args:
        coder: Names the columns.
        canaries: The canaries.
        synthetic: The synthetic rows.
        scores: The two scores that decide together.
        claim: The claimed guarantee, or None.
        seed: Draws folds, halves and samples.
    """
    attacks = {
        DENSITY_RATIO: scores.ratio,
        CALIBRATED: calibrated_scores(coder, canaries, scores.nearest, seed),
        MONTE_CARLO: monte_carlo_scores(coder, canaries, synthetic, scores.nearest, seed),
    }
    first = canaries.folds(2, stream(seed, "attack.membership: diagnostic halves")) == 0
    combined = scores.combined
    return (
        *area_metrics(canaries, attacks, first, claim),
        rate_metric(LOW_RATE, canaries, combined, claim, _LOW, _LEAST),
        *record_metrics(canaries, combined, first, claim),
    )


def area_metrics(
    canaries: Canaries,
    attacks: Mapping[Attack, NDArray[np.float64]],
    first: NDArray[np.bool_],
    claim: Claim | None,
) -> list[Metric]:
    """Area under each attack's curve, Bonferroni-corrected, with its rates.

    Args:
        canaries: The canaries.
        attacks: The scores of each attack [customers].
        first: The customers that fix the threshold of the advantage; it is judged on the others
            [customers].
        claim: The claimed guarantee, or None.
    """
    coin = canaries.is_member
    areas = {attack: area_under_curve(coin, scores) for attack, scores in attacks.items()}
    p_values = holm([area_p_value(coin, scores) for scores in attacks.values()])
    confidence = 1.0 - 0.05 / len(attacks)
    found = []
    for (attack, scores), p_value in zip(attacks.items(), p_values, strict=True):
        low, high = hanley_mcneil(areas[attack], int(coin.sum()), int((~coin).sum()), confidence)
        found.append(
            Metric(
                name=attack.name,
                value=areas[attack],
                low=low,
                high=high,
                confidence=confidence,
                baseline=0.5,
                ceiling=claim.area_under_curve() if claim else None,
                n=len(canaries),
                method=(
                    f"{attack.what}; shown only; Hanley-McNeil score interval, Bonferroni over"
                    f" {len(attacks)} attacks"
                ),
                details={
                    "p_value": p_value,
                    "roc": roc_points(coin, scores),
                    **_rates(coin, scores, first),
                },
            )
        )
    return found


def _rates(
    coin: NDArray[np.bool_], scores: NDArray[np.float64], first: NDArray[np.bool_]
) -> dict[str, object]:
    """Rates at 0.1 % and 1 % if there are enough non-members, and the held-out advantage."""
    others = int((~coin).sum())
    found: dict[str, object] = {
        f"tpr_at_fpr_{rate:g}": rates_json(rates_at(coin, scores, rate))
        for rate in (0.001, 0.01)
        if rate * others >= 1
    }
    if halves_hold_both(coin, first):
        rates = rates_of_half(coin, scores, first)
        low, high = rates.advantage_interval()
        found["advantage"] = {"value": rates.advantage, "low": low, "high": high}
    return found


def record_metrics(
    canaries: Canaries, scores: NDArray[np.float64], first: NDArray[np.bool_], claim: Claim | None
) -> tuple[Metric, ...]:
    """Metrics ``attack.membership.record_max`` and ``.record_mean`` (ISO/IEC 27559, 7.3.2).

    A record's risk is the attacker's chance to be right about it, at prior odds of one half. The
    mean risk is over all records: the attack's balanced accuracy.

    A single record's risk cannot be estimated from one run. So the largest risk is that of the most
    exposed of 20 groups of records with like scores. Threshold and group are chosen on one half of
    the customers and judged on the other.

    Args:
        canaries: The canaries.
        scores: One score per customer.
        first: Mask of the customers in the first half.
        claim: The claimed guarantee, or None.
    """
    if not halves_hold_both(canaries.is_member, first):
        reason = "a half of the canaries holds one kind only"
        return none_run((RECORD_MAX, RECORD_MEAN), reason)
    exposed = rates_of_most_exposed(canaries.is_member, scores, first)
    every = rates_of_half(canaries.is_member, scores, first)
    low, high = every.advantage_interval()
    mean = (1.0 + every.advantage) / 2.0, (1.0 + low) / 2.0, (1.0 + high) / 2.0
    accuracy = (1.0 + claim.advantage()) / 2.0 if claim else None
    group, n = (
        (exposed.posterior(), *exposed.posterior_interval()),
        exposed.members + exposed.others,
    )
    return (
        _record(
            RECORD_MAX,
            group,
            _largest_posterior(exposed, claim),
            n,
            f"the most exposed of {GROUPS} groups of like scores",
        ),
        _record(RECORD_MEAN, mean, accuracy, n, "mean over all records"),
    )


def _largest_posterior(exposed: Rates, claim: Claim | None) -> float | None:
    if claim is None:
        return None
    alarms = max(exposed.false_positive_rate, 1.0 / exposed.others)
    hits = claim.true_positive_rate(alarms)
    return hits / (hits + alarms)


def _record(
    name: str, ends: tuple[float, float, float], ceiling: float | None, n: int, what: str
) -> Metric:
    return Metric(
        name=name,
        value=ends[0],
        low=ends[1],
        high=ends[2],
        confidence=0.95,
        baseline=0.5,
        ceiling=ceiling,
        n=n,
        method=(
            f"chance of being right about a record's membership at even odds, {what}; {METHOD};"
            " chosen on one half of the canaries, judged on the other; Clopper-Pearson limits of"
            " both rates, Bonferroni"
        ),
    )
