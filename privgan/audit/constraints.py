"""Which synthetic rows break what the schema promises: categories, bounds, decimals, types, missing values, constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from privgan.audit.intervals import clopper_pearson
from privgan.metric import Better, Metric
from privgan.privacy.unit import PrivacyUnit
from privgan.table.conform import typed_columns, violations
from privgan.table.holding import holds
from privgan.table.regions import columns_of
from privgan.table.schema import Schema

NAME = "fidelity.constraint_violations"
WORST = 20


@dataclass(frozen=True, kw_only=True)
class BrokenRules:
    """How many rows of one table break the schema.

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
        """The share of rows that break a rule."""
        return self.broken / max(1, self.rows)


def broken_rules(schema: Schema, table: pd.DataFrame) -> BrokenRules:
    """Count the rows that break a rule of the schema's modelled columns or a constraint between them, as they stand.

    Args:
        schema: The schema.
        table: The table before anything is mapped into the schema; columns that are not modelled are not looked at.
    """
    modelled = replace(schema, columns=schema.modelled, unit=PrivacyUnit())
    found = violations(table[[column.name for column in schema.modelled]], modelled)
    any_rule = np.zeros(len(table), dtype=bool)
    for violation in found:
        any_rule |= True if violation.rows is None else violation.rows.to_numpy(dtype=bool)
    typed = typed_columns(table, modelled)
    between = [(constraint, ~holds(constraint, typed, modelled)) for constraint in schema.constraints]
    for _, rows in between:
        any_rule |= rows
    counted = [(item.column, item.problem, len(table) if item.count is None else item.count) for item in found]
    counted += [(", ".join(columns_of(constraint, schema)), str(constraint), int(rows.sum())) for constraint, rows in between]
    counted = [rule for rule in counted if rule[2]]
    by_rule = tuple(sorted(counted, key=lambda rule: (-rule[2], rule[0], rule[1])))
    return BrokenRules(rows=len(table), broken=int(any_rule.sum()), by_rule=by_rule)


def constraint_metric(synthetic: BrokenRules, left_out: BrokenRules | None) -> Metric:
    """``fidelity.constraint_violations``: the share of synthetic rows that break a rule of the schema; 0 is perfect.

    Args:
        synthetic: What the synthetic rows break.
        left_out: What the hold-out rows break, for the baseline; None where there are none.
    """
    low, high = clopper_pearson(synthetic.broken, synthetic.rows)
    return Metric(
        name=NAME,
        value=synthetic.share,
        low=low,
        high=high,
        confidence=0.95,
        better=Better.LOWER,
        baseline=None if left_out is None or not left_out.rows else left_out.share,
        n=synthetic.rows,
        method="rows that break a declared category, bound, number of decimals, type, rule on missing values or constraint, "
        "before anything is mapped into the schema; Clopper-Pearson interval",
        source="SDNist, inconsistencies; SDMetrics, diagnostic report; Clopper and Pearson 1934",
        details={
            "rules": [
                {"column": column, "rule": rule, "rows": rows, "share": rows / synthetic.rows}
                for column, rule, rows in synthetic.by_rule[:WORST]
            ]
        },
    )
