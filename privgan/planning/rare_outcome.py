"""Plan for a rare outcome: its share of the budget, and what may be expected of it.

Public facts alone: the plan's noise, the schema, and a declared or a noisy number of positives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from privgan.errors import IncompleteError
from privgan.planning.expected_auc import expected_auc, free_groups, score_variance
from privgan.planning.plan import Plan, StepKind
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema

# Chosen on training rows of three tables (``reports/benchmarks/notebook.md``).
SHARE_OF_COUNT = 0.02  # Of the whole budget, for how often the outcome occurs.
SHARE_OF_OUTCOME = 0.5  # Of the budget of pairs, for those with the outcome.
# Of the budget of fine histograms, for a look at their codes by the outcome.
SHARE_OF_LOOK = 1 / 3
# Of the marginals' budget, for single columns at least: a pair's difference between the classes
# tells no more of the positives than its column's own counts do.
SHARE_OF_COLUMNS = 0.3
# An outcome that real rows tell so well is what positives are reckoned for.
TOLD_BY_REAL_ROWS = 0.85
WANTED, HOPELESS = 0.75, 0.6
RARE = 0.02  # A target of two values of which one has less than this share is rare.
_MOST_POSITIVES = 1 << 40


def with_share(
    weights: Mapping[StepKind, float],
    numbers: Mapping[StepKind, int],
    favoured: frozenset[StepKind],
    share: float,
) -> dict[StepKind, float]:
    """Weights by which the favoured kinds of marginals get a share of the whole, or more.

    Args:
        weights: Of one marginal of each kind.
        numbers: The number of marginals of each kind.
        favoured: The kinds that get more.
        share: Their share of the whole, below 1.
    """
    costs = {kind: weight * numbers[kind] for kind, weight in weights.items()}
    theirs = sum(cost for kind, cost in costs.items() if kind in favoured)
    others = sum(costs.values()) - theirs
    if not theirs or theirs >= share * (theirs + others):
        return dict(weights)
    factor = share / (1 - share) * others / theirs
    return {
        kind: weight * (factor if kind in favoured else 1.0) for kind, weight in weights.items()
    }


@dataclass(frozen=True)
class Expectation:
    """What a plan promises of a rare outcome.

    Attributes:
        groups: The number of groups of each other column's curve.
        noise: Standard deviation σ of the noise on a count of positives of one code, in rows.
        kept_in: The share of the customers that are counted.
    """

    groups: tuple[int, ...]
    noise: float
    kept_in: float

    @classmethod
    def of(cls, plan: Plan, schema: Schema) -> Expectation | None:
        """The expectation of a plan whose stage 2 is known; None without a rare outcome."""
        if schema.rare is None:
            return None
        noises = {step.kind.value: step.noise for step in plan.steps}
        others = (column for column in schema.modelled if column.name != schema.target)
        sizes = (
            len(column.categories) + column.missing if isinstance(column, Discrete) else None
            for column in others
        )
        return cls.from_noise(noises, sizes, plan.canary_probability)

    @classmethod
    def from_noise(
        cls, noises: Mapping[str, float], sizes: Iterable[int | None], canary_probability: float
    ) -> Expectation | None:
        """The expectation from what a release states; None where no pair was measured.

        Args:
            noises: By kind of step the noise of a count.
            sizes: The number of values of each other column; None for a number or a moment.
            canary_probability: The plan's.
        """
        found = [noises[kind] for kind in (StepKind.TARGET_PAIRS.value,) if kind in noises]
        if StepKind.TARGET_DIFFERENCES.value in noises:
            # Of the difference between the classes and of their sum, each has half of the noise.
            pair, sums = noises[StepKind.TARGET_DIFFERENCES.value], noises[StepKind.MARGINAL.value]
            found.append(math.hypot(pair, sums) / 2)
        if not found:
            return None
        groups = tuple(free_groups(size) for size in sizes)
        return cls(groups, max(found), 1.0 - canary_probability / 2.0)

    def area(self, positives: float) -> float:
        """The expected area under the curve (AUC), where real rows without noise would give .85.

        The outcome is told by a sum of curves, one a column, learnt from counts of n positives in
        groups of each column. It is the area of ``expected_auc`` where all columns tell alike.

        Args:
            positives: The number of positive rows of the table.
        """
        counted = max(positives * self.kept_in, 1e-9)
        variances = [
            score_variance(groups, (self.noise * groups / counted) ** 2, counted / groups)
            for groups in self.groups
        ]
        return expected_auc(TOLD_BY_REAL_ROWS, variances).low

    def needed(self, area: float) -> int:
        """The least number of positives at which an area may be expected.

        Args:
            area: Above 0.5, and below the area of real rows.
        """
        least, most = 0, _MOST_POSITIVES
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (least, middle) if self.area(middle) >= area else (middle, most)
        return most


def outcome_lines(plan: Plan, schema: Schema) -> Iterator[str]:
    """What may be expected of a rare outcome, in lines; nothing without one.

    Args:
        plan: The plan; before its stage 2 nothing is known.
        schema: The schema that it is for.
    """
    rare, found = schema.rare, Expectation.of(plan, schema)
    if rare is None or found is None:
        return
    yield f"rare outcome {schema.target} = {rare.positive}: {_told(rare.positives)}"
    if rare.positives is not None:
        yield f"  expected AUC {found.area(rare.positives):.2f}, {_BESIDE}"
    wanted, least = (f"about {found.needed(area):,} positives" for area in (WANTED, HOPELESS))
    yield f"  an expected AUC of {WANTED:.2f} needs {wanted}; below {least} it is hopeless"


_BESIDE = f"where real rows would give {TOLD_BY_REAL_ROWS:.2f}"


def _told(positives: int | None) -> str:
    if positives is None:
        return "how many positives there are is measured first, with noise"
    return f"about {positives:,} positives are declared"


def check_hopeful(plan: Plan, schema: Schema, counted: float | None = None) -> None:
    """Check that a plan can tell a rare outcome at all; nothing without one.

    Args:
        plan: The plan, with its stage 2.
        schema: The schema that it is for.
        counted: The noisy number of positives among the customers that are counted; None for the
            declared one.

    Raises:
        IncompleteError: The expected AUC is below 0.6.
    """
    rare, found = schema.rare, Expectation.of(plan, schema)
    if rare is None or found is None or (counted is None and rare.positives is None):
        return
    positives = rare.positives if counted is None else max(0.0, counted) / found.kept_in
    assert positives is not None
    if found.area(positives) >= HOPELESS:
        return
    known = "declared" if counted is None else "counted with noise"
    raise IncompleteError(
        f"rare outcome {schema.target} = {rare.positive}: about {positives:,.0f} positives are"
        f" {known}, and at ε = {plan.budget.epsilon:g} an AUC of {found.area(positives):.2f} may be"
        f" expected {_BESIDE}; about {found.needed(WANTED):,} positives, or a larger ε, are needed"
    )
