"""Read and write a schema file's ``constraints``; report every mistake with place and line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from graphlib import CycleError

import numpy as np

from privgan.domain.conditions import ColumnCondition
from privgan.domain.disjoint import CasesLeft, possible_regions
from privgan.domain.order import lowest_first
from privgan.domain.predicates import Predicate
from privgan.domain.regions import conditions_of, groups_of, widened
from privgan.domain.value_sets import Axis, PositionSet
from privgan.errors import DocumentError, UsageError
from privgan.files.documents import Document, did_you_mean, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.files.limits import MOST_CONSTRAINT_CASES
from privgan.schema.columns import Column, Discrete, Kind, Numeric, OpenCategorical, Temporal
from privgan.schema.constraints import AtMost, Combinations, Constraint, WhenThen, place
from privgan.schema.schema import Schema, next_by_name

TEXT_KEYS = frozenset({"at_most", "below", "when", "then", "combinations"})
NULLABLE_KEYS = frozenset({"allowed"})
_FORMS = {
    "at_most": frozenset({"at_most"}),
    "below": frozenset({"below"}),
    "when": frozenset({"when", "then"}),
    "combinations": frozenset({"combinations", "allowed"}),
}
_ORDERED = "allowed: two numeric columns, two dates, or two datetimes"
_FORMS_TOLD = (
    "at_most: [low, high], or below: [low, high], or when: and then:, or combinations: and allowed:"
)


def constraints_of(document: Document, schema: Schema) -> tuple[Constraint, ...]:
    """Constraints of a schema document.

    Args:
        document: The document; its JSON Schema is met.
        schema: What the rest of the document says.

    Raises:
        DocumentError: with every mistake and its line.
    """
    wide, found, mistakes = widened(schema), list[Constraint](), list[str]()
    left = CasesLeft(MOST_CONSTRAINT_CASES)
    for index, item in enumerate(document.data.get("constraints", [])):
        try:
            found.append(_constraint(item, wide, left))
        except _MistakenError as mistake:
            key = (mistake.key,) if mistake.key else ()
            where = f"{place(index)}{'.' * bool(key)}{mistake.key}: "
            mistakes.append(document.mistake(("constraints", index, *key), f"{where}{mistake}"))
    if not mistakes:
        mistakes += [
            document.mistake(("constraints", index), text)
            for index, text in _together(replace(wide, constraints=tuple(found)))
        ]
    if mistakes:
        raise DocumentError(document.name, mistakes)
    return tuple(found)


def constraint_items(schema: Schema) -> list[JsonDict]:
    """Constraints as plain data that ``constraints_of`` reads back."""
    return [constraint.to_json() for constraint in schema.constraints]


class _MistakenError(Exception):
    """Mistake under a key of a constraint; an empty key means the whole constraint."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _constraint(item: JsonMapping, schema: Schema, left: CasesLeft) -> Constraint:
    keys = frozenset(item) - {"description"}
    form = next((name for name, needed in _FORMS.items() if keys == needed), None)
    if form is None:
        raise _MistakenError(
            "", f"found {', '.join(sorted(keys)) or 'nothing'}, allowed: {_FORMS_TOLD}"
        )
    description = item.get("description", "")
    if form == "when":
        return _when_then(item, schema, description, left)
    if form == "combinations":
        return _combinations(item, schema, description)
    return _at_most(form, item[form], schema, description)


def _at_most(form: str, names: Sequence[str], schema: Schema, description: str) -> AtMost:
    if len(names) != 2 or names[0] == names[1]:
        raise _MistakenError(
            form, f"found {shown(list(names))}, allowed: two different columns, the lower one first"
        )
    low, high = (_column(form, name, schema) for name in names)
    _check_comparable(form, low, high)
    strict = form == "below"
    lowest, highest = _end(low, last=False), _end(high, last=True)
    if lowest > highest or (strict and lowest == highest):
        told = f"the lowest {shown(low.name)} is above the highest {shown(high.name)}"
        raise _MistakenError(
            form, f"{told}, so that no row holds it; change the bounds or leave it out"
        )
    return AtMost(low=low.name, high=high.name, strict=strict, description=description)


def _check_comparable(form: str, low: Column, high: Column) -> None:
    """Check that two columns are both numeric, both dates, or both datetimes."""
    for column in (low, high):
        if not isinstance(column, Numeric | Temporal):
            raise _MistakenError(
                form,
                f"{shown(column.name)} is {column.kind}, allowed: two numeric columns, two dates or"
                " datetimes",
            )
    kinds = {column.kind if isinstance(column, Temporal) else Numeric for column in (low, high)}
    if len(kinds) > 1:
        told = f"{shown(low.name)} is {low.kind} and {shown(high.name)} is {high.kind}"
        raise _MistakenError(form, f"{told}, {_ORDERED}")


def _end(column: Column, *, last: bool) -> float:
    axis = Axis(column)
    return float(axis.numbers(np.array(axis.last if last else 0)))


def _when_then(item: JsonMapping, schema: Schema, description: str, left: CasesLeft) -> WhenThen:
    constraint = WhenThen(when=item["when"], then=item["then"], description=description)
    try:
        when, then = conditions_of(constraint, schema)
    except UsageError as error:
        key, _, message = str(error).partition(": ")
        raise _MistakenError(key, message) from error
    sets: dict[str, PositionSet] = {}
    for key, predicates in (("when", when), ("then", then)):
        for condition in predicates:
            if isinstance(condition, ColumnCondition):
                sets |= _narrowed(key, condition, sets)
    _check_possible("when", when, left, "no row of the schema meets it")
    _check_possible("then", then, left, "no row of the schema meets it")
    _check_possible("then", (*when, *then), left, "what it asks excludes 'when'")
    return constraint


def _narrowed(
    key: str, condition: ColumnCondition, sets: Mapping[str, PositionSet]
) -> dict[str, PositionSet]:
    """What a plain condition leaves of its column's values."""
    name, axis = condition.column.name, Axis(condition.column)
    allowed = axis.allowed_by(condition)
    if not allowed:
        raise _MistakenError(
            key, f"no value of {shown(name)} in the schema meets it; {_values(condition.column)}"
        )
    left = sets.get(name, axis.full) & allowed
    if not left:
        told = f"what it asks of {shown(name)} excludes 'when'"
        raise _MistakenError(key, f"{told}; to forbid that, ask for its opposite")
    return {name: left}


def _check_possible(key: str, predicates: Sequence[Predicate], left: CasesLeft, told: str) -> None:
    """Check that a row can meet all predicates."""
    try:
        found = possible_regions(predicates, place=key, left=left)
    except UsageError as error:
        raise _MistakenError(key, str(error).partition(": ")[2]) from error
    if not found:
        raise _MistakenError(key, f"{told}; widen it, or leave the constraint out")


def _values(column: Column) -> str:
    if isinstance(column, Numeric):
        decimals = f" with {column.decimals} decimals" if column.decimals else ""
        return f"allowed: {column.lower:g} to {column.upper:g}{decimals}"
    if isinstance(column, Temporal):
        return f"allowed: {column.lower:%Y-%m-%d} to {column.upper:%Y-%m-%d}"
    return (
        f"allowed: {', '.join(column.categories[:8])}"
        if isinstance(column, Discrete)
        else "allowed: other conditions"
    )


def _combinations(item: JsonMapping, schema: Schema, description: str) -> Combinations:
    names = item["combinations"]
    if len(names) < 2 or len(set(names)) < len(names):
        raise _MistakenError(
            "combinations", f"found {shown(names)}, allowed: two or more different columns"
        )
    columns = [_listed_column(name, schema) for name in names]
    rows = [_row(row, columns) for row in item["allowed"]]
    if not rows:
        raise _MistakenError("allowed", "is empty, so that no row holds it; list the combinations")
    twice = next((row for row, count in Counter(rows).items() if count > 1), None)
    if twice is not None:
        raise _MistakenError("allowed", f"the combination {shown(list(twice))} stands twice")
    return Combinations(columns=tuple(names), allowed=tuple(rows), description=description)


def _listed_column(name: str, schema: Schema) -> Discrete:
    """Column of fixed combinations: its categories are declared."""
    column = _column("combinations", name, schema)
    if isinstance(column, Discrete):
        return column
    open_ = isinstance(column, OpenCategorical)
    why = "has measured categories" if open_ else f"is {column.kind}"
    raise _MistakenError(
        "combinations",
        f"{shown(column.name)} {why}, allowed: categorical, ordinal and boolean columns that are"
        " declared",
    )


def _row(row: Sequence[str | None], columns: Sequence[Discrete]) -> tuple[str | None, ...]:
    if len(row) != len(columns):
        raise _MistakenError(
            "allowed",
            f"found {shown(list(row))}, allowed: {len(columns)} values, one for each column",
        )
    return tuple(_category(text, column) for text, column in zip(row, columns, strict=True))


def _category(text: str | None, column: Discrete) -> str | None:
    if text is None:
        if column.missing:
            return None
        raise _unknown_category(text, column)
    with suppress(KeyError):
        return column.categories[column.position(text)]
    if column.kind is Kind.BOOLEAN:
        for category in column.categories:
            if category.lower() == text.lower():
                return category
    raise _unknown_category(text, column)


def _unknown_category(text: str | None, column: Discrete) -> _MistakenError:
    found = "null" if text is None else shown(text)
    null = ", or null for missing" if column.missing else ""
    near = did_you_mean(text or "", list(column.categories))
    return _MistakenError(
        "allowed",
        f"{found} is no category of {shown(column.name)}, {_values(column)}{null}{near}",
    )


def _column(key: str, name: str, schema: Schema) -> Column:
    if name not in schema.names:
        raise _MistakenError(
            key,
            f"{shown(name)} is no"
            f" column{did_you_mean(name, [column.name for column in schema.modelled])}",
        )
    column = next_by_name(schema.columns, name)
    if column.invented:
        raise _MistakenError(
            key,
            f"{shown(name)} is of kind {column.kind} and invented, allowed: columns whose values"
            " are modelled",
        )
    return column


def _together(schema: Schema) -> Iterator[tuple[int, str]]:
    """Mistake of all constraints together: the first that closes a cycle or leaves no row."""
    for index in range(len(schema.constraints)):
        earlier = replace(schema, constraints=schema.constraints[: index + 1])
        try:
            lowest_first([part for part in earlier.constraints if isinstance(part, AtMost)])
        except CycleError as error:
            circle = " at most ".join(reversed(error.args[1]))
            yield (
                index,
                (
                    f"{place(index)}: it closes a circle ({circle}), so that all would be equal;"
                    " leave one out"
                ),
            )
            return
    try:
        empty = [group for group in groups_of(schema) if not group.boxes]
    except UsageError as error:
        yield len(schema.constraints) - 1, str(error)
        return
    for group in empty:
        yield (
            group.members[-1],
            (
                f"{group.told(schema.constraints)} exclude each other, so that no row holds them;"
                " leave one out"
            ),
        )
