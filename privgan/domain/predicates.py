"""Parse conditions with ``and``, ``or``, ``not``, lists and brackets, and hold them as a tree.

They are parsed against the schema, never evaluated as code. Logic has two values: a missing value
meets no comparison, so that ``not (age >= 60)`` takes rows without an age in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from privgan.domain.conditions import (
    ColumnCondition,
    Quoted,
    column_named,
    compared,
    comparison,
    list_of,
    one_a_column,
    tokens_of,
)
from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.schema.columns import Column, Numeric, Temporal
from privgan.schema.schema import Schema

_DEEPEST = 50
_OPERATORS = frozenset({"=", "==", "!=", "<", "<=", ">", ">=", "is", "in"})
_EXAMPLE = (
    "write for example: (segment = gold or age >= 60) and region not in (north, south) and not"
    " income is missing"
)


@dataclass(frozen=True)
class AllOf:
    """All parts hold."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True)
class Negated:
    """The part does not hold."""

    part: Predicate


Predicate: TypeAlias = ColumnCondition | AllOf | AnyOf | Negated


def leaves(where: Sequence[Predicate]) -> Iterator[ColumnCondition]:
    """The conditions on single columns that predicates are made of."""
    for predicate in where:
        if isinstance(predicate, ColumnCondition):
            yield predicate
        elif isinstance(predicate, Negated):
            yield from leaves((predicate.part,))
        else:
            yield from leaves(predicate.parts)


def columns_in(where: Sequence[Predicate]) -> tuple[str, ...]:
    """Names of the columns that predicates are on."""
    return tuple(dict.fromkeys(leaf.column.name for leaf in leaves(where)))


def met(predicate: Predicate, rows: pd.DataFrame) -> np.ndarray:
    """Whether each typed row meets a predicate [rows], bool."""
    if isinstance(predicate, ColumnCondition):
        return predicate.met(rows[predicate.column.name])
    if isinstance(predicate, Negated):
        return ~met(predicate.part, rows)
    parts = [met(part, rows) for part in predicate.parts]
    joined: np.ndarray = (np.logical_and if isinstance(predicate, AllOf) else np.logical_or).reduce(
        parts
    )
    return joined


def parse_predicates(text: str, schema: Schema, *, place: str = "") -> tuple[Predicate, ...]:
    """Parse a condition of any form.

    Args:
        text: The condition.
        schema: The schema.
        place: What the text is called in messages; empty for the parameter ``where``.

    Returns:
        Predicates that all hold, at most one of them a plain condition on each column.

    Raises:
        UsageError: when it cannot be read, or names what the schema does not have.
    """
    try:
        return _parsed(text, schema)
    except UsageError as error:
        raise UsageError(f"{place or parameter('where')}: {error}") from error


def _parsed(text: str, schema: Schema) -> tuple[Predicate, ...]:
    reader = _Reader(tokens_of(text), schema)
    if not reader.tokens:
        raise UsageError(f"the condition is empty; {_EXAMPLE}")
    found = reader.alternatives(0)
    if reader.tokens:
        raise UsageError(f"comparisons are joined by 'and' and 'or'; {_EXAMPLE}")
    parts = found.parts if isinstance(found, AllOf) else (found,)
    plain = one_a_column(part for part in parts if isinstance(part, ColumnCondition))
    return (*plain, *(part for part in parts if not isinstance(part, ColumnCondition)))


class _Reader:
    """Reads a condition by recursive descent: ``not`` binds before ``and``, ``and`` before ``or``.

    Args:
        tokens: Its words and signs, which are taken one by one.
        schema: The schema.
    """

    def __init__(self, tokens: list[str], schema: Schema) -> None:
        self.tokens, self._schema = tokens, schema

    def alternatives(self, depth: int) -> Predicate:
        """Parts joined by ``or``."""
        parts = [self._conjunction(depth)]
        while self._taken("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self, depth: int) -> Predicate:
        parts = [self._term(depth)]
        while self._taken("and"):
            parts.append(self._term(depth))
        flat = [
            own for part in parts for own in (part.parts if isinstance(part, AllOf) else [part])
        ]
        return flat[0] if len(flat) == 1 else AllOf(tuple(flat))

    def _term(self, depth: int) -> Predicate:
        if depth > _DEEPEST:
            raise UsageError(f"brackets and 'not' are nested more than {_DEEPEST} deep")
        if not self._at_column() and self._taken("not"):
            return Negated(self._term(depth + 1))
        if not self._at_column() and self._taken("("):
            found = self.alternatives(depth + 1)
            if not self._taken(")"):
                raise UsageError(f"a bracket is not closed; {_EXAMPLE}")
            return found
        if not self.tokens:
            raise UsageError(f"the condition ends where a comparison is due; {_EXAMPLE}")
        return self._comparison(column_named(self.tokens.pop(0), self._schema))

    def _comparison(self, column: Column) -> Predicate:
        if self._taken("not"):
            if not self._next_is("in"):
                raise UsageError(f"after {column.name} 'not' goes before 'in' alone; {_EXAMPLE}")
            return _there_but_not(column, self._comparison(column))
        if isinstance(column, Numeric | Temporal):
            if self._taken("in"):
                values = list_of(self.tokens)
                return AnyOf(tuple(compared(column, "=", value) for value in values))
            if len(self.tokens) > 1 and self._taken("!="):
                return _there_but_not(column, compared(column, "=", self.tokens.pop(0)))
        return comparison(column, self.tokens)

    def _at_column(self) -> bool:
        """Whether a mark or word of the grammar is a column's name: a comparison follows it."""
        here, then = (*self.tokens[:2], "", "")[:2]
        operator = not isinstance(then, Quoted) and then.lower() in _OPERATORS
        return operator and here in self._schema.names

    def _next_is(self, word: str) -> bool:
        token = self.tokens[0] if self.tokens else Quoted()
        return not isinstance(token, Quoted) and token.lower() == word

    def _taken(self, word: str) -> bool:
        found = self._next_is(word)
        if found:
            self.tokens.pop(0)
        return found


def _there_but_not(column: Column, excluded: Predicate) -> Predicate:
    """The column has a value, and not an excluded one."""
    return AllOf((ColumnCondition(column=column, missing=False), Negated(excluded)))
