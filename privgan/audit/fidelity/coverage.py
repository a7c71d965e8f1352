"""Measure the coverage of real values, and count synthetic rows that violate the schema.

A table with a differential-privacy guarantee should miss categories that few customers have. The
report states what is missed; it is no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.queries import NestedSamples, nested_samples
from privgan.audit.intervals import Replicates, clopper_pearson, whole
from privgan.domain.regions import columns_of
from privgan.metric import Metric
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema
from privgan.table.conform import typed_columns, violations
from privgan.table.violations import holds

NAME = "fidelity.constraint_violations"
WORST_RULES = 20


@dataclass(frozen=True, kw_only=True)
class BrokenRules:
    """Number of rows of one table that violate the schema.

    Attributes:
        rows: The table's rows.
        broken: Rows that break at least one rule.
        by_rule: Column, rule and rows that break it, most rows first.
    """

    rows: int
    broken: int
    by_rule: tuple[tuple[str, str, int], ...]

    @property
    def share(self) -> float:
        """Share of rows that violate a rule."""
        return self.broken / max(1, self.rows)


def broken_rules(schema: Schema, table: pd.DataFrame) -> BrokenRules:
    """Count rows that violate a column's rule or a constraint between columns.

    Rows are read as they stand; only modelled columns count.

    Args:
        schema: The schema.
        table: The table before anything is mapped into the schema; columns that are not modelled
            are not looked at.
    """
    modelled = replace(schema, columns=schema.modelled, unit=PrivacyUnit())
    found = [*_of_columns(modelled, table), *_between_columns(modelled, table)]
    any_rule = np.zeros(len(table), dtype=bool)
    for _, _, _, rows in found:
        any_rule |= rows
    counted = [(columns, rule, count) for columns, rule, count, _ in found if count]
    by_rule = tuple(sorted(counted, key=lambda rule: (-rule[2], rule[0], rule[1])))
    return BrokenRules(rows=len(table), broken=int(any_rule.sum()), by_rule=by_rule)


# Columns, rule, number of violating rows, and their mask.
_Broken = tuple[str, str, int, NDArray[np.bool_]]


def _of_columns(modelled: Schema, table: pd.DataFrame) -> Iterator[_Broken]:
    for item in violations(table[[column.name for column in modelled.modelled]], modelled):
        every = np.ones(len(table), dtype=bool)
        rows = every if item.rows is None else item.rows.to_numpy(dtype=bool)
        yield item.column, item.problem, len(table) if item.count is None else item.count, rows


def _between_columns(modelled: Schema, table: pd.DataFrame) -> Iterator[_Broken]:
    typed = typed_columns(table, modelled)
    for constraint in modelled.constraints:
        rows = ~holds(constraint, typed, modelled)
        yield ", ".join(columns_of(constraint, modelled)), str(constraint), int(rows.sum()), rows


def constraint_metric(synthetic: BrokenRules, left_out: BrokenRules | None) -> Metric:
    """Metric ``fidelity.constraint_violations``: share of synthetic rows that violate the schema.

    0 is perfect.

    Args:
        synthetic: Violations of the synthetic rows.
        left_out: Violations of the hold-out rows, for the baseline; None without a hold-out.
    """
    low, high = clopper_pearson(synthetic.broken, synthetic.rows)
    return Metric(
        name=NAME,
        value=synthetic.share,
        low=low,
        high=high,
        confidence=0.95,
        baseline=None if left_out is None or not left_out.rows else left_out.share,
        n=synthetic.rows,
        method=(
            "rows that break a declared category, bound, number of decimals, type, rule on missing"
            " values or constraint, before anything is mapped into the schema; Clopper-Pearson"
            " interval"
        ),
        details={
            "rules": [
                {"column": column, "rule": rule, "rows": rows, "share": rows / synthetic.rows}
                for column, rule, rows in synthetic.by_rule[:WORST_RULES]
            ]
        },
    )


CATEGORIES, RARE, RANGES = (
    "fidelity.category_coverage",
    "fidelity.rare_category_coverage",
    "fidelity.range_coverage",
)
RARE_SHARE = 0.01
WORST = 10


@dataclass(frozen=True, eq=False)
class _Part:
    """The values of one column that the synthetic rows should cover.

    Attributes:
        place: The column.
        reached: The share of it that each part of a table reaches [parts].
    """

    place: int
    reached: Callable[[CodedTable, Replicates], NDArray[np.float64]]


def coverage_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics of coverage: all categories, rare categories and ranges; 1 is perfect.

    Their names are ``fidelity.category_coverage``, ``fidelity.rare_category_coverage`` and
    ``fidelity.range_coverage``. Each is the mean over columns of the covered share. Rare categories
    have less than 1 % of the training rows. The figures are counted in this very table, so the
    interval is the figure itself.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws the random samples.
    """
    discrete = [place for place, column in enumerate(coder.columns) if isinstance(column, Discrete)]
    numbers = [place for place in range(len(coder.columns)) if place not in discrete]
    tables, samples = (kept_in, left_out, synthetic), nested_samples(len(kept_in), seed)
    common, rare = (
        _found(_categories(coder, kept_in, place, below) for place in discrete)
        for below in (1.0, RARE_SHARE)
    )
    ranges = _found(_range(kept_in, place) for place in numbers)
    return (
        _metric(CATEGORIES, coder, common, tables, samples, "categories of the training rows"),
        _metric(
            RARE,
            coder,
            rare,
            tables,
            samples,
            f"categories with less than {RARE_SHARE:.0%} of the training rows",
        ),
        _metric(RANGES, coder, ranges, tables, samples, "range of the training rows' numbers"),
    )


def _found(parts: Iterable[_Part | None]) -> list[_Part]:
    return [part for part in parts if part is not None]


def _categories(coder: AuditCoder, kept_in: CodedTable, place: int, below: float) -> _Part | None:
    size = coder.sizes[place]
    shares = np.bincount(kept_in.codes[:, place], minlength=size)[:-2] / len(
        kept_in
    )  # Without unseen and missing.
    wanted = np.flatnonzero((shares > 0) & ((shares < below) | (below >= 1.0)))
    if not len(wanted):
        return None
    return _Part(
        place,
        lambda table, parts: (parts.sums(table.codes[:, place], size)[:, wanted] > 0).mean(axis=1),
    )


def _range(kept_in: CodedTable, place: int) -> _Part | None:
    values = kept_in.values[:, place]
    values = values[~np.isnan(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if low >= high:
        return None

    def reached(table: CodedTable, parts: Replicates) -> NDArray[np.float64]:
        found = table.values[:, place]
        inside = ~np.isnan(found)
        ends = np.array(
            [_ends(found[inside & member[parts.block]]) for member in parts.members.astype(bool)]
        )
        return np.maximum(0.0, np.minimum(ends[:, 1], high) - np.maximum(ends[:, 0], low)) / (
            high - low
        )

    return _Part(place, reached)


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _metric(
    name: str,
    coder: AuditCoder,
    wanted: list[_Part],
    tables: tuple[CodedTable, CodedTable | None, CodedTable],
    samples: NestedSamples,
    what: str,
) -> Metric:
    kept_in, left_out, synthetic = tables
    if not wanted:
        return Metric.not_run(name, f"no column has {what}")

    def reached(table: CodedTable, parts: Replicates) -> NDArray[np.float64]:
        return np.array([part.reached(table, parts) for part in wanted])

    made = reached(synthetic, whole(len(synthetic)))[:, 0]
    held = None if left_out is None else reached(left_out, whole(len(left_out)))[:, 0]
    missed = 1.0 - reached(kept_in, samples.replicates).mean(axis=0)
    order = np.argsort(made, kind="stable")[:WORST]
    return Metric(
        name=name,
        value=float(made.mean()),
        low=float(made.mean()),
        high=float(made.mean()),
        baseline=None if held is None else float(held.mean()),
        n=len(synthetic),
        method=f"{what}: mean share reached, over {len(wanted)} columns",
        details={
            "columns": [
                {
                    "column": coder.names[wanted[i].place],
                    "reached": float(made[i]),
                    "left_out": None if held is None else float(held[i]),
                }
                for i in order
            ],
            "baseline_rows": 0 if left_out is None else len(left_out),
            "sample_equivalent": samples.equivalent(1.0 - float(made.mean()), missed),
        },
    )
