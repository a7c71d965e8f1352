"""Write the JSON Schema of a released row, draft 2020-12.

Facts without a keyword in JSON Schema stand under ``x-privgan``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from privgan.files.json_types import JsonDict
from privgan.interchange.json_schema_places import OWN
from privgan.interchange.notation import UUID, ZONED, regex_of
from privgan.interchange.outcome import Exported, Losses, is_plain_boolean, values_of
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenNumeric,
    OpenTemporal,
    Temporal,
)
from privgan.schema.schema import Schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def write_json_schema(schema: Schema) -> Exported:
    """Write the JSON Schema of a released row; moments are texts in the column's format."""
    losses = Losses()
    losses.say_constraints(schema)
    data = {
        "$schema": DRAFT,
        "title": schema.dataset,
        "type": "object",
        "additionalProperties": False,
        "required": list(schema.names),
        "properties": {column.name: _property(column, losses) for column in schema.columns},
    }
    return Exported.of_json(data, losses.notes)


def _property(column: Column, losses: Losses) -> JsonDict:
    own: JsonDict = {"kind": column.kind.value, "role": column.role.value}
    written = dict(_written(column, own, losses))
    nullable = {"anyOf": [written, {"type": "null"}]} if column.missing else written
    described = {"description": column.description} if column.description else {}
    return {**described, **nullable, OWN: own}


def _written(column: Column, own: JsonDict, losses: Losses) -> Iterator[tuple[str, Any]]:
    if isinstance(column, Discrete):
        yield from _written_categories(column, own)
    elif isinstance(column, Numeric | OpenNumeric):
        yield from _written_numbers(column, own)
    elif isinstance(column, Temporal | OpenTemporal):
        yield from _written_moments(column, own)
    elif isinstance(column, Invented) and column.kind is Kind.IDENTIFIER:
        yield "type", "string"
        yield from _written_pattern(column, own)
    else:
        yield "type", "string"
        if column.kind is Kind.EMAIL:
            yield "format", "email"


def _written_categories(column: Discrete, own: JsonDict) -> Iterator[tuple[str, Any]]:
    if column.kind is Kind.BOOLEAN:
        own["labels"] = list(column.categories)
        if is_plain_boolean(column):
            yield "type", "boolean"
            return
    yield "enum", values_of(column)


def _written_numbers(column: Numeric | OpenNumeric, own: JsonDict) -> Iterator[tuple[str, Any]]:
    whole = column.decimals == 0
    own |= {} if column.kind is Kind.INTEGER else {"decimals": column.decimals}
    own |= {"format": column.format} if column.format else {}
    kind = {"type": "integer" if whole else "number"}
    bounds = (
        {"minimum": _plain(column.lower), "maximum": _plain(column.upper)}
        if isinstance(column, Numeric)
        else {}
    )
    if not column.special_values:
        yield from {**kind, **bounds}.items()
        return
    special = [_plain(value) for value in column.special_values]
    own["special_values"] = special
    yield "anyOf", [{**kind, **bounds}, {"enum": special}]


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


def _written_moments(column: Temporal | OpenTemporal, own: JsonDict) -> Iterator[tuple[str, Any]]:
    yield "type", "string"
    own["format"] = column.format
    own |= {"zone": column.zone} if column.zone else {}
    if column.special_values:
        own["special_values"] = [value.isoformat() for value in column.special_values]
    if column.format == "%Y-%m-%d":
        yield "format", "date"
    elif column.format == ZONED:
        yield "format", "date-time"
    if isinstance(column, Temporal):
        for key, bound in (("formatMinimum", column.lower), ("formatMaximum", column.upper)):
            is_date = column.format == "%Y-%m-%d"
            yield key, bound.strftime(column.format) if is_date else bound.isoformat()


def _written_pattern(column: Invented, own: JsonDict) -> Iterator[tuple[str, Any]]:
    own["pattern"] = column.pattern
    if column.pattern == UUID:
        yield "format", "uuid"
    regex = regex_of(column.pattern)
    if regex is not None:
        yield "pattern", f"^{regex}$"
