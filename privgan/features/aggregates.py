"""Write features as aggregates over one customer's events, and finish their values.

The SQL is made of names and numbers of our own alone: conditions are evaluated before, row by row,
and stand in it as columns of truth values. Every aggregate is taken within ``GROUP BY customer``,
is exact, and does not depend on the order of the events: amounts are whole steps, and events of one
moment are ordered by the value itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers
from privgan.domain.frames import positions_of
from privgan.domain.predicates import Predicate, met, parse_predicates
from privgan.domain.regions import widened
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenNumeric,
    OpenTemporal,
)
from privgan.schema.features import CUTOFF, FIRST, FeatureFacts, Measure, Window
from privgan.schema.schema import Schema, next_by_name
from privgan.table.feature_file import events_schema

DAY = 86_400
CUSTOMER, MOMENT, DAY_OF_MOMENT = "customer", "moment", "day"
# Names in frames of typed events that no column of a schema can have.
NAMED, TIMED = "\0customer", "\0moment"
_EPOCH = dt.datetime(1970, 1, 1)
_EXACT = 2.0**53
Found = Mapping[str, np.ndarray]
Finish = Callable[[Found], pd.Series]


@dataclass(frozen=True, kw_only=True, eq=False)
class EventColumn:
    """A column of the table of events, made from typed events alone.

    Attributes:
        name: Its name in the SQL.
        type: Its type in the SQL.
        values: Typed events [events] to its values [events], float64 or object; NaN or None where
            missing.
    """

    name: str
    type: str
    values: Callable[[pd.DataFrame], np.ndarray]


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureQuery:
    """All features of a schema as one query.

    Attributes:
        columns: The columns of the table of events beside customer, moment and day.
        flags: Which of them say whether an event counts.
        sql: The query; a row for each customer with an event that the features tell of.
        finish: Feature to its values, from the query's columns.
    """

    columns: tuple[EventColumn, ...]
    flags: tuple[str, ...]
    sql: str
    finish: Mapping[str, Finish]


def feature_query(schema: Schema) -> FeatureQuery:
    """The query of a schema's features."""
    made = _Made(schema)
    known = made.flag(Window())
    finish = {
        feature.name: _FINISHES[feature.measure](made, feature) for feature in schema.features
    }
    parts = "".join(f", {sql} AS {name}" for sql, name in made.parts.items())
    return FeatureQuery(
        columns=tuple(made.columns.values()),
        flags=tuple(column.name for key, column in made.columns.items() if key[0] == "flag"),
        sql=(
            f"SELECT {CUSTOMER}{parts} FROM events GROUP BY {CUSTOMER}"
            f" HAVING count(*) FILTER (WHERE {known}) > 0 ORDER BY {CUSTOMER}"
        ),
        finish=finish,
    )


@dataclass(eq=False)
class _Made:
    """What the features seen so far need.

    Attributes:
        schema: The public facts.
        columns: Columns of the table of events, by what they hold.
        parts: Aggregates, each with its name.
    """

    schema: Schema
    columns: dict[tuple[object, ...], EventColumn] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def part(self, sql: str) -> str:
        """Name of an aggregate."""
        return self.parts.setdefault(sql, f"part{len(self.parts)}")

    def taken(self, feature: FeatureFacts) -> Column:
        """The events' column that a feature takes."""
        assert self.schema.events is not None
        assert isinstance(feature.of, str)
        return next_by_name(self.schema.events.columns, feature.of)

    def filled(self, feature: FeatureFacts) -> Column:
        """The column that a feature fills."""
        return self.schema.column(feature.name)

    def value(self, column: Column) -> str:
        """Column of an event's values: whole steps, seconds, or texts."""
        return self._column(
            ("value", column.name), _type(column), lambda rows: _coded(rows, column)
        )

    def days(self, column: Column) -> str:
        """Column of the days of an event's moments."""
        name, kind = column.name, "BIGINT"
        return self._column(
            ("days", name), kind, lambda rows: np.floor(seconds(rows[name], column) / DAY)
        )

    def position(self, column: Column, categories: Sequence[str]) -> str:
        """Column of the places that an event's texts have among some categories."""
        name = column.name
        return self._column(
            ("position", name, tuple(categories)),
            "BIGINT",
            lambda rows: positions_of(rows[name], categories).astype(float),
        )

    def flag(self, window: Window, also: str = "") -> str:
        """Column that says whether an event is in a window, and meets a further condition."""
        asked = [
            condition
            for text in (window.where, also)
            if text
            for condition in parse_predicates(text, widened(events_schema(self.schema)))
        ]
        span = _span(self.schema, window)
        return self._column(("flag", window, also), "BOOLEAN", lambda rows: _met(rows, asked, span))

    def _column(
        self, key: tuple[object, ...], kind: str, values: Callable[[pd.DataFrame], np.ndarray]
    ) -> str:
        if key not in self.columns:
            name = f"c{len(self.columns)}"
            self.columns[key] = EventColumn(name=name, type=kind, values=values)
        return self.columns[key].name


def _type(column: Column) -> str:
    texts = isinstance(column, Invented) or not isinstance(column, OpenNumeric | OpenTemporal)
    return "VARCHAR" if texts else "BIGINT"


def _coded(rows: pd.DataFrame, column: Column) -> np.ndarray:
    values = rows[column.name]
    if isinstance(column, OpenNumeric):
        return np.rint(as_numbers(values, column) * 10.0**column.decimals)
    if isinstance(column, OpenTemporal):
        return seconds(values, column)
    return values.astype(object).where(values.notna(), None).to_numpy()


def seconds(moments: pd.Series, column: Column) -> np.ndarray:
    """Seconds since 1970 of typed moments [rows]; a day begins at its midnight."""
    found = as_numbers(moments, column)
    return np.floor(found / DAY) * DAY if column.kind is Kind.DATE else found


def _span(schema: Schema, window: Window) -> tuple[float, float]:
    """First second of a window, and the one after its last."""
    assert schema.events is not None
    if schema.events.cutoff is None:
        return -np.inf, np.inf
    cutoff = cutoff_seconds(schema)
    if window.days_after is not None:
        return cutoff, cutoff + window.days_after * DAY
    before = np.inf if window.days_before is None else window.days_before * DAY
    return cutoff - before, cutoff


def cutoff_seconds(schema: Schema) -> float:
    """Seconds from 1970 to the cut-off, told in the events' own zone."""
    assert schema.events is not None
    assert schema.events.cutoff is not None
    return (schema.events.cutoff - _EPOCH).total_seconds()


def _met(rows: pd.DataFrame, asked: Sequence[Predicate], span: tuple[float, float]) -> np.ndarray:
    moments = rows[TIMED].to_numpy(dtype=float)
    found: np.ndarray = (moments >= span[0]) & (moments < span[1])
    for condition in asked:
        found &= met(condition, rows)
    return found


def _count(made: _Made, feature: FeatureFacts, also: str = "") -> str:
    return made.part(f"count(*) FILTER (WHERE {made.flag(feature.window, also)})")


def _counted(made: _Made, feature: FeatureFacts) -> Finish:
    return _as_numbers(made, feature, _count(made, feature))


def _as_numbers(made: _Made, feature: FeatureFacts, part: str) -> Finish:
    column = made.filled(feature)
    return lambda found: _numbers(found[part], column)


def _numbers(values: np.ndarray, column: Column) -> pd.Series:
    """Values of a numeric column, rounded to its decimals."""
    assert isinstance(column, Numeric | OpenNumeric)
    numbers = pd.Series(values.astype(float)).clip(-_EXACT, _EXACT).round(column.decimals)
    return numbers.astype("Int64") if column.kind is Kind.INTEGER else numbers


def _any(made: _Made, feature: FeatureFacts) -> Finish:
    part, column = _count(made, feature), made.filled(feature)
    assert isinstance(column, Discrete)
    labels = column.categories
    return lambda found: pd.Series(np.where(found[part] > 0, labels[1], labels[0]), dtype=object)


def _distinct(made: _Made, feature: FeatureFacts) -> Finish:
    return _distinct_of(made, feature, made.value(made.taken(feature)))


def _distinct_days(made: _Made, feature: FeatureFacts) -> Finish:
    return _distinct_of(made, feature, made.days(made.taken(feature)))


def _distinct_of(made: _Made, feature: FeatureFacts, value: str) -> Finish:
    flag = made.flag(feature.window)
    part = made.part(f"count(DISTINCT {value}) FILTER (WHERE {flag})")
    return _as_numbers(made, feature, part)


def _steps(made: _Made, feature: FeatureFacts) -> tuple[str, str, float]:
    """Names of sum and number of values, and the steps of one unit."""
    column, flag = made.taken(feature), made.flag(feature.window)
    assert isinstance(column, OpenNumeric)
    value = made.value(column)
    # A sum of whole numbers is exact in any order; it becomes a float at the end alone.
    total = made.part(f"CAST(coalesce(sum({value}) FILTER (WHERE {flag}), 0) AS DOUBLE)")
    return total, made.part(f"count({value}) FILTER (WHERE {flag})"), 10.0**column.decimals


def _sum(made: _Made, feature: FeatureFacts) -> Finish:
    (total, _, steps), column = _steps(made, feature), made.filled(feature)
    return lambda found: _numbers(found[total] / steps, column)


def _mean(made: _Made, feature: FeatureFacts) -> Finish:
    (total, count, steps), column = _steps(made, feature), made.filled(feature)
    return lambda found: _numbers(_ratio(found[total], found[count]) / steps, column)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _share(made: _Made, feature: FeatureFacts) -> Finish:
    whole, column = _count(made, feature), made.filled(feature)
    assert isinstance(feature.of, str)
    part = _count(made, feature, feature.of)
    return lambda found: _numbers(_ratio(found[part], found[whole]), column)


def _extreme(made: _Made, feature: FeatureFacts) -> Finish:
    value, flag = made.value(made.taken(feature)), made.flag(feature.window)
    part = made.part(f"{feature.measure.value}({value}) FILTER (WHERE {flag})")
    return _as_taken(made, feature, part)


def _end(made: _Made, feature: FeatureFacts) -> Finish:
    """First or last value: of several at one moment the smallest or the largest."""
    value, flag = made.value(made.taken(feature)), made.flag(feature.window)
    pick = "arg_min" if feature.measure is Measure.FIRST else "arg_max"
    order = f"{{'m': {MOMENT}, 'v': {value}}}"
    part = made.part(f"{pick}({value}, {order}) FILTER (WHERE {flag} AND {value} IS NOT NULL)")
    return _as_taken(made, feature, part)


def _as_taken(made: _Made, feature: FeatureFacts, part: str) -> Finish:
    """Values of the kind that they have in the events."""
    taken, column = made.taken(feature), made.filled(feature)
    if isinstance(taken, OpenNumeric):
        steps = 10.0**taken.decimals
        return lambda found: _numbers(found[part] / steps, column)
    if isinstance(taken, OpenTemporal):
        return lambda found: _moments(found[part], column)
    known = _renamed(taken, column)
    return lambda found: pd.Series(found[part], dtype=object).map(
        lambda text: known.get(text, text), na_action="ignore"
    )


def _renamed(taken: Column, filled: Column) -> Mapping[str, str]:
    """Labels of false and true in the events to those of the column."""
    if taken.kind is not Kind.BOOLEAN or filled.kind is not Kind.BOOLEAN:
        return {}
    assert isinstance(taken, Discrete)
    assert isinstance(filled, Discrete)
    return dict(zip(taken.categories, filled.categories, strict=True))


def _moments(values: np.ndarray, column: Column) -> pd.Series:
    numbers = values.astype(float)
    whole = np.floor(numbers / DAY) * DAY if column.kind is Kind.DATE else numbers
    moments = pd.Series(np.nan_to_num(whole).astype("int64").astype("datetime64[s]"))
    return moments.where(~np.isnan(numbers))


def _days_between(made: _Made, feature: FeatureFacts) -> Finish:
    flag, column = made.flag(feature.window), made.filled(feature)
    ends = [_day_of(made, end, flag) for end in feature.of]
    return lambda found: _numbers(ends[1](found) - ends[0](found), column)


def _day_of(made: _Made, end: str, flag: str) -> Callable[[Found], np.ndarray]:
    """Day of the first event, of the last one, or of the cut-off."""
    if end == CUTOFF:
        day = float(cutoff_seconds(made.schema) // DAY)
        return lambda _found: np.asarray(day)
    pick = "min" if end == FIRST else "max"
    part = made.part(f"{pick}({DAY_OF_MOMENT}) FILTER (WHERE {flag})")
    return lambda found: found[part].astype(float)


def _top(made: _Made, feature: FeatureFacts) -> Finish:
    """The most frequent of the declared categories; of several the one declared first."""
    column = made.filled(feature)
    assert isinstance(column, Discrete)
    place = made.position(made.taken(feature), column.categories)
    flag = made.flag(feature.window)
    parts = [
        made.part(f"count(*) FILTER (WHERE {flag} AND {place} = {index})")
        for index in range(len(column.categories))
    ]
    texts = np.array(column.categories, dtype=object)

    def finish(found: Found) -> pd.Series:
        counts = np.stack([found[part] for part in parts], axis=1)
        most = pd.Series(texts[counts.argmax(axis=1)], dtype=object)
        return most.where(pd.Series((counts > 0).any(axis=1)), None)

    return finish


_FINISHES: Mapping[Measure, Callable[[_Made, FeatureFacts], Finish]] = {
    Measure.COUNT: _counted,
    Measure.ANY: _any,
    Measure.DISTINCT: _distinct,
    Measure.DISTINCT_DAYS: _distinct_days,
    Measure.SUM: _sum,
    Measure.MEAN: _mean,
    Measure.MIN: _extreme,
    Measure.MAX: _extreme,
    Measure.FIRST: _end,
    Measure.LAST: _end,
    Measure.DAYS_BETWEEN: _days_between,
    Measure.SHARE: _share,
    Measure.TOP: _top,
}
