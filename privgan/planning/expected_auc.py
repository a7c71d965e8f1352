"""Expect how well a model tells a target after the plan's noise, by theory and public facts alone.

A column's codes give a score for the target's value: the logarithm of the ratio of its two counts.
Noise on the counts is noise on the score. For scores that are normal in both groups, with a
distance of J between their means and a variance of J within them, the area under the curve (AUC) is
Φ(√(J/2)) (Green and Swets 1966, Signal Detection Theory, chapter 3). A column with a share J_j of
the distance, and a noise of variance V_j on its score, keeps J_j²/(J_j + V_j) of it where its
score is weighted as it deserves. Columns that are independent given the target add up: so noise
accumulates in an independence rule (Fan and Fan 2008, High-dimensional classification using
features annealed independence rules, theorem 1).

A score's variance V_j has two sources: the mechanism's noise on a code's counts, by the delta
method, and the draw of the rows themselves. Of g codes, (g - 1)/g of it is left, since scores are
compared. With equal V_j the area is that of a learnt direction (Raudys and Jain 1991, Small sample
size effects in statistical pattern recognition, section III, for the Euclidean distance
classifier). The curves of a rare outcome are smoothed (``privgan.generator.rare_tilt``): each has
few free groups, whatever its codes.

How the distance is spread over the columns is not public. The sum is least where all have the same
share of it, and greatest where the most precisely measured one has all. Wider marginals, and a
network trained by DP-SGD, may tell more. Codes are taken to be equally frequent. A guide, no bound:
``tests/rare/test_measured_auc.py`` holds it to measured areas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from privgan.planning.plan import Plan, StepKind
from privgan.planning.workload import BY_DIFFERENCE, pairs_at_once, place_of_target, planned_sizes
from privgan.schema.schema import Schema

REAL_AUCS = (0.7, 0.8, 0.9)
_TWO = 2
# A smoothed curve of a column has so many free groups at most.
_GROUPS = 5


@dataclass(frozen=True, kw_only=True)
class ExpectedAuc:
    """What is left of a real model's area under the curve.

    Attributes:
        real: Of a model fitted to real rows without end; nobody knows it beforehand.
        low: Expected where all columns tell the same.
        high: Expected where one column, the most precisely measured, tells all.
    """

    real: float
    low: float
    high: float


def expected_aucs(plan: Plan, schema: Schema, share: float | None) -> tuple[ExpectedAuc, ...]:
    """The areas to expect for ``REAL_AUCS``; none without a target, or where no pair is planned.

    Args:
        plan: The plan; of a table in parts nothing is told.
        schema: The schema that it was made for.
        share: Public guess of the share of rows with the target's value; None for the declared
            number of a rare outcome's positives, or else equal shares of all values.
    """
    noises = score_noises(plan, schema, share)
    return tuple(expected_auc(real, noises) for real in REAL_AUCS) if noises else ()


def expected_auc(real: float, noises: Sequence[float]) -> ExpectedAuc:
    """The area to expect.

    Args:
        real: That of a model fitted to real rows, in (0.5, 1).
        noises: Variance of the noise on each column's score.
    """
    distance = 2 * float(norm.ppf(real)) ** 2
    even = distance / len(noises)
    spread = sum(even**2 / (even + noise) for noise in noises)
    return ExpectedAuc(
        real=real, low=_area(spread), high=_area(distance**2 / (distance + min(noises)))
    )


def free_groups(codes: int | None) -> int:
    """Free groups of a smoothed curve over so many codes; None for many."""
    return min(_GROUPS, codes or _GROUPS)


def score_variance(groups: int, ratio: float, value: float, rest: float = math.inf) -> float:
    """Variance of the noise on a column's score.

    Args:
        groups: The number of codes, or of groups of them.
        ratio: Variance of the mechanism's noise on the logarithm of a group's ratio of counts.
        value: Rows of a group that have the target's value.
        rest: Its other rows.
    """
    return (1 - 1 / groups) * (ratio + 1 / value + 1 / rest)


def _area(distance: float) -> float:
    return float(norm.cdf(math.sqrt(distance / 2)))


def score_noises(plan: Plan, schema: Schema, share: float | None) -> list[float]:
    """Variance of the noise on the score of each column but the target, in squared nats.

    By the delta method, of pairs with the target and of single columns.
    """
    target = place_of_target(schema)
    if target is None or plan.parts or not plan.steps:
        return []
    sizes = planned_sizes(schema.modelled, plan.marginals)
    share = _usual_share(plan, schema, sizes[target]) if share is None else share
    noise_of_kind = {step.kind: step.noise for step in plan.steps}
    single = {step.name: step.noise for step in plan.of_kind(StepKind.MARGINAL)}
    found = []
    for kind, pairs in pairs_at_once(schema, plan.marginals).items():
        for pair in pairs:
            if target not in pair:
                continue
            other = pair[0] if pair[1] == target else pair[1]
            groups = sizes[other] if schema.rare is None else free_groups(sizes[other])
            rows = plan.kept_in_rows / groups
            of_value, of_rest = rows * share, rows * (1 - share)
            column = single[f"marginal:{schema.modelled[other].name}"]
            noise = noise_of_kind[kind]
            if kind in BY_DIFFERENCE and sizes[target] == _TWO:
                ratio = _of_differences(of_value, of_rest, noise, column)
            else:
                if kind in BY_DIFFERENCE:
                    values = single[f"marginal:{schema.modelled[target].name}"]
                    noise = math.hypot(noise, values) / 2
                ratio = _of_counts(of_value, of_rest, noise, column)
            found.append(score_variance(groups, ratio, of_value, of_rest))
    return found


def _usual_share(plan: Plan, schema: Schema, values: int) -> float:
    """The share of a rare outcome's declared positives, or equal shares of all values."""
    if schema.rare is None or schema.rare.positives is None or plan.rows is None:
        return 1 / values
    return min(1 - 1 / plan.rows, schema.rare.positives / plan.rows)


def _of_differences(value: float, rest: float, noise: float, column: float) -> float:
    """Of log(value/rest), from their noisy difference and their noisy sum."""
    return ((1 / value + 1 / rest) ** 2 * noise**2 + (1 / value - 1 / rest) ** 2 * column**2) / 4


def _of_counts(value: float, rest: float, noise: float, column: float) -> float:
    """Of log(value/rest), from the noisy count of the value and the noisy sum of both."""
    return (1 / value + 1 / rest) ** 2 * noise**2 + (column / rest) ** 2
