"""Compare synthetic with real customers, beside two random halves of the real ones.

A measure is a distribution over fixed cells, or one number. Distributions are apart by their total
variation distance, numbers by their difference. A table as good as another sample of real customers
comes near to the figure of the two halves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

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
from privgan.audit.intervals import JACKKNIFE_BLOCKS, jackknife_error, normal_interval
from privgan.audit.randomness import stream
from privgan.files.json_types import JsonDict
from privgan.metric import Metric

GAPS, LENGTH = "fidelity.history.gaps", "fidelity.history.length"
REPEAT, COHORTS = "fidelity.history.repeat_rate", "fidelity.history.cohorts"
TRANSITIONS, WITHIN = "fidelity.history.transitions", "fidelity.history.within"
MONEY, TOP = "fidelity.history.rfm", "fidelity.history.top_tenth"
EXPECTED = "utility.history.expected_purchases"
NAMES = (GAPS, LENGTH, REPEAT, COHORTS, TRANSITIONS, WITHIN, MONEY, TOP, EXPECTED)
_DIGITS = 6
_NOTHING = {
    GAPS: "no real customer has two events",
    TRANSITIONS: "the schema has no column of categories",
    WITHIN: "no numeric column has two values of one real customer",
    MONEY: "the schema has no numeric column that varies within a customer",
    TOP: "no numeric column varies within a customer and has a total above 0",
    EXPECTED: "the model does not fit the real customers",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Measure:
    """One property of a table's customers.

    Attributes:
        of: From histories to the shares of all cells, or to one number [values].
        labels: Label of each cell; empty for a number.
        column: The column that it is about; empty if it is about none.
        relative: Whether a number's difference is a share of the real number.
    """

    of: Callable[[Histories], NDArray[np.float64]]
    labels: tuple[str, ...] = ()
    column: str = ""
    relative: bool = False

    @classmethod
    def of_question(cls, question: Question, column: str = "") -> Measure:
        """A distribution over a question's cells."""
        return cls(of=question.shares, labels=question.labels, column=column)

    @classmethod
    def of_number(
        cls, number: Callable[[Histories], float], column: str = "", *, relative: bool = False
    ) -> Measure:
        """One number."""
        return cls(
            of=lambda histories: np.array([number(histories)]), column=column, relative=relative
        )

    def apart(self, values: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of each line of values [lines, values] from the real ones [lines].

        A number's distance has a sign.
        """
        if self.labels:
            return np.asarray(0.5 * np.abs(values - real).sum(axis=1))
        return np.asarray((values - real)[:, 0] / (real[0] if self.relative else 1.0))


@dataclass(frozen=True, eq=False)
class Compared:
    """Values of one measure.

    Attributes:
        measure: The measure.
        real: Of all real customers [values].
        halves: Of two random halves of them [2, values].
        made: Of the synthetic customers, then without each block of them [parts, values].
    """

    measure: Measure
    real: NDArray[np.float64]
    halves: NDArray[np.float64]
    made: NDArray[np.float64]

    @property
    def value(self) -> float:
        """Distance of the synthetic customers."""
        return abs(float(self.measure.apart(self.made, self.real)[0]))

    @property
    def error(self) -> float:
        """Jackknife error of that distance."""
        return jackknife_error(self.measure.apart(self.made, self.real))

    @property
    def between_halves(self) -> float:
        """Distance of the halves from each other."""
        return abs(float(self.measure.apart(self.halves[:1], self.halves[1])[0]))

    @property
    def defined(self) -> bool:
        """Whether all values are numbers."""
        every = (self.real[None], self.made, self.halves)
        return all(bool(np.isfinite(values).all()) for values in every)

    def told(self) -> JsonDict:
        """Real, synthetic and halves' values as JSON, with the cells' labels."""
        values = (self.real, self.made[0], *self.halves)
        if not self.measure.labels:
            real, made, *halves = (round(float(part[0]), _DIGITS) for part in values)
            return {"real": real, "synthetic": made, "halves": halves}
        width = len(self.measure.labels)
        shares = [[round(float(share), _DIGITS) for share in part[:width]] for part in values]
        cells: JsonDict = {"labels": list(self.measure.labels)}
        return cells | {"real": shares[0], "synthetic": shares[1], "halves": shares[2:]}


def measures_of(layout: Layout, real: Histories) -> Mapping[str, Sequence[Measure]]:
    """All measures by metric; their cells and times are those of the real customers."""
    names, money = [column.name for column in layout.columns], money_question(layout, real)
    end, span = float(real.times.max()), float(np.ptp(real.times))
    expected = partial(expected_purchases, end=end, time=span / 2.0)
    place = layout.money
    return {
        GAPS: [Measure.of_question(gap_question(layout))] if len(real.later) else [],
        LENGTH: [Measure.of_question(length_question())],
        REPEAT: [Measure.of_number(repeat_rate)],
        COHORTS: [Measure.of_question(cohort_question(layout, real))],
        TRANSITIONS: [
            Measure.of_question(transition_question(layout, at, real), names[at])
            for at in (layout.categorical if len(real.later) else ())
        ],
        WITHIN: list(_within(layout, real)),
        MONEY: [] if money is None else [Measure.of_question(money)],
        TOP: [] if place is None else [Measure.of_number(partial(top_share, place=place))],
        EXPECTED: [Measure.of_number(expected, relative=True)] if installed() else [],
    }


def _within(layout: Layout, real: Histories) -> Iterator[Measure]:
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
    measures = measures_of(layout, real)
    block = stream(seed, "history: blocks").permutation(len(synthetic)) % JACKKNIFE_BLOCKS
    half = stream(seed, "history: halves").permutation(len(real)) % 2 == 0
    made = _values(measures, synthetic.jackknife(block))
    halves = _values(measures, (real.take(half), real.take(~half)))
    whole = _values(measures, (real,))
    return tuple(
        _metric(
            name,
            [
                Compared(part, whole[name][place][0], halves[name][place], made[name][place])
                for place, part in enumerate(parts)
            ],
            len(synthetic),
        )
        for name, parts in measures.items()
    )


def _values(
    measures: Mapping[str, Sequence[Measure]], parts: Iterable[Histories]
) -> Mapping[str, list[NDArray[np.float64]]]:
    """Values of each measure [parts, values] by metric; the parts are taken one by one."""
    found = [[[one.of(part) for one in named] for named in measures.values()] for part in parts]
    return {
        name: [np.array(values) for values in zip(*(part[place] for part in found), strict=True)]
        for place, name in enumerate(measures)
    }


def _metric(name: str, compared: Sequence[Compared], customers: int) -> Metric:
    """The worst of several columns, with an interval that holds for all at once (Bonferroni)."""
    known = [part for part in compared if part.defined]
    if not known:
        return Metric.not_run(name, _reason(name))
    worst = max(known, key=lambda part: part.value)
    low, high = normal_interval(worst.value, worst.error, tests=len(known), least=0.0)
    details = worst.told() | ({"column": worst.measure.column} if worst.measure.column else {})
    if worst.measure.column:
        details["columns"] = [_told(part) for part in known]
    return Metric(
        name=name,
        value=worst.value,
        low=low,
        high=high if not worst.measure.labels else min(1.0, high),
        confidence=0.95,
        baseline=worst.between_halves,
        n=customers,
        method=_method(worst.measure, len(known)),
        details=details,
    )


def _told(part: Compared) -> JsonDict:
    told: JsonDict = {"column": part.measure.column, "value": part.value}
    told["between_halves"] = part.between_halves
    return told if part.measure.labels else told | part.told()


def _reason(name: str) -> str:
    if name == EXPECTED and not installed():
        return MISSING
    return _NOTHING.get(name, "it is not defined for these customers")


def _method(measure: Measure, columns: int) -> str:
    how = f"total variation distance over {len(measure.labels)} cells"
    if not measure.labels:
        how = "difference from the real number" + ", as a share of it" * measure.relative
    many = f", the worst of {columns} columns (Bonferroni)" if columns > 1 else ""
    return (
        f"{how}{many}; baseline: two random halves of the real customers; interval: jackknife over"
        f" {JACKKNIFE_BLOCKS} blocks of synthetic customers"
    )
