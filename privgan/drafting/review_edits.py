"""Replace a drafted fact by an answer typed in the notation of the schema's file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from privgan.drafting.review import Entry, Group
from privgan.errors import DocumentError, UsageError
from privgan.files.documents import shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.files.yaml_lines import YamlError, read_yaml
from privgan.schema.columns import INVENTED_KINDS, Kind, Source
from privgan.schema.schema import Schema
from privgan.table.column_facts import NUMERIC, stated_facts
from privgan.table.schema_file import parse_schema, schema_items, written

_ALSO: Mapping[str, tuple[str, ...]] = {"unit": ("unit", "max_rows_per_unit")}
_LISTS = frozenset({"categories", "labels", "missing_markers", "special_values"})
_LEFT_OUT = frozenset({"format", "zone", "special_values"})
_YES, _NO = frozenset({"true", "yes", "y"}), frozenset({"false", "no", "n"})
_OTHER = "other"


def fields(schema: Schema, entry: Entry) -> dict[str, str]:
    """Facts of an entry that may be edited, with their current values."""
    item = _item(schema_items(schema), entry)
    names = [name for fact in entry.facts for name in _ALSO.get(fact, (fact,))]
    return {name: _shown(item.get(name)) for name in names}


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _item(items: JsonDict, entry: Entry) -> JsonDict:
    found: JsonDict = next(
        (item for item in items["columns"] if item["name"] == entry.column), items
    )
    return found


def edited(schema: Schema, entry: Entry, typed: Mapping[str, str]) -> Schema:
    """Schema with an entry's facts as typed, and declared.

    Args:
        schema: The public facts.
        entry: What is answered.
        typed: Fact to text, as ``fields`` gives them; an empty one leaves a fact out that may be
            left out.

    Raises:
        UsageError: saying what is wrong with the answer.
    """
    items = schema_items(schema)
    item = _item(items, entry)
    if entry.column:
        _declare(item, schema, entry, typed)
    else:
        _edit_table(items, entry, typed)
    try:
        return parse_schema(written(items), name="this answer")
    except DocumentError as error:
        raise UsageError(
            "; ".join(mistake.partition(": ")[2] or mistake for mistake in error.mistakes)
        ) from error


def _edit_table(items: JsonDict, entry: Entry, typed: Mapping[str, str]) -> None:
    rows = typed.get("unit", "").strip() == "row"
    for fact, text in typed.items():
        if not (rows and fact == "max_rows_per_unit"):
            _put(items, fact, text, "")
    if entry.group is Group.UNIT:
        items["unit_source"] = Source.DECLARED.value
    if rows:
        items.pop("max_rows_per_unit", None)
    if entry.group is Group.MARKERS:
        items.pop("missing_markers_source", None)
        items["missing_markers"] = items.get("missing_markers") or [""]


def _declare(item: JsonDict, schema: Schema, entry: Entry, typed: Mapping[str, str]) -> None:
    if "kind" in typed:
        _rekind(item, typed["kind"].strip())
    for fact, text in typed.items():
        if fact != "kind" and (fact in item or fact not in _OF_KINDS):
            _put(item, fact, text, item["kind"])
    measured = item.get("source") == {"categories": Source.MEASURED.value}
    old, declared = schema.column(entry.column).sources, {*typed, *entry.facts}
    item["source"] = {
        fact: (Source.DECLARED if fact in declared else old.get(fact, Source.DECLARED)).value
        for fact in stated_facts(item)
    }
    if measured:
        item["source"]["categories"] = Source.MEASURED.value


_OF_KINDS = frozenset({"decimals", "pattern", "categories", "labels", "lower", "upper", "other"})


def _rekind(item: JsonDict, kind: str) -> None:
    """Change a column's kind; facts that the new kind lacks are left to be measured."""
    if kind not in list(Kind):
        raise UsageError(f"kind: found {shown(kind)}, allowed: {', '.join(Kind)}")
    if kind == item["kind"]:
        return
    kept = _facts_kept(item, kind)
    for fact in [*_OF_KINDS, "special_values", "format", "zone", "presence", "repeats"]:
        if fact not in kept:
            item.pop(fact, None)
    item["kind"] = kind
    item.pop("source", None)
    if kind == Kind.FLOAT:
        item["decimals"] = 0
    if kind in INVENTED_KINDS:
        item["role"] = "identifier"
    elif kind == Kind.CATEGORICAL and "categories" not in item:
        item |= {"other": _OTHER, "role": "other", "source": {"categories": Source.MEASURED.value}}


def _facts_kept(item: JsonMapping, kind: str) -> set[str]:
    """Facts of a column that stand under another kind as well."""
    if kind in NUMERIC and item["kind"] in NUMERIC:
        return {"lower", "upper", "special_values", "format"}
    return {"categories"} if _lists(kind, item) else set()


def _lists(kind: str, item: JsonMapping) -> bool:
    """Whether a column keeps its list of categories."""
    return kind in (Kind.CATEGORICAL, Kind.ORDINAL) and "categories" in item and _OTHER not in item


def _put(item: JsonDict, fact: str, text: str, kind: str) -> None:
    if not text.strip() and fact in (_LEFT_OUT | {"missing_markers"}):
        item.pop(fact, None)
    else:
        item[fact] = _value(fact, text, kind)


def _value(fact: str, text: str, kind: str) -> Any:
    try:
        if fact == "missing":
            return _truth(text)
        if fact in _LISTS:
            return _list(text, _number if fact == "special_values" and kind in NUMERIC else str)
        if fact in ("decimals", "max_rows_per_unit") or (
            fact in ("lower", "upper") and kind in NUMERIC
        ):
            return _number(text)
    except ValueError as error:
        raise UsageError(f"{fact}: {error}") from error
    return text if fact == "format" else text.strip()


def _truth(text: str) -> bool:
    if text.strip().lower() not in _YES | _NO:
        raise ValueError(f"found {shown(text)}, allowed: yes or no")
    return text.strip().lower() in _YES


def _number(text: str) -> int | float:
    try:
        number = float(text)
        return int(number) if number.is_integer() else number
    except (ValueError, OverflowError) as error:
        raise ValueError(f"found {shown(text)}, allowed: a number") from error


def _list(text: str, read: Callable[[str], Any]) -> list[Any]:
    """Values between commas, or a list as YAML writes it."""
    if not text.lstrip().startswith("["):
        return [read(part.strip()) for part in text.split(",")]
    try:
        plain = read_yaml(text)
    except YamlError as error:
        raise ValueError(f"the list cannot be read: {str(error).partition(': ')[2]}") from error
    if (
        plain is None
        or not isinstance(plain.data, list)
        or not all(isinstance(part, str) for part in plain.data)
    ):
        raise ValueError(f'found {shown(text)}, allowed: a, b, c or ["a", "b", "c"]')
    return [read(part) for part in plain.data]
