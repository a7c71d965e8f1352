"""Small tables of events for the tests of whole customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from privgan.audit.coding import CodedTable
from privgan.audit.histories.histories import DAY, Histories, Layout
from privgan.audit.histories.stage import all_history_metrics
from privgan.audit.inputs import AuditInputs, check_lengths
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.prepared import prepare
from privgan.metric import Metric
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Invented, Kind, Numeric, Temporal
from privgan.schema.history import HistoryFacts
from privgan.schema.schema import Schema
from tests.histories.purchases import purchases

DATE = Temporal(
    name="day",
    kind=Kind.DATE,
    format="%Y-%m-%d",
    lower=dt.datetime(2020, 1, 1),
    upper=dt.datetime(2026, 1, 1),
)
AMOUNT = Numeric(name="amount", kind=Kind.FLOAT, lower=-50, upper=1000, decimals=2)
CHANNEL = Discrete(name="channel", kind=Kind.CATEGORICAL, categories=("shop", "web", "app"))
SEGMENT = Discrete(name="segment", kind=Kind.CATEGORICAL, categories=("basic", "gold"))
LAYOUT = Layout.of((DATE, AMOUNT, CHANNEL), "day")
STEP = Layout.of(
    (Numeric(name="step", kind=Kind.INTEGER, lower=0, upper=10**6), AMOUNT, CHANNEL), "step"
)
SCHEMA = Schema(
    dataset="events",
    unit=PrivacyUnit(column="customer", max_rows=6),
    columns=(
        Invented(name="customer", kind=Kind.IDENTIFIER, pattern="c{}"),
        DATE,
        SEGMENT,
        CHANNEL,
        AMOUNT,
    ),
    history=HistoryFacts(order="day", constant=("segment",)),
)
Event = tuple[float, float, float]


def histories(customers: Sequence[Sequence[Event]], layout: Layout = LAYOUT) -> Histories:
    """Histories of customers given as events of a day or step, an amount and a category's place."""
    events = np.array([event for customer in customers for event in customer], dtype=float)
    owner = np.repeat(np.arange(len(customers)), [len(customer) for customer in customers])
    events[:, 0] *= DAY if layout.moments else 1.0
    codes = np.zeros(events.shape, dtype=np.int64)
    return Histories.of(layout, CodedTable(codes, events), owner)


def split(table: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Whole customers on two sides."""
    names = table["customer"].unique()
    chosen = names[np.random.default_rng(seed).random(len(names)) < share]
    first = table["customer"].isin(chosen)
    return table[first].reset_index(drop=True), table[~first].reset_index(drop=True)


def resampled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """As many customers, drawn with replacement, each a new customer."""
    names = table["customer"].unique()
    drawn = np.random.default_rng(seed).choice(names, len(names))
    parts = dict(list(table.groupby("customer")))
    return pd.concat(
        [parts[name].assign(customer=f"n{place}") for place, name in enumerate(drawn)],
        ignore_index=True,
    )


def independent(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same rows, dealt to the same customers without regard to each other."""
    dealt = np.random.default_rng(seed).permutation(table["customer"].to_numpy())
    return table.assign(customer=dealt)


def inputs(
    real: pd.DataFrame, holdout: pd.DataFrame, synthetic: pd.DataFrame, **more: Any
) -> AuditInputs:
    """Inputs of an audit where every real customer is a canary."""
    tables = [table.drop(columns="customer") for table in (real, holdout, synthetic)]
    given: dict[str, Any] = {
        "schema": SCHEMA,
        "kept_in": tables[0],
        "canary_mask": np.ones(len(real), dtype=bool),
        "left_out": tables[1],
        "synthetic": tables[2],
        "epsilon": 3.0,
        "delta": 1e-6,
        "kept_in_units": real["customer"].to_numpy(),
        "left_out_units": holdout["customer"].to_numpy(),
        "synthetic_units": synthetic["customer"].to_numpy(),
    }
    return AuditInputs(**(given | more))


def figures(audit: AuditInputs) -> dict[str, Metric]:
    """The figures of whole customers by name."""
    check_lengths(audit, audit.canary_mask)
    prepared = prepare(audit, audit.canary_mask, Claim(audit.epsilon, audit.delta), "")
    assert prepared.histories is not None
    found = all_history_metrics(
        prepared.histories, prepared.canaries, prepared.no_attack, prepared.claim, audit.seed
    )
    return {metric.name: metric for metric in found}


def population(customers: int = 1_500, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Real customers kept in and left out."""
    return split(purchases(customers, seed), 0.6, seed + 1)
