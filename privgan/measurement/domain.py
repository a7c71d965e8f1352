"""Measure the domain privately: row counts, quantile bounds, categories by noisy thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from privgan.domain.cells import bound_grid
from privgan.domain.measured import LARGEST_STEP, limits, steps_of, with_bounds, with_categories
from privgan.domain.regions import check_satisfiable
from privgan.errors import InternalError
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import onto_simplex
from privgan.owner.private_table import rows_of_each
from privgan.planning.domain_stage import ROW_COUNT, ROWS_OF_EACH, rows_of_each_of, step_name
from privgan.planning.plan import Plan, PlanStep, StepKind
from privgan.privacy.mechanisms import CategoryDiscovery, CountHistogram, Selection, TotalCount
from privgan.privacy.randomness import SecretStream
from privgan.schema.columns import Column, Open, OpenCategorical, OpenNumeric, OpenTemporal
from privgan.schema.schema import Schema


def measure_row_count(looks: Looks, plan: Plan) -> int:
    """Noisy row count of the table without the left-out canaries."""
    step = plan.step(ROW_COUNT)
    if not isinstance(step.mechanism, TotalCount):
        raise InternalError(f"the step {step.name} counts no rows")
    noisy = step.mechanism.release(looks.count(step), looks.coins)
    return max(0, round(noisy / (1.0 - plan.canary_probability / 2.0)))


def measure_rows_of_each(looks: Looks, plan: Plan) -> tuple[float, ...]:
    """Noisy share of the customers that have 1, 2, … rows [max_rows_per_unit].

    One customer moves one count by one.
    """
    step = plan.step(ROWS_OF_EACH)
    noisy = _noisy_rows_of_each(looks, step, looks.customers(step), plan.unit.max_rows)
    shares = onto_simplex(noisy / max(1.0, float(noisy.sum())))
    return tuple(float(share) for share in np.round(shares / shares.sum(), 9))


def measure_table_rows(looks: Looks, plan: Plan, schema: Schema) -> dict[str, tuple[int, ...]]:
    """Noisy number of customers with 1, 2, … rows of each related table [its max_rows_per_unit].

    One customer moves one count of each table by one; left-out canaries are made up for.
    """
    found = {}
    for table in schema.tables:
        step = plan.step(rows_of_each_of(table.name))
        customers = looks.customers_of(step, table.name)
        noisy = _noisy_rows_of_each(looks, step, customers, table.max_rows)
        whole = np.maximum(noisy, 0) / (1.0 - plan.canary_probability / 2.0)
        found[table.name] = tuple(int(count) for count in np.rint(whole))
    return found


def _noisy_rows_of_each(
    looks: Looks, step: PlanStep, customers: np.ndarray, most: int
) -> np.ndarray:
    """Noisy number of customers with 1, 2, … rows [most]; of more rows they count as so many."""
    if not isinstance(step.mechanism, CountHistogram):
        raise InternalError(f"the step {step.name} is no histogram")
    return step.mechanism.release(rows_of_each(customers, most), looks.coins)


# A range cell holds the steps from 2^i up to 2^(i+1) on one side of 0; 0 is a cell of its own.
_OCTAVES = LARGEST_STEP.bit_length()
RANGE_CELLS = 2 * _OCTAVES + 1
OUTER_SHARE = 0.001
_EMPTY_PASSES = 1e-3
_THIN = 8.0
_MOST_EDGES = 256
_PULL = 0.05
_CHOICE_FAILS, _LARGEST_ERROR = 0.1, 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class _Looks:
    """Charged looks of the domain stage, by step name."""

    charged: Looks
    steps: Mapping[str, PlanStep]

    @property
    def coins(self) -> SecretStream:
        return self.charged.coins

    def step(self, kind: StepKind, column: Open) -> PlanStep:
        return self.steps[step_name(kind, column)]

    def values(self, step: PlanStep, column: Open) -> pd.Series:
        """Values of a column, for one charged look."""
        return self.charged.values(step, column.name)


def measure_domain(charged: Looks, schema: Schema, steps: Sequence[PlanStep]) -> Schema:
    """Measure the open facts of a schema.

    Args:
        charged: The private rows, typed by the schema, with what charges each look.
        schema: The schema with its open columns.
        steps: What ``domain_steps`` planned for it.

    Returns:
        The schema with its measured facts.

    Raises:
        IncompleteError: where these leave no row that holds the schema's constraints; told before
            stage 2 is paid for.
    """
    looks = _Looks(charged=charged, steps={step.name: step for step in steps})
    wanted = {step_name(kind, column) for column in schema.open_columns for kind in _kinds(column)}
    if set(looks.steps) != wanted or len(steps) != len(wanted):
        raise InternalError(
            f"the plan measures {sorted(looks.steps)}; the schema leaves open {sorted(wanted)}"
        )
    resolved = schema.resolved(
        {column.name: _measured(column, looks) for column in schema.open_columns}
    )
    check_satisfiable(resolved)
    return resolved


def _kinds(column: Open) -> tuple[StepKind, ...]:
    if isinstance(column, OpenCategorical):
        return (StepKind.CATEGORIES,)
    return (StepKind.RANGE_HISTOGRAM, StepKind.LOWER_BOUND, StepKind.UPPER_BOUND)


def _measured(column: Open, looks: _Looks) -> Column:
    if isinstance(column, OpenCategorical):
        return _discovered(column, looks)
    assert isinstance(column, OpenNumeric | OpenTemporal)
    first, last, rows = _range(column, looks)
    kinds = (StepKind.LOWER_BOUND, StepKind.UPPER_BOUND)
    edges = bound_edges(first, last, column)
    if any(_too_noisy(looks.step(kind, column).noise, rows) for kind in kinds):
        # The planned looks are charged, but quantiles would be no better than the known range.
        for kind in kinds:
            looks.values(looks.step(kind, column), column)
        return with_bounds(column, int(edges[0]), int(edges[-1]))
    lower, upper = sorted(_bound(kind, edges, column, looks) for kind in kinds)
    return with_bounds(column, lower, upper)


def _too_noisy(noise: float, rows: float) -> bool:
    """Whether a selection's likely error is more than a small share of the noisy row count."""
    return noise * math.log(_MOST_EDGES / _CHOICE_FAILS) > _LARGEST_ERROR * rows


def _discovered(column: OpenCategorical, looks: _Looks) -> Column:
    step = looks.step(StepKind.CATEGORIES, column)
    if not isinstance(step.mechanism, CategoryDiscovery):
        raise InternalError(f"the step {step.name} is no discovery")
    counts = looks.values(step, column).value_counts()
    exact = {str(value): int(count) for value, count in counts.items() if value != column.other}
    return with_categories(column, step.mechanism.release(exact, looks.coins))


def _range(column: OpenNumeric | OpenTemporal, looks: _Looks) -> tuple[int, int, float]:
    """First and last step of the coarse range, and the noisy number of rows with a value."""
    step = looks.step(StepKind.RANGE_HISTOGRAM, column)
    if not isinstance(step.mechanism, CountHistogram):
        raise InternalError(f"the step {step.name} is no histogram")
    counts = range_counts(steps_of(looks.values(step, column), column))
    noisy = step.mechanism.release(counts, looks.coins)
    return *coarse_range(noisy, step.noise), float(noisy.sum())


def _bound(
    kind: StepKind, edges: np.ndarray, column: OpenNumeric | OpenTemporal, looks: _Looks
) -> int:
    step = looks.step(kind, column)
    if not isinstance(step.mechanism, Selection):
        raise InternalError(f"the step {step.name} is no choice")
    scores = bound_scores(steps_of(looks.values(step, column), column), edges, kind)
    scores -= _PULL * step.noise * _distance(kind, len(edges))
    return int(edges[step.mechanism.choose(scores, looks.coins)])


def range_counts(steps: np.ndarray) -> np.ndarray:
    """Number of steps [values] in each range cell [RANGE_CELLS], from the most negative cell up."""
    octaves = np.frexp(np.abs(steps).astype(float))[1].astype(np.int64)
    return np.bincount(_OCTAVES + np.sign(steps) * octaves, minlength=RANGE_CELLS)


def coarse_range(noisy: np.ndarray, standard_deviation: float) -> tuple[int, int]:
    """First and last step of the cells that hold the data, from noisy counts [RANGE_CELLS].

    The range ends at the outermost cells whose count exceeds a noise threshold. An empty grid
    passes it with probability at most 0.001 (Wilson et al. 2020, section 5.1.1). Where such a cell
    holds few, data below the noise probably lie beyond, and one more cell is included. Where no
    cell passes, the range is the whole public grid.
    """
    # A discrete Gaussian's tail is at most a Gaussian's one step further in (Canonne, Kamath,
    # Steinke 2020, Proposition 25).
    threshold = 1 + standard_deviation * NormalDist().inv_cdf(1 - _EMPTY_PASSES / RANGE_CELLS)
    shown = np.flatnonzero(noisy >= threshold)
    if not len(shown):
        return -LARGEST_STEP, LARGEST_STEP
    first, last = int(shown[0]), int(shown[-1])
    first -= first > 0 and noisy[first] < _THIN * threshold
    last += last < RANGE_CELLS - 1 and noisy[last] < _THIN * threshold
    return -_outermost(_OCTAVES - first), _outermost(last - _OCTAVES)


def _outermost(cell: int) -> int:
    """Last step of a range cell, given its number of octaves from the cell of 0.

    Negative cells lie to the left.
    """
    return (1 << cell) - 1 if cell >= 0 else -(1 << (-cell - 1))


def bound_edges(first: int, last: int, column: OpenNumeric | OpenTemporal) -> np.ndarray:
    """Candidate values for a bound [edges].

    Public steps from first to last, half even and half logarithmic around 0.
    """
    first, last = (int(np.clip(step, *limits(column))) for step in (first, last))
    inside = first + bound_grid(last - first, -first, _MOST_EDGES - 2)
    return np.unique(np.append(inside, last))


def bound_scores(steps: np.ndarray, edges: np.ndarray, kind: StepKind) -> np.ndarray:
    """Score of each edge [edges]: how nearly 0.1 % of steps lie outside (Smith 2011, Algorithm 2).

    One row more or less moves the count outside by at most 1, and its target by less in the same
    direction. So a score has sensitivity 1 per row.
    """
    ordered = np.sort(steps)
    if kind is StepKind.LOWER_BOUND:
        outside = np.searchsorted(ordered, edges, side="left")
    else:
        outside = len(ordered) - np.searchsorted(ordered, edges, side="right")
    return -np.abs(outside - OUTER_SHARE * len(ordered))


def _distance(kind: StepKind, count: int) -> np.ndarray:
    """Number of edges [count] that each candidate lies outwards.

    A public penalty: all edges beyond the data have equal scores.
    """
    return np.arange(count) if kind is StepKind.UPPER_BOUND else np.arange(count)[::-1]
