"""Resolve places of a JSON Schema: references, ``allOf``, alternatives and null."""

from __future__ import annotations

from typing import Any

from privgan.files.documents import shown
from privgan.files.json_types import JsonDict
from privgan.interchange.documents import Node, as_text

OWN = "x-privgan"
_MOST_HOPS = 20
_ALTERNATIVES = ("anyOf", "oneOf")
NUMBER_TYPES = ("number", "integer")


def resolved(node: Node, root: Node) -> Node:
    """Merge a place with its references and its ``allOf``; the nearest wins.

    References must stay inside the document.
    """
    merged: JsonDict = {}
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


def without_null(node: Node, root: Node, depth: int = 0) -> tuple[Node, bool, list[str]]:
    """Remove the alternative null: the place, whether it was nullable, and notes."""
    if depth > _MOST_HOPS:
        raise node.wrong(f"has more than {_MOST_HOPS} alternatives inside each other")
    nullable = node.value.get("nullable") is True
    key = next((key for key in _ALTERNATIVES if node.get(key)), None)
    if key is not None:
        around, null, notes = _without_alternatives(node, root, key)
        inner, more, further = without_null(around, root, depth + 1)
        return inner, nullable or null or more, [*notes, *further]
    if isinstance(node.value.get("type"), list):
        inner, null, notes = _with_one_type(node)
        return inner, nullable or null, notes
    return node, nullable, []


def _without_alternatives(node: Node, root: Node, key: str) -> tuple[Node, bool, list[str]]:
    """Merge the alternatives under a key: the place, whether null was one, and notes."""
    branches = [resolved(branch, root) for branch in node.at(key).entries()]
    left = [branch for branch in branches if not _is_null(branch)]
    merged, notes = _one_of(left)
    around = {name: value for name, value in node.value.items() if name != key}
    return Node(node.file, node.path, {**merged, **around}), len(left) < len(branches), notes


def _is_null(branch: Node) -> bool:
    return branch.value.get("type") == "null" or branch.value.get("const", 0) is None


def _with_one_type(node: Node) -> tuple[Node, bool, list[str]]:
    """Choose one of several types: the place, whether null was one, and notes."""
    listed = [entry.text() for entry in node.at("type").entries()]
    types = [kind for kind in listed if kind != "null"]
    notes = []
    if len(types) == 1:
        kept = types[0]
    elif set(types) == {"integer", "number"}:
        kept = "number"
    else:
        kept = "string"
        notes = [f"may be {' or '.join(map(as_text, types))}: it is taken as text"]
    return Node(node.file, node.path, node.value | {"type": kept}), "null" in listed, notes


def _one_of(branches: list[Node]) -> tuple[JsonDict, list[str]]:
    """Merge several alternatives into one place, with notes on what is lost."""
    if len(branches) == 1:
        return dict(branches[0].value), []
    values, ranges = _split(branches)
    if branches and not ranges:
        return {"enum": values}, []
    if len(ranges) == 1 and values and all(map(is_number, values)):
        return {**ranges[0].value, OWN: {"special_values": values}}, []
    return _first_number(branches)


def _split(branches: list[Node]) -> tuple[list[Any], list[Node]]:
    """All listed values, and the alternatives without a list."""
    values: list[Any] = []
    ranges = []
    for branch in branches:
        listed = listed_values(branch)
        if listed is None:
            ranges.append(branch)
        else:
            values += listed
    return values, ranges


def _first_number(branches: list[Node]) -> tuple[JsonDict, list[str]]:
    """The first alternative of a number, else text."""
    for branch in branches:
        if branch.value.get("type") in NUMBER_TYPES:
            return dict(branch.value), ["has several alternatives: its number is kept"]
    return {"type": "string"}, ["has several alternatives: it is taken as text"]


def listed_values(node: Node) -> list[Any] | None:
    """The values of ``const`` or ``enum``; None without either."""
    if "const" in node.value:
        return [node.value["const"]]
    found = node.get("enum")
    return None if found is None else [entry.value for entry in found.entries()]


def is_number(value: Any) -> bool:
    """Whether a value is a number and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)
