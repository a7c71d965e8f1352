"""Compute all figures of whole customers, of a schema with a history."""

from __future__ import annotations

from privgan.audit.attacks import customers
from privgan.audit.attacks.membership import Canaries
from privgan.audit.histories.measures import NAMES, history_metrics
from privgan.audit.histories.repeat import AREA, GAP, repeat_metrics
from privgan.audit.histories.tables import HistoryTables
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.metric import Metric, none_run


def all_history_metrics(
    tables: HistoryTables | str,
    canaries: Canaries | None,
    obstacle: str,
    claim: Claim | None,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics of whole customers: fidelity, usefulness, attacks.

    Args:
        tables: The customers, or the reason why there are none.
        canaries: The canaries, or None.
        obstacle: The reason why no attack can run; empty if one can.
        claim: The claimed guarantee, or None.
        seed: Draws halves, blocks and samples.
    """
    if isinstance(tables, str):
        return none_run((*NAMES, AREA, GAP, *customers.NAMES), tables)
    layout, synthetic = tables.layout, tables.synthetic
    parts = tables.kept_in, tables.left_out, synthetic
    attacks = (
        none_run(customers.NAMES, obstacle or "the customers of the rows are unknown")
        if canaries is None or obstacle
        else customers.customer_metrics(layout, canaries, synthetic, claim, seed)
    )
    return (
        *history_metrics(layout, tables.real, synthetic, seed),
        *repeat_metrics(layout, *parts, tables.middle, seed),
        *attacks,
    )
