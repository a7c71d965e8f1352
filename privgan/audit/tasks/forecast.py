"""Judge a forecast: fitted on the synthetic past or the real one, tested on what then came.

The periods at the end are forecast from those before, by a ridge regression on the last two periods
and the one a season ago. Both sides tell what a customer brings, and are held against the left-out
customers' own periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.histories.tables import HistoryTables
from privgan.audit.intervals import bootstrap_weights
from privgan.audit.randomness import stream
from privgan.audit.tasks.figures import REPETITIONS, Figure, Figures
from privgan.audit.tasks.tables import TaskTables
from privgan.domain.periods import periods_of
from privgan.schema.tasks import ForecastTask, Period

NAMES = ("wape", "mase")
LEAST_PERIODS, MOST_PERIODS = 8, 5_000
_LEAST_CUSTOMERS = 20
# By period: how many make a season.
_SEASONS: Mapping[Period, int] = {
    Period.DAY: 7,
    Period.WEEK: 52,
    Period.MONTH: 12,
    Period.QUARTER: 4,
}
_TINY = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class _Series:
    """What happens in each period.

    Attributes:
        owner: Each row's customer [rows].
        period: Its period [rows].
        amount: What it brings [rows].
        customers: How many customers there are.
    """

    owner: NDArray[np.int64]
    period: NDArray[np.int64]
    amount: NDArray[np.float64]
    customers: int

    @classmethod
    def of(cls, table: CodedTable, task: ForecastTask, tables: TaskTables, size: int) -> _Series:
        """The rows of a table whose date is known; a missing amount brings nothing."""
        names = tables.coder.names
        seconds = table.values[:, names.index(str(task.date))]
        known = ~np.isnan(seconds)
        amount = np.ones(len(table))
        if task.target is not None:
            amount = np.nan_to_num(table.values[:, names.index(task.target)])
        owner = np.arange(len(table))
        if table.customers is not None:
            owner = np.unique(table.customers, return_inverse=True)[1].astype(np.int64)
        period = periods_of(seconds[known], Period(task.period))
        return cls(owner[known], period, amount[known], size)

    def each(self, first: int, last: int) -> NDArray[np.float64]:
        """What a customer brings in each period from one to another [periods]."""
        inside = (self.period >= first) & (self.period <= last)
        found = np.bincount(
            self.period[inside] - first, weights=self.amount[inside], minlength=last - first + 1
        )
        return np.asarray(found / self.customers)

    def by_customer(self, first: int, last: int) -> NDArray[np.float64]:
        """What each customer brings in each period from one to another [customers, periods]."""
        inside = (self.period >= first) & (self.period <= last)
        found = np.zeros((self.customers, last - first + 1))
        np.add.at(found, (self.owner[inside], self.period[inside] - first), self.amount[inside])
        return found


def forecast(past: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    """The periods that follow some [horizon]; never below 0 where none of the past is.

    Args:
        past: The periods that are known, at least ``LEAST_PERIODS``.
        horizon: How many are forecast.
        season: How many periods make a season; it counts where the past has two and a half.
    """
    from sklearn.linear_model import Ridge

    lags = [1, 2, *([season] if len(past) >= 2.5 * season else [])]
    scale = max(float(np.abs(past).mean()), _TINY)
    known = past / scale
    inputs = np.column_stack([known[max(lags) - lag : len(known) - lag] for lag in lags])
    model = Ridge(alpha=0.1).fit(inputs, known[max(lags) :])
    least = 0.0 if (past >= 0).all() else -np.inf
    for _ in range(horizon):
        following = model.predict(np.array([[known[-lag] for lag in lags]]))[0]
        known = np.append(known, max(least, min(float(following), 2.0 * known.max())))
    return np.asarray(known[-horizon:] * scale)


def forecast_figures(task: ForecastTask, tables: TaskTables) -> Figures:
    """Weighted absolute percentage error and mean absolute scaled error, or the reason for none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    reason = tables.missing(task)
    if not reason and tables.left_out is None:
        reason = "there are no left-out rows to test on"
    if not reason and isinstance(tables.histories, str):
        reason = tables.histories
    if reason:
        return dict.fromkeys(NAMES, reason)
    made, real, test = _three(task, tables)
    if test.customers < _LEAST_CUSTOMERS or not len(real.period):
        return dict.fromkeys(NAMES, f"needs {_LEAST_CUSTOMERS} left-out customers")
    first, last = int(real.period.min()), int(real.period.max())
    until = last - task.horizon
    if not LEAST_PERIODS <= until - first + 1 <= MOST_PERIODS:
        told = f"{LEAST_PERIODS} to {MOST_PERIODS:,} periods before those that are forecast"
        return dict.fromkeys(NAMES, f"needs {told}; the kept-in rows have {until - first + 1}")
    return _figures(task, (made, real, test), (first, until, last), tables.seed)


def _three(task: ForecastTask, tables: TaskTables) -> tuple[_Series, _Series, _Series]:
    """Synthetic, kept-in and left-out rows."""
    assert tables.left_out is not None
    sizes = [len(table) for table in (tables.synthetic, tables.kept_in, tables.left_out)]
    if isinstance(tables.histories, HistoryTables):
        found = tables.histories
        sizes = [len(part) for part in (found.synthetic, found.kept_in, found.left_out)]
    elif tables.left_out.customers is not None:
        sizes[2] = len(np.unique(tables.left_out.customers))
        # Of synthetic rows nobody knows the customers: as many rows each as real ones have.
        assert tables.kept_in.customers is not None
        sizes[1] = len(np.unique(tables.kept_in.customers))
        sizes[0] = max(1, round(sizes[0] * sizes[1] / max(1, len(tables.kept_in))))
    parts = (tables.synthetic, tables.kept_in, tables.left_out)
    made, real, test = (
        _Series.of(table, task, tables, size) for table, size in zip(parts, sizes, strict=True)
    )
    return made, real, test


def _figures(
    task: ForecastTask,
    series: tuple[_Series, _Series, _Series],
    ends: tuple[int, int, int],
    seed: int,
) -> Figures:
    made, real, test = series
    first, until, last = ends
    season = _SEASONS[Period(task.period)]
    sides = {name: part.each(first, last) for name, part in (("synthetic", made), ("real", real))}
    past = {name: found[: until - first + 1] for name, found in sides.items()}
    said = {name: forecast(found, task.horizon, season) for name, found in past.items()}
    generator = stream(seed, "utility.forecast")
    weights = bootstrap_weights(test.customers, REPETITIONS, generator)
    came = weights @ test.by_customer(until + 1, last) / weights.sum(axis=1, keepdims=True)
    off = {name: np.abs(came - found).sum(axis=1) for name, found in said.items()}
    naive = np.abs(came - past["real"][-1]).sum(axis=1)
    whole = np.maximum(np.abs(came).sum(axis=1), _TINY)
    step = max(float(np.abs(np.diff(past["real"])).mean()) * task.horizon, _TINY)
    method = (
        f"ridge regression on earlier periods of {made.customers} synthetic or {real.customers}"
        f" real customers; the last {task.horizon} periods of {test.customers} left-out ones;"
        f" {REPETITIONS} paired bootstrap samples of these"
    )

    def figure(scale: NDArray[np.float64] | float, **details: Any) -> Figure:
        return Figure(
            synthetic=off["synthetic"] / scale,
            real=off["real"] / scale,
            count=test.customers,
            method=method,
            details=details,
        )

    told = {name: [round(float(value), 9) for value in found] for name, found in sides.items()}
    said_of = {
        f"{name}_forecast": [round(float(value), 9) for value in found]
        for name, found in said.items()
    }
    curve = {"period": task.period, "until": until - first, **told, **said_of}
    return {
        "wape": figure(whole, curve=curve, last_value=round(float(naive[0] / whole[0]), 6)),
        "mase": figure(step),
    }
