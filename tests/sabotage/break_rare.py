"""Ways for looks at a rare outcome to come without noise, or without their price."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement import outcome_look
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import Marginal, exact_counts
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


def _counted(looks: Looks, encoder: Encoder) -> np.ndarray:
    return exact_counts(encoder.encode(looks.table._frame), (0, 1), encoder.sizes)


@variant(
    "L6, L9",
    checks.codes_follow_a_rare_outcome_by_noisy_counts_alone,
    "past its mechanism",
)
def codes_cut_by_exact_counts_of_an_outcome(patch: Patch) -> None:
    """The look is charged, and the exact counts decide which codes are cut."""
    released = outcome_look._released

    def exact(looks: Looks, encoder: Encoder, step: Any) -> np.ndarray:
        released(looks, encoder, step)
        return _counted(looks, encoder).reshape(encoder.sizes)

    patch.setattr(outcome_look, "_released", exact)


@variant(
    "L13",
    checks.codes_follow_a_rare_outcome_by_noisy_counts_alone,
    "are charged for the looks",
)
def codes_looked_at_by_an_outcome_uncharged(patch: Patch) -> None:
    """The look has the plan's noise, and no step of the plan pays for it."""

    def unpaid(looks: Looks, encoder: Encoder, step: Any) -> np.ndarray:
        noisy = looks.coins.discrete_gaussian(_counted(looks, encoder), step.noise)
        return noisy.reshape(encoder.sizes)

    patch.setattr(outcome_look, "_released", unpaid)
