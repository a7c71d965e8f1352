"""What must hold of features: each row is a function of one customer's events alone."""

from __future__ import annotations

import pandas as pd

from privgan.features import building
from privgan.sources import SourceOptions
from privgan.table.schema_file import parse_schema

_SCHEMA = parse_schema(
    """\
format: privgan.schema/1
dataset: purchases
unit: customer
events:
  time: day
  columns:
    - {name: customer, kind: identifier}
    - {name: day, kind: date}
    - {name: amount, kind: float, decimals: 2}
    - {name: channel, kind: categorical}
features:
  - {name: purchases, count: events}
  - {name: large, mean: amount, where: amount > 5}
  - {name: last_amount, last: amount}
  - {name: favourite, top: channel}
columns:
  - {name: customer, kind: identifier}
  - {name: purchases, kind: integer, lower: 0, upper: 100}
  - {name: large, kind: float, lower: 0, upper: 100, decimals: 2, missing: true}
  - {name: last_amount, kind: float, lower: 0, upper: 100, decimals: 2}
  - {name: favourite, kind: categorical, categories: [web, shop], missing: true}
"""
)


def _events() -> pd.DataFrame:
    """Customers who tie in time, in categories, and who have no large purchase."""
    return pd.DataFrame(
        {
            "customer": [*"abcabcabcdd"],
            "day": ["2024-01-01"] * 6 + ["2024-01-02"] * 5,
            "amount": [1, 20, 3, 2, 50, 1, 1, 7, 3, 9, 8],
            "channel": [
                "web",
                "shop",
                "shop",
                "shop",
                "shop",
                "shop",
                "fax",
                "shop",
                "web",
                "web",
                "shop",
            ],
        }
    )


def _features(events: pd.DataFrame) -> pd.DataFrame:
    made = building.build_features(events, SourceOptions(), _SCHEMA)
    return made.source.frame().set_index("customer")


def each_customers_features_are_its_own() -> None:
    """A customer's row is the same in any company."""
    whole = _features(_events())
    for name in whole.index:
        alone = _features(_events().query("customer == @name"))
        assert alone.equals(whole.loc[[name]].astype(alone.dtypes.to_dict())), (
            f"the features of {name} differ in other company"
        )


def features_have_no_order_of_the_file() -> None:
    """The same events in another order give the same features."""
    one, other = _features(_events()), _features(_events().iloc[::-1])
    assert one.equals(other), "the features differ in another order of the events"
