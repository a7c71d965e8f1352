"""Estimate a weighted sum over the counted rows, with the variance of each of its errors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from privgan.answers.knowledge import Knowledge
from privgan.answers.weights import Term, Weight
from privgan.domain.encoding import ColumnCode
from privgan.errors import UsageError
from privgan.measurement.marginals import Clique

MOST_CELLS = 4_000_000
_MOST_PRODUCTS = 400_000_000
# Values of one code differ between two groups by so much of their spread within the code: one
# standard deviation, for what the counts of codes cannot tell. Chosen on three real tables
# (``reports/uses/answers.md``).
SPLIT = 0.12
_SAME = 1e-9


@dataclass(frozen=True, kw_only=True)
class Sum:
    """A weighted sum over the counted rows.

    Attributes:
        value: The estimate.
        noise: Variance of the known noise.
        model: Variance of what was not measured; None where nothing tells it.
        unmeasured: The sets of columns of which the model tells.
    """

    value: float
    noise: float
    model: float | None
    unmeasured: frozenset[Clique]


def sum_of(weight: Weight, known: Knowledge) -> Sum:
    """The sum of a weight over the counted rows.

    Args:
        weight: The weight.
        known: What is known.

    Raises:
        UsageError: It needs a table of too many cells.
    """
    made = _Weights(known)
    for term in weight:
        made.add(term)
    value, noise, model = 0.0, 0.0, 0.0
    unmeasured = set()
    bounded, rows, of_all = True, float(known.rows.table), 0.0
    for clique, weights in made.components.items():
        if not weights.any():
            continue
        estimate = known.components.estimate(clique)
        if clique == ():
            of_all += float(weights)
        elif estimate is not None:
            value += float((weights * estimate.table).sum())
            noise += estimate.variance * float((weights**2).sum())
        else:
            unmeasured.add(clique)
            of_all += float((weights * known.modelled(clique)).sum())
            size = known.size_of(len(clique)) if known.measured else None
            bounded = bounded and size is not None
            even = _outer([known.one_way(column) for column in clique])
            model += ((size or 0.0) * rows) ** 2 * float((weights**2 * even**2).sum())
    # What the model tells is a share of all rows, whose number is noisy too.
    value += of_all * rows
    noise += of_all**2 * known.rows.variance
    for name, cells in made.fine.items():
        counts = known.fine(name)
        assert counts is not None
        value += float((cells * counts.figures).sum())
        noise += counts.noise**2 * float(((cells + made.shapes.get(name, 0.0)) ** 2).sum())
    return Sum(
        value=value,
        noise=noise,
        model=model if bounded else None,
        unmeasured=frozenset(unmeasured),
    )


class _Weights:
    """A weight as weights on components and on fine cells.

    Attributes:
        components: Weights on each component, by the columns' places.
        fine: Weights on counts of fine cells, by column.
        shapes: How the sum moves with each count of a fine cell by way of its code's fractions.
    """

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self.components: dict[Clique, np.ndarray] = {}
        self.fine: dict[str, np.ndarray] = {}
        self.shapes: dict[str, np.ndarray] = {}

    def add(self, term: Term) -> None:
        """Add a term; UsageError where its columns have too many codes together."""
        known = self._known
        places = sorted(known.encoder.names.index(name) for name in term.factors)
        columns = [known.encoder.columns[place] for place in places]
        _check_few(known, places)
        if len(columns) == 1 and known.fine(columns[0].name) is not None:
            cells = term.factors[columns[0].name].mean
            coded = [_even(cells, columns[0])]
            rest = term.number * (cells - coded[0][columns[0].code_of])
            _sum_up(self.fine, columns[0].name, rest)
        else:
            coded = [
                term.factors[column.name].coded(column, known.fractions(place))
                for place, column in zip(places, columns, strict=True)
            ]
            self._add_shapes(term, tuple(places), coded)
        for clique, table in _centred_parts(term.number, places, coded):
            _sum_up(self.components, clique, table)

    def _add_shapes(self, term: Term, places: Clique, coded: list[np.ndarray]) -> None:
        """Add what the noise of fractions within codes does to a term."""
        known = self._known
        for axis, place in enumerate(places):
            column = known.encoder.columns[place]
            counts = known.fine(column.name)
            apart = term.factors[column.name].mean - coded[axis][column.code_of]
            if counts is None or not (np.abs(apart) > _SAME).any():
                continue
            rows = known.table(places)
            others = _outer(
                [np.ones_like(part) if at == axis else part for at, part in enumerate(coded)]
            )
            held = (rows * others).sum(axis=tuple(at for at in range(rows.ndim) if at != axis))
            total = np.maximum(np.bincount(column.code_of, counts.figures), 1.0)
            _sum_up(self.fine, column.name, np.zeros(len(apart)))
            _sum_up(self.shapes, column.name, term.number * (held / total)[column.code_of] * apart)


def _sum_up(sums: dict[Any, np.ndarray], key: Any, more: np.ndarray) -> None:
    sums[key] = sums[key] + more if key in sums else more


def _centred_parts(
    number: float, places: Sequence[int], coded: Sequence[np.ndarray]
) -> Iterator[tuple[Clique, np.ndarray]]:
    """A product of weights on codes, as weights on each component of its columns."""
    for held in itertools.product((False, True), repeat=len(coded)):
        kept = [part - part.mean() for part, one in zip(coded, held, strict=True) if one]
        means = [float(part.mean()) for part, one in zip(coded, held, strict=True) if not one]
        clique = tuple(place for place, one in zip(places, held, strict=True) if one)
        yield clique, number * math.prod(means) * _outer(kept)


def _even(cells: np.ndarray, column: ColumnCode) -> np.ndarray:
    """Mean over the cells of each code [codes], each cell counting as one."""
    return np.bincount(column.code_of, cells, column.size) / np.bincount(column.code_of)


def _outer(parts: list[np.ndarray]) -> np.ndarray:
    """Outer product of vectors [sizes]; of none, one."""
    table = np.ones(())
    for part in parts:
        table = np.multiply.outer(table, part)
    return table


def sum_of_squares(weight: Weight, known: Knowledge) -> float:
    """The sum of a weight's squares over the counted rows, never below 0."""
    places = tuple(
        sorted({known.encoder.names.index(name) for term in weight for name in term.factors})
    )
    if not places:
        return sum(term.number for term in weight) ** 2 * float(known.rows.table)
    _check_few(known, places, len(weight))
    columns = [known.encoder.columns[place] for place in places]
    smooth = [column.within for column in columns]
    squares = sum(together for together, _ in _products(weight, columns, smooth))
    return max(0.0, float((known.table(places) * squares).sum()))


def _check_few(known: Knowledge, places: Sequence[int], terms: int = 1) -> None:
    """Check that columns have few enough codes together for one table, or for each two terms."""
    columns = [known.encoder.columns[place] for place in places]
    names = ", ".join(column.name for column in columns)
    cells = math.prod(column.size for column in columns)
    if cells > MOST_CELLS:
        raise UsageError(f"{names} have too many values together to be asked about at once")
    if cells * terms**2 > _MOST_PRODUCTS:
        raise UsageError(
            f"the conditions on {names} come to {terms:,} cases, too many for so many values: ask"
            " with fewer alternatives, or of fewer columns"
        )


def coding_variance(weight: Weight, known: Knowledge) -> float:
    """Variance of what the codes cannot tell of a weighted sum.

    Rows of one code differ in their weights. A part of this is chance: each row is any of the
    code's. A part is not: a group's rows may lie elsewhere in the code than all rows do.
    """
    names = sorted(
        {name for term in weight for name in term.factors}, key=known.encoder.names.index
    )
    if not names:
        return 0.0
    places = tuple(known.encoder.names.index(name) for name in names)
    columns = [known.encoder.columns[place] for place in places]
    fractions = [known.fractions(place) for place in places]
    exact = len(names) == 1 and known.fine(names[0]) is not None
    if exact:
        return _within_cells(weight, known, names[0])
    _check_few(known, places, len(weight))
    spread = sum(together - apart for together, apart in _products(weight, columns, fractions))
    variance = np.maximum(np.asarray(spread), 0.0)
    if not variance.any():
        return 0.0
    rows = known.table(places)
    chance = float((rows * variance).sum())
    deviation = rows * np.sqrt(variance)
    split = [axis for axis in range(variance.ndim) if _is_split(weight, columns[axis])]
    if not split:
        return chance
    others = tuple(axis for axis in range(variance.ndim) if axis not in split)
    return chance + SPLIT**2 * float((deviation.sum(axis=others) ** 2).sum())


def _within_cells(weight: Weight, known: Knowledge, name: str) -> float:
    """As above, of fine cells: their counts are known, and their rows' places are not."""
    counts = known.fine(name)
    assert counts is not None
    mean, square = np.zeros(len(counts.figures)), np.zeros(len(counts.figures))
    factors = [(term.number, term.factors.get(name)) for term in weight]
    for number, factor in factors:
        mean += number * (1.0 if factor is None else factor.mean)
    for (one, first), (other, second) in itertools.product(factors, repeat=2):
        if first is None or second is None:
            left = 1.0 if first is None else first.mean
            right = 1.0 if second is None else second.mean
            square += one * other * left * right
        else:
            same = np.array_equal(first.mean, second.mean)
            square += one * other * (first.square if same else first.mean * second.mean)
    rows = np.maximum(counts.figures, 0)
    variance = np.maximum(square - mean**2, 0.0)
    return float((rows**2 * variance).sum()) if variance.any() else 0.0


def _is_split(weight: Weight, column: ColumnCode) -> bool:
    """Whether values of one code of a column differ in their weight."""
    return any(
        bool((np.abs(factor.mean - _even(factor.mean, column)[column.code_of]) > _SAME).any())
        or bool((factor.square - factor.mean**2 > _SAME).any())
        for term in weight
        if (factor := term.factors.get(column.name)) is not None
    )


def _products(
    weight: Weight, columns: list[ColumnCode], fractions: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mean squares of a weight in each cell of codes, and squares of its mean [sizes].

    Term by term, to be added up.
    """
    for one, other in itertools.product(weight, repeat=2):
        together, apart = [], []
        for column, within in zip(columns, fractions, strict=True):
            first, second = one.factors.get(column.name), other.factors.get(column.name)
            ones = np.ones(column.size)
            left = ones if first is None else first.coded(column, within)
            right = ones if second is None else second.coded(column, within)
            apart.append(left * right)
            if first is None or second is None:
                together.append(left * right)
            else:
                together.append(first.coded_product(second, column, within))
        number = one.number * other.number
        yield number * _outer(together), number * _outer(apart)
