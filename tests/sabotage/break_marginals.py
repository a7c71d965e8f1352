"""Ways of breaking what leaves as noisy marginals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement import measure, noise_check
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import exact_counts
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.pipeline import fitting
from privgan.planning.plan import PlanStep
from privgan.privacy.randomness import SecretStream
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant(
    "L4, L13", checks.marginals_that_leave_are_what_was_paid_for, "not what a mechanism gave out"
)
def exact_counts_leave(patch: Patch) -> None:
    """The exact counts of a marginal are written in place of the noisy ones."""
    released = measure._released

    def exact(looks: Looks, encoder: Encoder, step: PlanStep, clique: Any) -> Any:
        made = released(looks, encoder, step, clique)
        codes = encoder.encode(looks.table._frame)
        counts = exact_counts(codes, clique, encoder.sizes)
        looks.kept[-1] = replace(looks.kept[-1], figures=counts)
        return made

    patch.setattr(measure, "_released", exact)


@variant("L13", checks.marginals_that_leave_are_what_was_paid_for, "was not charged")
def marginal_that_nobody_paid_for(patch: Patch) -> None:
    """A marginal more leaves, with noise of its own coins and without a step of the plan."""
    one_way = fitting.measure_one_way

    def more(looks: Looks, encoder: Encoder, plan: Any, *known: Any) -> Any:
        counts = exact_counts(encoder.encode(looks.table._frame), (0, 1), encoder.sizes)
        looks.kept.append(
            NoisyCounts(
                step="marginal:extra",
                columns=encoder.names[:2],
                counted=Counted.CODES,
                noise=5.0,
                figures=SecretStream().discrete_gaussian(counts, 5.0),
            )
        )
        return one_way(looks, encoder, plan, *known)

    patch.setattr(fitting, "measure_one_way", more)


@variant("L25", checks.marginals_that_leave_are_what_was_paid_for, "states another noise")
def noise_understated(patch: Patch) -> None:
    """Marginals are said to have half of their noise, so that intervals are too narrow."""
    keep = measure._keep

    def less(looks: Looks, *given: Any, **more: Any) -> None:
        keep(looks, *given, **more)
        looks.kept[-1] = replace(looks.kept[-1], noise=looks.kept[-1].noise / 2)

    patch.setattr(measure, "_keep", less)


@variant("L11", checks.noise_that_is_not_there_shows, "pass unseen")
def noise_taken_for_granted(patch: Patch) -> None:
    """Nobody compares marginals with columns in common."""
    patch.setattr(noise_check, "LEAST_CHANCE", -1.0)


@variant("L4, L7", checks.nothing_but_mechanisms_sees_the_rows, "rows reach marginals")
def counts_shifted_by_the_rows(patch: Patch) -> None:
    """The noisy counts are shifted by the exact number of rows."""
    keep = measure._keep

    def shifted(looks: Looks, *given: Any, **more: Any) -> None:
        keep(looks, *given, **more)
        found = looks.kept[-1]
        rows = np.int64(len(looks.table._frame))
        looks.kept[-1] = replace(found, figures=found.figures + rows)

    patch.setattr(measure, "_keep", shifted)
