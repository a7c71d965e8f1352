"""Attack whole customers over related tables: all rows of one customer are the target.

A customer's row in the root may be common where its orders are not. Each attack compares canaries
with synthetic customers, each taken as a whole. They decide nothing; no score depends on a coin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.attacks.customers import copies_metric
from privgan.audit.attacks.membership import (
    SYNTHETIC_ROWS,
    Canaries,
    area_metric,
    density_ratio_scores,
)
from privgan.audit.coding import CodedTable, FeatureMap
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import nearest
from privgan.audit.randomness import stream
from privgan.audit.related.customers import Customers
from privgan.audit.related.tables import RelatedTables
from privgan.metric import Metric
from privgan.schema.columns import Column, Discrete, Kind, Numeric

RATIO, NEAREST = "attack.related.density_ratio_auc", "attack.related.nearest_auc"
COPIES = "attack.related.copies"
NAMES = (RATIO, NEAREST, COPIES)
_SEVERAL = 2
_HOW = "one row a customer: its own columns, and of each further table the number of rows, means"
_SUMMARY = f"{_HOW} and ends of numbers, most frequent category and number of categories"
_NUMBER = Numeric(name="", kind=Kind.FLOAT, lower=0.0, upper=0.0, decimals=0)


def customer_metrics(tables: RelatedTables, claim: Claim | None, seed: int) -> tuple[Metric, ...]:
    """Metrics of the three attacks.

    Args:
        tables: The customers; canaries are the targets.
        claim: The claimed guarantee, or None.
        seed: Draws folds, and the synthetic customers that are compared.
    """
    columns, members = summaries(tables.kept_in.take(tables.canaries))
    others, made = (summaries(side)[1] for side in (tables.left_out, tables.synthetic))
    canaries = Canaries.pool(members, others)
    ratio = density_ratio_scores(
        canaries, made, seed, stream(seed, "attack.related.density_ratio_auc")
    )
    near = _nearness(columns, canaries, made, seed)
    of = f"{SYNTHETIC_ROWS:,} synthetic customers at most; {_SUMMARY}"
    return (
        area_metric(RATIO, canaries, ratio, claim, 0.95, f"density ratio against {of}"),
        area_metric(NEAREST, canaries, near, claim, 0.95, f"nearness to the nearest of {of}"),
        _copies(tables, claim),
    )


def summaries(customers: Customers) -> tuple[tuple[Column, ...], CodedTable]:
    """One row a customer: its columns, and the table.

    They are the root's own columns and, of each further table, the number of rows, mean, least and
    largest number or moment, most frequent category, and how many different categories there are.
    """
    family, size = customers.family, len(customers)
    root = family.coders[family.root]
    told = list(zip(root.columns, customers.rows[family.root].values.T, strict=True))
    for name in family.parents:
        owner = customers.owner(name)
        told.append((_NUMBER, np.bincount(owner, minlength=size).astype(float)))
        parts = zip(family.coders[name].columns, customers.rows[name].values.T, strict=True)
        for column, values in parts:
            if isinstance(column, Discrete):
                told += _of_classes(column, values, owner, size)
            else:
                told += [(_NUMBER, found) for found in _of_numbers(values, owner, size)]
    table = np.column_stack([values for _, values in told]).astype(float)
    return tuple(column for column, _ in told), CodedTable(np.zeros(table.shape, int), table)


def _of_numbers(
    values: NDArray[np.float64], owner: NDArray[np.int64], size: int
) -> Iterator[NDArray[np.float64]]:
    """Mean, least and largest value of each owner [owners]; NaN without values."""
    known = ~np.isnan(values)
    values, owner = values[known], owner[known]
    number = np.bincount(owner, minlength=size)
    total = np.bincount(owner, weights=values, minlength=size)
    yield np.divide(total, number, out=np.full(size, np.nan), where=number > 0)
    for least, end in ((np.inf, np.minimum), (-np.inf, np.maximum)):
        found = np.full(size, least)
        end.at(found, owner, values)
        yield np.where(number > 0, found, np.nan)


def _of_classes(
    column: Discrete, values: NDArray[np.float64], owner: NDArray[np.int64], size: int
) -> Iterator[tuple[Column, NDArray[np.float64]]]:
    """Most frequent category of each owner, and how many different ones it has [owners]."""
    known = ~np.isnan(values)
    pairs = pd.DataFrame({"owner": owner[known], "value": values[known]})
    counts = pairs.value_counts(sort=False).rename("count").reset_index()
    best = counts.sort_values(["owner", "count", "value"], ascending=[True, False, True])
    first = best.drop_duplicates("owner")
    usual = np.full(size, np.nan)
    usual[first["owner"]] = first["value"]
    yield column, usual
    yield _NUMBER, np.bincount(counts["owner"], minlength=size).astype(float)


def _nearness(
    columns: tuple[Column, ...], canaries: Canaries, made: CodedTable, seed: int
) -> NDArray[np.float64]:
    """Minus the squared distance of each canary's summary to the nearest synthetic one."""
    features = FeatureMap.from_reference(columns, canaries.rows)
    chosen = made.sample(SYNTHETIC_ROWS, stream(seed, "attack.related.nearest_auc"))
    # Rounded: the search has 32 bits, so its choice between equally near rows means nothing.
    scores = -np.round(nearest(features(canaries.rows), features(chosen)).distances[:, 0], 5)
    return canaries.max_by_customer(scores)


def _copies(tables: RelatedTables, claim: Claim | None) -> Metric:
    """Customers with two further rows or more whose rows in all tables are a synthetic one's."""
    made = tables.synthetic.hashes[tables.synthetic.children >= _SEVERAL]
    training, holdout = (
        _copied(side, made) for side in (tables.kept_in.take(tables.canaries), tables.left_out)
    )
    what = f"with {_SEVERAL} rows or more in the further tables whose rows in all tables are those"
    return copies_metric(COPIES, training, holdout, what, claim)


def _copied(customers: Customers, made: NDArray[np.uint64]) -> tuple[int, int]:
    """How many customers are copied, and how many may be."""
    several = customers.children >= _SEVERAL
    return int((np.isin(customers.hashes, made) & several).sum()), int(several.sum())
