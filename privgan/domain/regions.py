"""Convert constraints to disjoint boxes of allowed values, one union for each group of columns.

A box gives each column a set of values. ``when/then`` is what is not in ``when``, and what is in
both. For m comparisons joined by ``and`` these are m + 1 boxes: the first fails; it holds and the
second fails; …; all hold, and ``then`` too. Fixed combinations are a box each. Constraints on the
same columns are multiplied out, and empty boxes are dropped. ``at_most`` cuts across boxes and is
kept beside them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from privgan.domain.disjoint import MOST_BOXES, CasesLeft, Region, possible_regions
from privgan.domain.measured import opened, widest_moments, widest_numbers
from privgan.domain.order import Order
from privgan.domain.predicates import AllOf, AnyOf, Negated, Predicate, columns_in, parse_predicates
from privgan.domain.value_sets import Axis, PositionSet, set_of
from privgan.errors import IncompleteError, UsageError
from privgan.files.limits import MOST_CONSTRAINT_CASES
from privgan.schema.columns import Column, Discrete, OpenNumeric, OpenTemporal
from privgan.schema.constraints import AtMost, Combinations, Constraint, WhenThen, place
from privgan.schema.schema import Schema

_MOST_PRODUCTS = 250_000
_CONDITIONS = "the conditions"
Box = tuple[PositionSet, ...]


@dataclass(frozen=True, eq=False)
class Group:
    """Constraints that are connected by shared columns.

    Attributes:
        members: Their places in the schema; none where conditions alone join the columns.
        axes: The values of each of their columns, in the schema's order.
        boxes: Disjoint boxes, each with a set for each column, in the columns' order; none where no
            row holds the constraints.
        order: Their at_most constraints.
    """

    members: tuple[int, ...]
    axes: Mapping[str, Axis]
    boxes: tuple[Box, ...]
    order: Order

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.axes)

    def told(self, constraints: Sequence[Constraint]) -> str:
        """Constraints as words, for a message."""
        return "; ".join(f"{place(index)} ({constraints[index]})" for index in self.members)


def widened(schema: Schema) -> Schema:
    """Schema with measured and open bounds as wide as possible.

    Constraints are checked against it when they are read.
    """
    return replace(schema, columns=tuple(_widest(opened(column)) for column in schema.columns))


def _widest(column: Column) -> Column:
    if isinstance(column, OpenNumeric):
        return widest_numbers(column)
    return widest_moments(column) if isinstance(column, OpenTemporal) else column


def conditions_of(
    constraint: WhenThen, schema: Schema
) -> tuple[tuple[Predicate, ...], tuple[Predicate, ...]]:
    """Conditions of ``when`` and of ``then``; those of each all hold.

    Raises:
        UsageError: where one of them cannot be read.
    """
    return parse_predicates(constraint.when, schema, place="when"), parse_predicates(
        constraint.then, schema, place="then"
    )


def columns_of(constraint: Constraint, schema: Schema) -> tuple[str, ...]:
    """Names of a constraint's columns."""
    if isinstance(constraint, AtMost):
        return constraint.low, constraint.high
    if isinstance(constraint, Combinations):
        return constraint.columns
    assert isinstance(constraint, WhenThen)
    when, then = conditions_of(constraint, schema)
    return columns_in((*when, *then))


def groups_of(schema: Schema, where: Sequence[Region] = ()) -> tuple[Group, ...]:
    """Groups of the schema's constraints that share columns.

    Args:
        schema: The public facts; no column that a constraint names may be open.
        where: Disjoint regions, of which every row lies in one; none for all rows. A single one
            cuts columns one by one, several join their columns to a group.

    Raises:
        UsageError: where constraints multiply out to too many boxes.
    """
    names = [columns_of(constraint, schema) for constraint in schema.constraints]
    if len(where) > 1:
        names.append(tuple(dict.fromkeys(name for region in where for name in region)))
    left = CasesLeft(MOST_CONSTRAINT_CASES)
    return tuple(
        _group(members, schema, set().union(*(names[index] for index in members)), where, left)
        for members in _tied(names)
    )


def selection_of(schema: Schema, where: Sequence[Region]) -> Group:
    """The group that several disjoint regions are by themselves."""
    return groups_of(replace(schema, constraints=()), where)[0]


def check_satisfiable(schema: Schema) -> None:
    """Check that a schema's measured facts leave rows that hold its constraints.

    Raises:
        IncompleteError: naming the constraints.
    """
    for group in groups_of(schema):
        if not group.boxes:
            raise IncompleteError(
                f"with the bounds that were measured no row holds {group.told(schema.constraints)};"
                " declare these bounds, or leave a constraint out"
            )


def _tied(names: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
    """Indices of constraints that are connected by shared columns, each group ascending."""
    ties: list[tuple[list[int], set[str]]] = []
    for index, columns in enumerate(names):
        touched = [tie for tie in ties if tie[1] & set(columns)]
        ties = [tie for tie in ties if tie not in touched]
        members = sorted(member for tie in touched for member in tie[0])
        ties.append(([*members, index], set(columns).union(*(tie[1] for tie in touched))))
    return sorted(tuple(members) for members, _ in ties)


def _group(
    members: tuple[int, ...],
    schema: Schema,
    touched: Collection[str],
    where: Sequence[Region],
    left: CasesLeft,
) -> Group:
    axes = {column.name: Axis(column) for column in schema.modelled if column.name in touched}
    own = tuple(index for index in members if index < len(schema.constraints))
    constraints = [(index, schema.constraints[index]) for index in own]
    order = Order(_orders(part for _, part in constraints), axes)
    single = where[0] if len(where) == 1 else {}
    boxes = [tuple(single.get(name, axis.full) for name, axis in axes.items())]
    if own != members:
        boxes = _cut(boxes, where, tuple(axes), _CONDITIONS, left)
    for index, part in constraints:
        if not isinstance(part, AtMost):
            regions = regions_of(part, axes, schema, place(index), left)
            boxes = _cut(boxes, regions, tuple(axes), place(index), left)
    kept = tuple(box for box in boxes if _is_possible(box, axes, order))
    return Group(members=own, axes=axes, boxes=kept, order=order)


def _orders(constraints: Iterable[Constraint]) -> tuple[AtMost, ...]:
    return tuple(part for part in constraints if isinstance(part, AtMost))


def _is_possible(box: Box, axes: Mapping[str, Axis], order: Order) -> bool:
    """Whether a row can lie in a box and hold the order."""
    return all(box) and order.limits(dict(zip(axes, box, strict=True))) is not None


def regions_of(
    constraint: Constraint, axes: Mapping[str, Axis], schema: Schema, told: str, left: CasesLeft
) -> Sequence[Region]:
    """Disjoint non-empty regions that a constraint other than at_most leaves.

    Args:
        constraint: The constraint.
        axes: The values of each of its columns.
        schema: The public facts.
        told: What it is called in messages.
        left: The cases that may still be looked at.
    """
    if isinstance(constraint, Combinations):
        return [
            {
                name: _single(axes[name], text)
                for name, text in zip(constraint.columns, row, strict=True)
            }
            for row in constraint.allowed
        ]
    assert isinstance(constraint, WhenThen)
    when, then = conditions_of(constraint, schema)
    allowed = AnyOf((Negated(AllOf(when)), AllOf((*when, *then))))
    return possible_regions((allowed,), place=told, left=left)


def _single(axis: Axis, text: str | None) -> PositionSet:
    if text is None:
        return PositionSet((), missing=True)
    assert isinstance(axis.column, Discrete)
    return set_of([axis.column.position(text)])


def _cut(
    boxes: Sequence[Box],
    regions: Sequence[Region],
    names: Sequence[str],
    told: str,
    left: CasesLeft,
) -> list[Box]:
    products = len(boxes) * len(regions)
    left.cases -= products
    many = products > _MOST_PRODUCTS or left.cases < 0
    pairs = () if many else product(boxes, regions)
    cuts = (_both(box, region, names) for box, region in pairs)
    kept = [box for box in cuts if box is not None]
    if many or len(kept) > MOST_BOXES:
        raise UsageError(
            f"{told} and the constraints on the same columns come to more than"
            f" {MOST_BOXES:,} cases together; leave one out, or allow fewer combinations"
        )
    return kept


def _both(box: Box, region: Region, names: Sequence[str]) -> Box | None:
    cut: list[PositionSet] = []
    for name, values in zip(names, box, strict=True):
        left = values & region[name] if name in region else values
        if not left:
            return None
        cut.append(left)
    return tuple(cut)
