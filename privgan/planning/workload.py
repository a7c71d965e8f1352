"""Choose the wider marginals that are measured without a private choice, and their shares.

All functions use public facts only.
"""

from __future__ import annotations

import heapq
import itertools
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

from privgan.domain.cells import cells_of
from privgan.planning.model_settings import MarginalSettings
from privgan.planning.plan import StepKind
from privgan.planning.task_marginals import TaskMarginals, task_marginals
from privgan.schema.columns import Column
from privgan.schema.schema import Schema, choose_target

Wanted: TypeAlias = Mapping[StepKind, Sequence[tuple[int, ...]]]

# Pairs with a column of two values: their differences alone are measured
# (``privgan.measurement.marginals``).
BY_DIFFERENCE = frozenset({StepKind.TARGET_DIFFERENCES, StepKind.DIFFERENCES})

SHARE_OF_ROUNDS = 0.1
FEWEST_CODES, MOST_CODES = 10, 20
_WELL_SEEN, _SEEN = 500.0, 160.0
_LEAST_OF_ONE_WAY, _MOST_OF_ONE_WAY = 0.08, 0.4
_MOST_WEIGHT = 4.0
_OF_TASKS = 2.0
_TWO = 2
SHARE_BESIDE_NETWORK, SHARE_BESIDE_CRITIC, _MANY = 0.5, 0.1, 600_000
_REFERENCE_CUSTOMERS, _REFERENCE_COLUMNS = 40_000, 15
# Twice the entries at twice as many columns as this, as far as so many offsets go.
_WIDE, _MOST_TIMES, _MOST_OFFSETS = 30, 2.0, 1_000_000


def planned_sizes(columns: Sequence[Column], settings: MarginalSettings) -> tuple[int, ...]:
    """The planned number of codes of each modelled column, before any measurement."""
    cells = [cells_of(column, settings.max_cells).size for column in columns]
    return tuple(
        size if size <= settings.largest_identity else settings.max_codes for size in cells
    )


def merged_columns(
    columns: Sequence[Column], settings: MarginalSettings, *, ordered: bool = False
) -> list[str]:
    """Names of the columns whose fine cells are too many to be codes, and are merged.

    Args:
        columns: The modelled columns.
        settings: The limits.
        ordered: Whether only those are meant whose neighbouring cells are alike.
    """
    cells = [cells_of(column, settings.max_cells) for column in columns]
    wide = (part for part in cells if part.size > settings.largest_identity)
    return [part.column.name for part in wide if part.adjacent or not ordered]


def measured_at_once(schema: Schema, settings: MarginalSettings, derived: int = 0) -> Wanted:
    """The wider marginals to measure without a choice, by kind of step.

    Marginals that the tasks need, or that hold the target, have steps of their own: the schema
    names the target, or a fixed rule picks it. So do pairs with a column of two values, and the
    triples of an uplift. Marginals are tuples of positions among the modelled columns.

    Args:
        schema: The schema.
        settings: The limits.
        derived: The number of first columns among which alone nothing is measured.
    """
    sizes, tasks = planned_sizes(schema.modelled, settings), task_marginals(schema)
    if settings.widest <= _TWO:
        return pairs_at_once(schema, settings, derived)
    needed = [triple for triple in tasks.triples if triple[-1] >= derived]
    small = [part for part in small_triples(sizes, settings, derived) if part not in needed]
    return {
        **pairs_at_once(schema, settings, derived),
        **({StepKind.TASK_TRIPLES: needed} if needed else {}),
        **_split(small, tasks, StepKind.TARGET_TRIPLES, StepKind.TRIPLES),
    }


def pairs_at_once(schema: Schema, settings: MarginalSettings, derived: int = 0) -> Wanted:
    """As ``measured_at_once``, for pairs of columns alone."""
    columns, tasks = schema.modelled, task_marginals(schema)
    sizes = planned_sizes(columns, settings)
    pairs = list(itertools.combinations(range(len(columns)), 2)) if settings.widest > 1 else []
    pairs = [pair for pair in pairs if pair[-1] >= derived]
    halved = [pair for pair in pairs if _TWO in (sizes[pair[0]], sizes[pair[1]])]
    whole = [pair for pair in pairs if _TWO not in (sizes[pair[0]], sizes[pair[1]])]
    return {
        **_split(halved, tasks, StepKind.TARGET_DIFFERENCES, StepKind.DIFFERENCES),
        **_split(whole, tasks, StepKind.TARGET_PAIRS, StepKind.PAIRS),
    }


def place_of_target(schema: Schema) -> int | None:
    """The target's index among the modelled columns: by the schema, or by a fixed rule."""
    name = schema.target or choose_target(schema.modelled)
    return None if name is None else [column.name for column in schema.modelled].index(name)


def _split(
    cliques: Iterable[tuple[int, ...]], tasks: TaskMarginals, needed: StepKind, without: StepKind
) -> dict[StepKind, list[tuple[int, ...]]]:
    found: dict[StepKind, list[tuple[int, ...]]] = {needed: [], without: []}
    for clique in cliques:
        found[needed if tasks.need(clique) else without].append(clique)
    return {kind: members for kind, members in found.items() if members}


def small_triples(
    sizes: tuple[int, ...], settings: MarginalSettings, derived: int = 0
) -> list[tuple[int, int, int]]:
    """All 3-way marginals to measure: the smallest by planned cells, up to a total.

    Small ones cost little time, and their cells exceed the noise most.

    Args:
        sizes: Planned number of codes of each column.
        settings: The limits on one marginal and on all together.
        derived: The number of first columns among which alone nothing is measured.
    """
    found, total = [], 0
    for cells, triple in _triples_by_cells(sizes, settings.largest_triple):
        if triple[-1] < derived:
            continue
        total += cells
        if total > settings.triple_cells:
            break
        found.append(triple)
    return found


def _triples_by_cells(
    sizes: tuple[int, ...], most: int
) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Lazily yield triples of limited size, the smallest first.

    Of 500 columns there are 20 million triples. They are made size by size instead of sorted.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for place, size in enumerate(sizes):
        places[size].append(place)
    kinds = sorted((math.prod(kind), kind) for kind in itertools.product(places, repeat=3))
    for cells, group in itertools.groupby(kinds, key=itemgetter(0)):
        if cells > most:
            return
        alike = [_triples_of(*(places[size] for size in kind)) for _, kind in group]
        yield from ((cells, triple) for triple in heapq.merge(*alike))


def _triples_of(
    first: Sequence[int], second: Sequence[int], third: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    """Ascending triples with one index from each sorted list, in order."""
    for a in first:
        for b in second[bisect_right(second, a) : bisect_left(second, third[-1])]:
            yield from ((a, b, c) for c in third[bisect_right(third, b) :])


def share_of_triples(epsilon: float, customers: float, columns: int) -> float:
    """The share of the wider marginals' budget for all small 3-way ones.

    0 where pairs alone are hardly seen. For 40,000 customers and 15 columns: nothing up to ε = 1,
    two fifths at ε = 3, and 0.6 from ε = 5.3 on. It falls with more columns, whose many triples
    share it. Chosen on four tables (``reports/benchmarks``).
    """
    share = 0.25 * math.log2(strength(epsilon, customers) * _REFERENCE_COLUMNS / columns)
    return round(min(0.6, max(0.0, share)), 3)


def target_weight(
    epsilon: float, customers: float, of_one_way: float, *, by_difference: bool = False
) -> float:
    """The budget of a marginal with the target, relative to any other.

    A table is mostly used to predict. The weight is 4 from ε = 1.1 on for 40,000 customers. It
    falls to 1 where pairs are hardly seen, and all of them are needed. It rises to 4 again where so
    little is seen that single columns get more and other pairs are given up. It is always 4 for
    pairs that cost half. Chosen on four tables, and on small ones (``reports/benchmarks``).

    Args:
        epsilon: The budget's ε.
        customers: The number of customers.
        of_one_way: The share of the 1-way marginals.
        by_difference: Whether the marginal is a pair with a column of two values, whose differences
            are measured for half.
    """
    if by_difference:
        return _MOST_WEIGHT
    given_up = (of_one_way - _LEAST_OF_ONE_WAY) / (_MOST_OF_ONE_WAY - _LEAST_OF_ONE_WAY)
    least = 1.0 + (_MOST_WEIGHT - 1.0) * given_up
    return round(min(_MOST_WEIGHT, max(least, 5 * strength(epsilon, customers) - 1.5)), 3)


def task_factor(declared: bool) -> float:
    """How many times more of the budget a marginal gets that a task needs.

    A schema that declares what its table is for has its task served before all else: twice the
    weight of a target. Without a task nothing changes. Chosen on Bank (``reports/benchmarks``).

    Args:
        declared: Whether the schema names a task that predicts a column.
    """
    return _OF_TASKS if declared else 1.0


def number_of_codes(rows: float, noise: float) -> int:
    """The number of codes of a merged column: twentieths, or tenths under strong noise.

    Tables are read by round quantiles, so values of one code stay together in most tables. Chosen
    on four tables and on simulated ones (``reports/benchmarks``).

    Args:
        rows: The rows that are measured.
        noise: Standard deviation of a pair's counts when all pairs share the whole budget.
    """
    return MOST_CODES if rows / noise >= _WELL_SEEN else FEWEST_CODES


def share_of_one_way(rows: float, noise: float) -> float:
    """The share of the marginals' budget for 1-way marginals.

    It is 0.08 where the rows are 160 times a pair's noise or more. It rises to 0.4 where they are
    32 times or less, and single columns are nearly all that is seen. Chosen on tables of 1,000 to
    5,000 rows (``reports/benchmarks``).

    Args:
        rows: The rows that are measured.
        noise: Standard deviation of a pair's counts when all pairs share the whole budget.
    """
    return round(
        min(_MOST_OF_ONE_WAY, max(_LEAST_OF_ONE_WAY, _LEAST_OF_ONE_WAY * _SEEN * noise / rows)), 3
    )


def network_pays(epsilon: float, customers: float, columns: int) -> bool:
    """Whether half of the budget for DP-SGD of the conditional network pays.

    It does where ε times the customers is large: by that the noise on a mean gradient falls. Below,
    marginals of three columns suffer more than the likelihood gains. Two columns or fewer leave it
    nothing to find. Measured by single runs on simulated tables (``reports/benchmarks``).

    Args:
        epsilon: The budget's ε.
        customers: The number of customers.
        columns: The number of modelled columns.
    """
    return columns > 2 and epsilon * customers >= _MANY


def longer_fit(steps: int, epsilon: float, customers: float) -> int:
    """The number of final fitting steps for a budget.

    Finer noise leaves more to fit, up to 2.5 times as many steps.
    """
    return round(steps * min(2.5, max(1.0, strength(epsilon, customers) / 3)))


def more_entries(entries: int, columns: int, codes: int) -> int:
    """The number of codebook entries for a table's columns.

    From 30 columns on it grows with them, up to twice as many: fewer entries than a wide table
    needs lose dependence of many columns. The entries' codes are bounded: of 1,400 codes more
    entries were not shown to help, and they cost time. Chosen on a simulated table of 60 columns
    (``reports/benchmarks``).

    Args:
        entries: For a table of few columns.
        columns: The number of modelled columns.
        codes: The planned number of codes of all columns.
    """
    wanted = round(entries * min(_MOST_TIMES, max(1.0, columns / _WIDE)))
    return max(entries, min(wanted, _MOST_OFFSETS // codes))


def longer_training(steps: int, epsilon: float, customers: float) -> int:
    """The number of DP-SGD steps of the network for a budget.

    Finer noise leaves more to learn, up to twice as many steps (``reports/benchmarks``).
    """
    return round(steps * min(2.0, max(1.0, strength(epsilon, customers) / 8)))


def strength(epsilon: float, customers: float) -> float:
    """The signal strength ε·√n through the noise; 1 for ε = 1 and 40,000 customers."""
    return epsilon * math.sqrt(customers / _REFERENCE_CUSTOMERS)
