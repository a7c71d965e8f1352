"""Estimate the precision of a table's counts from the plan's noise and the noisy shares alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.planning.plan import StepKind
from privgan.report.data import NoisyShape, PlanStep
from privgan.table.histogram import shares_of, total_variation

_ONE = frozenset({StepKind.MARGINAL})
_TWO = frozenset({StepKind.PAIRS, StepKind.DIFFERENCES})
_CHOSEN = frozenset({StepKind.CHOSEN_MARGINAL})


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Expected precision of the table's shares; no real row was read for it.

    Attributes:
        one: Expected absolute error of a measured share of one column, in [0, 1]; None for none.
        two: The same of two columns together.
        every_pair: Whether all pairs of columns were measured, or only chosen ones.
        distance: Mean total variation distance of synthetic to noisy columns; None for none.
    """

    one: float | None
    two: float | None
    every_pair: bool
    distance: float | None


def precision_of(steps: Iterable[PlanStep], shapes: Sequence[NoisyShape] = ()) -> Precision:
    """Precision from a plan's steps, and the distance to the noisy shapes."""
    planned = list(steps)
    pairs = _error(planned, _TWO)
    distances = [_distance(shape) for shape in shapes]
    return Precision(
        one=_error(planned, _ONE),
        two=_error(planned, _CHOSEN) if pairs is None else pairs,
        every_pair=pairs is not None,
        distance=float(np.mean(distances)) if distances else None,
    )


def _error(steps: Iterable[PlanStep], kinds: frozenset[StepKind]) -> float | None:
    """Largest expected error of some kinds of steps."""
    wanted = set(map(str, kinds))
    found = [
        step.expected_error
        for step in steps
        if step.kind in wanted and step.expected_error is not None
    ]
    return max(found, default=None)


def _distance(shape: NoisyShape) -> float:
    return total_variation(
        shares_of(np.asarray(shape.noisy)), shares_of(np.asarray(shape.synthetic))
    )
