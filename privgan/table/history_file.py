"""Read a schema file's ``order`` and ``history``; report every mistake with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from privgan.errors import DocumentError
from privgan.files.documents import Document, DocumentPath, did_you_mean, shown
from privgan.schema.columns import (
    Column,
    Kind,
    Numeric,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)
from privgan.schema.history import LONGEST, HistoryFacts
from privgan.schema.schema import Schema

ORDER, HISTORY = "order", "history"
TEXT_KEYS = frozenset({ORDER, "constant", "spread"})
_ORDERS = frozenset({Kind.DATE, Kind.DATETIME, Kind.INTEGER})
_FEWEST_ROWS = 2


def with_history(document: Document, schema: Schema) -> Schema:
    """A schema with the history of its document.

    Args:
        document: The document; its JSON Schema is met.
        schema: What the rest of the document says.

    Raises:
        DocumentError: with every mistake and its line.
    """
    if ORDER not in document.data and HISTORY not in document.data:
        return schema
    mistakes = [*_pair_mistakes(document), *_unit_mistakes(document, schema)]
    if not mistakes:
        mistakes = [
            *_order_mistakes(document, schema),
            *_constant_mistakes(document, schema),
            *_spread_mistakes(document, schema),
        ]
    if mistakes:
        raise DocumentError(document.name, mistakes)
    return replace(schema, history=_history(document))


def _history(document: Document) -> HistoryFacts:
    stated = document.data[HISTORY]
    facts = {} if stated is True else stated
    return HistoryFacts(
        order=document.data[ORDER],
        constant=tuple(facts.get("constant", ())),
        spread=tuple(facts.get("spread", ())),
        longest=int(facts.get("longest", LONGEST)),
    )


def _pair_mistakes(document: Document) -> Iterator[str]:
    """``order`` and ``history`` stand together, and without features."""
    data = document.data
    for here, other in ((ORDER, HISTORY), (HISTORY, ORDER)):
        if here in data and other not in data:
            yield document.mistake((here,), f"{here} needs {other}; give both, or neither")
    if "events" in data and HISTORY in data:
        told = "a table of features has one row a customer; leave out history, or events"
        yield document.mistake((HISTORY,), f"{HISTORY}: {told}")


def _unit_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    if schema.unit.column is None:
        told = "a history needs a unit column that names the customer; found unit: row"
        yield document.mistake(("unit",), told)
    elif schema.unit.max_rows < _FEWEST_ROWS and "events" not in document.data:
        told = f"found {schema.unit.max_rows}, allowed: at least {_FEWEST_ROWS} with a history"
        yield document.mistake(("max_rows_per_unit",), f"max_rows_per_unit: {told}")


def _order_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    name, path = document.data[ORDER], (ORDER,)
    if name not in schema.names:
        told = f"{shown(name)} is no column{did_you_mean(name, list(schema.names))}"
        yield document.mistake(path, f"{ORDER}: {told}")
        return
    column = schema.column(name)
    if column.kind not in _ORDERS:
        kinds = ", ".join(sorted(_ORDERS))
        told = f"column {shown(name)} is of kind {column.kind}, allowed: {kinds}"
        yield document.mistake(path, f"{ORDER}: {told}")
    if column.missing:
        told = f"column {shown(name)} may be missing; each event of a history has its place"
        yield document.mistake(path, f"{ORDER}: {told}")
    if _has_special_values(column):
        told = f"column {shown(name)} has special values, which have no place in an order"
        yield document.mistake(path, f"{ORDER}: {told}")


def _has_special_values(column: Column) -> bool:
    if isinstance(column, Numeric | OpenNumeric):
        return bool(column.special_values)
    return isinstance(column, Temporal | OpenTemporal) and bool(column.special_values)


def _constant_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    stated = document.data[HISTORY]
    names = [] if stated is True else stated.get("constant", [])
    allowed = [column.name for column in schema.modelled if column.name != document.data[ORDER]]
    for index, name in enumerate(names):
        path: DocumentPath = (HISTORY, "constant", index)
        if name == document.data[ORDER]:
            yield document.mistake(path, f"{shown(name)} orders the rows and is not constant")
        elif name not in allowed:
            told = f"{shown(name)} is no column that is modelled{did_you_mean(name, allowed)}"
            yield document.mistake(path, f"{HISTORY}.constant: {told}")


def _spread_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    stated = document.data[HISTORY]
    facts = {} if stated is True else stated
    left_out = {document.data[ORDER], *facts.get("constant", ())}
    numbers = (part for part in schema.columns if isinstance(part, Numeric | OpenNumeric))
    allowed = [column.name for column in numbers if column.name not in left_out]
    for index, name in enumerate(facts.get("spread", ())):
        if name not in allowed:
            path: DocumentPath = (HISTORY, "spread", index)
            told = f"{shown(name)} is no number of an event{did_you_mean(name, allowed)}"
            yield document.mistake(path, f"{HISTORY}.spread: {told}")
