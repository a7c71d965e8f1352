"""A small table of purchases, its schema, and its features computed by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from privgan.features.building import FeatureTable, build_features
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions
from privgan.table.schema_file import parse_schema

SCHEMA = """\
format: privgan.schema/1
dataset: purchases
unit: customer
events:
  time: day
  cutoff: 2024-07-01
  columns:
    - {name: customer, kind: identifier}
    - {name: order, kind: identifier, missing: true}
    - {name: day, kind: date}
    - {name: amount, kind: float, decimals: 2, missing: true}
    - {name: channel, kind: categorical, categories: [web, shop, phone], missing: true}
    - {name: product, kind: categorical, missing: true}
    - {name: paid, kind: boolean, labels: [n, y]}
    - {name: shipped, kind: date, missing: true}
features:
  - {name: events_seen, count: events, description: all before the cut-off}
  - {name: orders, distinct: order}
  - {name: days, distinct_days: day}
  - {name: ship_days, distinct_days: shipped}
  - {name: spend, sum: amount}
  - {name: average, mean: amount}
  - {name: least, min: amount}
  - {name: most, max: amount}
  - {name: first_amount, first: amount}
  - {name: last_amount, last: amount}
  - {name: first_product, first: product}
  - {name: joined, first: day}
  - {name: last_paid, last: paid}
  - {name: tenure, days_between: [first, cutoff]}
  - {name: recency, days_between: [last, cutoff]}
  - {name: span, days_between: [first, last]}
  - {name: paid_share, share: paid = y}
  - {name: channel_share, share: channel = web, where: amount > 0}
  - {name: favourite, top: channel}
  - {name: returns, count: events, where: amount < 0}
  - {name: spend_30, sum: amount, days_before: 30}
  - {name: mean_30, mean: amount, days_before: 30}
  - {name: came_back, any: events, days_after: 90}
  - {name: spend_next, sum: amount, where: paid = y, days_after: 90}
  - {name: days_to_next, days_between: [cutoff, first], days_after: 90}
columns:
  - {name: customer, kind: identifier, pattern: "P{:04d}"}
  - {name: events_seen, kind: integer, lower: 0, upper: 100}
  - {name: orders, kind: integer, lower: 0, upper: 100}
  - {name: days, kind: integer, lower: 0, upper: 100}
  - {name: ship_days, kind: integer, lower: 0, upper: 100}
  - {name: spend, kind: float, lower: -10000, upper: 10000, decimals: 2}
  - {name: average, kind: float, lower: -10000, upper: 10000, decimals: 3, missing: true}
  - {name: least, kind: float, lower: -10000, upper: 10000, decimals: 2, missing: true}
  - {name: most, kind: float, lower: -10000, upper: 10000, decimals: 2, missing: true}
  - {name: first_amount, kind: float, lower: -10000, upper: 10000, decimals: 2, missing: true}
  - {name: last_amount, kind: float, lower: -10000, upper: 10000, decimals: 2, missing: true}
  - {name: first_product, kind: categorical, other: other, source: {categories: measured},
      missing: true}
  - {name: joined, kind: date, lower: 2020-01-01, upper: 2024-06-30}
  - {name: last_paid, kind: boolean}
  - {name: tenure, kind: integer, lower: 0, upper: 2000}
  - {name: recency, kind: integer, lower: 0, upper: 2000}
  - {name: span, kind: integer, lower: 0, upper: 2000}
  - {name: paid_share, kind: float, lower: 0, upper: 1, decimals: 2}
  - {name: channel_share, kind: float, lower: 0, upper: 1, decimals: 2, missing: true}
  - {name: favourite, kind: categorical, categories: [shop, web], missing: true}
  - {name: returns, kind: integer, lower: 0, upper: 100}
  - {name: spend_30, kind: float, lower: -10000, upper: 10000, decimals: 2}
  - {name: mean_30, kind: float, lower: -10000, upper: 10000, decimals: 2, missing: true}
  - {name: came_back, kind: boolean, labels: ["no", "yes"]}
  - {name: spend_next, kind: float, lower: -10000, upper: 10000, decimals: 2}
  - {name: days_to_next, kind: integer, lower: 0, upper: 90, missing: true}
constraints:
  - {at_most: [recency, tenure], description: the last event is not before the first}
  - {at_most: [days, events_seen]}
"""
EVENTS = """\
customer,order,day,amount,channel,product,paid,shipped,remark
ann,o1,2024-01-01,10.00,web,tea,y,2024-01-03,passed over
ann,o1,2024-01-01,2.50,web,cup,y,2024-01-03,
ann,o2,2024-06-20,-2.50,shop,cup,n,,a return
ann,o3,2024-07-01,99.00,phone,pot,y,2024-07-02,at the cut-off: an outcome
ann,o4,2024-10-01,50.00,web,pot,y,,after the outcome's window
bob,,2024-06-30,,phone,,n,,
bob,,2024-06-30,,,,y,2024-07-01,
cid,o5,2024-07-02,5.00,web,tea,y,,no event before the cut-off
dan,o6,2024-02-29,0.10,shop,tea,y,2024-03-01,
dan,o7,2024-02-29,0.20,web,pot,n,2024-03-01,
dan,o8,2024-05-31,0.30,phone,cup,y,,
dan,o9,2024-08-15,7.00,web,tea,n,,
"""
# By hand. ``dan`` bought as often by shop as by web: the category that is declared first wins.
NONE = None
FEATURES = {
    "customer": ["ann", "bob", "dan"],
    "events_seen": [3, 2, 3],
    "orders": [2, 0, 3],
    "days": [2, 1, 2],
    "ship_days": [1, 1, 1],
    "spend": [10.0, 0.0, 0.6],
    "average": [3.333, NONE, 0.2],
    "least": [-2.5, NONE, 0.1],
    "most": [10.0, NONE, 0.3],
    "first_amount": [2.5, NONE, 0.1],  # Of two on one day the smaller one is first.
    "last_amount": [-2.5, NONE, 0.3],
    "first_product": ["cup", NONE, "pot"],  # Of two on one day the first by its letters.
    "joined": ["2024-01-01", "2024-06-30", "2024-02-29"],
    "last_paid": ["False", "True", "True"],  # Of two on one day the last by its letters.
    "tenure": [182, 1, 123],
    "recency": [11, 1, 31],
    "span": [171, 0, 92],
    "paid_share": [0.67, 0.5, 0.67],
    "channel_share": [1.0, NONE, 0.33],
    "favourite": ["web", NONE, "shop"],
    "returns": [1, 0, 0],
    "spend_30": [-2.5, 0.0, 0.0],
    "mean_30": [-2.5, NONE, NONE],
    "came_back": ["yes", "no", "yes"],
    "spend_next": [99.0, 0.0, 0.0],
    "days_to_next": [0, NONE, 45],
}


def schema(text: str = SCHEMA) -> Schema:
    """The schema of the purchases, or another one."""
    return parse_schema(text, name="purchases.yaml")


def built(events: pd.DataFrame | Path, facts: Schema | None = None) -> FeatureTable:
    """Features of events."""
    return build_features(events, SourceOptions(), facts or schema())


def values(frame: pd.DataFrame) -> dict[str, list[object]]:
    """Columns as lists: moments as days, whole numbers as such, None where missing."""
    return {name: [_plain(value) for value in frame[name]] for name in frame}


def _plain(value: object) -> object:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return value
