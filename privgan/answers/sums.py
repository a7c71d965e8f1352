"""Estimate a weighted sum over the counted rows, with the variance of each of its errors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from privgan.answers.knowledge import Knowledge
from privgan.answers.weights import Term, Weight
from privgan.domain.encoding import ColumnCode
from privgan.errors import UsageError
from privgan.measurement.marginals import Clique

MOST_CELLS = 4_000_000
# Values of one code differ between two groups by so much of their spread within the code: one
# standard deviation, for what the counts of codes cannot tell.
SPLIT = 0.25


@dataclass(frozen=True, kw_only=True)
class Sum:
    """A weighted sum over the counted rows.

    Attributes:
        value: The estimate.
        noise: Variance of the known noise.
        model: Variance of what was not measured; None where nothing tells it.
        unmeasured: The sets of columns of which the model tells.
        gradient: Weights on each component, for a sum of sums; by the columns' places.
        fine: Weights on fine cells, by column.
    """

    value: float
    noise: float
    model: float | None
    unmeasured: frozenset[Clique]
    gradient: dict[Clique, np.ndarray]
    fine: dict[str, np.ndarray]


def sum_of(weight: Weight, known: Knowledge) -> Sum:
    """The sum of a weight over the counted rows.

    Args:
        weight: The weight.
        known: What is known.

    Raises:
        UsageError: It needs a table of too many cells.
    """
    gradient: dict[Clique, np.ndarray] = {}
    fine: dict[str, np.ndarray] = {}
    for term in weight:
        _add(term, known, gradient, fine)
    value, noise, model = 0.0, 0.0, 0.0
    unmeasured = set()
    bounded, rows, extra = True, float(known.rows.table), 0.0
    for clique, weights in gradient.items():
        if not weights.any():
            continue
        if clique == ():
            continue
        estimate = known.components.estimate(clique)
        if estimate is not None:
            value += float((weights * estimate.table).sum())
            noise += estimate.variance * float((weights**2).sum())
            continue
        unmeasured.add(clique)
        share = float((weights * known.modelled(clique)).sum())
        extra += share
        value += rows * share
        size = known.size_of(len(clique)) if known.measured else None
        if size is None:
            bounded = False
        else:
            even = _outer([known.one_way(column) for column in clique])
            model += (size * rows) ** 2 * float((weights**2 * even**2).sum())
    total = float(gradient.get((), np.zeros(()))) if () in gradient else 0.0
    value += total * rows
    # What the model tells is a share of all rows, whose number is noisy too.
    noise += (total + extra) ** 2 * known.rows.variance
    for name, weights in fine.items():
        counts = known.fine(name)
        assert counts is not None
        value += float((weights * counts.figures).sum())
        noise += counts.noise**2 * float((weights**2).sum())
    return Sum(
        value=value,
        noise=noise,
        model=model if bounded else None,
        unmeasured=frozenset(unmeasured),
        gradient=gradient,
        fine=fine,
    )


def _add(
    term: Term,
    known: Knowledge,
    gradient: dict[Clique, np.ndarray],
    fine: dict[str, np.ndarray],
) -> None:
    """Add a term's weights to those on components and on fine cells."""
    names = sorted(term.factors, key=known.encoder.names.index)
    factors = [(known.encoder.names.index(name), term.factors[name]) for name in names]
    columns = [known.encoder.columns[place] for place, _ in factors]
    if len(factors) == 1 and known.fine(columns[0].name) is not None:
        cells = factors[0][1].mean
        even = _even(cells, columns[0])
        coded = [even]
        rest = term.number * (cells - even[columns[0].code_of])
        fine[columns[0].name] = fine.get(columns[0].name, 0.0) + rest
    else:
        coded = [factor.coded(column) for (_, factor), column in zip(factors, columns, strict=True)]
    places = [place for place, _ in factors]
    if math.prod(len(part) for part in coded) > MOST_CELLS:
        names = ", ".join(column.name for column in columns)
        raise UsageError(f"{names} have too many values together to be asked about at once")
    for held in itertools.product((False, True), repeat=len(coded)):
        clique = tuple(place for place, kept in zip(places, held, strict=True) if kept)
        number, parts = term.number, []
        for part, kept in zip(coded, held, strict=True):
            mean = float(part.mean())
            if kept:
                parts.append(part - mean)
            else:
                number *= mean
        table = number * _outer(parts)
        gradient[clique] = gradient[clique] + table if clique in gradient else table


def _even(cells: np.ndarray, column: ColumnCode) -> np.ndarray:
    """Mean over the cells of each code [codes], each cell counting as one."""
    return np.bincount(column.code_of, cells, column.size) / np.bincount(column.code_of)


def _outer(parts: list[np.ndarray]) -> np.ndarray:
    """Outer product of vectors [sizes]; of none, one."""
    table = np.ones(())
    for part in parts:
        table = np.multiply.outer(table, part)
    return table


def square_of(weight: Weight) -> Weight:
    """The square of a weight, as another weight."""
    return tuple(one * other for one in weight for other in weight)


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
    columns = [known.encoder.columns[known.encoder.names.index(name)] for name in names]
    exact = len(names) == 1 and known.fine(names[0]) is not None
    if exact:
        return _within_cells(weight, known, names[0])
    if math.prod(column.size for column in columns) > MOST_CELLS:
        raise UsageError(f"{', '.join(names)} have too many values together")
    spread = sum(_spreads(weight, columns))
    variance = np.maximum(np.asarray(spread), 0.0)
    if not variance.any():
        return 0.0
    rows = _table(known, tuple(known.encoder.names.index(name) for name in names))
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
        bool((np.abs(factor.mean - factor.coded(column)[column.code_of]) > 1e-9).any())
        or bool((factor.square - factor.mean**2 > 1e-9).any())
        for term in weight
        if (factor := term.factors.get(column.name)) is not None
    )


def _spreads(weight: Weight, columns: list[ColumnCode]) -> Iterator[np.ndarray]:
    """Terms of the variance of a weight within each cell of codes [sizes], to be added up."""
    for one, other in itertools.product(weight, repeat=2):
        together, apart = [], []
        for column in columns:
            first, second = one.factors.get(column.name), other.factors.get(column.name)
            ones = np.ones(column.size)
            left = ones if first is None else first.coded(column)
            right = ones if second is None else second.coded(column)
            apart.append(left * right)
            if first is None or second is None:
                together.append(left * right)
            else:
                together.append(first.coded_product(second, column))
        yield one.number * other.number * (_outer(together) - _outer(apart))


def _table(known: Knowledge, clique: Clique) -> np.ndarray:
    """Estimated rows of each cell of a clique [sizes], at least 0."""
    sizes = [known.encoder.sizes[column] for column in clique]
    rows = float(known.rows.table)
    even = _outer([known.one_way(column) for column in clique]) * rows
    table = np.zeros(sizes)
    for width in range(len(clique) + 1):
        for part in itertools.combinations(range(len(clique)), width):
            inside = tuple(clique[axis] for axis in part)
            estimate = known.components.estimate(inside)
            if estimate is None:
                continue
            others = [axis for axis in range(len(clique)) if axis not in part]
            spread = math.prod(sizes[axis] for axis in others)
            table = table + np.expand_dims(estimate.table / spread, tuple(others))
    positive = np.maximum(table, 0.0)
    total = positive.sum()
    return positive * (rows / total) if total else even
