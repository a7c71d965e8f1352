"""Compare the children of synthetic customers with those of real ones, beside two random halves.

Single columns, pairs inside a table, and pairs with the parent's columns are apart by their mean
total variation distance. The number of a parent's rows is a distribution over fixed cells. How
alike the rows of one parent are is a correlation of each column.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.compared import Measure, Sides, compared_metrics
from privgan.audit.fidelity.marginals import distances_by_block
from privgan.audit.histories.statistics import Scale, intraclass_correlation, scale_of
from privgan.audit.intervals import JACKKNIFE_BLOCKS, jackknife_error, normal_interval
from privgan.audit.randomness import stream
from privgan.audit.related.customers import Customers, Family
from privgan.files.json_types import JsonDict
from privgan.metric import Metric
from privgan.schema.columns import Column, Discrete, Numeric

COLUMNS, PAIRS = "fidelity.related.columns", "fidelity.related.pairs"
ACROSS = "fidelity.related.parent_pairs"
CHILDREN, WITHIN = "fidelity.related.children", "fidelity.related.within"
NAMES = (COLUMNS, PAIRS, ACROSS, CHILDREN, WITHIN)
MOST_CUSTOMERS, MOST_PAIRS = 50_000, 200
_EACH = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)
_DIGITS = 6
_NOTHING = {
    COLUMNS: "no further table has a column and a real row",
    PAIRS: "no further table has two columns and a real row",
    ACROSS: "no further table and its parent have a column each and a real row",
    WITHIN: "no column has two values under one real row",
}
_Clique = tuple[int, ...]


def related_metrics(real: Customers, synthetic: Customers, seed: int) -> tuple[Metric, ...]:
    """Metrics of children's columns, pairs, numbers, and of how alike a parent's rows are.

    Args:
        real: All real customers, kept in and left out; of very many a sample.
        synthetic: The synthetic customers; of very many a sample.
        seed: Draws samples, halves and the jackknife's blocks.

    Returns:
        Distances with a delete-a-tenth jackknife interval over synthetic customers. The baseline is
        the distance of two random halves of the real customers from each other.
    """
    real = real.sample(MOST_CUSTOMERS, stream(seed, "related: real customers"))
    synthetic = synthetic.sample(MOST_CUSTOMERS, stream(seed, "related: synthetic customers"))
    block = stream(seed, "related: blocks").permutation(len(synthetic)) % JACKKNIFE_BLOCKS
    half = stream(seed, "related: halves").permutation(len(real)) % 2 == 0
    halves = real.take(half), real.take(~half)
    sides = Sides(real=real, halves=halves, made=synthetic.jackknife(block), number=len(synthetic))
    measures = {
        CHILDREN: [_numbers_of(child) for child in real.family.parents],
        WITHIN: list(_within(real)),
    }
    found = compared_metrics(measures, sides, lambda name: _NOTHING.get(name, "nothing to count"))
    return (*_distances(real, halves, synthetic, block), *found)


@dataclass(frozen=True, eq=False)
class _Distance:
    """Distances of some marginals of one table.

    Attributes:
        table: The table.
        labels: The columns of each marginal [marginals].
        made: Of synthetic rows, then without each block of customers [marginals, 1 + blocks].
        halves: Of the two halves of the real customers [marginals].
    """

    table: str
    labels: Sequence[tuple[str, ...]]
    made: NDArray[np.float64]
    halves: NDArray[np.float64]

    @property
    def value(self) -> float:
        """Mean over the marginals."""
        return float(self.made[:, 0].mean())

    @property
    def error(self) -> float:
        """Jackknife error of that mean."""
        return jackknife_error(self.made.mean(axis=0))

    @property
    def between_halves(self) -> float:
        """Mean distance of the halves."""
        return float(self.halves.mean())

    def told(self) -> JsonDict:
        """The figures of the table as JSON."""
        return {
            "table": self.table,
            "value": self.value,
            "between_halves": self.between_halves,
            "marginals": len(self.labels),
        }

    def parts(self) -> Iterator[JsonDict]:
        """Each marginal's figures as JSON."""
        figures = zip(self.labels, self.made[:, 0], self.halves, strict=True)
        for labels, value, half in figures:
            figure = {"value": round(float(value), _DIGITS), "halves": round(float(half), _DIGITS)}
            yield {"table": self.table, "columns": list(labels)} | figure


def _distances(
    real: Customers, halves: tuple[Customers, Customers], synthetic: Customers, block: NDArray
) -> Iterator[Metric]:
    """Metrics of marginals: of one child after another, so that one joined table is held."""
    found: dict[str, list[_Distance]] = {COLUMNS: [], PAIRS: [], ACROSS: []}
    for child in real.family.parents:
        tables = [side.joined(child) for side in (real, *halves, synthetic)]
        if min(map(len, tables[:-1])) == 0:
            continue
        for name, cliques in _cliques(real.family, child).items():
            if cliques:
                found[name].append(_distance(real.family, child, cliques, tables, block))
    for name, tables_of in found.items():
        yield _distance_metric(name, tables_of, len(synthetic))


def _cliques(family: Family, child: str) -> dict[str, list[_Clique]]:
    """The marginals of each metric, as places among the joined columns."""
    own = range(len(family.coders[child].columns))
    above = range(len(own), len(family.across(child).columns))
    return {
        COLUMNS: [(place,) for place in own],
        PAIRS: _thinned(list(itertools.combinations(own, 2))),
        ACROSS: _thinned(list(itertools.product(own, above))),
    }


def _thinned(pairs: Sequence[_Clique]) -> list[_Clique]:
    """At most so many, evenly spaced, so that the work is bounded."""
    return list(pairs[:: math.ceil(len(pairs) / MOST_PAIRS)]) if pairs else []


def _distance(
    family: Family,
    child: str,
    cliques: Sequence[_Clique],
    tables: Sequence[CodedTable],
    block: NDArray[np.int64],
) -> _Distance:
    coder, (real, first, second, made) = family.across(child), tables
    assert made.customers is not None
    by_row = block[made.customers]
    names, own = coder.names, len(family.coders[child].columns)
    parent = family.parents[child]
    labels = [
        tuple(names[at] if at < own else f"{parent}.{names[at]}" for at in clique)
        for clique in cliques
    ]
    one = np.zeros(len(second), dtype=np.int64)
    return _Distance(
        table=child,
        labels=labels,
        made=(
            distances_by_block(coder.sizes, real, made, cliques, by_row)
            if len(made)
            else np.ones((len(cliques), JACKKNIFE_BLOCKS + 1))
        ),
        halves=distances_by_block(coder.sizes, first, second, cliques, one, blocks=0)[:, 0],
    )


def _distance_metric(name: str, tables: Sequence[_Distance], customers: int) -> Metric:
    """The worst of several tables, with an interval that holds for all at once (Bonferroni)."""
    if not tables:
        return Metric.not_run(name, _NOTHING[name])
    worst = max(tables, key=lambda table: table.value)
    low, high = normal_interval(worst.value, worst.error, tests=len(tables), least=0.0, most=1.0)
    many = f", the worst of {len(tables)} tables (Bonferroni)" if len(tables) > 1 else ""
    return Metric(
        name=name,
        value=worst.value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=worst.between_halves,
        n=customers,
        method=(
            f"mean total variation distance of {len(worst.labels)} marginals{many}; numbers cut at"
            " the training rows' 20-quantiles; baseline: two random halves of the real customers;"
            f" interval: jackknife over {JACKKNIFE_BLOCKS} blocks of synthetic customers"
        ),
        details={
            "table": worst.table,
            "tables": [table.told() for table in tables],
            "marginals": [part for table in tables for part in table.parts()],
        },
    )


def _numbers_of(child: str) -> Measure[Customers]:
    """How many of a child's rows a row of its parent has."""
    edges = np.array(_EACH)
    pairs = zip(edges[:-1] + 1, edges[1:], strict=True)
    inner = [str(high) if low == high else f"{low}–{high}" for low, high in pairs]
    labels = (str(edges[0]), *inner, f"> {edges[-1]}")

    def shares(customers: Customers) -> NDArray[np.float64]:
        cells = np.searchsorted(edges, customers.each(child), side="left")
        return np.bincount(cells, minlength=len(labels)) / max(1, len(cells))

    return Measure(of=shares, labels=labels, column=child)


def _within(real: Customers) -> Iterator[Measure[Customers]]:
    """Correlations within parents, of each column of a child that shows one in real rows."""
    for child in real.family.parents:
        for place, column in enumerate(real.family.coders[child].columns):
            values = real.rows[child].values[:, place]
            scale = _scale(column, values)
            held = partial(_held, child=child, place=place, scale=scale)
            if not math.isnan(_correlation(real, child, place, scale)):
                yield Measure.of_number(held, f"{child}.{column.name}")


def _scale(column: Column, values: NDArray[np.float64]) -> Scale:
    """The scale on which a column's values are compared, from its real ones."""
    if isinstance(column, Discrete):
        return partial(_indicators, levels=np.unique(values[~np.isnan(values)]))
    return scale_of(values) if isinstance(column, Numeric) else _as_it_is


def _as_it_is(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values


def _indicators(values: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whether each value is each level [values, levels]."""
    return np.equal.outer(values, levels).astype(float)


def _held(customers: Customers, child: str, place: int, scale: Scale) -> float:
    """Correlation within parents; 0 for rows that show none."""
    found = _correlation(customers, child, place, scale)
    return 0.0 if math.isnan(found) else found


def _correlation(customers: Customers, child: str, place: int, scale: Scale) -> float:
    values = customers.rows[child].values[:, place]
    known = ~np.isnan(values)
    return intraclass_correlation(scale(values[known]), customers.above[child][known])
