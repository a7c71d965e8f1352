"""Read and write pandera schemas in their YAML and JSON form, without pandera.

A column's checks stand under their names beside its dtype. Or they stand under ``checks``, as a
mapping or as a list with ``options.check_name``.

Source: pandera's "Data Format Conversion".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from privgan.files.documents import shown
from privgan.files.json_types import JsonDict
from privgan.interchange.column_names import key_among
from privgan.interchange.documents import Node, as_text, words
from privgan.interchange.notation import moment, pattern_of, regex_of
from privgan.interchange.outcome import Exported, Losses, is_plain_boolean, values_of, widest
from privgan.interchange.stated import Facts, StatedColumn, StatedTable, facts_of_numbers
from privgan.schema.columns import (
    INVENTED_KINDS,
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
from privgan.table.presenting import escaped

_DRAWN = "pandera's infer_schema takes bounds from rows: confirm them"
_MOMENT = "%Y-%m-%d %H:%M:%S"
_ZONE = re.compile(r"datetime64\[[a-z]+, *([^\]]+)\]|datetimetzdtype\(.*tz=['\"]?([^'\",)]+)")
_DECIMAL = re.compile(r"decimal(?:128)?\( *[0-9]+ *, *([0-9]+) *\)")
_KINDS = (
    (Kind.BOOLEAN, ("bool",)),
    (Kind.INTEGER, ("int", "uint")),
    (Kind.FLOAT, ("float", "double", "decimal")),
    (Kind.DATETIME, ("datetime", "timestamp")),
    (Kind.DATE, ("date",)),
    (Kind.CATEGORICAL, ("category", "categorical", "enum")),
)
_TEXTS = ("str", "object", "string", "large_string", "utf8", "none")
_FIRST_YEAR, _LAST_YEAR = 1678, 2261  # Of moments counted in nanoseconds.
_LONGEST = 200  # Characters of a dtype that are looked at.
_ALIASES = {
    "ge": "greater_than_or_equal_to",
    "gt": "greater_than",
    "le": "less_than_or_equal_to",
    "lt": "less_than",
}
_RANGES = {
    "greater_than_or_equal_to": "lower",
    "greater_than": "above",
    "less_than_or_equal_to": "upper",
    "less_than": "below",
}
_NO_CHECKS = words(
    "title description dtype nullable checks name unique coerce required regex default"
    " report_duplicates drop_invalid_rows metadata alias parsers"
)


def is_pandera(data: Any) -> bool:
    """Whether a document is a serialised schema of pandera."""
    return isinstance(data, dict) and "schema_type" in data


def read_pandera(root: Node) -> StatedTable:
    """Read the facts that a serialised pandera schema states."""
    kind = root.need("schema_type").text()
    if kind != "dataframe":
        raise root.at("schema_type").wrong(f"found {shown(kind)}, allowed: dataframe")
    coerced, notes = root.get("dtype"), [_DRAWN]
    columns = [
        _column(name, node, coerced)
        for name, node in _listed(root.need("columns"))
        if not _by_regex(name, node, notes)
    ]
    together = root.get("unique")
    if together is not None and isinstance(together.value, list) and len(together.value) > 1:
        notes.append("that several columns together are unique cannot be kept")
    if root.get("checks"):
        notes.append("the checks of the whole table are not read")
    title = root.get("name") or root.get("title")
    return StatedTable(
        source=root.file,
        name=as_text(title.value) if title else "",
        columns=tuple(columns),
        key=key_among(columns),
        notes=tuple(notes),
    )


def _listed(columns: Node) -> list[tuple[str, Node]]:
    if isinstance(columns.value, list):
        return [(entry.need("name").scalar(), entry) for entry in columns.entries()]
    return list(columns.items())


def _by_regex(name: str, node: Node, notes: list[str]) -> bool:
    """Whether a column's name is a regular expression for several names."""
    found = node.mapping().get("regex")
    by_regex = found is not None and found.truth()
    if by_regex:
        notes.append(f"the columns named like {shown(name)} are left out: write them out")
    return by_regex


def _column(name: str, node: Node, coerced: Node | None) -> StatedColumn:
    stated = node.get("dtype") or coerced
    dtype = as_text(stated.value)[:_LONGEST].lower() if stated else ""
    kind, known = _kind(dtype, name)
    checks = _checks(node)
    notes = [] if known else [f"its dtype {shown(dtype)} has no kind of its own here"]
    facts = _stated(name, node) | {"kind": kind}
    facts |= _typed(kind, dtype) | _values(checks, kind) | _ranges(checks, kind)
    facts |= _texts(checks, notes)
    word = _text(node, "title")
    if word in set(Kind):
        facts |= _titled(Kind(word), facts)
    notes += [f"the check {shown(check)} is not read" for check in checks if check not in _READ]
    return StatedColumn(**facts, notes=tuple(notes))


def _stated(name: str, node: Node) -> Facts:
    """The facts that do not depend on a column's dtype."""
    missing = _truth(node, "nullable", default=False)
    return {
        "name": name,
        "missing": missing or not _truth(node, "required", default=True),
        "unique": _truth(node, "unique", default=False),
        "description": _text(node, "description"),
        "drawn": True,
    }


def _truth(node: Node, key: str, *, default: bool) -> bool:
    found = node.get(key)
    return default if found is None else found.truth()


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return "" if found is None else as_text(found.value)


def _kind(dtype: str, name: str) -> tuple[Kind | None, bool]:
    """The kind of a dtype, and whether the dtype is known."""
    if dtype.startswith("timedelta"):
        return Kind.INTEGER, True
    kind = next((kind for kind, names in _KINDS if dtype.startswith(names)), None)
    return kind, kind is not None or not dtype or dtype.startswith(_TEXTS)


def _typed(kind: Kind | None, dtype: str) -> Facts:
    if dtype.startswith("timedelta"):
        return {"format": "[h]:mm:ss", "sure": False}
    zone, places = _ZONE.search(dtype), _DECIMAL.search(dtype)
    if kind is Kind.DATETIME and zone:
        name = (zone[1] or zone[2]).strip()
        return {
            "zone": "UTC" if name == "utc" else "/".join(part.title() for part in name.split("/"))
        }
    if kind is Kind.FLOAT and places:
        return {"decimals": int(places[1])} if int(places[1]) else {"kind": Kind.INTEGER}
    return {}


def _checks(node: Node) -> dict[str, Node]:
    """Each check under its full name, with its statistics."""
    found = {key: place for key, place in node.items() if key not in _NO_CHECKS}
    listed = node.get("checks")
    if listed is not None and isinstance(listed.value, list):
        for entry in listed.entries():
            found[entry.need("options").need("check_name").text()] = entry
    elif listed is not None:
        found |= dict(listed.items())
    return {_ALIASES.get(name, name): _statistic(place) for name, place in found.items()}


def _statistic(node: Node) -> Node:
    """A check's only argument, or all of them."""
    if not isinstance(node.value, dict):
        return node
    keys = [key for key in node.value if key != "options"]
    alone = keys == ["value"] or (
        len(keys) == 1 and keys[0] in {"min_value", "max_value", "allowed_values", "pattern"}
    )
    return node.at(keys[0]) if alone else node


def _values(checks: Mapping[str, Node], kind: Kind | None) -> Facts:
    found = checks.get("isin") or checks.get("equal_to")
    if found is None or kind in {Kind.BOOLEAN, Kind.DATE, Kind.DATETIME}:
        return {}
    entries = list(found.entries()) if isinstance(found.value, list) else [found]
    if not entries:
        return {}
    if kind in {Kind.INTEGER, Kind.FLOAT}:
        return facts_of_numbers(entry.number() for entry in entries)
    texts = tuple(entry.scalar() for entry in entries)
    return {"categories": texts, "kind": Kind.CATEGORICAL}


def _ranges(checks: Mapping[str, Node], kind: Kind | None) -> Facts:
    facts: Facts = {}
    if kind not in {Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.DATETIME}:
        return facts
    for check, fact in _RANGES.items():
        if check in checks:
            facts[fact] = _bound(checks[check], kind)
    within = checks.get("in_range") or checks.get("between")
    if within is not None:
        for key, ends, strict in (("min_value", "lower", "above"), ("max_value", "upper", "below")):
            inclusive = _truth(within.mapping(), f"include_{key[:3]}", default=True)
            facts[ends if inclusive else strict] = _bound(within.need(key), kind)
    return facts


def _bound(node: Node, kind: Kind) -> Any:
    return moment(node, _MOMENT) if kind in {Kind.DATE, Kind.DATETIME} else node.number()


def _texts(checks: Mapping[str, Node], notes: list[str]) -> Facts:
    facts: Facts = {}
    if "str_matches" in checks:
        pattern = pattern_of(checks["str_matches"].text())
        facts |= {"pattern": pattern} if pattern else {}
        notes += [] if pattern else ["its pattern cannot be kept"]
    if "str_length" in checks:
        longest = checks["str_length"].get("max_value")
        facts |= {"longest": longest.whole()} if longest else {}
    return facts


_READ = frozenset(
    {*_RANGES, "in_range", "between", "isin", "equal_to", "str_matches", "str_length"}
)


def _titled(kind: Kind, facts: Facts) -> Facts:
    """The facts of a title that names a kind.

    An export writes such titles where pandera has no type of its own.
    """
    categories = facts.get("categories") or ()
    if kind in INVENTED_KINDS:
        return {"kind": kind, "role": Role.IDENTIFIER, "categories": None}
    if kind is Kind.BOOLEAN and len(categories) == 2:
        return {"kind": kind, "labels": categories, "categories": None}
    if kind is Kind.FLOAT and facts.get("kind") is Kind.INTEGER:
        return {"kind": kind, "decimals": 0}
    return {"kind": kind} if _suits(kind, facts.get("kind"), categories) else {}


def _suits(kind: Kind, stated: Kind | None, categories: Sequence[str]) -> bool:
    """Whether a title's kind goes with the stated kind and categories."""
    if kind in {Kind.ORDINAL, Kind.CATEGORICAL}:
        return bool(categories)
    moments = kind in {Kind.DATE, Kind.DATETIME} and stated in {None, Kind.DATETIME}
    return moments and not categories


def write_pandera(schema: Schema) -> Exported:
    """Write the schema as pandera's YAML; released CSV and Parquet rows satisfy it."""
    losses = Losses()
    losses.say_constraints(schema)
    data = {
        "schema_type": "dataframe",
        "api": "pandas",
        "columns": {column.name: _written(column, schema, losses) for column in schema.columns},
        "coerce": True,
        "strict": True,
        "name": schema.dataset,
    }
    return Exported(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), losses.notes)


def _written(column: Column, schema: Schema, losses: Losses) -> JsonDict:
    written: JsonDict = {"title": column.kind.value}
    if column.description:
        written["description"] = column.description
    written |= _written_facts(column, losses)
    if schema.unit.column == column.name and schema.unit.max_rows == 1:
        written["unique"] = True
    return written | {"nullable": column.missing}


def _written_facts(column: Column, losses: Losses) -> JsonDict:
    if isinstance(column, Discrete):
        return _written_categories(column, losses)
    if isinstance(column, Numeric | OpenNumeric):
        return _written_numbers(column, losses)
    if isinstance(column, Temporal | OpenTemporal):
        return _written_moments(column, losses)
    regex = (
        regex_of(column.pattern)
        if isinstance(column, Invented) and column.kind is Kind.IDENTIFIER
        else None
    )
    return {"dtype": "str"} | ({"checks": {"str_matches": f"^{regex}$"}} if regex else {})


def _written_categories(column: Discrete, losses: Losses) -> JsonDict:
    if is_plain_boolean(column):
        return {"dtype": "boolean"}
    if column.integral:
        return {"dtype": "Int64", "checks": {"isin": values_of(column)}}
    if any(escaped(value) != value for value in column.categories):
        losses.say(
            column.name,
            "that a CSV file writes ' before what a spreadsheet would run; check the Parquet file",
        )
    return {"dtype": "str", "checks": {"isin": list(column.categories)}}


def _written_numbers(column: Numeric | OpenNumeric, losses: Losses) -> JsonDict:
    whole = column.decimals == 0
    if not whole:
        losses.say(column.name, f"its {column.decimals} decimals")
    losses.say_special_values(column)
    losses.say_number_format(column)
    written: JsonDict = {"dtype": "Int64" if whole else "float64"}
    if isinstance(column, Numeric):
        low, high = widest(column)
        ends = (int(low), int(high)) if whole else (low, high)
        written["checks"] = {
            "in_range": {
                "min_value": ends[0],
                "max_value": ends[1],
                "include_min": True,
                "include_max": True,
            }
        }
    return written


def _written_moments(column: Temporal | OpenTemporal, losses: Losses) -> JsonDict:
    losses.say(column.name, f"its format {column.format}")
    losses.say_special_values(column)
    ends = widest(column) if isinstance(column, Temporal) else ()
    if any(not _FIRST_YEAR <= end.year <= _LAST_YEAR for end in ends):
        losses.say(column.name, "moments of years that pandera's type does not hold")
        return {}
    written: JsonDict = {
        "dtype": f"datetime64[s, {column.zone}]" if column.zone else "datetime64[s]"
    }
    if ends and not column.zone:
        checks = ("greater_than_or_equal_to", "less_than_or_equal_to")
        written["checks"] = {
            check: end.isoformat(" ") for check, end in zip(checks, ends, strict=True)
        }
    elif column.zone:
        losses.say(column.name, "bounds of moments with a zone")
    return written
