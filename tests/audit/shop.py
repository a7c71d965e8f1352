"""Audits of the shop's related tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.audit.inputs import AuditInputs, check_lengths
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.prepared import prepare
from privgan.audit.related.stage import all_related_metrics
from privgan.audit.related.tables import RelatedFacts
from privgan.metric import Metric
from tests.related.shop import frames, schema
from tests.related.test_views import related

Tables = dict[str, pd.DataFrame]


def side(tables: Tables, customers: np.ndarray) -> Tables:
    """The rows of some customers, by their places in the root."""
    people = tables["customers"].iloc[customers].reset_index(drop=True)
    orders = tables["orders"]
    orders = orders[orders["customer"].isin(people["customer"])].reset_index(drop=True)
    lines = tables["lines"]
    lines = lines[lines["order"].isin(orders["order"])].reset_index(drop=True)
    return {"customers": people, "orders": orders, "lines": lines}


def shop_inputs(kept_in: Tables, left_out: Tables, synthetic: Tables, seed: int = 0) -> AuditInputs:
    """Inputs of an audit where every real customer is a canary."""
    kept, left, made = (related(tables) for tables in (kept_in, left_out, synthetic))
    return AuditInputs(
        schema=schema(),
        kept_in=kept.frames["customers"],
        canary_mask=np.ones(len(kept.frames["customers"]), dtype=bool),
        left_out=left.frames["customers"],
        synthetic=made.frames["customers"],
        epsilon=3.0,
        delta=1e-6,
        seed=seed,
        kept_in_units=kept_in["customers"]["customer"].to_numpy(),
        left_out_units=left_out["customers"]["customer"].to_numpy(),
        related=RelatedFacts(kept, left, made),
    )


def shop_figures(*tables: Tables, seed: int = 0) -> dict[str, Metric]:
    """The figures of related tables by name."""
    audit = shop_inputs(*tables, seed=seed)
    check_lengths(audit, audit.canary_mask)
    prepared = prepare(audit, audit.canary_mask, Claim(audit.epsilon, audit.delta), "")
    assert prepared.related is not None
    found = all_related_metrics(
        prepared.related, prepared.no_attack, prepared.claim, audit.seed, ordered=prepared.ordered
    )
    return {metric.name: metric for metric in found}


def shop_sides(customers: int = 800, seed: int = 0) -> tuple[Tables, Tables]:
    """Real customers kept in and left out, half of them each."""
    tables = frames(customers, seed)
    kept = np.random.default_rng([seed, 7]).random(customers) < 0.5
    return side(tables, np.flatnonzero(kept)), side(tables, np.flatnonzero(~kept))
