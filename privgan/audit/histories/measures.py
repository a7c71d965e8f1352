"""Compare synthetic with real histories, beside two random halves of the real ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from privgan.audit.compared import Measure, Sides, compared_metrics
from privgan.audit.histories.cells import (
    Question,
    cohort_question,
    gap_question,
    length_question,
    money_question,
    transition_question,
)
from privgan.audit.histories.histories import Histories, Layout
from privgan.audit.histories.lifetime_value import MISSING, expected_purchases, installed
from privgan.audit.histories.statistics import (
    Scale,
    repeat_rate,
    scale_of,
    top_share,
    within_correlation,
)
from privgan.audit.intervals import JACKKNIFE_BLOCKS
from privgan.audit.randomness import stream
from privgan.metric import Metric

GAPS, LENGTH = "fidelity.history.gaps", "fidelity.history.length"
REPEAT, COHORTS = "fidelity.history.repeat_rate", "fidelity.history.cohorts"
TRANSITIONS, WITHIN = "fidelity.history.transitions", "fidelity.history.within"
MONEY, TOP = "fidelity.history.rfm", "fidelity.history.top_tenth"
EXPECTED = "utility.history.expected_purchases"
NAMES = (GAPS, LENGTH, REPEAT, COHORTS, TRANSITIONS, WITHIN, MONEY, TOP, EXPECTED)
_NOTHING = {
    GAPS: "no real customer has two events",
    TRANSITIONS: "the schema has no column of categories",
    WITHIN: "no numeric column has two values of one real customer",
    MONEY: "the schema has no numeric column that varies within a customer",
    TOP: "no numeric column varies within a customer and has a total above 0",
    EXPECTED: "the model does not fit the real customers",
}


def measures_of(layout: Layout, real: Histories) -> Mapping[str, Sequence[Measure[Histories]]]:
    """All measures by metric; their cells and times are those of the real customers."""
    names, money = [column.name for column in layout.columns], money_question(layout, real)
    end, span = float(real.times.max()), float(np.ptp(real.times))
    expected = partial(expected_purchases, end=end, time=span / 2.0)
    place = layout.money
    return {
        GAPS: [_of_question(gap_question(layout))] if len(real.later) else [],
        LENGTH: [_of_question(length_question())],
        REPEAT: [Measure.of_number(repeat_rate)],
        COHORTS: [_of_question(cohort_question(layout, real))],
        TRANSITIONS: [
            _of_question(transition_question(layout, at, real), names[at])
            for at in (layout.categorical if len(real.later) else ())
        ],
        WITHIN: list(_within(layout, real)),
        MONEY: [] if money is None else [_of_question(money)],
        TOP: [] if place is None else [Measure.of_number(partial(top_share, place=place))],
        EXPECTED: [Measure.of_number(expected, relative=True)] if installed() else [],
    }


def _of_question(question: Question, column: str = "") -> Measure[Histories]:
    """A distribution over a question's cells."""
    return Measure(of=question.shares, labels=question.labels, column=column)


def _within(layout: Layout, real: Histories) -> Iterator[Measure[Histories]]:
    """Correlations within real customers, of each numeric column that shows one."""
    for place in layout.numeric:
        scale = scale_of(real.values[:, place])
        if not math.isnan(within_correlation(real, place, scale)):
            held = partial(_held, place=place, scale=scale)
            yield Measure.of_number(held, layout.columns[place].name)


def _held(histories: Histories, place: int, scale: Scale) -> float:
    """Correlation within customers; 0 for customers who show none."""
    found = within_correlation(histories, place, scale)
    return 0.0 if math.isnan(found) else found


def history_metrics(
    layout: Layout, real: Histories, synthetic: Histories, seed: int
) -> tuple[Metric, ...]:
    """Metrics of gaps, lengths, cohorts, transitions, correlations, money and expected purchases.

    Args:
        layout: The columns.
        real: All real customers, kept in and left out.
        synthetic: The synthetic customers.
        seed: Draws the halves and the jackknife's blocks.

    Returns:
        Distances with a delete-a-tenth jackknife interval over synthetic customers. The baseline is
        the distance of two random halves of the real customers from each other.
    """
    block = stream(seed, "history: blocks").permutation(len(synthetic)) % JACKKNIFE_BLOCKS
    half = stream(seed, "history: halves").permutation(len(real)) % 2 == 0
    sides = Sides(
        real=real,
        halves=(real.take(half), real.take(~half)),
        made=synthetic.jackknife(block),
        number=len(synthetic),
    )
    return compared_metrics(measures_of(layout, real), sides, _reason)


def _reason(name: str) -> str:
    if name == EXPECTED and not installed():
        return MISSING
    return _NOTHING.get(name, "it is not defined for these customers")
