"""Compare an attack's success on training rows with its success on hold-out rows.

The three questions of WP216 (Article 29 Working Party, Opinion 05/2014) use this control. An attack
that succeeds as often on hold-out customers has learnt about the population. It has learnt nothing
about the customers in the table.

Each column, split or mode that is searched is one contrast. All contrasts are corrected together
(Holm 1979). The figure is the most significant one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.intervals import (
    CONFIDENCE,
    difference_interval,
    fisher_p_value,
    holm,
    newcombe_interval,
)
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.metric import Metric

SIGNIFICANCE = 1.0 - CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One attack on training rows beside the same attack on hold-out rows.

    Attributes:
        label: The column, split or mode.
        hits: Successes on training rows; a mean over several tables of training rows may be no
            whole number.
        trials: Attacks on training rows.
        control_hits: Successes on hold-out rows.
        control_trials: Attacks on hold-out rows.
        paired_p_value: Exact one-sided p-value of no excess if the same attacks were made on both
            tables; None if the attacked rows are different customers.
        notes: Further figures to print beside it; JSON values.
    """

    label: str
    hits: float
    trials: int
    control_hits: float
    control_trials: int
    paired_p_value: float | None = None
    notes: JsonMapping | None = None

    @property
    def rate(self) -> float:
        """Share of successes on training rows."""
        return self.hits / self.trials

    @property
    def control_rate(self) -> float:
        """Share of successes on hold-out rows."""
        return self.control_hits / self.control_trials

    @property
    def excess(self) -> float:
        """Training share minus hold-out share."""
        return self.rate - self.control_rate

    def p_value(self) -> float:
        """One-sided exact p-value of no excess.

        Fisher's exact test if different customers were attacked.
        """
        if self.paired_p_value is not None:
            return self.paired_p_value
        return float(fisher_p_value(self.hits, self.trials, self.control_hits, self.control_trials))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Confidence interval of the excess.

        Newcombe's method for different customers. If the attacks are the same on both sides,
        Clopper-Pearson limits that hold for both shares at once.
        """
        pairs = (self.hits, self.trials), (self.control_hits, self.control_trials)
        return (
            newcombe_interval(*pairs, confidence)
            if self.paired_p_value is None
            else difference_interval(*pairs, confidence)
        )


def excess_metric(
    name: str, contrasts: Sequence[Contrast], *, method: str, ceiling: float | None = None
) -> Metric:
    """Metric of the most significant excess; its details list every contrast.

    The interval holds for all contrasts at once (Bonferroni), so choosing the worst one costs
    nothing. The detail ``status`` says "no better than the control" if none is significant at 5 %
    after Holm's correction. A table that keeps its promise gives that result; it is no reason to
    distrust the attack.

    Args:
        name: The metric's name.
        contrasts: At least one; those without a trial are left out before.
        method: The attack in words; the comparison is appended.
        ceiling: The largest excess that the claim allows, or None.
    """
    p_values = [contrast.p_value() for contrast in contrasts]
    adjusted = holm(p_values)
    worst = min(
        range(len(contrasts)), key=lambda place: (p_values[place], -contrasts[place].excess)
    )
    chosen, confidence = contrasts[worst], 1.0 - SIGNIFICANCE / len(contrasts)
    low, high = chosen.interval(confidence)
    found = adjusted[worst] < SIGNIFICANCE
    return Metric(
        name=name,
        value=chosen.excess,
        low=low,
        high=high,
        confidence=CONFIDENCE,
        baseline=0.0,
        ceiling=ceiling,
        n=chosen.trials,
        method=(
            f"{method}; success on training less success on hold-out rows, the most significant of"
            f" {len(contrasts)} looked at; exact test, Holm; interval for all at once"
        ),
        details={
            "worst": chosen.label,
            "status": "better than the control" if found else "no better than the control",
            "p_value": adjusted[worst],
            "true_positive_rate": chosen.rate,
            "false_positive_rate": chosen.control_rate,
            "mean_excess": float(np.mean([contrast.excess for contrast in contrasts])),
            "searched": [_told(*pair) for pair in zip(contrasts, adjusted, strict=True)],
        },
    )


def _told(contrast: Contrast, adjusted: float) -> JsonDict:
    return {
        "label": contrast.label,
        "rate": contrast.rate,
        "n": contrast.trials,
        "control_rate": contrast.control_rate,
        "control_n": contrast.control_trials,
        "excess": contrast.excess,
        "p_value": adjusted,
        **dict(contrast.notes or {}),
    }


def targets(table: CodedTable, size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Positions of at most ``size`` rows to attack, at most one of each customer.

    Attacks are then counted by customer.
    """
    order = generator.permutation(len(table))
    if table.customers is not None:
        _, first = np.unique(table.customers[order], return_index=True)
        order = order[np.sort(first)]
    return order[:size]
