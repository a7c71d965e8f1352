"""Read JSON Schema of a row as an object, drafts 4 to 2020-12, and write 2020-12.

Facts without a keyword in JSON Schema stand under ``x-privgan``. Bounds of moments stand under
``formatMinimum`` and ``formatMaximum``, as in the validator ajv.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from privgan.files.documents import shown
from privgan.interchange.documents import Node, as_text
from privgan.interchange.notation import (
    CLOCK,
    UUID,
    ZONED,
    kind_of_format,
    moment,
    pattern_of,
    regex_of,
)
from privgan.interchange.outcome import Exported, Losses
from privgan.interchange.stated import StatedColumn, StatedTable
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenNumeric,
    OpenTemporal,
    Role,
    Temporal,
)
from privgan.schema.schema import Schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"
OWN = "x-privgan"
_MOST_HOPS = 20
_ALTERNATIVES = ("anyOf", "oneOf")
_NUMBERS = ("number", "integer")
_FORMATS: Mapping[str, dict[str, Any]] = {
    "date": {"kind": Kind.DATE, "format": "%Y-%m-%d"},
    "date-time": {"kind": Kind.DATETIME, "format": ZONED, "zone": "UTC"},
    "time": {"kind": Kind.DATETIME, "format": CLOCK},
    "email": {"kind": Kind.EMAIL},
    "idn-email": {"kind": Kind.EMAIL},
    "uuid": {"kind": Kind.IDENTIFIER, "pattern": UUID},
    "duration": {"kind": Kind.INTEGER, "format": "PT"},
    "uri": {"kind": Kind.TEXT},
    "hostname": {"kind": Kind.TEXT},
    "ipv4": {"kind": Kind.TEXT},
    "ipv6": {"kind": Kind.TEXT},
}


def is_json_schema(data: Any) -> bool:
    """Whether a document is a JSON Schema of an object, or of a list of objects."""
    return isinstance(data, dict) and (
        isinstance(data.get("properties"), dict)
        or "$schema" in data
        or "$ref" in data
        or data.get("type") in ("object", "array")
    )


def read_json_schema(root: Node) -> StatedTable:
    """Read the facts that a JSON Schema states of a table's rows."""
    row = _resolved(root, root)
    if row.value.get("type") == "array" or "items" in row.value:
        row = _resolved(row.need("items"), root)
    required = (
        {entry.text() for entry in row.need("required").entries()} if row.get("required") else set()
    )
    columns = [
        _column(name, node, root, required=name in required)
        for name, node in row.need("properties").items()
    ]
    notes = [
        f"{key} is not read"
        for key in ("patternProperties", "if", "dependentSchemas")
        if row.get(key)
    ]
    title = row.get("title")
    return StatedTable(
        source=root.file,
        name=as_text(title.value) if title else "",
        columns=tuple(columns),
        notes=tuple(notes),
    )


def _resolved(node: Node, root: Node) -> Node:
    """Merge a place with its references and its ``allOf``; the nearest wins.

    References must stay inside the document.
    """
    merged: dict[str, Any] = {}
    waiting, hops = [node], 0
    while waiting:
        place = waiting.pop(0)
        hops += 1
        if hops > _MOST_HOPS:
            raise node.wrong(f"refers to more than {_MOST_HOPS} other places, or to itself")
        merged = {**place.mapping().value, **merged}
        if place.get("$ref"):
            waiting.append(_referred(place.at("$ref"), root))
        if place.get("allOf"):
            waiting += place.at("allOf").entries()
    return Node(
        node.file,
        node.path,
        {key: value for key, value in merged.items() if key not in {"$ref", "allOf"}},
    )


def _referred(reference: Node, root: Node) -> Node:
    text = reference.text()
    if not text.startswith("#"):
        raise reference.wrong(
            f"found {shown(text)}, which is in another document; write it out here"
        )
    place = root
    for step in text[1:].strip("/").split("/") if len(text) > 1 else []:
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(place.value, dict) or key not in place.value:
            raise reference.wrong(f"found {shown(text)}, which is not in this document")
        place = place.at(key)
    return place


def _column(name: str, node: Node, root: Node, *, required: bool) -> StatedColumn:
    if node.value is True or node.value == {}:
        return StatedColumn(
            name=name,
            missing=None if required else True,
            notes=("nothing is stated of its values",),
        )
    found, nullable, notes = _without_null(_resolved(node, root), root)
    own = found.get(OWN)
    facts: dict[str, Any] = {
        "name": name,
        "missing": nullable or not required,
        "description": as_text(found.value.get("description") or found.value.get("title") or ""),
        "notes": tuple(notes),
    }
    facts |= _values(found) or _typed(found, own)
    facts["notes"] = tuple(dict.fromkeys((*notes, *facts["notes"])))
    return StatedColumn(**{**facts, **(_own(own) if own is not None else {})})


def _without_null(node: Node, root: Node, depth: int = 0) -> tuple[Node, bool, list[str]]:
    """Remove the alternative null: the place, whether it was nullable, and notes."""
    if depth > _MOST_HOPS:
        raise node.wrong(f"has more than {_MOST_HOPS} alternatives inside each other")
    nullable = node.value.get("nullable") is True
    for key in _ALTERNATIVES:
        if not node.get(key):
            continue
        branches = [_resolved(branch, root) for branch in node.at(key).entries()]
        left = [
            branch
            for branch in branches
            if branch.value.get("type") != "null" and branch.value.get("const", 0) is not None
        ]
        nullable = nullable or len(left) < len(branches)
        merged, notes = _one_of(left)
        around = {name: value for name, value in node.value.items() if name != key}
        inner, more, further = _without_null(
            Node(node.file, node.path, {**merged, **around}), root, depth + 1
        )
        return inner, nullable or more, [*notes, *further]
    if isinstance(node.value.get("type"), list):
        listed = [entry.text() for entry in node.at("type").entries()]
        types = [kind for kind in listed if kind != "null"]
        kept = (
            types[0]
            if len(types) == 1
            else "number"
            if set(types) == {"integer", "number"}
            else "string"
        )
        notes = (
            []
            if len(types) == 1 or kept == "number"
            else [f"may be {' or '.join(map(as_text, types))}: it is taken as text"]
        )
        return (
            Node(node.file, node.path, node.value | {"type": kept}),
            nullable or "null" in listed,
            notes,
        )
    return node, nullable, []


def _one_of(branches: list[Node]) -> tuple[dict[str, Any], list[str]]:
    """Merge several alternatives into one place, with notes on what is lost."""
    if len(branches) == 1:
        return dict(branches[0].value), []
    listed = [_listed(branch) for branch in branches]
    if branches and all(values is not None for values in listed):
        return {"enum": [value for values in listed if values for value in values]}, []
    ranges = [branch for branch, values in zip(branches, listed, strict=True) if values is None]
    special = [value for values in listed if values for value in values]
    if len(ranges) == 1 and special and all(_is_number(value) for value in special):
        return {**ranges[0].value, OWN: {"special_values": special}}, []
    numeric = next((branch for branch in branches if branch.value.get("type") in _NUMBERS), None)
    if numeric is not None:
        return dict(numeric.value), ["has several alternatives: its number is kept"]
    return {"type": "string"}, ["has several alternatives: it is taken as text"]


def _listed(node: Node) -> list[Any] | None:
    if "const" in node.value:
        return [node.value["const"]]
    found = node.get("enum")
    return None if found is None else [entry.value for entry in found.entries()]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(node: Node) -> dict[str, Any] | None:
    """The facts of a column with a list of values; None without a list."""
    listed = _listed(node)
    if listed is None:
        return None
    missing = {"missing": True} if None in listed else {}
    values = [value for value in listed if value is not None]
    if not values or any(isinstance(value, dict | list) for value in values):
        raise node.wrong(
            "its list of values holds none, or a list or mapping; write texts or numbers"
        )
    if all(isinstance(value, bool) for value in values):
        return {"kind": Kind.BOOLEAN, **missing}
    if all(_is_number(value) for value in values):
        return {
            "kind": Kind.ORDINAL,
            "categories": tuple(as_text(value) for value in sorted(set(values))),
            **missing,
        }
    return {
        "kind": Kind.CATEGORICAL,
        "categories": tuple(as_text(value) for value in values),
        **missing,
    }


def _typed(node: Node, own: Node | None) -> dict[str, Any]:
    kind = node.get("type")
    word = kind.text() if kind else "string" if node.get("format") or node.get("pattern") else ""
    if word == "boolean":
        return {"kind": Kind.BOOLEAN}
    if word in _NUMBERS:
        return _numbers(node, whole=word == "integer")
    if word == "string":
        return _texts(node, own)
    if word in {"object", "array"}:
        return {
            "kind": Kind.TEXT,
            "sure": False,
            "notes": (f"is {word}: it is invented, and not modelled",),
        }
    return {"notes": ("its type is not stated",)}


def _numbers(node: Node, *, whole: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": Kind.INTEGER if whole else Kind.FLOAT}
    for key, inclusive, exclusive in (("minimum", "lower", "above"), ("maximum", "upper", "below")):
        strict = node.get(f"exclusive{key.capitalize()}")
        if node.get(key):
            facts[exclusive if strict and strict.value is True else inclusive] = node.at(
                key
            ).number()
        elif strict:
            facts[exclusive] = strict.number()
    step = node.get("multipleOf")
    if step is not None:
        return facts | _stepped(step.number(), whole=whole)
    return facts


def _stepped(step: float, *, whole: bool) -> dict[str, Any]:
    found = re.fullmatch(r"1e-0?([0-9]{1,2})|0\.(0*)1", f"{step:g}")
    if step == 1:
        return {"kind": Kind.INTEGER}
    if whole or not found:
        return {"notes": (f"multiples of {step:g} cannot be kept",)}
    return {"decimals": int(found[1]) if found[1] else len(found[2]) + 1}


def _texts(node: Node, own: Node | None) -> dict[str, Any]:
    form = node.get("format")
    facts = dict(_FORMATS.get(form.text(), {})) if form else {}
    pattern, longest = node.get("pattern"), node.get("maxLength")
    written = own.get("format") if own is not None else None
    if facts.get("kind") in {Kind.DATE, Kind.DATETIME} or written is not None:
        facts |= _moments(node, written.text() if written else facts["format"])
    elif pattern and "pattern" not in facts:
        regex = pattern.text()
        facts |= (
            {"pattern": found}
            if (found := pattern_of(regex))
            else {"notes": ("its pattern cannot be kept",)}
        )
    notes = [*facts.get("notes", ())]
    if "zone" in facts:
        notes.append("its moments are told in UTC, whatever their offsets")
    return facts | {"longest": longest.whole() if longest else None, "notes": tuple(notes)}


def _moments(node: Node, pattern: str) -> dict[str, Any]:
    bounds = (("lower", "formatMinimum"), ("upper", "formatMaximum"))
    return {"kind": kind_of_format(pattern), "format": pattern} | {
        ours: moment(node.at(key), pattern) for ours, key in bounds if node.get(key)
    }


def _own(own: Node) -> dict[str, Any]:
    """The facts under ``x-privgan``; unknown keys are skipped."""
    facts: dict[str, Any] = {}
    for key, enum in (("kind", Kind), ("role", Role)):
        if own.get(key):
            facts[key] = _word(own.at(key), enum)
    for key in ("pattern", "format", "zone"):
        if own.get(key):
            facts[key] = own.at(key).text()
    if own.get("decimals"):
        facts["decimals"] = own.at("decimals").whole()
    if own.get("labels"):
        facts["labels"] = tuple(entry.text() for entry in own.at("labels").entries())[:2]
    if own.get("special_values"):
        facts["special_values"] = tuple(
            _special(entry) for entry in own.at("special_values").entries()
        )
    return facts | ({"categories": None} if facts.get("kind") is Kind.BOOLEAN else {})


def _word(node: Node, enum: Any) -> Any:
    text = node.text()
    if text not in set(enum):
        raise node.wrong(f"found {shown(text)}, allowed: {', '.join(enum)}")
    return enum(text)


def _special(node: Node) -> Any:
    return moment(node) if isinstance(node.value, str) else node.number()


def write_json_schema(schema: Schema) -> Exported:
    """Write the JSON Schema of a released row; moments are texts in the column's format."""
    losses = Losses()
    if schema.constraints:
        losses.say("the table", "its constraints between columns")
    data = {
        "$schema": DRAFT,
        "title": schema.dataset,
        "type": "object",
        "additionalProperties": False,
        "required": list(schema.names),
        "properties": {column.name: _property(column, losses) for column in schema.columns},
    }
    return Exported.of_json(data, losses.notes)


def _property(column: Column, losses: Losses) -> dict[str, Any]:
    own: dict[str, Any] = {"kind": column.kind.value, "role": column.role.value}
    written = dict(_written(column, own, losses))
    nullable = {"anyOf": [written, {"type": "null"}]} if column.missing else written
    described = {"description": column.description} if column.description else {}
    return {**described, **nullable, OWN: own}


def _written(column: Column, own: dict[str, Any], losses: Losses) -> Iterator[tuple[str, Any]]:
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


def _written_categories(column: Discrete, own: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if column.kind is Kind.BOOLEAN:
        own["labels"] = list(column.categories)
        if [label.lower() for label in column.categories] == ["false", "true"]:
            yield "type", "boolean"
            return
    yield (
        "enum",
        [int(value) for value in column.categories] if column.integral else list(column.categories),
    )


def _written_numbers(
    column: Numeric | OpenNumeric, own: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
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


def _written_moments(
    column: Temporal | OpenTemporal, own: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
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
        yield (
            "formatMinimum",
            (
                column.lower.strftime(column.format)
                if column.format == "%Y-%m-%d"
                else column.lower.isoformat()
            ),
        )
        yield (
            "formatMaximum",
            (
                column.upper.strftime(column.format)
                if column.format == "%Y-%m-%d"
                else column.upper.isoformat()
            ),
        )


def _written_pattern(column: Invented, own: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    own["pattern"] = column.pattern
    if column.pattern == UUID:
        yield "format", "uuid"
    regex = regex_of(column.pattern)
    if regex is not None:
        yield "pattern", f"^{regex}$"
