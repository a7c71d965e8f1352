"""Compute all figures of related tables."""

from __future__ import annotations

from privgan.audit.attacks import related_customers
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.related import orders
from privgan.audit.related.measures import NAMES, related_metrics
from privgan.audit.related.tables import RelatedTables
from privgan.metric import Metric, none_run


def all_related_metrics(
    tables: RelatedTables | str, obstacle: str, claim: Claim | None, seed: int, *, ordered: bool
) -> tuple[Metric, ...]:
    """Metrics of related tables: fidelity of each child and of histories, attacks on customers.

    Args:
        tables: The customers, or the reason why there are none.
        obstacle: The reason why no attack can run; empty if one can.
        claim: The claimed guarantee, or None.
        seed: Draws samples, halves, blocks and folds.
        ordered: Whether a table's rows have an order.
    """
    if isinstance(tables, str):
        names = (*NAMES, *related_customers.NAMES, *(orders.NAMES if ordered else ()))
        return none_run(names, tables)
    attacks = (
        none_run(related_customers.NAMES, obstacle)
        if obstacle
        else related_customers.customer_metrics(tables, claim, seed)
    )
    return (
        *related_metrics(tables.real, tables.synthetic, seed),
        *orders.order_metrics(tables, seed),
        *attacks,
    )
