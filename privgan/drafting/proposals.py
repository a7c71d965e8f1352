"""Propose constraints that a table shows: orders, implications, joint missing values. INTERNAL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError
from itertools import permutations

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, bounds_of, special_of
from privgan.domain.conditions import ColumnCondition
from privgan.domain.regions import columns_of, groups_of, widened
from privgan.errors import UsageError
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.constraints import AtMost, Constraint, WhenThen
from privgan.schema.schema import Schema
from privgan.table.violations import holds

_FIRST_ROWS = 10_000


@dataclass(frozen=True, eq=False)
class _Values:
    """A column as numbers.

    Attributes:
        column: The column.
        numbers: Its values [rows], NaN where missing.
        ordered: Those that are present, ascending [values].
    """

    column: Column
    numbers: np.ndarray
    ordered: np.ndarray

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value that the schema allows."""
        values = (*bounds_of(self.column), *special_of(self.column))
        return min(values), max(values)


def orders(typed: pd.DataFrame, columns: Sequence[Column]) -> Iterator[tuple[str, str, int, float]]:
    """Pairs of columns of one kind where the first is never above the second.

    Pairs that their bounds imply, or that follow from other pairs, are left out. Of two columns
    that are always equal, one pair is kept.

    Args:
        typed: Typed rows [rows, columns].
        columns: Columns with known bounds or categories.

    Yields:
        The lower column, the higher one, rows where both stand, and the share of these that
        unrelated columns would break.
    """
    values = [
        _values(typed[column.name], column)
        for column in columns
        if isinstance(column, Numeric | Temporal)
    ]
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for low, high in permutations(values, 2):
        name = (low.column.name, high.column.name)
        if (
            low.column.kind is not high.column.kind
            or low.ends[1] <= high.ends[0]
            or name[::-1] in found
        ):
            continue
        rows = _rows_in_order(low.numbers, high.numbers)
        if rows:
            found[name] = rows, _broken_share(low.ordered, high.ordered)
    yield from (
        (low, high, *told) for (low, high), told in found.items() if not _follows(low, high, found)
    )


def _values(values: pd.Series, column: Column) -> _Values:
    numbers = as_numbers(values, column)
    return _Values(column, numbers, np.sort(numbers[~np.isnan(numbers)]))


def _rows_in_order(low: np.ndarray, high: np.ndarray) -> int:
    """Number of rows where both values stand; 0 where one row is out of order."""
    if (low[:_FIRST_ROWS] > high[:_FIRST_ROWS]).any() or (low > high).any():
        return 0
    return int((~np.isnan(low) & ~np.isnan(high)).sum())


def _broken_share(low: np.ndarray, high: np.ndarray) -> float:
    """Probability that a value of one column is above one of the other, drawn independently."""
    below = np.searchsorted(high, low, side="left")
    return float(below.mean() / len(high))


def _follows(low: str, high: str, found: Mapping[tuple[str, str], object]) -> bool:
    return any((low, middle) in found and (middle, high) in found for _, middle in found)


_MOST_CATEGORIES = 12
_LOOKED_AT = 50_000
_LEAST_ROWS = 10
_WORD = re.compile(r"[^\s<>=!(),\"'`]+\Z")
_QUOTES = "`\"'"

_ZERO = {Kind.ORDINAL: (" = 0",), Kind.CATEGORICAL: (), Kind.BOOLEAN: ()}

Found = tuple[tuple[Constraint, ...], int, float]


@dataclass(frozen=True, eq=False)
class _Atom:
    """Atomic condition on one column: a special value, a category, or missing.

    Attributes:
        column: The column.
        text: The condition, in the grammar of ``where``.
        met: Which of the rows looked at say it [rows].
    """

    column: Column
    text: str
    met: np.ndarray

    @property
    def of_categories(self) -> bool:
        """Whether it names a category; zero of an ordinal column is a number."""
        return isinstance(self.column, Discrete) and not self.text.endswith(
            (" is missing", *_ZERO[self.column.kind])
        )


def implications(typed: pd.DataFrame, columns: Sequence[Column]) -> Iterator[Found]:
    """Conditions that always imply others; those that always hold together share a proposal.

    Conditions are zeros, special values, missing values, and the categories of columns with at most
    twelve; two categories are not tied. Large tables are sampled evenly, so that proposals must be
    checked on all rows.

    Args:
        typed: Typed rows [rows, columns].
        columns: Columns with known bounds or categories.

    Yields:
        Constraints, about how many rows they speak of, and the share of all rows that unrelated
        columns would break.
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
            yield (
                f"= {_written(value, column)}",
                np.asarray(np.abs(numbers - value) < _half_step(column)),
            )
    elif isinstance(column, Discrete) and len(column.categories) <= _MOST_CATEGORIES:
        for category in column.categories:
            if (quoted := _quoted(category)) is not None:
                yield f"= {quoted}", values.eq(category).to_numpy(dtype=bool)
    if column.missing:
        yield "is missing", ColumnCondition(column=column, missing=True).met(values)


def _own_meanings(column: Column) -> tuple[float, ...]:
    """Special values of a column, and zero."""
    lower, upper = bounds_of(column)
    zero = (0.0,) if isinstance(column, Numeric) and lower <= 0 <= upper else ()
    return tuple(dict.fromkeys((*zero, *special_of(column))))


def _written(value: float, column: Column) -> str:
    if isinstance(column, Numeric):
        return str(int(value)) if value.is_integer() else f"{value:.{column.decimals}f}"
    return str(
        np.datetime64(round(value), "s").astype(
            "datetime64[D]" if column.kind is Kind.DATE else "datetime64[s]"
        )
    )


def _half_step(column: Column) -> float:
    return 10.0**-column.decimals / 2 if isinstance(column, Numeric) else 0.5


def _quoted(text: str) -> str | None:
    """Text as a condition quotes it; None where it cannot."""
    if _WORD.match(text):
        return text
    return next((f"{sign}{text}{sign}" for sign in _QUOTES if sign not in text), None)


def _classes(atoms: Sequence[_Atom]) -> list[list[_Atom]]:
    """Groups of atoms that hold in the same rows, atoms that are no categories first."""
    found: dict[bytes, list[_Atom]] = {}
    for atom in sorted(atoms, key=lambda atom: atom.of_categories):
        found.setdefault(np.packbits(atom.met).tobytes(), []).append(atom)
    return list(found.values())


def _together(members: Sequence[_Atom], scale: float) -> Iterator[Found]:
    """First atom of some that hold in the same rows as each other."""
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
    """Number of rows that a rule covers, and share that independent columns would break."""
    return round(when.met.sum() * scale), float(when.met.mean() * (1 - then.met.mean()))


def _matrix(atoms: Sequence[_Atom]) -> np.ndarray:
    """Whether each atom implies each other one in all sampled rows [atoms, atoms]."""
    met = np.array([atom.met for atom in atoms], dtype=np.float32)
    both = met @ met.T
    follows: np.ndarray = both == np.diag(both)[:, None]
    np.fill_diagonal(follows, False)
    return follows


def _through_others(follows: np.ndarray) -> np.ndarray:
    """Whether each implication follows from two others [atoms, atoms]."""
    steps = follows.astype(np.float32)
    return np.asarray(steps @ steps > 0)


MOST_PROPOSALS = 12
_LEAST_SHARE, _PROPOSALS_LEAST_ROWS = 0.01, 20


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A proposed dependency between columns.

    Attributes:
        constraints: What says it; two where it goes both ways.
        rows: Rows that it says something of.
        share: The share of the table's rows that would break it were the columns unrelated, in 0 to
            1.
    """

    constraints: tuple[Constraint, ...]
    rows: int
    share: float

    def __str__(self) -> str:
        """Constraint as words."""
        return "; ".join(map(str, self.constraints))

    @property
    def reason(self) -> str:
        """Reason for the proposal, in a sentence. INTERNAL."""
        chance = f"were the columns unrelated, {self.share:.0%} of all rows would break it"
        return f"holds in all {self.rows:,} rows that it speaks of; {chance}"


def proposals(typed: pd.DataFrame, schema: Schema) -> tuple[Proposal, ...]:
    """Most informative dependencies that hold in every row, at most twelve.

    Orders of moments come first.

    Args:
        typed: Typed rows [rows, modelled columns] as ``conform`` gives them.
        schema: The public facts; what holds by its bounds or by its constraints is left out.

    Returns:
        Proposals that go together with each other and with the schema's constraints.
    """
    kept: list[Proposal] = []
    for each in _informative(typed, schema):
        if len(kept) == MOST_PROPOSALS:
            break
        known = (*schema.constraints, *(part for other in kept for part in other.constraints))
        new = tuple(part for part in each.constraints if not _stands(part, known))
        if new and _possible((*known, *new), schema) and _hold(new, typed, schema):
            kept.append(replace(each, constraints=new))
    return tuple(kept)


def _informative(typed: pd.DataFrame, schema: Schema) -> list[Proposal]:
    """Proposals that independent columns would break in enough rows, the best first."""
    found = [*_orders(typed, schema), *_implications(typed, schema)]
    telling = [
        each
        for each in found
        if each.share >= _LEAST_SHARE and each.share * len(typed) >= _PROPOSALS_LEAST_ROWS
    ]
    return sorted(telling, key=lambda each: (not _is_of_moments(each, schema), -each.share))


def _orders(typed: pd.DataFrame, schema: Schema) -> Iterator[Proposal]:
    for low, high, rows, broken in orders(typed, _closed(typed, schema)):
        yield Proposal(
            constraints=(AtMost(low=low, high=high),), rows=rows, share=broken * rows / len(typed)
        )


def _implications(typed: pd.DataFrame, schema: Schema) -> Iterator[Proposal]:
    for constraints, rows, share in implications(typed, _closed(typed, schema)):
        yield Proposal(constraints=constraints, rows=rows, share=share)


def _closed(typed: pd.DataFrame, schema: Schema) -> Sequence[Column]:
    """Columns whose values have a known range: neither invented nor open."""
    still_open = {column.name for column in schema.open_columns}
    return [
        column
        for column in schema.columns
        if column.name in typed
        and not column.invented
        and column.name not in still_open
        and column.name != schema.unit.column
    ]


def _is_of_moments(proposal: Proposal, schema: Schema) -> bool:
    first = proposal.constraints[0]
    return isinstance(first, AtMost) and isinstance(schema.column(first.low), Temporal)


def _stands(constraint: Constraint, known: Sequence[Constraint]) -> bool:
    return any(constraint.facts() == other.facts() for other in known)


def _possible(constraints: tuple[Constraint, ...], schema: Schema) -> bool:
    """Whether constraints leave rows, close no cycle and are few enough to be kept."""
    try:
        return all(
            group.boxes
            for group in groups_of(_without_open(replace(schema, constraints=constraints)))
        )
    except (UsageError, CycleError):
        return False


def _without_open(schema: Schema) -> Schema:
    """Constraints on columns with known values only.

    Those on open columns are checked against their measured facts.
    """
    wide, names = widened(schema), {column.name for column in schema.open_columns}
    return replace(
        schema,
        constraints=tuple(
            part for part in schema.constraints if not names & set(columns_of(part, wide))
        ),
    )


def _hold(constraints: Sequence[Constraint], typed: pd.DataFrame, schema: Schema) -> bool:
    return all(holds(part, typed, schema).all() for part in constraints)
