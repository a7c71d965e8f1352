"""Read a schema file's ``tasks``; report every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from privgan.errors import DocumentError
from privgan.files.documents import Document, DocumentPath, did_you_mean, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.files.limits import MOST_TASKS
from privgan.schema.columns import (
    Discrete,
    Kind,
    Numeric,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)
from privgan.schema.schema import Schema
from privgan.schema.tasks import TASKS, Task, TaskKind, main_of

TASK_LIST = "tasks"
TEXT_KEYS = frozenset({"positive", "treated", "treatment", "outcome", "column", "date"})
_TWO = 2
_MOST_SHOWN = 8
# By kind: the fields that must be there. By field: the one that names a value of its column.
_NEEDED = {
    TaskKind.RESPONSE: ("target",),
    TaskKind.SCORECARD: ("target",),
    TaskKind.UPLIFT: ("treatment", "outcome"),
    TaskKind.SEGMENTS: (),
    TaskKind.REGRESSION: ("target",),
    TaskKind.RECOMMENDATION: ("column",),
    TaskKind.FORECAST: ("date",),
}
_NUMBERS = frozenset({TaskKind.REGRESSION, TaskKind.FORECAST})  # Their target is a number.
_VALUES = {"target": "positive", "outcome": "positive", "treatment": "treated"}


def with_tasks(document: Document, schema: Schema) -> Schema:
    """A schema with the tasks of its document.

    Values that are meant by default are filled in. A schema that names no target is to predict what
    the first task predicts.

    Args:
        document: The document; its JSON Schema is met.
        schema: What the rest of the document says.

    Raises:
        DocumentError: with every mistake and its line.
    """
    if TASK_LIST not in document.data:
        return schema
    mistakes = list(_mistakes(document, schema))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    tasks = tuple(_task(item, schema) for item in document.data[TASK_LIST])
    return replace(schema, tasks=tasks, target=schema.target or main_of(tasks))


def _task(item: JsonMapping, schema: Schema) -> Task:
    kind = TaskKind(item["kind"])
    facts: JsonDict = {key: value for key, value in item.items() if key != "kind"}
    for field, value in _VALUES.items():
        if field in facts and kind not in _NUMBERS:
            column = schema.column(facts[field])
            assert isinstance(column, Discrete)
            facts.setdefault(value, column.categories[-1])
    if kind is TaskKind.FORECAST and schema.history is not None:
        facts.setdefault("date", schema.history.order)
    if "columns" in facts:
        facts["columns"] = tuple(facts["columns"])
    return TASKS[kind](**facts)


def _mistakes(document: Document, schema: Schema) -> Iterator[str]:
    items = document.data[TASK_LIST]
    if len(items) > MOST_TASKS:
        told = f"{TASK_LIST}: found {len(items):,}, allowed: at most {MOST_TASKS}"
        yield document.mistake((TASK_LIST,), told)
        return
    for index, item in enumerate(items):
        path: DocumentPath = (TASK_LIST, index)
        if item in items[:index]:
            yield document.mistake(path, f"{TASK_LIST}[{index}]: the same task stands twice")
        for key, told in _task_mistakes(item, schema):
            where = f"{TASK_LIST}[{index}].{key}: " if key else f"{TASK_LIST}[{index}]: "
            yield document.mistake((*path, key) if key else path, where + told)


def _task_mistakes(item: JsonMapping, schema: Schema) -> Iterator[tuple[str, str]]:
    """The mistakes of one task, each with the key that it is in; empty for the whole task."""
    kind = TaskKind(item["kind"])
    if kind is TaskKind.FORECAST and schema.history is not None:
        item = {"date": schema.history.order, **item}
    known = ["kind", *(part.name for part in fields(TASKS[kind]))]
    for key in item:
        if key not in known:
            near = did_you_mean(key, known)
            yield key, f"a task of kind {kind} has no such key; allowed: {', '.join(known)}{near}"
    more = ("target",) if kind is TaskKind.FORECAST and "target" in item else ()
    for key in (*_NEEDED[kind], *more):
        if key not in item:
            yield "", f"a task of kind {kind} needs {key}: the name of a column"
        elif key in known:
            yield from _column_mistakes(kind, key, item, schema)
    if kind is TaskKind.SEGMENTS:
        yield from _segment_mistakes(item, schema)
    if kind is TaskKind.RECOMMENDATION:
        yield from _recommendation_mistakes(item, schema)
    if kind is TaskKind.UPLIFT and "treatment" in item and item["treatment"] == item.get("outcome"):
        yield "outcome", "treatment and outcome are the same column"


def _column_mistakes(
    kind: TaskKind, key: str, item: JsonMapping, schema: Schema
) -> Iterator[tuple[str, str]]:
    """Mistakes of a column to predict, of a treatment, and of the value that is meant."""
    names = [column.name for column in schema.modelled]
    if item[key] not in names:
        yield (
            key,
            f"{shown(item[key])} is no column that is modelled{did_you_mean(item[key], names)}",
        )
        return
    column = schema.column(item[key])
    if key == "date":
        if not isinstance(column, Temporal | OpenTemporal):
            kinds = f"{Kind.DATE}, {Kind.DATETIME}"
            yield key, f"column {shown(column.name)} is {column.kind}, allowed: {kinds}"
    elif kind in _NUMBERS:
        if not isinstance(column, Numeric | OpenNumeric):
            yield key, f"column {shown(column.name)} is {column.kind}, allowed: integer, float"
    elif isinstance(column, OpenCategorical):
        yield key, f"the categories of {shown(column.name)} are to be measured; declare them"
    elif not isinstance(column, Discrete):
        allowed = "categorical, ordinal, boolean"
        yield key, f"column {shown(column.name)} is {column.kind}, allowed: {allowed}"
    else:
        yield from _value_mistakes(key, column, item)


def _value_mistakes(key: str, column: Discrete, item: JsonMapping) -> Iterator[tuple[str, str]]:
    value, count = _VALUES.get(key), len(column.categories)
    choices = list(column.categories)
    some = ", ".join(choices[:_MOST_SHOWN]) + ", …" * (count > _MOST_SHOWN)
    if count < _TWO:
        yield key, f"column {shown(column.name)} has one value; there is nothing to tell apart"
    elif value is None:
        return
    elif key == "treatment" and count > _TWO:
        told = f"column {shown(column.name)} has {count} values, allowed: 2, treated and not"
        yield key, told
    elif value in item and item[value] not in choices:
        near = did_you_mean(item[value], choices)
        yield value, f"found {shown(item[value])}, allowed: {some}{near}"
    elif value not in item and count > _TWO:
        told = f"column {shown(column.name)} has {count} values; say with '{value}' which is meant"
        yield key, f"{told}: {some}"


def _recommendation_mistakes(item: JsonMapping, schema: Schema) -> Iterator[tuple[str, str]]:
    """What goes with histories alone, and what no next event has anew."""
    if schema.history is None:
        if item.get("new"):
            yield "new", "leaves out what past events hold, and the schema has no history"
    elif item.get("column") in schema.history.constant:
        told = f"column {shown(item['column'])} is constant within a customer"
        yield "column", f"{told}; name a column of the events"


def _segment_mistakes(item: JsonMapping, schema: Schema) -> Iterator[tuple[str, str]]:
    columns = item.get("columns", [])
    names = [column.name for column in schema.modelled]
    for name in columns:
        if name not in names:
            yield (
                "columns",
                f"{shown(name)} is no column that is modelled{did_you_mean(name, names)}",
            )
    if len(columns) == 1:
        yield "columns", "found one column, allowed: at least 2; leave it out for all"
