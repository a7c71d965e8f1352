"""Rewrite conditions as disjoint regions: a disjunctive normal form whose terms do not overlap.

A region gives some columns a set of values. Probabilities of disjoint regions add up, so a model
that knows the probability of one region knows that of the whole condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from privgan.domain.conditions import ColumnCondition
from privgan.domain.predicates import AllOf, AnyOf, Negated, Predicate
from privgan.domain.value_sets import Axis, PositionSet
from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.schema.columns import Column

MOST_BOXES = 4_096
_MOST_CASES = 250_000
Region = Mapping[str, PositionSet]


@dataclass
class CasesLeft:
    """Number of cases that may still be looked at."""

    cases: int


def disjoint_regions(where: Sequence[Predicate], *, place: str = "") -> tuple[Region, ...]:
    """Disjoint non-empty regions whose union is what all predicates allow.

    Args:
        where: The predicates, on columns that are not open; none for all rows.
        place: What they are called in messages; empty for the parameter ``where``.

    Raises:
        UsageError: They come to too many regions, or to none.
    """
    told = place or parameter("where")
    found = possible_regions(where, place=told)
    if not found:
        raise UsageError(
            f"{told}: no row can meet the condition: its parts exclude each other, or"
            " lie outside the schema's bounds; widen one of them"
        )
    return found


def possible_regions(
    where: Sequence[Predicate], *, place: str, left: CasesLeft | None = None
) -> tuple[Region, ...]:
    """As ``disjoint_regions``, but none where no row can meet the predicates.

    Args:
        where: The predicates.
        place: What they are called in messages.
        left: The cases that may still be looked at; a number for these alone where it is None.

    Raises:
        UsageError: They come to too many regions.
    """
    return tuple(_Regions(place, left or CasesLeft(_MOST_CASES)).of(AllOf(tuple(where)), kept=True))


@dataclass
class _Regions:
    """Makes regions, and counts the cases looked at.

    Attributes:
        place: What the condition is called in messages.
        left: The cases that may still be looked at.
        axes: The values of each column met so far.
    """

    place: str
    left: CasesLeft
    axes: dict[str, Axis] = field(default_factory=dict)

    def of(self, predicate: Predicate, *, kept: bool) -> list[Region]:
        """Disjoint regions where a predicate holds; where it does not, unless ``kept``."""
        if isinstance(predicate, Negated):
            return self.of(predicate.part, kept=not kept)
        if isinstance(predicate, ColumnCondition):
            return self._single(predicate, kept=kept)
        parts = [self.of(part, kept=kept) for part in predicate.parts]
        if isinstance(predicate, AllOf) == kept:
            return self._in_all(parts)
        assert isinstance(predicate, AllOf | AnyOf)
        return self._in_any(parts)

    def _single(self, condition: ColumnCondition, *, kept: bool) -> list[Region]:
        axis = self._axis(condition.column)
        values = axis.full & axis.allowed_by(condition)
        return self._on(condition.column.name, values if kept else axis.full.without(values))

    def _on(self, name: str, values: PositionSet) -> list[Region]:
        """The region of one column's values: none without any, without bounds with all."""
        if not values:
            return []
        return [{} if not self.axes[name].full.without(values) else {name: values}]

    def _axis(self, column: Column) -> Axis:
        return self.axes.setdefault(column.name, Axis(column))

    def _in_all(self, parts: Sequence[list[Region]]) -> list[Region]:
        found: list[Region] = [{}]
        for part in parts:
            self._count(len(found) * len(part))
            pairs = (self._both(one, other) for one in found for other in part)
            found = [region for region in pairs if region is not None]
            self._bound(found)
        return found

    def _in_any(self, parts: Sequence[list[Region]]) -> list[Region]:
        found: list[Region] = []
        for part in self._joined(parts):
            for region in part:
                left = [region]
                for known in found:
                    self._count(len(left))
                    left = [piece for some in left for piece in self._outside(some, known)]
                found = found + left
                self._bound(found)
        return found

    def _joined(self, parts: Sequence[list[Region]]) -> list[list[Region]]:
        """The alternatives, with those on one and the same column alone made one."""
        alone: dict[str, PositionSet] = {}
        others: list[list[Region]] = []
        for part in parts:
            if len(part) == 1 and len(part[0]) == 1:
                ((name, values),) = part[0].items()
                alone[name] = alone[name] | values if name in alone else values
            else:
                others.append(part)
        return [*(self._on(name, values) for name, values in alone.items()), *others]

    def _both(self, one: Region, other: Region) -> Region | None:
        """The intersection of two regions; None where it is empty."""
        found = dict(one)
        for name, values in other.items():
            left = found[name] & values if name in found else values
            if not left:
                return None
            found[name] = left
        return found

    def _outside(self, region: Region, known: Region) -> list[Region]:
        """Disjoint regions of what lies in one region and not in the other."""
        if self._both(region, known) is None:
            return [region]
        found: list[Region] = []
        inside = dict(region)
        for name, values in known.items():
            own = inside.get(name, self.axes[name].full)
            if left := own.without(values):
                found.append(inside | {name: left})
            inside[name] = own & values
        return found

    def _count(self, cases: int) -> None:
        self.left.cases -= cases
        if self.left.cases < 0:
            self._refuse()

    def _bound(self, found: Sequence[Region]) -> None:
        if len(found) > MOST_BOXES:
            self._refuse()

    def _refuse(self) -> None:
        raise UsageError(
            f"{self.place}: the condition comes to more than {MOST_BOXES:,} cases that do"
            " not overlap; write it with fewer alternatives, or use its parts one by one"
        )
