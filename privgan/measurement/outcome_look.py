"""Look at codes by a rare outcome, each look charged, and split those in which positives lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from privgan.domain.encoding import ColumnCode, Encoder
from privgan.domain.outcome_codes import split_code
from privgan.errors import InternalError
from privgan.measurement.looks import Looks, counts_of
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.planning.plan import Plan, PlanStep, StepKind
from privgan.privacy.mechanisms import CountHistogram


def split_by_outcome(
    looks: Looks, encoder: Encoder, plan: Plan, outcome: tuple[int, int], total: float
) -> Encoder:
    """Codes that follow a rare outcome, in the columns that the plan looks at.

    The noisy counts are kept over the finer codes: those that a code was cut into are one group.

    Args:
        looks: The private rows, with what charges each look.
        encoder: Rows to codes.
        plan: Fixes each look's noise.
        outcome: The outcome's place among the columns, and the code of its positive value.
        total: The noisy number of positives.
    """
    place, positive = outcome
    columns = list(encoder.columns)
    for step in plan.of_kind(StepKind.OUTCOME_HISTOGRAM):
        own = encoder.names.index(step.name.partition(":")[2])
        pair = (min(own, place), max(own, place))
        noisy = _released(looks, Encoder(tuple(encoder.columns[part] for part in pair)), step)
        axis = pair.index(place)
        counts = np.take(noisy, positive, axis=axis).astype(float)
        columns[own] = split_code(encoder.columns[own], counts, step.noise, total)
        groups = tuple(
            _groups(encoder.columns[part], columns[part]) if part == own else _alone(noisy, axis)
            for part in pair
        )
        looks.kept.append(
            NoisyCounts(
                step=step.name,
                columns=tuple(encoder.names[part] for part in pair),
                counted=Counted.GROUPS,
                noise=step.noise,
                figures=noisy.ravel(),
                groups=groups,
            )
        )
    return replace(encoder, columns=tuple(columns))


def _released(looks: Looks, encoder: Encoder, step: PlanStep) -> np.ndarray:
    """Noisy counts of two columns' codes [codes, codes]."""
    if not isinstance(step.mechanism, CountHistogram):
        raise InternalError(f"the step {step.name} is no histogram")
    counts = counts_of(looks.codes(step, encoder), (0, 1), encoder.sizes)
    return step.mechanism.release(counts, looks.coins).reshape(encoder.sizes)


def _groups(before: ColumnCode, after: ColumnCode) -> tuple[int, ...]:
    """The code that each finer code was cut from."""
    first = np.unique(after.code_of, return_index=True)[1]
    return tuple(before.code_of[first].tolist())


def _alone(noisy: np.ndarray, axis: int) -> tuple[int, ...]:
    return tuple(range(noisy.shape[axis]))
