"""What must hold of a related table with an order: the customer bounds its rows, nobody else's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.owner.owners_table import OwnersTable, TableAsRead
from privgan.parts.related_form import RelatedForm
from privgan.parts.related_views import RelatedFrames, related_view
from privgan.planning.planner import make_plan, with_domain
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.randomness import SecretStream
from privgan.related.keys import linked
from privgan.sources import SourceOptions
from privgan.table.conform import typed_rows
from privgan.table.schema_file import parse_schema

_SCHEMA = parse_schema(
    """\
format: privgan.schema/1
dataset: visits
unit: customer
tables:
  - name: customers
    key: customer
    columns:
      - {name: customer, kind: identifier}
      - {name: segment, kind: categorical, categories: [new, loyal]}
  - name: orders
    parent: {table: customers, column: customer}
    max_rows_per_unit: 4
    longest: 9
    order: day
    history: {spread: [amount]}
    columns:
      - {name: customer, kind: identifier}
      - {name: day, kind: date, lower: 2024-01-01, upper: 2024-12-31}
      - {name: amount, kind: integer, lower: 0, upper: 99}
"""
)
_TABLES = ("customers", "orders")
_EACH = {"orders": (40_000, 30_000, 20_000, 10_000)}


def _tables() -> dict[str, pd.DataFrame]:
    """Customers of 0 to 8 orders each, with ties in time."""
    owner = np.repeat(np.arange(60), np.arange(60) % 9)
    names, rows = np.array([f"c{number:02d}" for number in range(60)]), len(owner)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) * 11 % 40, unit="D")
    orders = {"customer": names[owner], "day": days, "amount": np.arange(rows) * 7 % 100}
    segments = np.array(["new", "loyal"])[np.arange(60) % 2]
    customers = pd.DataFrame({"customer": names, "segment": segments})
    return {"customers": customers, "orders": pd.DataFrame(orders)}


def _related(tables: dict[str, pd.DataFrame]) -> RelatedFrames:
    links = linked(tables, _SCHEMA)
    frames = {
        name: typed_rows(frame, _SCHEMA.alone(name))[0].drop(columns="customer", errors="ignore")
        for name, frame in tables.items()
    }
    return RelatedFrames(frames=frames, parents=links.parents, customers=links.customers)


def each_customers_ordered_rows_are_its_own() -> None:
    """What a customer's row and its events tell is the same in any company."""
    tables, form = _tables(), RelatedForm(_SCHEMA)
    for name in _TABLES:
        whole = related_view(name, form, _related(tables))
        for place, customer in enumerate(tables["customers"]["customer"]):
            alone = {
                table: rows[rows["customer"] == customer].reset_index(drop=True)
                for table, rows in tables.items()
            }
            found = related_view(name, form, _related(alone)).frame
            among = whole.frame[whole.customers == place].reset_index(drop=True)
            assert among.astype(object).equals(found.astype(object)), (
                f"the {name} of a customer differ in other company"
            )


def ordered_views_hold_no_more_rows_than_their_steps_count() -> None:
    """No customer has more events in the view than each of its steps is noised for."""
    read = TableAsRead.read(_tables(), SourceOptions(), _SCHEMA)
    table: OwnersTable = read.conforming(_SCHEMA)
    first = make_plan(_SCHEMA, PrivacyBudget(epsilon=20), public_rows=100_000)
    plan, coins = with_domain(first, _SCHEMA, 100_000, (1.0,), _EACH), SecretStream()
    private = table.private_table(np.zeros(table.row_count(), dtype=bool), coins)
    for part, planned in zip(RelatedForm(_SCHEMA).parts, plan.parts, strict=True):
        view = private.view(part, _SCHEMA, planned.plan.unit, coins)
        most = int(np.unique(view._customers, return_counts=True)[1].max())
        for step in plan.steps:
            if step.name.startswith(f"{part.name}."):
                counted = getattr(step.mechanism, "sensitivity", None)
                counted = counted or step.mechanism.histogram.sensitivity
                assert counted >= most, f"{step.name} counts {counted} of {most} rows of a customer"
