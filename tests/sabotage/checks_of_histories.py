"""What must hold of histories: views are of one customer each, and their steps count its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.owner.owners_table import OwnersTable
from privgan.owner.private_table import PrivateTable, Samples
from privgan.parts.history_form import HistoryForm
from privgan.parts.history_views import history_view
from privgan.planning.plan import Plan
from privgan.planning.planner import make_plan, with_domain
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.randomness import SecretStream
from privgan.table.conform import conform
from privgan.table.schema_file import parse_schema

_SCHEMA = parse_schema(
    """\
format: privgan.schema/1
dataset: purchases
unit: customer
max_rows_per_unit: 4
order: day
history: {constant: [segment], longest: 20}
columns:
  - {name: customer, kind: identifier, missing: false}
  - {name: day, kind: date, lower: 2024-01-01, upper: 2024-12-31, missing: false}
  - {name: segment, kind: categorical, categories: [basic, gold], missing: false}
  - {name: channel, kind: categorical, categories: [shop, web], missing: true}
  - {name: amount, kind: float, lower: -50, upper: 1000, decimals: 2, missing: true}
"""
)
_ROWS_OF_EACH = (0.1, 0.2, 0.3, 0.4)


def _rows() -> pd.DataFrame:
    """Customers of 1 to 9 rows: with ties in time, and some without any amount or channel."""
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(60), 1 + np.arange(60) % 9)
    rows = len(owner)
    empty = owner % 7 == 3
    return pd.DataFrame(
        {
            "customer": [f"c{number:02d}" for number in owner],
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 40, rows), "D"),
            "segment": np.array(["basic", "gold"])[owner % 2],
            "channel": np.where(empty, None, np.array(["shop", "web"])[rng.integers(0, 2, rows)]),
            "amount": np.where(empty, np.nan, np.round(rng.gamma(2, 20, rows), 2)),
        }
    )


def each_customers_views_are_its_own() -> None:
    """A customer's rows of every view are the same in any company."""
    form, typed = HistoryForm(_SCHEMA), conform(_rows(), _SCHEMA)
    numbers = typed["customer"].str[1:].astype(int).to_numpy()
    for part in form.parts:
        whole = history_view(part.name, form, typed, numbers)
        for number in np.unique(numbers):
            here = numbers == number
            alone = history_view(part.name, form, typed[here], numbers[here]).frame
            among = whole.frame[whole.customers == number].reset_index(drop=True)
            assert alone.astype(object).equals(among.astype(object)), (
                f"the {part.name} of customer {number} differ in other company"
            )


def views_hold_no_more_rows_than_their_steps_count() -> None:
    """No customer has more rows in a view than each of its steps is noised for."""
    table, plan = OwnersTable(conform(_rows(), _SCHEMA), _SCHEMA), _plan()
    coins = SecretStream()
    private = table.private_table(np.zeros(table.row_count(), dtype=bool), coins)
    for part, planned in zip(HistoryForm(_SCHEMA).parts, plan.parts, strict=True):
        most = _most_rows(private.view(part, _SCHEMA, planned.plan.unit, coins))
        for step in plan.steps:
            if step.name.startswith(f"{part.name}."):
                counted = getattr(step.mechanism, "sensitivity", None)
                counted = counted or step.mechanism.histogram.sensitivity
                assert counted >= most, f"{step.name} counts {counted} of {most} rows of a customer"


def a_customers_events_are_one_sample() -> None:
    """DP-SGD gets the events of a customer together, as many as there are customers with some."""
    table, coins = OwnersTable(conform(_rows(), _SCHEMA), _SCHEMA), SecretStream()
    private = table.private_table(np.zeros(table.row_count(), dtype=bool), coins)
    events = HistoryForm(_SCHEMA).events
    view = private.view(events, _SCHEMA, events.unit, coins)
    samples = Samples(np.zeros((len(view._customers), 1), dtype=np.int64), view._customers)
    customers = int((np.bincount(pd.factorize(_rows()["customer"])[0]) >= events.least).sum())
    assert len(samples) == customers, f"{len(samples)} samples of {customers} customers"


def _plan() -> Plan:
    plan = make_plan(_SCHEMA, PrivacyBudget(epsilon=20), public_rows=400_000)
    return with_domain(plan, _SCHEMA, 400_000, _ROWS_OF_EACH)


def _most_rows(view: PrivateTable) -> int:
    return int(np.unique(view._customers, return_counts=True)[1].max())
