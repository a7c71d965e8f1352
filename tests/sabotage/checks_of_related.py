"""What must hold of related tables: views of one customer each, bounded; keys that are checked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privgan.errors import TableError
from privgan.owner.owners_table import OwnersTable, TableAsRead
from privgan.parts.related_form import RelatedForm
from privgan.parts.related_views import RelatedFrames, related_view
from privgan.planning.planner import make_plan, with_domain
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.randomness import SecretStream
from privgan.related.keys import linked
from privgan.sources import SourceOptions
from privgan.table.schema_file import parse_schema

_SCHEMA = parse_schema(
    """\
format: privgan.schema/1
dataset: shop
unit: customer
tables:
  - name: customers
    key: customer
    columns:
      - {name: customer, kind: identifier}
      - {name: segment, kind: categorical, categories: [new, loyal]}
  - name: orders
    key: order
    parent: {table: customers, column: customer}
    max_rows_per_unit: 4
    longest: 9
    columns:
      - {name: order, kind: identifier}
      - {name: customer, kind: identifier}
      - {name: amount, kind: integer, lower: 0, upper: 99}
"""
)
_TABLES = ("customers", "orders")
_EACH = {"orders": (40_000, 30_000, 20_000, 10_000)}


def _tables() -> dict[str, pd.DataFrame]:
    """Customers of 0 to 8 orders each."""
    owner = np.repeat(np.arange(60), np.arange(60) % 9)
    names = [f"c{number:02d}" for number in range(60)]
    orders = {
        "order": [f"o{number}" for number in range(len(owner))],
        "customer": [names[number] for number in owner],
        "amount": np.arange(len(owner)) * 7 % 100,
    }
    segments = np.array(["new", "loyal"])[np.arange(60) % 2]
    customers = pd.DataFrame({"customer": names, "segment": segments})
    return {"customers": customers, "orders": pd.DataFrame(orders)}


def _related(tables: dict[str, pd.DataFrame]) -> RelatedFrames:
    links = linked(tables, _SCHEMA)
    frames = {"customers": tables["customers"][["segment"]], "orders": tables["orders"]}
    return RelatedFrames(frames=frames, parents=links.parents, customers=links.customers)


def each_customers_rows_are_its_own_in_every_table() -> None:
    """A customer's rows of every table's view are the same in any company."""
    tables, form = _tables(), RelatedForm(_SCHEMA)
    for name in _TABLES:
        shuffle = np.arange(len(tables[name]))[::-1]
        whole = related_view(name, form, _related(tables), shuffle)
        for place, customer in enumerate(tables["customers"]["customer"]):
            own = {table: rows["customer"] == customer for table, rows in tables.items()}
            alone = {
                table: rows[own[table]].reset_index(drop=True) for table, rows in tables.items()
            }
            found = related_view(name, form, _related(alone), shuffle[own[name].to_numpy()]).frame
            among = whole.frame[whole.customers == place].reset_index(drop=True)
            assert among.astype(object).equals(found.astype(object)), (
                f"the {name} of a customer differ in other company"
            )


def related_views_hold_no_more_rows_than_their_steps_count() -> None:
    """No customer has more rows in a table's view than each of its steps is noised for."""
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


def rows_that_belong_to_nobody_are_refused() -> None:
    """A row that names no parent is refused, not given to somebody else."""
    tables = _tables()
    tables["orders"].loc[5, "customer"] = "nobody"
    with pytest.raises(TableError, match="names no row of customers"):
        TableAsRead.read(tables, SourceOptions(), _SCHEMA).conforming(_SCHEMA)
