"""Ways of making features that are no function of one customer's events."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from privgan.features import aggregates, building
from privgan.features.aggregates import FeatureQuery
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


def _sql_changed(patch: Patch, change: Callable[[str], str]) -> None:
    plain = building.feature_query

    def changed(schema: Any) -> FeatureQuery:
        made = plain(schema)
        assert change(made.sql) != made.sql
        return replace(made, sql=change(made.sql))

    patch.setattr(building, "feature_query", changed)


@variant("L37", checks.each_customers_features_are_its_own, "in other company")
def window_over_customers(patch: Patch) -> None:
    """A feature is a rank among all customers."""
    _sql_changed(
        patch,
        lambda sql: re.sub(
            r"count\(\*\) FILTER \(WHERE c0\) AS",
            "rank() OVER (ORDER BY count(*)) AS",
            sql,
            count=1,
        ),
    )


@variant("L2, L37", checks.each_customers_features_are_its_own, "in other company")
def gaps_filled_from_all_customers(patch: Patch) -> None:
    """A mean over no event is filled with the mean of all customers."""
    plain = aggregates._numbers

    def filled(values: Any, column: Any) -> pd.Series:
        numbers = plain(values, column)
        return numbers.fillna(numbers.mean())

    patch.setattr(aggregates, "_numbers", filled)


@variant("L3, L37", checks.each_customers_features_are_its_own, "in other company")
def top_category_of_all_events(patch: Patch) -> None:
    """Of categories that tie, the one that is most frequent in the whole table wins."""
    _sql_changed(
        patch,
        lambda sql: re.sub(
            r"(count\(\*\) FILTER \(WHERE c0 AND c\d+ = \d\)) AS",
            r"1000 * \1 + (sum(\1) OVER ()) AS",
            sql,
        ),
    )


@variant("L37", checks.features_have_no_order_of_the_file, "in another order")
def last_of_the_file(patch: Patch) -> None:
    """The last event is the one that stands last in the file."""
    _sql_changed(patch, lambda sql: re.sub(r"arg_max\((c\d+), \{[^}]*\}\)", r"last(\1)", sql))
