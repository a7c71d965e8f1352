"""Read and write a schema as YAML; report every mistake at once, with its line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import yaml

from privgan.errors import DocumentError
from privgan.files.documents import Document, parse_document, read_text, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenCategorical,
    OpenNumeric,
    OpenTemporal,
    Role,
    Source,
    Temporal,
)
from privgan.schema.schema import Schema
from privgan.table.column_facts import BOOLEAN_LABELS, DISCRETE, NUMERIC, TEMPORAL, stated_facts
from privgan.table.column_mistakes import ColumnItem, column_mistakes, moment_of
from privgan.table.constraint_file import NULLABLE_KEYS, TEXT_KEYS, constraint_items, constraints_of
from privgan.table.feature_file import TEXT_KEYS as FEATURE_KEYS
from privgan.table.feature_file import with_features
from privgan.table.history_file import TEXT_KEYS as HISTORY_KEYS
from privgan.table.history_file import with_history
from privgan.table.mistakes import ROW_UNIT, table_mistakes, too_large
from privgan.table.rare_file import TARGET, target_column, target_item, with_rare
from privgan.table.rare_file import TEXT_KEYS as RARE_KEYS
from privgan.table.stated_values import stated_problems
from privgan.table.tables_file import TABLES, related_schema, table_items
from privgan.table.tables_file import TEXT_KEYS as TABLE_KEYS
from privgan.table.task_file import TASK_LIST, with_tasks
from privgan.table.task_file import TEXT_KEYS as TASK_KEYS

FORMAT = "privgan.schema/1"
_TEXT_KEYS = (
    TEXT_KEYS
    | FEATURE_KEYS
    | HISTORY_KEYS
    | TABLE_KEYS
    | TASK_KEYS
    | RARE_KEYS
    | frozenset(
        {
            *("categories", "other", "labels", "name", "dataset", "unit", "missing_markers"),
            *("description", "pattern", "format", "zone"),
        }
    )
)
_KEPT = 4  # Schemas of a process: that of a request, and that of its candidate.
_LINE_ENDS = "\r\x85\u2028\u2029"


def load_schema(path: Path | str) -> Schema:
    """Read a schema file.

    Raises:
        DocumentError: with every mistake and its line.
    """
    path = Path(path)
    return _parsed(_Written(read_text(path), path.name))


def parse_schema(text: str, name: str = "schema") -> Schema:
    """Parse a schema from YAML text, as load_schema does from a file."""
    return _parsed(_Written(text, name))


@dataclass(frozen=True)
class _Written:
    """Text of a schema and, for messages alone, its name."""

    text: str
    name: str = field(compare=False)


@lru_cache(maxsize=_KEPT)
def _parsed(written: _Written) -> Schema:
    """Schema of a text, cached.

    A text of 100,000 categories takes seconds, and every stage of a run parses the same one.
    """
    text, name = written.text, written.name
    document = parse_document(
        text, name=name, format_name=FORMAT, text_keys=_TEXT_KEYS, nullable_keys=NULLABLE_KEYS
    )
    if TABLES in document.data:
        return related_schema(document, _schema)
    return _schema(document)


def _schema(document: Document) -> Schema:
    data, mistakes = document.data, list(too_large(document))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    columns: list[Column] = []
    for index, item in enumerate(data["columns"]):
        path = ("columns", index)
        found = list(column_mistakes(ColumnItem(item, path, document)))
        mistakes += found
        if not found:
            column = _column(item)
            where = f"column {shown(column.name)}: "
            mistakes += [
                document.mistake((*path, key), f"{where}{told}")
                for key, told in stated_problems(column)
            ]
            columns.append(column)
    mistakes += table_mistakes(document)
    if mistakes:
        raise DocumentError(document.name, mistakes)
    markers = tuple(data.get("missing_markers", [""]))
    schema = Schema(
        dataset=data["dataset"],
        unit=_unit(data),
        columns=tuple(columns),
        missing_markers=markers,
        unit_source=Source(data.get("unit_source", Source.DECLARED)),
        missing_markers_source=Source(data.get("missing_markers_source", Source.DECLARED)),
        target=target_column(data),
    )
    whole = replace(schema, constraints=constraints_of(document, schema))
    tasked = with_tasks(document, with_features(document, with_history(document, whole)))
    return with_rare(document, tasked)


def _unit(data: JsonMapping) -> PrivacyUnit:
    if data["unit"] == ROW_UNIT:
        return PrivacyUnit()
    if "events" in data:
        return PrivacyUnit(column=data["unit"], events=True)
    return PrivacyUnit(column=data["unit"], max_rows=int(data["max_rows_per_unit"]))


def _column(item: JsonMapping) -> Column:
    kind = Kind(item["kind"])
    common: JsonDict = {
        "name": item["name"],
        "kind": kind,
        "role": Role(item.get("role", Role.OTHER)),
        "missing": item.get("missing", False),
        "sources": _sources(item),
        "description": item.get("description", ""),
        "missing_markers": tuple(item.get("missing_markers", [])),
    }
    if kind in DISCRETE:
        return _discrete(item, kind, common)
    if kind in NUMERIC:
        return _numeric(item, common)
    if kind in TEMPORAL:
        return _temporal(item, kind, common)
    return Invented(
        **common,
        pattern=item.get("pattern", "{}"),
        presence=item.get("presence") == "modelled",
        empty=item.get("presence") == "none",
        repeats="repeats" in item,
    )


def _discrete(item: JsonMapping, kind: Kind, common: JsonMapping) -> Column:
    if kind is Kind.CATEGORICAL and "categories" not in item:
        return OpenCategorical(**common, other=item["other"])
    values = item.get("labels", BOOLEAN_LABELS) if kind is Kind.BOOLEAN else item["categories"]
    return Discrete(**common, categories=tuple(values), other=item.get("other"))


def _numeric(item: JsonMapping, common: JsonMapping) -> Column:
    facts: JsonDict = {
        **common,
        "decimals": int(item.get("decimals", 0)),
        "special_values": tuple(float(value) for value in item.get("special_values", [])),
        "format": item.get("format", ""),
    }
    if "lower" not in item:
        return OpenNumeric(**facts)
    return Numeric(**facts, lower=float(item["lower"]), upper=float(item["upper"]))


def _temporal(item: JsonMapping, kind: Kind, common: JsonMapping) -> Column:
    facts: JsonDict = {
        **common,
        "format": item.get("format", TEMPORAL[kind]),
        "special_values": tuple(moment_of(value) for value in item.get("special_values", [])),
        "zone": item.get("zone", ""),
    }
    if "lower" not in item:
        return OpenTemporal(**facts)
    return Temporal(**facts, lower=moment_of(item["lower"]), upper=moment_of(item["upper"]))


def _sources(item: JsonMapping) -> dict[str, Source]:
    """Source of every fact that the column states; declared where the file gives none.

    That an identifier may repeat is assumed public: readers of the guarantee have to see it.
    """
    source, stated = item.get("source", Source.DECLARED), stated_facts(item)
    given: JsonDict = dict(source) if isinstance(source, dict) else dict.fromkeys(stated, source)
    if "repeats" in stated:
        given["repeats"] = Source.ASSUMED_PUBLIC
    return {fact: Source(given.get(fact, Source.DECLARED)) for fact in stated}


def dump_schema(schema: Schema, comment: str = "") -> str:
    """Schema as YAML text that load_schema reads back to an equal schema."""
    return written(schema_items(schema), comment)


def schema_items(schema: Schema) -> JsonDict:
    """Schema as the mappings, lists and values of its file."""
    data: JsonDict = {
        "format": FORMAT,
        "dataset": schema.dataset,
        "unit": schema.unit.column or ROW_UNIT,
    }
    data["unit_source"] = schema.unit_source.value
    if schema.unit.column:
        data["max_rows_per_unit"] = schema.unit.max_rows
    data["missing_markers"] = list(schema.missing_markers)
    if schema.missing_markers_source is not Source.DECLARED:
        data["missing_markers_source"] = schema.missing_markers_source.value
    if schema.target is not None:
        data[TARGET] = target_item(schema)
    if schema.history is not None:
        data |= schema.history.to_json()
    if schema.tasks:
        data[TASK_LIST] = [task.to_json() for task in schema.tasks]
    if schema.tables:
        data.pop("max_rows_per_unit", None)
        data[TABLES] = table_items(schema, _item, constraint_items(schema))
        return data
    data["columns"] = [_item(column) for column in schema.columns]
    if schema.constraints:
        data["constraints"] = constraint_items(schema)
    return data | schema.feature_facts()


def written(items: JsonMapping, comment: str = "") -> str:
    """Values of a schema's file as YAML text, below a comment."""
    text = yaml.dump(
        dict(items),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
        default_flow_style=False,
    )
    return "".join(f"# {line}\n" for line in comment.splitlines()) + text


class _Dumper(yaml.SafeDumper):
    """Quotes line ends of all alphabets doubly; YAML folds them in single quotes."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if any(sign in text for sign in _LINE_ENDS) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _item(column: Column) -> JsonDict:
    item: JsonDict = {"name": column.name, "kind": column.kind.value, **_own_items(column)}
    item |= {"missing": column.missing, "role": column.role.value}
    if column.missing_markers:
        item["missing_markers"] = list(column.missing_markers)
    kinds_of_source = set(column.sources.values())
    if len(kinds_of_source) == 1:
        item["source"] = kinds_of_source.pop().value
    elif kinds_of_source:
        item["source"] = {fact: source.value for fact, source in column.sources.items()}
    if column.description:
        item["description"] = column.description
    return item


def _own_items(column: Column) -> JsonDict:
    """Facts of a column that only its kind has."""
    if isinstance(column, Numeric | OpenNumeric):
        return _numeric_item(column)
    if isinstance(column, Temporal | OpenTemporal):
        return _temporal_item(column)
    if isinstance(column, Invented):
        return _invented_item(column)
    return _categorical_item(column) if isinstance(column, Discrete | OpenCategorical) else {}


def _categorical_item(column: Discrete | OpenCategorical) -> JsonDict:
    item: JsonDict = {}
    if isinstance(column, Discrete):
        item["labels" if column.kind is Kind.BOOLEAN else "categories"] = list(column.categories)
    return item | ({"other": column.other} if column.other is not None else {})


def _numeric_item(column: Numeric | OpenNumeric) -> JsonDict:
    item: JsonDict = {}
    if isinstance(column, Numeric):
        item |= {"lower": _number(column.lower), "upper": _number(column.upper)}
    if column.kind is Kind.FLOAT:
        item["decimals"] = column.decimals
    if column.special_values:
        item["special_values"] = [_number(value) for value in column.special_values]
    return item | ({"format": column.format} if column.format else {})


def _temporal_item(column: Temporal | OpenTemporal) -> JsonDict:
    item: JsonDict = {}
    if isinstance(column, Temporal):
        item |= {"lower": column.lower.isoformat(), "upper": column.upper.isoformat()}
    item["format"] = column.format
    if column.special_values:
        item["special_values"] = [value.isoformat() for value in column.special_values]
    return item | ({"zone": column.zone} if column.zone else {})


def _invented_item(column: Invented) -> JsonDict:
    item: JsonDict = {"pattern": column.pattern} if column.kind is Kind.IDENTIFIER else {}
    if column.presence or column.empty:
        item["presence"] = "modelled" if column.presence else "none"
    return item | ({"repeats": "allowed"} if column.repeats else {})


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
