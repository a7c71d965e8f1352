"""What always comes together in a table: no spend without orders, values that are missing together. INTERNAL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.table.cells import as_numbers, bounds_of, special_of
from privgan.table.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.table.constraints import Constraint, WhenThen
from privgan.table.where import ColumnCondition

_MOST_CATEGORIES = 12
_LOOKED_AT = 50_000
_LEAST_ROWS = 10
_WORD = re.compile(r"[^\s<>=!(),\"'`]+\Z")
_QUOTES = "`\"'"

_ZERO = {Kind.ORDINAL: (" = 0",), Kind.CATEGORICAL: (), Kind.BOOLEAN: ()}

Found = tuple[tuple[Constraint, ...], int, float]


@dataclass(frozen=True, eq=False)
class _Atom:
    """One thing that a row may say of a column: a value that means something of its own, or that there is none.

    Attributes:
        column: The column.
        text: The condition, in the grammar of ``--where``.
        met: Which of the rows looked at say it [rows].
    """

    column: Column
    text: str
    met: np.ndarray

    @property
    def of_categories(self) -> bool:
        """Whether it names a category; zero of an ordinal column is a number."""
        return isinstance(self.column, Discrete) and not self.text.endswith((" is missing", *_ZERO[self.column.kind]))


def implications(typed: pd.DataFrame, columns: Sequence[Column]) -> Iterator[Found]:
    """Conditions that always bring others with them, one proposal for those that always come together.

    Conditions are zeros, special values, missing values, and the categories of columns that have at most twelve; two
    categories are not tied. Large tables are looked at in evenly chosen rows, so that what is told has to be checked.

    Args:
        typed: Typed rows [rows, columns].
        columns: Columns with known bounds or categories.

    Yields:
        Constraints, about how many rows they speak of, and the share of all rows that unrelated columns would break.
    """
    some = typed.iloc[:: max(1, -(-len(typed) // _LOOKED_AT))]
    atoms = [atom for column in columns for atom in _atoms(some[column.name], column)]
    if not atoms:
        return
    scale = len(typed) / len(some)
    classes = _classes(atoms)
    for members in classes:
        yield from _together(members, scale)
    firsts = [members[0] for members in classes]
    follows = _matrix(firsts)
    for one, other in np.argwhere(follows & ~_through_others(follows)):
        if not _tied_apart(firsts[one], firsts[other]):
            yield (_then(firsts[one], firsts[other]),), *_weight(firsts[one], firsts[other], scale)


def _atoms(values: pd.Series, column: Column) -> Iterator[_Atom]:
    name = _quoted(column.name)
    if name is None:
        return
    for text, met in _conditions(values, column):
        if _LEAST_ROWS <= met.sum() <= len(met) - _LEAST_ROWS:
            yield _Atom(column, f"{name} {text}", met)


def _conditions(values: pd.Series, column: Column) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(column, Numeric | Temporal):
        numbers = as_numbers(values, column)
        for value in _own_meanings(column):
            yield f"= {_written(value, column)}", np.asarray(np.abs(numbers - value) < _half_step(column))
    elif isinstance(column, Discrete) and len(column.categories) <= _MOST_CATEGORIES:
        for category in column.categories:
            if (quoted := _quoted(category)) is not None:
                yield f"= {quoted}", values.eq(category).to_numpy(dtype=bool)
    if column.missing:
        yield "is missing", ColumnCondition(column=column, missing=True).met(values)


def _own_meanings(column: Column) -> tuple[float, ...]:
    """The special values of a column, and zero."""
    lower, upper = bounds_of(column)
    zero = (0.0,) if isinstance(column, Numeric) and lower <= 0 <= upper else ()
    return tuple(dict.fromkeys((*zero, *special_of(column))))


def _written(value: float, column: Column) -> str:
    if isinstance(column, Numeric):
        return str(int(value)) if value.is_integer() else f"{value:.{column.decimals}f}"
    return str(np.datetime64(round(value), "s").astype("datetime64[D]" if column.kind is Kind.DATE else "datetime64[s]"))


def _half_step(column: Column) -> float:
    return 10.0**-column.decimals / 2 if isinstance(column, Numeric) else 0.5


def _quoted(text: str) -> str | None:
    """A text as a condition holds it; None where none can."""
    if _WORD.match(text):
        return text
    return next((f"{sign}{text}{sign}" for sign in _QUOTES if sign not in text), None)


def _classes(atoms: Sequence[_Atom]) -> list[list[_Atom]]:
    """Atoms that hold in the same rows, those that are no categories first."""
    found: dict[bytes, list[_Atom]] = {}
    for atom in sorted(atoms, key=lambda atom: atom.of_categories):
        found.setdefault(np.packbits(atom.met).tobytes(), []).append(atom)
    return list(found.values())


def _together(members: Sequence[_Atom], scale: float) -> Iterator[Found]:
    """The first of some that hold in the same rows with each of the others, in both directions."""
    first = members[0]
    for other in members[1:]:
        if not _tied_apart(first, other):
            rows, share = _weight(first, other, scale)
            yield (_then(first, other), _then(other, first)), rows, 2 * share


def _tied_apart(one: _Atom, other: _Atom) -> bool:
    """Whether two atoms are not to be tied: of one column, or two categories."""
    return one.column.name == other.column.name or (one.of_categories and other.of_categories)


def _then(when: _Atom, then: _Atom) -> WhenThen:
    return WhenThen(when=when.text, then=then.text)


def _weight(when: _Atom, then: _Atom, scale: float) -> tuple[int, float]:
    """Rows that a rule speaks of, and the share of all that unrelated columns would break."""
    return round(when.met.sum() * scale), float(when.met.mean() * (1 - then.met.mean()))


def _matrix(atoms: Sequence[_Atom]) -> np.ndarray:
    """Which atom brings which other one with it, in every row looked at [atoms, atoms]."""
    met = np.array([atom.met for atom in atoms], dtype=np.float32)
    both = met @ met.T
    follows: np.ndarray = both == np.diag(both)[:, None]
    np.fill_diagonal(follows, False)
    return follows


def _through_others(follows: np.ndarray) -> np.ndarray:
    """Which of them follow from two others [atoms, atoms]."""
    steps = follows.astype(np.float32)
    return np.asarray(steps @ steps > 0)
