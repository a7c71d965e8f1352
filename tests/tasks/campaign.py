"""A made-up campaign with an uplift, two amounts and groups of customers, for the audit's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from privgan.audit.suite import AuditInputs
from privgan.metric import Metric
from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

TEXT = """format: privgan.schema/1
dataset: campaign
unit: row
columns:
  - {name: age, kind: integer, lower: 18, upper: 90}
  - {name: income, kind: float, lower: 0, upper: 1000, decimals: 1, missing: true}
  - {name: region, kind: categorical, categories: [north, south, west]}
  - {name: noise, kind: float, lower: 0, upper: 1, decimals: 3}
  - {name: mailed, kind: boolean, labels: ["no", "yes"]}
  - {name: bought, kind: categorical, categories: ["no", "yes"]}
  - {name: spend, kind: float, lower: 0, upper: 1000, decimals: 1}
tasks:
  - {kind: response, target: bought}
  - {kind: scorecard, target: bought}
  - {kind: uplift, treatment: mailed, outcome: bought}
  - {kind: segments, clusters: 3, columns: [region, age]}
  - {kind: regression, target: spend}
"""
SCHEMA: Schema = parse_schema(TEXT)


def draw(rows: int, seed: int) -> pd.DataFrame:
    """Customers of whom the old answer, and the young are changed by a letter."""
    generator = np.random.default_rng(seed)
    age = generator.integers(18, 91, rows)
    income = np.round(generator.gamma(3.0, 60.0, rows).clip(0, 1000), 1)
    mailed = generator.random(rows) < 0.5
    old = (age - 18) / 72
    chance = 0.05 + 0.35 * old**2 + 0.35 * mailed * (age < 40)
    spend = np.round((income * (0.3 + 0.4 * old) + generator.normal(0, 10, rows)).clip(0, 1000), 1)
    return pd.DataFrame(
        {
            "age": age,
            "income": np.where(generator.random(rows) < 0.05, np.nan, income),
            "region": generator.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2]),
            "noise": np.round(generator.random(rows), 3),
            "mailed": np.where(mailed, "yes", "no"),
            "bought": np.where(generator.random(rows) < chance, "yes", "no"),
            "spend": spend,
        }
    )


def shuffled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every column right and nothing between columns: what no task can use."""
    generator = np.random.default_rng(seed)
    return table.apply(lambda column: column.to_numpy()[generator.permutation(len(table))])


def inputs(synthetic: pd.DataFrame, schema: Schema = SCHEMA, rows: int = 4_000) -> AuditInputs:
    """The audit's inputs with one synthetic table."""
    return AuditInputs(
        schema=schema,
        kept_in=draw(rows, 1),
        canary_mask=np.arange(rows) < rows // 2,
        left_out=draw(rows // 2, 2),
        synthetic=synthetic,
        epsilon=1.0,
        delta=1e-5,
    )


def task_figures(audit: AuditInputs) -> dict[str, Metric]:
    """The figures of the schema's tasks alone, as the whole audit computes them."""
    from privgan.audit.lower_bounds.ceilings import Claim
    from privgan.audit.prepared import prepare
    from privgan.audit.suite import _stages

    mask = np.asarray(audit.canary_mask)
    prepared = prepare(audit, mask, Claim(audit.epsilon, audit.delta), "")
    return {metric.name: metric for metric in _stages(prepared)["tasks"]()}


def of_kinds(*kinds: str) -> Schema:
    """The schema with some of its tasks."""
    return replace(SCHEMA, tasks=tuple(task for task in SCHEMA.tasks if task.kind in kinds))
