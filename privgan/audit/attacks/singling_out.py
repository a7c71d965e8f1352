"""Run singling-out attacks (WP216, question 1).

A predicate is taken from the synthetic table. It singles out a customer if it holds for exactly one
real row.

Predicates that hold for one synthetic row are counted in the hold-out table. They are counted too
in parts of the training table of the same size. Had the synthetic table not seen the training rows,
a predicate would isolate a row equally often in each part.

Predicates work on the audit's own arrays, so moments, negative numbers and missing values select
what they say (Giomi et al. 2023, "Anonymeter", section 4.1). The baseline n·w·(1 − w)^(n − 1) is
that of Cohen and Nissim 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.attacks.contrasts import Contrast, excess_metric
from privgan.audit.coding import AuditCoder, CodedTable, stacked
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Column, Discrete

NAME = "attack.singling_out.excess"
QUERIES = 400
SIDES, EQUALS = (2, 3, 4, 6), (3, 6)
MOST_PARTS = 8
LEAST_ROWS = 20
_TRIES = 5


@dataclass(frozen=True)
class Condition:
    """Condition on one column of a predicate.

    Attributes:
        place: The column's position.
        relation: "equal", "at most", "at least" or "missing".
        value: The value compared with; NaN for "missing".
    """

    place: int
    relation: str
    value: float

    def __call__(self, table: CodedTable) -> NDArray[np.bool_]:
        """Mask of the rows it holds for [rows]; a missing value satisfies "missing" alone."""
        column = table.values[:, self.place]
        if self.relation == "missing":
            return np.isnan(column)
        if self.relation == "equal":
            return column == self.value
        return column <= self.value if self.relation == "at most" else column >= self.value


Predicate = tuple[Condition, ...]


def selected(predicate: Predicate, table: CodedTable) -> NDArray[np.int64]:
    """Positions of the rows that satisfy a predicate."""
    found = predicate[0](table)
    for condition in predicate[1:]:
        found &= condition(table)
    return np.flatnonzero(found)


def univariate(
    columns: Sequence[Column], synthetic: CodedTable, generator: np.random.Generator
) -> dict[str, list[Predicate]]:
    """Predicates on one column that hold for one synthetic row, by column.

    They use the values that occur once, and the extremes.
    """
    found: dict[str, list[Predicate]] = {}
    for place, column in enumerate(columns):
        values = synthetic.values[:, place]
        levels, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        once = [Condition(place, "equal", float(value)) for value in levels[counts == 1]]
        drawn = [once[i] for i in generator.permutation(len(once))[:QUERIES]]
        if not isinstance(column, Discrete) and len(levels):
            ends = ((0, "at most"), (-1, "at least"))
            drawn += [
                Condition(place, relation, float(levels[end]))
                for end, relation in ends
                if counts[end] == 1
            ]
        if int(np.isnan(values).sum()) == 1:
            drawn.append(Condition(place, "missing", float("nan")))
        found[column.name] = [(condition,) for condition in drawn]
    return found


def multivariate(
    columns: Sequence[Column],
    synthetic: CodedTable,
    count: int,
    sides: bool,
    generator: np.random.Generator,
) -> list[Predicate]:
    """Predicates on ``count`` random columns that hold for one synthetic row.

    At most 400 of 2,000 tries are kept, each from a row of its own. Predicates from one row would
    succeed together.

    Args:
        columns: The columns.
        synthetic: The synthetic rows.
        count: Number of columns in each predicate.
        sides: Whether a number need only be on its side of the synthetic median; else it must be
            equal, as a category must.
        generator: Draws rows and columns.
    """
    medians = [_median(synthetic.values[:, place]) for place in range(len(columns))]
    found = []
    for row in generator.permutation(len(synthetic))[: _TRIES * QUERIES]:
        places = np.sort(generator.permutation(len(columns))[:count])
        values = synthetic.values[row, places]
        predicate = tuple(
            _condition(
                int(place),
                float(value),
                medians[place] if sides and not isinstance(columns[place], Discrete) else None,
            )
            for place, value in zip(places, values, strict=True)
        )
        if len(selected(predicate, synthetic)) == 1:
            found.append(predicate)
        if len(found) == QUERIES:
            break
    return found


def _median(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else 0.0


def _condition(place: int, value: float, median: float | None) -> Condition:
    if np.isnan(value):
        return Condition(place, "missing", value)
    if median is None:
        return Condition(place, "equal", value)
    return Condition(place, "at least" if value > median else "at most", value)


def singling_out_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``attack.singling_out.excess``: isolations of training over hold-out rows.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws predicates and the equal-size samples.

    Returns:
        The metric, its n the number of predicates that were found; NOT_RUN with the reason where
        there are none.
    """
    if left_out is None or min(len(left_out), len(kept_in)) < LEAST_ROWS:
        return Metric.not_run(NAME, f"needs at least {LEAST_ROWS} training and hold-out rows")
    generator = stream(seed, "attack.singling_out.excess")
    real, part = _parts(kept_in, left_out, generator)
    queries = _queries(coder.columns, _by_column(synthetic), generator)
    asked = {label: predicates for label, predicates in queries.items() if predicates}
    if not asked:
        return Metric.not_run(NAME, "no predicate isolates a single synthetic row")
    contrasts = [_contrast(label, predicates, real, part) for label, predicates in asked.items()]
    return excess_metric(
        NAME,
        contrasts,
        method=(
            "predicates that hold for one synthetic row, counted in the hold-out and in"
            f" {int(part.max())} parts of the training table, {int((part == 0).sum())} rows each"
        ),
    )


def _by_column(table: CodedTable) -> CodedTable:
    """Copy of the table with contiguous columns, since predicates read columns."""
    return CodedTable(table.codes, np.asfortranarray(table.values))


def _parts(
    kept_in: CodedTable, left_out: CodedTable, generator: np.random.Generator
) -> tuple[CodedTable, NDArray[np.int64]]:
    """Parts of equal size: hold-out rows as part 0, training rows as parts 1, 2, …."""
    size = min(len(kept_in), len(left_out))
    count = min(MOST_PARTS, len(kept_in) // size)
    training, holdout = kept_in.sample(count * size, generator), left_out.sample(size, generator)
    shuffled = training.take(generator.permutation(len(training)))
    return _by_column(stacked(holdout, shuffled)), np.repeat(np.arange(count + 1), size)


def _queries(
    columns: Sequence[Column], synthetic: CodedTable, generator: np.random.Generator
) -> dict[str, list[Predicate]]:
    found = univariate(columns, synthetic, generator)
    for label, counts, sides in (("", SIDES, True), (" equal", EQUALS, False)):
        for count in counts:
            if count <= len(columns):
                found[f"{count} columns{label}"] = multivariate(
                    columns, synthetic, count, sides, generator
                )
    return found


def _contrast(
    label: str, predicates: list[Predicate], real: CodedTable, part: NDArray[np.int64]
) -> Contrast:
    parts = int(part.max()) + 1
    counts = np.array(
        [np.bincount(part[selected(predicate, real)], minlength=parts) for predicate in predicates]
    )
    alone, rows = counts == 1, len(part) // parts
    weight = counts.sum(axis=1) / len(part)
    return Contrast(
        label=label,
        hits=float(alone[:, 1:].sum()) / (parts - 1),
        trials=len(predicates),
        control_hits=float(alone[:, 0].sum()),
        control_trials=len(predicates),
        paired_p_value=_p_value(alone),
        notes={
            "expected_by_chance": float((rows * weight * (1.0 - weight) ** (rows - 1)).mean()),
            "queries_at_most": QUERIES,
        },
    )


def _p_value(alone: NDArray[np.bool_]) -> float:
    """Exact p-value of the hold-out's successes, given each query's number of successful parts.

    If the parts are exchangeable, a query with s successes in k parts has one in the hold-out with
    probability s/k.

    Args:
        alone: Whether each query (line) isolates a row in each part (column); the first part is the
            hold-out.
    """
    from scipy.stats import binom

    parts, mass = alone.shape[1], np.ones(1)
    for successes, queries in enumerate(np.bincount(alone.sum(axis=1), minlength=parts + 1)):
        mass = np.convolve(mass, binom.pmf(np.arange(queries + 1), queries, successes / parts))
    return float(min(1.0, mass[: int(alone[:, 0].sum()) + 1].sum()))
