"""Compare synthetic with real customers, beside two random halves of the real ones.

A measure is a distribution over fixed cells, or one number. Distributions are apart by their total
variation distance, numbers by their difference. A table as good as another sample of real customers
comes near to the figure of the two halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import JACKKNIFE_BLOCKS, jackknife_error, normal_interval
from privgan.files.json_types import JsonDict
from privgan.metric import Metric

# Whole customers, in any form that measures take.
Customers = TypeVar("Customers")
_DIGITS = 6
# Of so many cells at most each column's shares are told, not those of the worst alone.
_FEW_CELLS = 16


@dataclass(frozen=True, eq=False, kw_only=True)
class Measure(Generic[Customers]):
    """One property of a table's customers.

    Attributes:
        of: From customers to the shares of all cells, or to one number [values].
        labels: Label of each cell; empty for a number.
        column: The column that it is about; empty if it is about none.
        relative: Whether a number's difference is a share of the real number.
    """

    of: Callable[[Customers], NDArray[np.float64]]
    labels: tuple[str, ...] = ()
    column: str = ""
    relative: bool = False

    @classmethod
    def of_number(
        cls, number: Callable[[Customers], float], column: str = "", *, relative: bool = False
    ) -> Measure[Customers]:
        """One number."""
        return cls(
            of=lambda customers: np.array([number(customers)]), column=column, relative=relative
        )

    def apart(self, values: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of each line of values [lines, values] from the real ones [lines].

        A number's distance has a sign.
        """
        if self.labels:
            return np.asarray(0.5 * np.abs(values - real).sum(axis=1))
        return np.asarray((values - real)[:, 0] / (real[0] if self.relative else 1.0))


@dataclass(frozen=True, eq=False)
class Compared(Generic[Customers]):
    """Values of one measure.

    Attributes:
        measure: The measure.
        real: Of all real customers [values].
        halves: Of two random halves of them [2, values].
        made: Of the synthetic customers, then without each block of them [parts, values].
    """

    measure: Measure[Customers]
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


@dataclass(frozen=True, eq=False, kw_only=True)
class Sides(Generic[Customers]):
    """The customers that are compared.

    Attributes:
        real: All real customers.
        halves: Two random halves of them.
        made: The synthetic customers, then without each block of them; taken one by one.
        number: How many synthetic customers there are.
    """

    real: Customers
    halves: tuple[Customers, Customers]
    made: Iterable[Customers]
    number: int


def compared_metrics(
    measures: Mapping[str, Sequence[Measure[Customers]]],
    sides: Sides[Customers],
    reason: Callable[[str], str],
) -> tuple[Metric, ...]:
    """Metrics of some measures, each the worst of its columns.

    Args:
        measures: The measures by metric.
        sides: The customers.
        reason: Why a metric has no figure, where it has none.

    Returns:
        Distances with a delete-a-tenth jackknife interval over synthetic customers. The baseline is
        the distance of two random halves of the real customers from each other.
    """
    made, halves = _values(measures, sides.made), _values(measures, sides.halves)
    whole = _values(measures, (sides.real,))
    return tuple(
        _metric(
            name,
            [
                Compared(part, whole[name][place][0], halves[name][place], made[name][place])
                for place, part in enumerate(parts)
            ],
            sides.number,
            reason(name),
        )
        for name, parts in measures.items()
    )


def _values(
    measures: Mapping[str, Sequence[Measure[Customers]]], parts: Iterable[Customers]
) -> Mapping[str, list[NDArray[np.float64]]]:
    """Values of each measure [parts, values] by metric; the parts are taken one by one."""
    found = [[[one.of(part) for one in named] for named in measures.values()] for part in parts]
    return {
        name: [np.array(values) for values in zip(*(part[place] for part in found), strict=True)]
        for place, name in enumerate(measures)
    }


def _metric(name: str, compared: Sequence[Compared], customers: int, reason: str) -> Metric:
    """The worst of several columns, with an interval that holds for all at once (Bonferroni)."""
    known = [part for part in compared if part.defined]
    if not known:
        return Metric.not_run(name, reason)
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
    few = len(part.measure.labels) <= _FEW_CELLS
    return told | part.told() if few else told


def _method(measure: Measure, columns: int) -> str:
    how = f"total variation distance over {len(measure.labels)} cells"
    if not measure.labels:
        how = "difference from the real number" + ", as a share of it" * measure.relative
    many = f", the worst of {columns} columns (Bonferroni)" if columns > 1 else ""
    return (
        f"{how}{many}; baseline: two random halves of the real customers; interval: jackknife over"
        f" {JACKKNIFE_BLOCKS} blocks of synthetic customers"
    )
