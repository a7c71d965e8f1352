"""Compare the histories of a related table with an order: its rows are a customer's events."""

from __future__ import annotations

from privgan.audit.histories import measures, repeat
from privgan.audit.histories.histories import Histories, Layout
from privgan.audit.histories.tables import LEAST_CUSTOMERS, HistoryTables
from privgan.audit.related.customers import Customers
from privgan.audit.related.tables import RelatedTables
from privgan.metric import Metric, none_run

# Attacks on whole customers see all tables, and so are those of related tables.
NAMES = (*measures.NAMES, repeat.AREA, repeat.GAP)


def order_metrics(tables: RelatedTables, seed: int) -> tuple[Metric, ...]:
    """Metrics of histories, of the table that has an order; none where no table has one.

    Args:
        tables: The customers; those without a row there have no history.
        seed: Draws halves, blocks and samples.
    """
    found: list[Metric] = []
    for child, order in tables.kept_in.family.orders.items():
        layout = Layout.of(tables.kept_in.family.coders[child].columns, order)
        sides = (tables.kept_in, tables.left_out, tables.synthetic)
        kept_in, left_out, synthetic = (_histories(layout, side, child) for side in sides)
        if min(len(kept_in), len(synthetic)) < LEAST_CUSTOMERS:
            told = f"needs {LEAST_CUSTOMERS} kept-in and synthetic customers with rows in {child}"
            found += none_run(NAMES, told)
            continue
        whole = HistoryTables(layout, kept_in, left_out, synthetic)
        found += measures.history_metrics(layout, whole.real, synthetic, seed)
        found += repeat.repeat_metrics(layout, kept_in, left_out, synthetic, whole.middle, seed)
    return tuple(found)


def _histories(layout: Layout, customers: Customers, child: str) -> Histories:
    return Histories.of(layout, customers.rows[child], customers.owner(child))
