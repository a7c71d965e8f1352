"""Figures of whole customers: how their purchases go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

RECENCY, FREQUENCY, MONEY = (90, 180, 365, 450), (2, 3, 5, 10), (15, 25, 40, 80)
PLACES, _MOST = 8, 30_000


def within_correlation(customers: pd.Series, values: pd.Series) -> float:
    """Intraclass correlation of log values of customers with several (Donner 1986, section 2)."""
    logs = np.log(values[values > 0])
    by = logs.groupby(customers[logs.index])
    sizes, means = by.size(), by.mean()
    sizes, means = sizes[sizes > 1], means[sizes > 1]
    known = customers[logs.index].isin(sizes.index)
    logs, total, groups = logs[known], int(sizes.sum()), len(sizes)
    between = float((sizes * (means - logs.mean()) ** 2).sum()) / (groups - 1)
    rest = logs - means.reindex(customers[logs.index]).to_numpy()
    within = float((rest**2).sum()) / (total - groups)
    usual = (total - float((sizes**2).sum()) / total) / (groups - 1)
    return (between - within) / (between + (usual - 1) * within)


def money_cells(
    customers: pd.Series, dates: pd.Series, values: pd.Series, end: pd.Timestamp
) -> pd.Series:
    """Share of the customers in each cell of recency, frequency and mean money."""
    rows = pd.DataFrame({"date": dates, "value": values}).groupby(customers)
    recency = (end - rows["date"].max()).dt.days
    cells = {
        "recency": np.searchsorted(RECENCY, recency),
        "frequency": np.searchsorted(FREQUENCY, rows.size()),
        "money": np.searchsorted(MONEY, rows["value"].mean()),
    }
    return pd.DataFrame(cells).value_counts(normalize=True)


def distance(one: pd.Series, other: pd.Series) -> float:
    """Total variation distance of shares by cell."""
    cells = one.index.union(other.index)
    away = one.reindex(cells, fill_value=0) - other.reindex(cells, fill_value=0)
    return 0.5 * float(away.abs().sum())


def flattened(
    rows: pd.DataFrame, customer: str, order: str, columns: Sequence[str], number: str
) -> pd.DataFrame:
    """One row a customer: length, ends, mean and spread of a number, and its first events.

    Args:
        rows: Events, in order of each customer; all but ``customer`` and ``order`` are numbers.
        customer: Name of the customer's column.
        order: Name of the column of days.
        columns: The columns of an event.
        number: The numeric column whose mean and spread are taken.
    """
    by = rows.groupby(customer, sort=False)
    days = (rows[order] - rows[order].min()).dt.days
    found: dict[str, pd.Series] = {
        "events": by.size(),
        "first": days.groupby(rows[customer], sort=False).first(),
        "last": days.groupby(rows[customer], sort=False).last(),
        "mean": by[number].mean(),
        "spread": by[number].std(),
    }
    place, gap = by.cumcount(), by[order].diff().dt.days
    for at in range(PLACES):
        here = place == at
        names = rows.loc[here, customer].to_numpy()
        if at:
            found[f"gap {at}"] = pd.Series(gap[here].to_numpy(), index=names)
        for name in columns:
            found[f"{name} {at}"] = pd.Series(rows.loc[here, name].to_numpy(float), index=names)
    return pd.DataFrame(found)


def told_apart(one: pd.DataFrame, other: pd.DataFrame, seed: int = 0) -> float:
    """Area under the curve of boosted trees that tell two tables apart; .5 if they cannot."""
    size = min(len(one), len(other), _MOST)
    rows = pd.concat([part.sample(size, random_state=seed) for part in (one, other)])
    label = np.repeat([0, 1], size)
    shuffled = np.random.default_rng(seed).permutation(2 * size)
    fitted, judged = shuffled[:size], shuffled[size:]
    values = rows.dropna(axis=1, how="all").to_numpy(float)
    model = HistGradientBoostingClassifier(max_iter=200, random_state=seed)
    model.fit(values[fitted], label[fitted])
    return float(roc_auc_score(label[judged], model.predict_proba(values[judged])[:, 1]))


def as_line(name: str, figures: Mapping[str, float]) -> str:
    """Figures in one line of text."""
    return f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
