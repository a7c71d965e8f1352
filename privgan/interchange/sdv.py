"""Read and write metadata of the Synthetic Data Vault (SDV).

Reads spec versions 1 and 2 of one or several tables, and the older ``fields``.

Source: SDV's "Metadata JSON" specification, ``METADATA_SPEC_VERSION`` SINGLE_TABLE_V1,
MULTI_TABLE_V1, V1, SINGLE_TABLE_V2 and V2; what came before them has ``fields`` with ``type`` and
``subtype``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privgan.files.documents import shown
from privgan.files.json_types import JsonDict
from privgan.interchange.documents import Node, as_text
from privgan.interchange.notation import kind_of_format, moment, pattern_of, regex_of
from privgan.interchange.outcome import Exported, Losses, is_plain_boolean, values_of, widest
from privgan.interchange.stated import Facts, StatedColumn, StatedTable
from privgan.interchange.tables import chosen
from privgan.schema.columns import (
    INVENTED_KINDS,
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Role,
    Temporal,
)
from privgan.schema.schema import Schema

VERSION_KEY = "METADATA_SPEC_VERSION"
_PII = {
    Kind.NAME: {"name", "first_name", "last_name", "name_male", "name_female", "prefix", "suffix"},
    Kind.EMAIL: {"email", "ascii_email", "company_email", "free_email", "safe_email"},
    Kind.PHONE: {"phone_number", "msisdn"},
    Kind.ADDRESS: {
        "address",
        "street_address",
        "secondary_address",
        "street_name",
        "building_number",
    },
    Kind.IDENTIFIER: {
        "ssn",
        "iban",
        "credit_card_number",
        "uuid4",
        "license_plate",
        "vin",
        "bban",
        "passport_number",
    },
}
_SDTYPES = {
    Kind.NAME: "name",
    Kind.EMAIL: "email",
    Kind.PHONE: "phone_number",
    Kind.ADDRESS: "address",
}
_FIELDS = {"datetime_format": "format", "regex_format": "regex"}


def is_sdv(data: Any) -> bool:
    """Whether a document is SDV metadata."""
    if not isinstance(data, dict):
        return False
    tables = data.get("tables")
    return VERSION_KEY in data or "fields" in data or (isinstance(tables, dict) and bool(tables))


def read_sdv(root: Node, table: str | None = None) -> StatedTable:
    """Read the facts that SDV metadata states of one table.

    Args:
        root: The document.
        table: The table's name, where the metadata holds several.
    """
    name, found = chosen(root, "tables", table) if root.get("tables") else ("", root)
    listed = found.get("columns") or found.need("fields")
    drawn = str(root.value.get(VERSION_KEY, "")).endswith("V2")
    keys = {key: _key(found, key) for key in ("primary_key", "sequence_key")}
    notes = ["SDV may have taken bounds and categories from rows: confirm them"] if drawn else []
    if found.get("primary_key") and keys["primary_key"] is None:
        notes.append("the primary key has several columns, which no schema here can say")
    columns = tuple(
        _column(name, node, drawn=drawn, key=name in (*keys.values(), *_alternates(found)))
        for name, node in listed.items()
    )
    _check_keys(found, keys, {column.name for column in columns})
    return StatedTable(
        source=root.file,
        name=name,
        columns=columns,
        key=keys["primary_key"],
        sequence=keys["sequence_key"],
        notes=tuple(notes),
    )


def _check_keys(table: Node, keys: Mapping[str, str | None], known: set[str]) -> None:
    for key, column in keys.items():
        if column is not None and column not in known:
            raise table.at(key).wrong(f"found {shown(column)}, which is no column")


def _key(table: Node, key: str) -> str | None:
    """The only column of a key; None where there is none or several."""
    found = table.get(key)
    if found is not None and isinstance(found.value, list):
        texts = [entry.text() for entry in found.entries()]
        return texts[0] if len(texts) == 1 else None
    return None if found is None else found.text()


def _alternates(table: Node) -> list[str]:
    found = table.get("alternate_keys")
    listed = [] if found is None else [entry.value for entry in found.entries()]
    return [name for name in listed if isinstance(name, str)]


def _column(name: str, node: Node, *, drawn: bool, key: bool) -> StatedColumn:
    stated = node.mapping().get("sdtype") or node.need("type")
    facts: Facts = {
        "name": name,
        "unique": key,
        "drawn": drawn,
        "missing": _missing(node, key=key),
    }
    sdtype, pii = stated.text(), (node.get("pii") or Node(node.file, (), False)).truth()
    if pii and node.get("pii_category"):
        category = node.at("pii_category")
        sdtype = as_text(
            category.value[0]
            if isinstance(category.value, list) and category.value
            else category.value
        )
    if key or sdtype == "id":
        return _identifier(node, facts)
    maker = _MAKERS.get(sdtype)
    return maker(node, facts) if maker else _personal(sdtype, facts, pii=pii)


def _missing(node: Node, *, key: bool) -> bool | None:
    stated = node.get("range_is_nullable")
    return stated.truth() if stated is not None else False if key else None


def _fact(node: Node, key: str) -> str | None:
    """A text fact under its current name, or under its older one."""
    found = node.get(key) or node.get(_FIELDS[key])
    return None if found is None else found.text()


def _identifier(node: Node, facts: Facts) -> StatedColumn:
    regex = _fact(node, "regex_format")
    notes = ["its regular expression cannot be kept"] if regex and pattern_of(regex) is None else []
    pattern = pattern_of(regex) if regex else None
    return StatedColumn(
        **facts, kind=Kind.IDENTIFIER, role=Role.IDENTIFIER, pattern=pattern, notes=tuple(notes)
    )


def _numerical(node: Node, facts: Facts) -> StatedColumn:
    places = node.get("decimal_places")
    decimals = places.whole() if places else None
    stored = as_text(node.value.get("computer_representation", node.value.get("subtype", "")))
    whole = decimals == 0 or stored.lower().startswith(("int", "uint"))
    bounds: Facts = {ours: bound.number() for ours, key in _BOUNDS if (bound := node.get(key))}
    kind = Kind.INTEGER if whole else Kind.FLOAT
    sure = whole or decimals is not None or stored.lower().startswith("float")
    return StatedColumn(
        **facts, kind=kind, sure=sure, decimals=None if whole else decimals, **bounds
    )


def _temporal(node: Node, facts: Facts) -> StatedColumn:
    pattern = _fact(node, "datetime_format")
    bounds: Facts = {
        ours: moment(bound, pattern) for ours, key in _BOUNDS if (bound := node.get(key))
    }
    kind = kind_of_format(pattern) if pattern else Kind.DATETIME
    zone = "UTC" if pattern and "%z" in pattern else None
    notes = ("its moments are told in UTC, which nothing here states",) if zone else ()
    return StatedColumn(
        **facts,
        kind=kind,
        sure=pattern is not None,
        format=pattern,
        zone=zone,
        notes=notes,
        **bounds,
    )


def _categorical(node: Node, facts: Facts) -> StatedColumn:
    order = node.get("order")
    values = node.get("range_values") or order
    categories = None if values is None else tuple(entry.scalar() for entry in values.entries())
    ordered = node.value.get("sdtype") == "ordinal" or order is not None
    drawn = facts["drawn"] and order is None
    kind = Kind.ORDINAL if ordered and categories else Kind.CATEGORICAL
    return StatedColumn(**{**facts, "drawn": drawn}, kind=kind, categories=categories)


def _boolean(_: Node, facts: Facts) -> StatedColumn:
    return StatedColumn(**facts, kind=Kind.BOOLEAN)


_BOUNDS = (("lower", "range_min"), ("upper", "range_max"))
_MAKERS = {
    "numerical": _numerical,
    "datetime": _temporal,
    "categorical": _categorical,
    "ordinal": _categorical,
    "boolean": _boolean,
}


def _personal(sdtype: str, facts: Facts, *, pii: bool) -> StatedColumn:
    kind = next((kind for kind, names in _PII.items() if sdtype in names), None)
    if kind is not None:
        return StatedColumn(**facts, kind=kind, role=Role.IDENTIFIER)
    if sdtype in {"unknown", "text"}:
        return StatedColumn(**facts, kind=Kind.TEXT, role=Role.IDENTIFIER)
    note = f"its sdtype {shown(sdtype)} has no kind of its own here"
    if pii:
        return StatedColumn(
            **facts, kind=Kind.TEXT, sure=False, role=Role.IDENTIFIER, notes=(note,)
        )
    return StatedColumn(**facts, notes=(note,))


def write_sdv(schema: Schema) -> Exported:
    """Write metadata of spec version 2 for a schema's table."""
    losses = Losses()
    columns = {column.name: _written(column, losses) for column in schema.columns}
    table: JsonDict = {"columns": columns}
    unit = schema.unit.column
    if unit is not None and schema.unit.max_rows > 1:
        table["sequence_key"] = unit
        losses.say(unit, f"at most {schema.unit.max_rows} rows of one")
    elif unit is not None:
        table["primary_key"] = unit
        columns[unit].pop("range_is_nullable", None)
    data = {"tables": {schema.dataset: table}, "relationships": [], VERSION_KEY: "V2"}
    return Exported.of_json(data, losses.notes)


def _written(column: Column, losses: Losses) -> JsonDict:
    written = {"range_is_nullable": column.missing}
    if column.kind in INVENTED_KINDS:
        return _written_invented(column) | written
    if isinstance(column, Discrete):
        return _written_categories(column, losses) | written
    if isinstance(column, OpenCategorical):
        return {"sdtype": "categorical", "high_cardinality": True} | written
    if isinstance(column, Numeric | OpenNumeric):
        return _written_numbers(column, losses) | written
    if isinstance(column, Temporal | OpenTemporal):
        return _written_moments(column, losses) | written
    return {"sdtype": "unknown"} | written


def _written_invented(column: Column) -> JsonDict:
    if isinstance(column, Invented) and column.kind is Kind.IDENTIFIER:
        regex = regex_of(column.pattern, grows=False)
        return {"sdtype": "id"} | ({"regex_format": regex} if regex else {})
    return {"sdtype": _SDTYPES.get(column.kind, "unknown"), "pii": True}


def _written_categories(column: Discrete, losses: Losses) -> JsonDict:
    if column.kind is Kind.BOOLEAN:
        if is_plain_boolean(column):
            return {"sdtype": "boolean"}
        losses.say(column.name, "that its two labels are false and true")
    sdtype = "ordinal" if column.kind is Kind.ORDINAL else "categorical"
    return {"sdtype": sdtype, "range_values": values_of(column)}


def _written_numbers(column: Numeric | OpenNumeric, losses: Losses) -> JsonDict:
    written: JsonDict = {"sdtype": "numerical", "decimal_places": column.decimals}
    losses.say_special_values(column)
    losses.say_number_format(column)
    if isinstance(column, Numeric):
        whole = column.decimals == 0
        low, high = (int(end) if whole else end for end in widest(column))
        written |= {"range_min": low, "range_max": high}
    return written


def _written_moments(column: Temporal | OpenTemporal, losses: Losses) -> JsonDict:
    written: JsonDict = {"sdtype": "datetime", "datetime_format": column.format}
    if column.zone:
        losses.say(column.name, "the zone of its moments")
    losses.say_special_values(column)
    if isinstance(column, Temporal) and "%z" not in column.format:
        lower, upper = widest(column)
        written |= {
            "range_min": lower.strftime(column.format),
            "range_max": upper.strftime(column.format),
        }
    return written
