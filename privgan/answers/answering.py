"""Answer a question from what is known of a table.

A share, a mean or a difference is linear in sums near its value. Its error is that of the sum of
its gradient over rows, of which all noise is known (the delta method).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from privgan.answers.answer import Answer, Errors, Figure, Origin
from privgan.answers.groups import Group, groups_of
from privgan.answers.knowledge import Knowledge
from privgan.answers.quantiles import Cut, quantile_of
from privgan.answers.question import Conditions, Measure, Question, Statistic, Target
from privgan.answers.sums import Sum, coding_variance, sum_of, sum_of_squares
from privgan.answers.weights import (
    Weight,
    cells_of_column,
    code_ends,
    ends_of,
    holds,
    present,
    product,
    scaled,
    value,
)
from privgan.errors import UsageError
from privgan.report.shapes import written
from privgan.schema.columns import Temporal
from privgan.schema.schema import Schema

LEVEL = 0.95
# A group must have so many rows, in standard deviations of its count, for a share or a mean.
LEAST_ROWS = 4.0
_ENDS = "the interval is what the ends of the column's codes allow"
TOO_FEW = "too few rows: their number cannot be told from the noise"


@dataclass(frozen=True, kw_only=True)
class _Linear:
    """A figure near its value: a weight for each row, and the sum of it.

    Attributes:
        value: The figure.
        weight: What one row more would change of it, by its values; in rows that were counted.
        sums: The sums that it was computed from.
    """

    value: float
    weight: Weight
    sums: tuple[Sum, ...]


class _TooFewRowsError(Exception):
    """A figure's rows cannot be told from the noise."""


def answer(question: Question, known: Knowledge, schema: Schema, target: Target) -> Answer:
    """Answer a question.

    Args:
        question: The question.
        known: What is known of the table.
        schema: The public facts.
        target: What the intervals are about.

    Raises:
        UsageError: No row can be meant, or too few are; of groups, where none has enough.
    """
    asker = _Asker(known, target)
    groups = groups_of(question.by, known.encoder)
    figures = [asker.figure(question, group) for group in groups]
    if all(figure.value is None for figure in figures):
        raise UsageError(f"{question.text}: {TOO_FEW}; ask of more rows")
    return Answer(
        question=question.text,
        dataset=schema.dataset,
        target=target.value,
        level=LEVEL,
        figures=tuple(figures),
        notes=tuple(_notes(known, target)),
    )


def _notes(known: Knowledge, target: Target) -> Iterator[str]:
    if not known.measured:
        yield (
            "the release holds no noisy marginals: every figure is the model's alone, and nothing"
            " tells how wrong it is"
        )
        return
    if target is Target.TABLE:
        yield "intervals hold the value of the real table: they cover the known noise"
    else:
        yield "intervals hold the value of the population: they cover noise and sampling"
    if known.counted < 1:
        yield (
            f"each customer was counted with probability {known.counted:g}; the intervals cover"
            " who was left out"
        )
    if known.most_rows > 1:
        yield (
            f"a customer has up to {known.most_rows} rows, and no more of its rows were counted;"
            " intervals for who was left out or sampled are wide enough for that many alike"
        )


class _Asker:
    """Computes figures.

    Args:
        known: What is known of the table.
        target: What intervals are about.
    """

    def __init__(self, known: Knowledge, target: Target) -> None:
        self._known, self._target = known, target
        self._z = float(ndtri((1 + LEVEL) / 2))

    def figure(self, question: Question, group: Group) -> Figure:
        """The figure of one group; without a value where too few rows are in it."""
        if len(question.statistics) == 1:
            (only,) = question.statistics
            if only.measure is Measure.QUANTILE:
                return self._quantile(only, self._rows(question, only, group), group)
        try:
            parts = [self._linear(question, one, group) for one in question.statistics]
        except _TooFewRowsError:
            return _empty(group)
        whole = parts[0]
        if len(parts) > 1:
            whole = _Linear(
                value=parts[0].value - parts[1].value,
                weight=(*parts[0].weight, *scaled(parts[1].weight, -1.0)),
                sums=(*parts[0].sums, *parts[1].sums),
            )
        figure = self._told(question.statistics, whole, group)
        if len(parts) == 1 and question.statistics[0].measure in {Measure.SUM, Measure.MEAN}:
            (only,) = question.statistics
            return self._within_codes(only, self._rows(question, only, group), figure)
        return figure

    def _rows(
        self, question: Question, asked: Statistic, group: Group, event: Conditions = ()
    ) -> Weight:
        """One for the rows that a statistic is of, or for those of them with an event."""
        meant = (*question.where, *asked.where, *event)
        return product(holds(meant, self._known.encoder), group.weight)

    def _within_codes(self, asked: Statistic, rows: Weight, figure: Figure) -> Figure:
        """A sum or mean with the interval of what its codes' ends allow, where that is narrower.

        Fine cells far out have few rows and much leverage: their noise may be the wider.
        """
        assert asked.column is not None
        if isinstance(asked.column, Temporal) or figure.low is None or figure.high is None:
            return figure
        rows = product(rows, present(asked.column.name, self._known.encoder))
        ends = [
            self._end(asked.measure, product(rows, end), rows)
            for end in code_ends(asked.column.name, self._known.encoder)
        ]
        # A code whose noisy count is below 0 turns its ends around.
        lowest, highest = sorted(end for end, _ in ends)
        low = min(end - self._z * deviation for end, deviation in ends)
        high = max(end + self._z * deviation for end, deviation in ends)
        assert figure.value is not None
        if high - low < float(figure.high) - float(figure.low):
            within = min(highest, max(lowest, float(figure.value)))
            figure = replace(figure, value=within, low=low, high=high, note=_ENDS)
        return self._possible(figure, asked) if asked.measure is Measure.MEAN else figure

    def _possible(self, figure: Figure, asked: Statistic) -> Figure:
        """A mean within the bounds of its column."""
        assert asked.column is not None
        ends = ends_of(cells_of_column(asked.column.name, self._known.encoder))
        least, most = float(np.nanmin(ends)), float(np.nanmax(ends))
        parts = (figure.value, figure.low, figure.high)
        value, low, high = (min(most, max(least, float(part or 0.0))) for part in parts)
        return replace(figure, value=value, low=low, high=high)

    def _end(self, measure: Measure, weight: Weight, rows: Weight) -> tuple[float, float]:
        """A sum or mean if all rows were at one end of their codes, with its deviation."""
        if measure is Measure.SUM:
            found = sum_of(weight, self._known)
            scale = 1 / self._known.share
            linear = _Linear(value=found.value * scale, weight=scaled(weight, scale), sums=(found,))
        else:
            linear = self._ratio(weight, rows)
        errors = self.errors(linear.weight, sum_of(linear.weight, self._known))
        return linear.value, errors.together or 0.0

    def _told(self, asked: Sequence[Statistic], found: _Linear, group: Group) -> Figure:
        gradient = sum_of(found.weight, self._known)
        errors = self.errors(found.weight, gradient)
        low = high = None
        measure, single = asked[0].measure, len(asked) == 1
        bottom, top = _range(measure, single=single)
        if errors.together is not None:
            low = max(bottom, found.value - self._z * errors.together)
            high = min(top, found.value + self._z * errors.together)
        number = min(top, max(bottom, found.value))
        column = asked[0].column
        if isinstance(column, Temporal):
            texts = [
                None if part is None else _moment(part, column) for part in (number, low, high)
            ]
            shown: tuple[float | str | None, ...] = tuple(texts)
        else:
            shown = number, low, high
        unmeasured = frozenset().union(*(one.unmeasured for one in (gradient, *found.sums)))
        return Figure(
            group=group.labels,
            value=shown[0],
            low=shown[1],
            high=shown[2],
            origin=self.origin(unmeasured),
            errors=errors,
            unmeasured=self._names(unmeasured),
        )

    def errors(self, weight: Weight, gradient: Sum) -> Errors:
        """The errors of a figure with this gradient."""
        counted = self._known.share
        squares = sum_of_squares(weight, self._known) * self._known.most_rows
        # A row is counted with a probability, and a total is what was counted, divided by it.
        held_out = (1 - counted) * squares
        sampling = 0.0
        if self._target is Target.POPULATION:
            # A sample of as many rows as the table has: a total's mean part does not vary.
            fixed = gradient.value**2 / max(1.0, float(self._known.rows.table))
            sampling = counted * max(0.0, squares - fixed)
        coding = coding_variance(weight, self._known)
        return Errors(
            noise=math.sqrt(gradient.noise),
            held_out=math.sqrt(held_out),
            sampling=math.sqrt(sampling),
            coding=math.sqrt(coding),
            model=None if gradient.model is None else math.sqrt(gradient.model),
        )

    def origin(self, unmeasured: frozenset[tuple[int, ...]]) -> Origin:
        """Where a figure comes from."""
        if not self._known.measured:
            return Origin.MODEL
        return Origin.PART if unmeasured else Origin.MEASURED

    def _names(self, cliques: frozenset[tuple[int, ...]]) -> tuple[tuple[str, ...], ...]:
        names = self._known.encoder.names
        return tuple(tuple(names[place] for place in clique) for clique in sorted(cliques))

    def _linear(self, question: Question, asked: Statistic, group: Group) -> _Linear:
        known = self._known
        rows = self._rows(question, asked, group)
        share = known.share
        match asked.measure:
            case Measure.COUNT:
                found = sum_of(rows, known)
                return _Linear(
                    value=found.value / share, weight=scaled(rows, 1 / share), sums=(found,)
                )
            case Measure.SUM:
                assert asked.column is not None
                weight = product(rows, value(asked.column.name, known.encoder))
                found = sum_of(weight, known)
                return _Linear(
                    value=found.value / share, weight=scaled(weight, 1 / share), sums=(found,)
                )
            case Measure.SHARE:
                return self._ratio(self._rows(question, asked, group, asked.event), rows)
            case Measure.MEAN:
                assert asked.column is not None
                return self._mean(asked.column.name, rows)
            case Measure.QUANTILE:
                return self._as_linear(asked, rows)

    def _ratio(self, top: Weight, bottom: Weight) -> _Linear:
        above, below = sum_of(top, self._known), self._enough(bottom)
        ratio = above.value / below.value
        weight = (*scaled(top, 1 / below.value), *scaled(bottom, -ratio / below.value))
        return _Linear(value=ratio, weight=weight, sums=(above, below))

    def _mean(self, column: str, rows: Weight) -> _Linear:
        known = self._known
        rows = product(rows, present(column, known.encoder))
        below = self._enough(rows)
        above = sum_of(product(rows, value(column, known.encoder)), known)
        mean = above.value / below.value
        apart = product(rows, value(column, known.encoder, mean))
        return _Linear(value=mean, weight=scaled(apart, 1 / below.value), sums=(above, below))

    def _enough(self, rows: Weight) -> Sum:
        """The number of some rows; _TooFewRowsError where it cannot be told from the noise."""
        found = sum_of(rows, self._known)
        deviation = math.sqrt(found.noise + (found.model or 0.0))
        if not found.value > max(LEAST_ROWS * deviation, 0.5):
            raise _TooFewRowsError
        return found

    def _quantile(self, asked: Statistic, rows: Weight, group: Group) -> Figure:
        assert asked.column is not None
        assert asked.level is not None
        name = asked.column.name
        rows = product(rows, present(name, self._known.encoder))
        try:
            below = self._enough(rows)
        except _TooFewRowsError:
            return _empty(group)
        found = quantile_of(self._cut(rows, below, asked.level), name, asked.level, self._known)
        numbers = [found.value, found.low, found.high]
        shown: list[float | str | None] = list(numbers)
        if isinstance(asked.column, Temporal):
            shown = [None if part is None else _moment(part, asked.column) for part in numbers]
        return Figure(
            group=group.labels,
            value=shown[0],
            low=shown[1],
            high=shown[2],
            origin=self.origin(found.unmeasured),
            errors=None,
            unmeasured=self._names(found.unmeasured),
        )

    def _cut(self, rows: Weight, below: Sum, level: float) -> Cut:
        """How a share of rows up to some value is estimated, with its standard deviation."""

        def share(up_to: Weight) -> tuple[float, float | None, frozenset[tuple[int, ...]]]:
            top = product(rows, up_to)
            found = sum_of(top, self._known)
            weight = (*scaled(top, 1 / below.value), *scaled(rows, -level / below.value))
            gradient = sum_of(weight, self._known)
            together = self.errors(weight, gradient).together
            reach = None if together is None else self._z * together
            return found.value / below.value, reach, gradient.unmeasured

        return share

    def _as_linear(self, asked: Statistic, rows: Weight) -> _Linear:
        raise UsageError(
            "the interval of a difference of quantiles is not known: ask for each alone, or for a"
            " difference of means"
        )


def _empty(group: Group) -> Figure:
    return Figure(
        group=group.labels, value=None, low=None, high=None, origin=None, errors=None, note=TOO_FEW
    )


def _range(measure: Measure, *, single: bool) -> tuple[float, float]:
    """What a figure can be."""
    if measure is Measure.SHARE:
        return (0.0, 1.0) if single else (-1.0, 1.0)
    return (0.0, math.inf) if measure is Measure.COUNT and single else (-math.inf, math.inf)


def _moment(seconds: float, column: Temporal) -> str:
    return written(np.array([seconds]), column)[0]
