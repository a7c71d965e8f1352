"""Read a schema file's ``events`` and ``features``; report every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from privgan.domain.predicates import parse_predicates
from privgan.domain.regions import widened
from privgan.errors import DocumentError, UsageError
from privgan.files.documents import Document, DocumentPath, did_you_mean, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.files.limits import MOST_TOP_CATEGORIES
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)
from privgan.schema.features import CUTOFF, ENDS, EVENTS, EventFacts, FeatureFacts, Measure, Window
from privgan.schema.schema import Schema, next_by_name
from privgan.table.column_facts import BOOLEAN_LABELS, DISCRETE, NUMERIC, TEMPORAL
from privgan.table.column_mistakes import ColumnItem, column_mistakes, moment_of

FEATURES = "features"
TEXT_KEYS = frozenset({*(measure.value for measure in Measure), "where", "time", CUTOFF})
_OTHER = "other"
_NUMBERS, _MOMENTS, _CLASSES = frozenset(NUMERIC), frozenset(TEMPORAL), frozenset(DISCRETE)
_ALL = _NUMBERS | _MOMENTS | _CLASSES
# By measure: the kinds of the events' column that it takes.
_TAKES: Mapping[Measure, frozenset[Kind]] = {
    Measure.DISTINCT: _ALL | {Kind.IDENTIFIER},
    Measure.DISTINCT_DAYS: _MOMENTS,
    Measure.SUM: _NUMBERS,
    Measure.MEAN: _NUMBERS,
    Measure.MIN: _NUMBERS | _MOMENTS,
    Measure.MAX: _NUMBERS | _MOMENTS,
    Measure.FIRST: _ALL,
    Measure.LAST: _ALL,
    Measure.TOP: _CLASSES,
}
# By measure: the kinds of the column that it fills; of others it is of the kind that they take.
_FILLS: Mapping[Measure, frozenset[Kind]] = {
    Measure.COUNT: _NUMBERS,
    Measure.DISTINCT: _NUMBERS,
    Measure.DISTINCT_DAYS: _NUMBERS,
    Measure.DAYS_BETWEEN: _NUMBERS,
    Measure.SHARE: frozenset({Kind.FLOAT}),
    Measure.ANY: frozenset({Kind.BOOLEAN}),
}


def events_schema(schema: Schema) -> Schema:
    """The columns of a schema's events as a schema of their own, whose conditions can be read."""
    assert schema.events is not None
    own = replace(schema, columns=schema.events.columns, target=None, constraints=())
    return replace(own, events=None, features=())


def with_features(document: Document, schema: Schema) -> Schema:
    """A schema with the events and features of its document.

    Args:
        document: The document; its JSON Schema is met.
        schema: What the rest of the document says.

    Raises:
        DocumentError: with every mistake and its line.
    """
    data = document.data
    if EVENTS not in data and FEATURES not in data:
        return schema
    mistakes = [*_table_mistakes(document, schema), *_column_mistakes(document)]
    if mistakes:
        raise DocumentError(document.name, mistakes)
    found = replace(schema, events=_events(data[EVENTS]))
    mistakes = list(_event_mistakes(document, found))
    if not mistakes:
        mistakes = list(_definition_mistakes(document, found))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    return replace(found, features=tuple(map(_feature, data[FEATURES])))


def _table_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    """Mistakes of the table as a whole."""
    data = document.data
    for here, other in ((EVENTS, FEATURES), (FEATURES, EVENTS)):
        if here in data and other not in data:
            yield document.mistake((here,), f"{here} needs {other}; give both, or neither")
            return
    if schema.unit.column is None:
        told = "events need a unit column that names the customer; found unit: row"
        yield document.mistake(("unit",), told)
    if int(data.get("max_rows_per_unit", 1)) != 1:
        told = f"found {data['max_rows_per_unit']}, allowed: 1; features are one row a customer"
        yield document.mistake(("max_rows_per_unit",), f"max_rows_per_unit: {told}")
    for index, column in enumerate(schema.columns):
        if column.invented and column.name != schema.unit.column:
            told = f"column {shown(column.name)} is invented and made from no events; leave it out"
            yield document.mistake(("columns", index), told)
    yield from _name_mistakes(document, schema)


def _name_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    """Columns without a definition, and definitions without a column."""
    names = [item["name"] for item in document.data[FEATURES]]
    columns = [column.name for column in schema.modelled]
    for index, name in enumerate(names):
        if name not in columns:
            told = f"{shown(name)} is no column that is modelled{did_you_mean(name, columns)}"
            yield document.mistake((FEATURES, index), f"features[{index}]: {told}")
        elif name in names[:index]:
            yield document.mistake((FEATURES, index), f"the feature {shown(name)} stands twice")
    for index, column in enumerate(schema.columns):
        if column.name in columns and column.name not in names:
            told = f"column {shown(column.name)} has no definition; add it to features"
            yield document.mistake(("columns", index), told)


def _column_mistakes(document: Document) -> Iterator[str]:
    """Mistakes of the events' columns, each by itself."""
    items = document.data.get(EVENTS, {}).get("columns", [])
    names = [item["name"] for item in items]
    for index, item in enumerate(items):
        path = (EVENTS, "columns", index)
        yield from column_mistakes(ColumnItem(_as_open(item), path, document))
        if item["name"] in names[:index]:
            yield document.mistake(path, f"the column {shown(item['name'])} stands twice")


def _as_open(item: JsonMapping) -> JsonDict:
    """An entry as one of the table's own columns whose facts are still to be measured."""
    kind = Kind(item["kind"])
    if kind in _NUMBERS | _MOMENTS:
        return {**item, "source": {"lower": "measured", "upper": "measured"}}
    if kind is Kind.CATEGORICAL and "categories" not in item:
        return {**item, "other": _OTHER, "source": {"categories": "measured"}}
    return dict(item)


def _events(data: JsonMapping) -> EventFacts:
    return EventFacts(
        time=data["time"],
        columns=tuple(_column(item) for item in data["columns"]),
        cutoff=_moment(data.get(CUTOFF)),
        leaves_out_unnamed="without_customer" in data,
    )


def _moment(text: str | None) -> Any:
    """A moment; None where it is none."""
    try:
        return None if text is None else moment_of(text)
    except ValueError:
        return None


def _column(item: JsonMapping) -> Column:
    kind = Kind(item["kind"])
    common: JsonDict = {
        "name": item["name"],
        "kind": kind,
        "missing": item.get("missing", False),
        "missing_markers": tuple(item.get("missing_markers", [])),
        "description": item.get("description", ""),
    }
    if kind in NUMERIC:
        decimals = int(item.get("decimals", 0))
        return OpenNumeric(**common, decimals=decimals, format=item.get("format", ""))
    if kind in TEMPORAL:
        form = item.get("format", TEMPORAL[kind])
        return OpenTemporal(**common, format=form, zone=item.get("zone", ""))
    if kind is Kind.IDENTIFIER:
        return Invented(**common)
    if kind is Kind.BOOLEAN:
        return Discrete(**common, categories=tuple(item.get("labels", BOOLEAN_LABELS)))
    if "categories" not in item:
        return OpenCategorical(**common, other=_OTHER)
    return Discrete(**common, categories=tuple(item["categories"]))


def _event_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    """Mistakes of the customer, the time and the cut-off."""
    events = schema.events
    assert events is not None
    kinds = {column.name: column.kind for column in events.columns}
    near = did_you_mean(events.time, list(kinds))
    if kinds.get(schema.unit.column or "") is not Kind.IDENTIFIER:
        told = f"lacks the unit {shown(schema.unit.column)} as a column of kind identifier"
        yield document.mistake((EVENTS, "columns"), f"events.columns: {told}")
    if kinds.get(events.time) not in TEMPORAL:
        told = f"found {shown(events.time)}, allowed: a date or datetime of events.columns{near}"
        yield document.mistake((EVENTS, "time"), f"events.time: {told}")
    elif next_by_name(events.columns, events.time).missing:
        told = f"{shown(events.time)} may be missing; what orders the events may not"
        yield document.mistake((EVENTS, "time"), f"events.time: {told}")
    if CUTOFF in document.data[EVENTS] and events.cutoff is None:
        found = shown(document.data[EVENTS][CUTOFF])
        told = f"found {found}, allowed: a date or moment such as 2024-01-01, without a zone"
        yield document.mistake((EVENTS, CUTOFF), f"events.cutoff: {told}")


def _definition_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    """Mistakes of the definitions, each by itself."""
    assert schema.events is not None
    filled = {column.name: column for column in schema.modelled}
    conditioned = widened(events_schema(schema))
    for place, item in enumerate(document.data[FEATURES]):
        reader = _Reader(
            document=document,
            place=place,
            item=item,
            column=filled[item["name"]],
            events=schema.events,
            conditioned=conditioned,
        )
        yield from reader.mistakes()


def _feature(item: JsonMapping) -> FeatureFacts:
    measure = _measure(item)
    assert measure is not None
    of = item[measure]
    return FeatureFacts(
        name=item["name"],
        measure=measure,
        of=of if isinstance(of, str) else (of[0], of[1]),
        window=Window(
            where=item.get("where", ""),
            days_before=item.get("days_before"),
            days_after=item.get("days_after"),
        ),
        description=item.get("description", ""),
    )


def _measure(item: JsonMapping) -> Measure | None:
    """The one measure that an entry states; None where it states none or several."""
    stated = [measure for measure in Measure if measure.value in item]
    return stated[0] if len(stated) == 1 else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reader:
    """One entry of ``features`` with what it is held against.

    Attributes:
        document: The document.
        place: Its place in the list.
        item: The entry.
        column: The column that it fills.
        events: The events' facts.
        conditioned: The events' columns, as conditions see them.
    """

    document: Document
    place: int
    item: JsonMapping
    column: Column
    events: EventFacts
    conditioned: Schema

    def mistakes(self) -> Iterator[str]:
        """All mistakes of the entry."""
        measure = _measure(self.item)
        if measure is None:
            stated = ", ".join(name for name in Measure if name.value in self.item) or "none"
            yield self._mistake(f"found {stated}, allowed: one of {', '.join(Measure)}")
            return
        yield from self._window_mistakes()
        yield from self._argument_mistakes(measure)

    def _window_mistakes(self) -> Iterator[str]:
        asked = [key for key in ("days_before", "days_after") if key in self.item]
        if len(asked) > 1:
            yield self._mistake("days_before and days_after exclude each other; give one", asked[1])
        if asked and self.events.cutoff is None:
            yield self._mistake(f"{asked[0]} needs events.cutoff, from which it counts", asked[0])
        if "where" in self.item:
            yield from self._condition_mistakes("where")

    def _condition_mistakes(self, key: str) -> Iterator[str]:
        try:
            parse_predicates(self.item[key], self.conditioned, place=key)
        except UsageError as error:
            yield self._mistake(str(error), key)

    def _argument_mistakes(self, measure: Measure) -> Iterator[str]:
        of = self.item[measure]
        if measure is Measure.DAYS_BETWEEN:
            yield from self._end_mistakes(of)
        elif measure is Measure.SHARE:
            yield from self._condition_mistakes(measure)
        elif measure in _TAKES:
            yield from self._taken_mistakes(measure, of)
        elif of != EVENTS:
            yield self._mistake(f"{measure}: found {shown(of)}, allowed: {EVENTS}", measure)
        allowed = _FILLS.get(measure, frozenset())
        if allowed and self.column.kind not in allowed:
            yield self._filling_mistake(measure, allowed)

    def _end_mistakes(self, ends: Sequence[str]) -> Iterator[str]:
        if len(ends) != 2 or not set(ends) <= set(ENDS) or ends[0] == ends[1]:
            told = f"found {shown(list(ends))}, allowed: two of {', '.join(ENDS)}"
            yield self._mistake(f"days_between: {told}", "days_between")
        elif CUTOFF in ends and self.events.cutoff is None:
            yield self._mistake("days_between: cutoff needs events.cutoff", "days_between")

    def _taken_mistakes(self, measure: Measure, of: str) -> Iterator[str]:
        """Mistakes of the events' column that a measure takes, and of what it fills."""
        known = {column.name: column for column in self.events.columns}
        if of not in known:
            told = f"{shown(of)} is no column of the events{did_you_mean(of, list(known))}"
            yield self._mistake(f"{measure}: {told}", measure)
            return
        taken = known[of]
        if taken.kind not in _TAKES[measure]:
            kinds = ", ".join(sorted(_TAKES[measure]))
            told = f"{shown(of)} is {taken.kind}, allowed: {kinds}"
            yield self._mistake(f"{measure}: {told}", measure)
        elif measure not in _FILLS:
            alike = next(kinds for kinds in (_NUMBERS, _MOMENTS, _CLASSES) if taken.kind in kinds)
            if self.column.kind not in alike:
                yield self._filling_mistake(measure, alike)
            yield from self._zone_mistakes(measure, taken)
        if measure is Measure.TOP:
            yield from self._top_mistakes(taken)

    def _zone_mistakes(self, measure: Measure, taken: Column) -> Iterator[str]:
        filled = self.column
        if not isinstance(taken, OpenTemporal) or not isinstance(filled, OpenTemporal | Temporal):
            return
        if filled.kind is Kind.DATETIME and filled.zone != taken.zone:
            told = f"has the zone {shown(filled.zone)}, and {shown(taken.name)} of the events"
            yield self._mistake(f"{told} {shown(taken.zone)}; write the same", measure)

    def _top_mistakes(self, taken: Column) -> Iterator[str]:
        """Mistakes of the categories among which the most frequent one is looked for."""
        filled = self.column
        if not isinstance(filled, Discrete):
            told = "top is looked for among declared categories; declare those of the column"
            yield self._mistake(told, Measure.TOP)
        elif len(filled.categories) > MOST_TOP_CATEGORIES:
            told = f"has {len(filled.categories)} categories, allowed: at most"
            yield self._mistake(f"{told} {MOST_TOP_CATEGORIES}; declare fewer", Measure.TOP)
        elif isinstance(taken, Discrete) and not set(filled.categories) <= set(taken.categories):
            unknown = sorted(set(filled.categories) - set(taken.categories))[0]
            told = f"{shown(unknown)} is no category of {shown(taken.name)} in events.columns"
            yield self._mistake(told, Measure.TOP)

    def _filling_mistake(self, measure: Measure, allowed: frozenset[Kind]) -> str:
        told = (
            f"{measure} fills no {self.column.kind} column, allowed: {', '.join(sorted(allowed))}"
        )
        return self._mistake(told, measure)

    def _mistake(self, told: str, key: str = "") -> str:
        below: DocumentPath = (str(key),) if key else ()
        path: DocumentPath = (FEATURES, self.place, *below)
        return self.document.mistake(path, f"feature {shown(self.item['name'])}: {told}")
