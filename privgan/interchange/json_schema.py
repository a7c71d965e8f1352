"""Read the JSON Schema of a row as an object, drafts 4 to 2020-12.

Facts without a keyword in JSON Schema stand under ``x-privgan``. Bounds of moments stand under
``formatMinimum`` and ``formatMaximum``, as in the validator ajv.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from privgan.files.documents import shown
from privgan.interchange.documents import Node, as_text
from privgan.interchange.json_schema_places import (
    NUMBER_TYPES,
    OWN,
    is_number,
    listed_values,
    resolved,
    without_null,
)
from privgan.interchange.notation import (
    CLOCK,
    UUID,
    ZONED,
    kind_of_format,
    moment,
    pattern_of,
)
from privgan.interchange.stated import (
    Facts,
    StatedColumn,
    StatedTable,
    facts_not_modelled,
    facts_of_numbers,
)
from privgan.schema.columns import (
    Kind,
    Role,
)

_FORMATS: Mapping[str, Facts] = {
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
    row = resolved(root, root)
    if row.value.get("type") == "array" or "items" in row.value:
        row = resolved(row.need("items"), root)
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


def _column(name: str, node: Node, root: Node, *, required: bool) -> StatedColumn:
    if node.value is True or node.value == {}:
        return StatedColumn(
            name=name,
            missing=None if required else True,
            notes=("nothing is stated of its values",),
        )
    found, nullable, notes = without_null(resolved(node, root), root)
    own = found.get(OWN)
    facts: Facts = {
        "name": name,
        "missing": nullable or not required,
        "description": as_text(found.value.get("description") or found.value.get("title") or ""),
        "notes": tuple(notes),
    }
    facts |= _values(found) or _typed(found, own)
    facts["notes"] = tuple(dict.fromkeys((*notes, *facts["notes"])))
    return StatedColumn(**{**facts, **(_own(own) if own is not None else {})})


def _values(node: Node) -> Facts | None:
    """The facts of a column with a list of values; None without a list."""
    listed = listed_values(node)
    if listed is None:
        return None
    values = [value for value in listed if value is not None]
    if not values or any(isinstance(value, dict | list) for value in values):
        raise node.wrong(
            "its list of values holds none, or a list or mapping; write texts or numbers"
        )
    return _facts_of(values) | ({"missing": True} if None in listed else {})


def _facts_of(values: list[Any]) -> Facts:
    if all(isinstance(value, bool) for value in values):
        return {"kind": Kind.BOOLEAN}
    if all(map(is_number, values)):
        return facts_of_numbers(values)
    return {"kind": Kind.CATEGORICAL, "categories": tuple(map(as_text, values))}


def _typed(node: Node, own: Node | None) -> Facts:
    kind = node.get("type")
    word = kind.text() if kind else "string" if node.get("format") or node.get("pattern") else ""
    if word == "boolean":
        return {"kind": Kind.BOOLEAN}
    if word in NUMBER_TYPES:
        return _numbers(node, whole=word == "integer")
    if word == "string":
        return _texts(node, own)
    if word in {"object", "array"}:
        return facts_not_modelled(word)
    return {"notes": ("its type is not stated",)}


def _numbers(node: Node, *, whole: bool) -> Facts:
    facts: Facts = {"kind": Kind.INTEGER if whole else Kind.FLOAT}
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


def _stepped(step: float, *, whole: bool) -> Facts:
    found = re.fullmatch(r"1e-0?([0-9]{1,2})|0\.(0*)1", f"{step:g}")
    if step == 1:
        return {"kind": Kind.INTEGER}
    if whole or not found:
        return {"notes": (f"multiples of {step:g} cannot be kept",)}
    return {"decimals": int(found[1]) if found[1] else len(found[2]) + 1}


def _texts(node: Node, own: Node | None) -> Facts:
    form, longest = node.get("format"), node.get("maxLength")
    facts = dict(_FORMATS.get(form.text(), {})) if form else {}
    written = own.get("format") if own is not None else None
    if facts.get("kind") in {Kind.DATE, Kind.DATETIME} or written is not None:
        facts |= _moments(node, written.text() if written else facts["format"])
    elif "pattern" not in facts:
        facts |= _pattern(node)
    notes = [*facts.get("notes", ())]
    if "zone" in facts:
        notes.append("its moments are told in UTC, whatever their offsets")
    return facts | {"longest": longest.whole() if longest else None, "notes": tuple(notes)}


def _pattern(node: Node) -> Facts:
    stated = node.get("pattern")
    if not stated:
        return {}
    pattern = pattern_of(stated.text())
    return {"pattern": pattern} if pattern else {"notes": ("its pattern cannot be kept",)}


def _moments(node: Node, pattern: str) -> Facts:
    bounds = (("lower", "formatMinimum"), ("upper", "formatMaximum"))
    return {"kind": kind_of_format(pattern), "format": pattern} | {
        ours: moment(node.at(key), pattern) for ours, key in bounds if node.get(key)
    }


def _own(own: Node) -> Facts:
    """The facts under ``x-privgan``; unknown keys are skipped."""
    facts: Facts = {key: read(own.at(key)) for key, read in _OWN_READERS.items() if own.get(key)}
    return facts | ({"categories": None} if facts.get("kind") is Kind.BOOLEAN else {})


def _word(node: Node, enum: Any) -> Any:
    text = node.text()
    if text not in set(enum):
        raise node.wrong(f"found {shown(text)}, allowed: {', '.join(enum)}")
    return enum(text)


def _special(node: Node) -> Any:
    return moment(node) if isinstance(node.value, str) else node.number()


_OWN_READERS: Mapping[str, Callable[[Node], Any]] = {
    "kind": lambda node: _word(node, Kind),
    "role": lambda node: _word(node, Role),
    "pattern": Node.text,
    "format": Node.text,
    "zone": Node.text,
    "decimals": Node.whole,
    "labels": lambda node: tuple(entry.text() for entry in node.entries())[:2],
    "special_values": lambda node: tuple(map(_special, node.entries())),
}
