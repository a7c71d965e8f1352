"""Ways for the first count of a rare outcome to come without noise, or without its price."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from privgan.measurement.looks import Looks
from privgan.measurement.marginals import Marginal
from privgan.pipeline import fitting
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


def _exact(looks: Looks, name: str) -> np.ndarray:
    column = looks.table._frame[name]
    return np.array([(column == value).sum() for value in ("no", "yes")], dtype=float)


@variant(
    "L6, L10",
    checks.a_rare_outcomes_first_count_is_charged_and_noisy_alone,
    "comes past its mechanism",
)
def rare_outcome_given_up_by_its_exact_count(patch: Patch) -> None:
    """The count is charged, and the exact number decides whether the fit goes on."""
    measured = fitting.measure_column

    def exact(looks: Looks, schema: Any, plan: Any, name: str) -> Marginal:
        found = measured(looks, schema, plan, name)
        return replace(found, counts=_exact(looks, name))

    patch.setattr(fitting, "measure_column", exact)


@variant(
    "L13",
    checks.a_rare_outcomes_first_count_is_charged_and_noisy_alone,
    "are charged for the count",
)
def rare_outcome_counted_uncharged(patch: Patch) -> None:
    """The count has the plan's noise, and no step of the plan pays for it."""

    def unpaid(looks: Looks, schema: Any, plan: Any, name: str) -> Marginal:
        place, step = schema.names.index(name), plan.step(f"marginal:{name}")
        noisy = looks.coins.discrete_gaussian(_exact(looks, name).astype(int), step.noise)
        return Marginal(clique=(place,), counts=noisy.astype(float), standard_deviation=step.noise)

    patch.setattr(fitting, "measure_column", unpaid)
