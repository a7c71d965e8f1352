"""Read a schema file's ``target`` where it is a rare outcome; report mistakes with their lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from privgan.errors import DocumentError, UsageError
from privgan.files.documents import Document, did_you_mean, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.naming import parameter
from privgan.schema.columns import Discrete, OpenCategorical
from privgan.schema.rare import RareOutcome
from privgan.schema.schema import Schema
from privgan.schema.tasks import ResponseTask

TARGET = "target"
TEXT_KEYS = frozenset({"column"})
_TWO = 2


def target_column(data: JsonMapping) -> str | None:
    """The name of the target's column, however the file writes it; None where there is none."""
    stated = data.get(TARGET)
    return stated["column"] if isinstance(stated, Mapping) else stated


def target_item(schema: Schema) -> Any:
    """The target as a schema file writes it: its name, or all that is said of a rare outcome."""
    if schema.rare is None:
        return schema.target
    return {"column": schema.target, "rare": True, **schema.rare.to_json()}


def with_rare(document: Document, schema: Schema) -> Schema:
    """A schema with the rare outcome of its document.

    A rare outcome is a task too: who has it is to be told from the other columns. So it becomes a
    response, where no task predicts the column.

    Args:
        document: The document; its JSON Schema is met.
        schema: What the rest of the document says, its tasks included.

    Raises:
        DocumentError: with every mistake and its line.
    """
    stated = document.data.get(TARGET)
    if not isinstance(stated, Mapping):
        return schema
    mistakes = [
        document.mistake((TARGET, key) if key else (TARGET,), f"{TARGET}{key and '.'}{key}: {told}")
        for key, told in _mistakes(stated, schema)
    ]
    if mistakes:
        raise DocumentError(document.name, mistakes)
    if not stated.get("rare", False):
        return schema
    return _rare(stated, schema)


def as_rare(schema: Schema, positives: int) -> Schema:
    """A schema whose target is a rare outcome, as somebody asks for who knows about how often.

    Args:
        schema: The schema, with a target.
        positives: About how many rows have the outcome.

    Raises:
        UsageError: It has no target, or one that cannot be a rare outcome.
    """
    name = parameter("positives")
    if schema.target is None:
        raise UsageError(f"{name} counts a target's rarer value, and the schema names no target")
    if positives < 1:
        raise UsageError(f"{name} is {positives}; it must be at least 1")
    stated: JsonDict = {"column": schema.target, "rare": True, "positives": positives}
    values = (
        task.positive
        for task in schema.tasks
        if isinstance(task, ResponseTask) and task.target == schema.target
    )
    value = schema.rare.positive if schema.rare else next(filter(None, values), None)
    stated |= {"positive": value} if value else {}
    mistake = next((told for _, told in _mistakes(stated, schema)), None)
    if schema.tables or mistake:
        raise UsageError(f"{name}: {mistake or 'a rare outcome goes with one table'}")
    return _rare(stated, schema)


def rare_line(schema: Schema) -> str:
    """A rare outcome as the line of a schema file."""
    text = yaml.safe_dump(
        {TARGET: target_item(schema)},
        default_flow_style=None,
        sort_keys=False,
        allow_unicode=True,
        width=math.inf,
    )
    return text.strip()


def _rare(stated: JsonMapping, schema: Schema) -> Schema:
    """The schema with an outcome that has no mistake."""
    column = schema.column(stated["column"])
    assert isinstance(column, Discrete)
    facts: JsonDict = {"positive": stated.get("positive", column.categories[-1])}
    rare = RareOutcome(**facts, positives=stated.get("positives"))
    told = any(task.main == column.name for task in schema.tasks)
    own = () if told else (ResponseTask(target=column.name, positive=rare.positive),)
    return replace(schema, rare=rare, tasks=(*schema.tasks, *own))


def _mistakes(stated: JsonMapping, schema: Schema) -> Iterator[tuple[str, str]]:
    """Mistakes, each with the key that it is in; empty for the whole target."""
    if not stated.get("rare", False):
        for key in ("positive", "positives"):
            if key in stated:
                yield key, "goes with 'rare: true'; add it, or leave this out"
        return
    if schema.history is not None or schema.unit.max_rows > 1:
        yield "rare", "a rare outcome goes with one row a customer, and one may have several here"
        return
    names = [column.name for column in schema.modelled]
    name = stated["column"]
    if name not in names:
        yield "column", f"{shown(name)} is no column that is modelled{did_you_mean(name, names)}"
        return
    column = schema.column(name)
    if isinstance(column, OpenCategorical):
        yield "column", f"the categories of {shown(name)} are to be measured; declare them"
    elif not isinstance(column, Discrete):
        allowed = "categorical, ordinal, boolean"
        yield "column", f"column {shown(name)} is {column.kind}, allowed: {allowed}"
    elif len(column.categories) != _TWO:
        told = f"column {shown(name)} has {len(column.categories)} values, allowed: 2"
        yield "column", f"{told}; a rare outcome either occurs or does not"
    elif stated.get("positive", column.categories[-1]) not in column.categories:
        allowed = ", ".join(column.categories)
        yield "positive", f"found {shown(stated['positive'])}, allowed: {allowed}"
