"""Read and write a schema as YAML; every mistake is reported at once, with its line."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from privgan.documents import Document, DocumentPath, load_document, parse_document, shown
from privgan.errors import DocumentError
from privgan.limits import (
    LONGEST_FORMAT,
    LONGEST_NAME,
    LONGEST_PATTERN,
    MOST_COLUMNS,
    MOST_CONSTRAINTS,
)
from privgan.privacy.unit import PrivacyUnit
from privgan.table.columns import (
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
from privgan.table.constraint_file import NULLABLE_KEYS, TEXT_KEYS, constraint_items, constraints_of
from privgan.table.invent import is_pattern
from privgan.table.measured import LARGEST_STEP
from privgan.table.schema import Schema
from privgan.table.targets import TARGET_KINDS

FORMAT = "privgan.schema/1"
ROW_UNIT = "row"
_TEXT_KEYS = TEXT_KEYS | frozenset(
    {"categories", "other", "labels", "name", "dataset", "unit", "missing_markers", "description", "pattern"}
)
_DISCRETE = {Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN}
_NUMERIC = {Kind.INTEGER, Kind.FLOAT}
_TEMPORAL = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
_FACTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories", "other"),
    Kind.ORDINAL: ("categories",),
    Kind.BOOLEAN: ("labels",),
    Kind.INTEGER: ("lower", "upper", "special_values"),
    Kind.FLOAT: ("lower", "upper", "decimals", "special_values"),
    Kind.DATE: ("lower", "upper", "format"),
    Kind.DATETIME: ("lower", "upper", "format"),
    Kind.IDENTIFIER: ("pattern",),
}
_REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories",),
    Kind.ORDINAL: ("categories",),
    Kind.INTEGER: ("lower", "upper"),
    Kind.FLOAT: ("lower", "upper", "decimals"),
    Kind.DATE: ("lower", "upper"),
    Kind.DATETIME: ("lower", "upper"),
}
# A measurable fact whose source is measured is still open where it has no value, and was measured where it has one.
_BOUNDS = ("lower", "upper")
_MEASURABLE: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories",),
    **dict.fromkeys((Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.DATETIME), _BOUNDS),
}
_OPTIONAL = frozenset({"special_values", "other"})
_GENERAL_FACTS = ("kind", "missing", "role")
# A percent sign and one letter: widths such as %099999d would make a text of any length.
_DATE_FORMAT = re.compile(r"(?:[^%]|%-?[A-Za-z%])*+\Z", re.DOTALL)
_MOST_STEPS = 2**53
_LINE_ENDS = "\r\x85\u2028\u2029"
BOOLEAN_LABELS = ("False", "True")


def load_schema(path: Path | str) -> Schema:
    """Read a schema file.

    Raises:
        DocumentError: with every mistake and its line.
    """
    return _schema(load_document(Path(path), format_name=FORMAT, text_keys=_TEXT_KEYS, nullable_keys=NULLABLE_KEYS))


def parse_schema(text: str, name: str = "schema") -> Schema:
    """As load_schema, from YAML text."""
    return _schema(parse_document(text, name=name, format_name=FORMAT, text_keys=_TEXT_KEYS, nullable_keys=NULLABLE_KEYS))


def _schema(document: Document) -> Schema:
    data, mistakes = document.data, list(_too_large(document))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    columns: list[Column] = []
    for index, item in enumerate(data["columns"]):
        path = ("columns", index)
        found = [*_column_mistakes(item, path, document), *_measured_mistakes(item, path, document)]
        mistakes += found
        if not found:
            columns.append(_column(item))
    mistakes += _table_mistakes(data, document)
    if mistakes:
        raise DocumentError(document.name, mistakes)
    unit = (
        PrivacyUnit() if data["unit"] == ROW_UNIT else PrivacyUnit(column=data["unit"], max_rows=int(data["max_rows_per_unit"]))
    )
    markers = tuple(data.get("missing_markers", [""]))
    schema = Schema(
        dataset=data["dataset"],
        unit=unit,
        columns=tuple(columns),
        missing_markers=markers,
        unit_source=Source(data.get("unit_source", Source.DECLARED)),
        missing_markers_source=Source(data.get("missing_markers_source", Source.DECLARED)),
        target=data.get("target"),
    )
    return replace(schema, constraints=constraints_of(document, schema))


def _too_large(document: Document) -> Iterator[str]:
    """What is more than any schema has: it would take long to judge."""
    for key, most in (("columns", MOST_COLUMNS), ("constraints", MOST_CONSTRAINTS)):
        found = len(document.data.get(key, []))
        if found > most:
            yield document.mistake((key,), f"{key}: found {found:,}, allowed: at most {most:,}")
    for index, item in enumerate(document.data["columns"][:MOST_COLUMNS]):
        for key, most in (("name", LONGEST_NAME), ("format", LONGEST_FORMAT), ("pattern", LONGEST_PATTERN)):
            if len(item.get(key, "")) > most:
                told = f"{key} of {len(item[key]):,} characters, allowed: at most {most:,}"
                yield document.mistake(("columns", index, key), told)


def _table_mistakes(data: Mapping[str, Any], document: Document) -> list[str]:
    names = [item["name"] for item in data["columns"]]
    mistakes = [
        document.mistake(("columns", i), f"the column {shown(name)} stands twice")
        for i, name in enumerate(names)
        if name in names[:i]
    ]
    kinds = {item["name"]: item["kind"] for item in data["columns"]}
    unit = data["unit"]
    if unit == ROW_UNIT:
        if "max_rows_per_unit" in data:
            mistakes.append(document.mistake(("max_rows_per_unit",), "needs a unit column; with 'unit: row' leave it out"))
    elif kinds.get(unit) != Kind.IDENTIFIER:
        mistakes.append(document.mistake(("unit",), f"found {shown(unit)}, allowed: row, or a column of kind identifier"))
    elif "max_rows_per_unit" not in data:
        mistakes.append(document.mistake(("unit",), "a unit column needs max_rows_per_unit; it has no default"))
    if "target" in data and kinds.get(data["target"]) not in TARGET_KINDS:
        text = f"target: found {shown(data['target'])}, allowed: a categorical, ordinal, boolean or numeric column"
        mistakes.append(document.mistake(("target",), text))
    if all(Kind(item["kind"]) not in _DISCRETE | _NUMERIC | set(_TEMPORAL) for item in data["columns"]):
        mistakes.append(document.mistake(("columns",), "no column can be modelled: all are identifiers or PII"))
    return mistakes


def _column_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document) -> Any:
    kind = Kind(item["kind"])
    where = f"column {shown(item['name'])}: "
    allowed = (*_FACTS.get(kind, ()), "name", "kind", "role", "missing", "source", "description")
    for key in item:
        if key not in allowed:
            yield document.mistake((*path, key), f"{where}{key} does not go with kind {kind}")
    for key in _REQUIRED.get(kind, ()):
        if key not in item and key not in _measured(item):
            yield document.mistake(path, f"{where}kind {kind} needs {key}")
            return
    if kind in _NUMERIC:
        if "lower" in item and "upper" in item:
            yield from _numeric_mistakes(item, path, document, where)
        yield from _decimals_mistakes(item, path, document, where)
    if kind in _TEMPORAL:
        yield from _format_mistakes(item, path, document, where)
    if kind in _TEMPORAL and "lower" in item and "upper" in item:
        yield from _temporal_mistakes(item, path, document, where)
    if kind is Kind.IDENTIFIER:
        yield from _pattern_mistakes(item, path, document, where)
    if isinstance(item.get("source"), dict):
        for fact in item["source"]:
            if fact not in (*_FACTS.get(kind, ()), *_GENERAL_FACTS):
                yield document.mistake(
                    (*path, "source", fact), f"{where}source names {shown(fact)}, which is no fact of kind {kind}"
                )


def _numeric_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document, where: str) -> Any:
    lower, upper = item["lower"], item["upper"]
    if isinstance(lower, str) or isinstance(upper, str):
        yield document.mistake((*path, "lower"), f"{where}lower and upper must be numbers")
        return
    if not lower < upper:
        yield document.mistake((*path, "lower"), f"{where}lower {lower} is not below upper {upper}")
    elif (upper - lower) * 10.0 ** int(item.get("decimals", 0)) > _MOST_STEPS:
        yield document.mistake(
            (*path, "upper"), f"{where}lower to upper holds more than 2^53 values; narrow it, or use fewer decimals"
        )
    if item["kind"] == Kind.INTEGER and (int(lower) != lower or int(upper) != upper):
        yield document.mistake((*path, "lower"), f"{where}bounds of an integer column must be whole numbers")
    for value in item.get("special_values", []):
        if not lower <= value <= upper:
            yield document.mistake((*path, "special_values"), f"{where}special value {value} is outside {lower} to {upper}")


def _decimals_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document, where: str) -> Any:
    decimals = int(item.get("decimals", 0))
    stated = [(key, item[key]) for key in _BOUNDS if key in item]
    for key, value in [*stated, *(("special_values", value) for value in item.get("special_values", []))]:
        if not isinstance(value, str) and round(value, decimals) != value:
            yield document.mistake((*path, key), f"{where}{key} {value} has more than {decimals} decimals, as no value may have")
        if key == "special_values" and abs(value) * 10.0**decimals > LARGEST_STEP:
            yield document.mistake(
                (*path, key), f"{where}special value {value} is more than 2^52 steps from 0; use fewer decimals"
            )


def _measured(item: Mapping[str, Any]) -> frozenset[str]:
    """The facts of a column that were or are to be measured."""
    source = item.get("source")
    return (
        frozenset(fact for fact, found in source.items() if found == Source.MEASURED) if isinstance(source, dict) else frozenset()
    )


def _measured_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document) -> Any:
    kind, facts = Kind(item["kind"]), _measured(item)
    where, allowed = f"column {shown(item['name'])}: ", _MEASURABLE.get(kind, ())
    whole = f"write source: {{{', '.join(f'{fact}: measured' for fact in allowed)}}}" if allowed else "declare it"
    if item.get("source") == Source.MEASURED or not facts <= set(allowed):
        able = " and ".join(allowed) or "nothing"
        yield document.mistake((*path, "source"), f"{where}of kind {kind} {able} can be measured; {whole}")
    elif facts and facts != set(allowed):
        yield document.mistake((*path, "source"), f"{where}lower and upper are measured together; {whole}")
    elif facts and 0 < sum(fact in item for fact in allowed) < len(allowed):
        yield document.mistake(path, f"{where}give lower and upper, or neither to have them measured")
    if kind is Kind.CATEGORICAL:
        yield from _other_mistakes(item, path, document, where)


def _other_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document, where: str) -> Any:
    if "categories" not in _measured(item):
        if "other" in item:
            yield document.mistake((*path, "other"), f"{where}other goes only with source: {{categories: measured}}")
        return
    label = item.get("other")
    if label is None:
        yield document.mistake(path, f"{where}measured categories need other: a label for all values that are not discovered")
    elif label in document.data.get("missing_markers", [""]):
        yield document.mistake((*path, "other"), f"{where}other {shown(label)} is a missing marker; choose another label")
    elif label not in item.get("categories", [label]):
        yield document.mistake((*path, "categories"), f"{where}measured categories must hold {shown(label)}, as other says")


def _format_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document, where: str) -> Any:
    if not _DATE_FORMAT.match(item.get("format", "")):
        found = shown(item["format"])
        told = f"{where}format: found {found}, allowed: text with %Y, %m, %d and their like"
        yield document.mistake((*path, "format"), told)
    elif any(zone in item.get("format", "") for zone in ("%z", "%Z")):
        yield document.mistake(
            (*path, "format"), f"{where}format holds a time zone; convert the moments to one zone, then drop it"
        )


def _temporal_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document, where: str) -> Any:
    try:
        lower, upper = _moment(item["lower"]), _moment(item["upper"])
    except (TypeError, ValueError):
        yield document.mistake((*path, "lower"), f"{where}lower and upper must be dates such as 2020-12-31")
        return
    if not lower < upper:
        yield document.mistake((*path, "lower"), f"{where}lower {item['lower']} is not before upper {item['upper']}")


def _pattern_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document, where: str) -> Any:
    pattern = item.get("pattern", "{}")
    if not is_pattern(pattern):
        yield document.mistake((*path, "pattern"), f"{where}pattern {shown(pattern)} must hold one serial number, e.g. C{{:08d}}")


def _moment(text: Any) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("a bound has no time zone")
    return moment


def _column(item: Mapping[str, Any]) -> Column:
    kind = Kind(item["kind"])
    common: dict[str, Any] = {
        "name": item["name"],
        "kind": kind,
        "role": Role(item.get("role", Role.OTHER)),
        "missing": item.get("missing", False),
        "sources": _sources(item, kind),
        "description": item.get("description", ""),
    }
    if kind is Kind.CATEGORICAL and "categories" not in item:
        return OpenCategorical(**common, other=item["other"])
    if kind in _DISCRETE:
        values = item.get("labels", BOOLEAN_LABELS) if kind is Kind.BOOLEAN else item["categories"]
        return Discrete(**common, categories=tuple(values), other=item.get("other"))
    if kind in _NUMERIC:
        special = tuple(float(value) for value in item.get("special_values", []))
        if "lower" not in item:
            return OpenNumeric(**common, decimals=int(item.get("decimals", 0)), special_values=special)
        bounds: dict[str, Any] = {"lower": float(item["lower"]), "upper": float(item["upper"])}
        return Numeric(**common, **bounds, decimals=int(item.get("decimals", 0)), special_values=special)
    if kind in _TEMPORAL and "lower" not in item:
        return OpenTemporal(**common, format=item.get("format", _TEMPORAL[kind]))
    if kind in _TEMPORAL:
        moments: dict[str, Any] = {"lower": _moment(item["lower"]), "upper": _moment(item["upper"])}
        return Temporal(**common, **moments, format=item.get("format", _TEMPORAL[kind]))
    return Invented(**common, pattern=item.get("pattern", "{}"))


def _sources(item: Mapping[str, Any], kind: Kind) -> dict[str, Source]:
    """The source of every fact that the column states; what a mapping does not name is declared."""
    source = item.get("source", Source.DECLARED)
    stated = [fact for fact in _FACTS.get(kind, ()) if fact in item or fact not in _OPTIONAL]
    given = source if isinstance(source, dict) else dict.fromkeys([*stated, *_GENERAL_FACTS], source)
    return {fact: Source(given.get(fact, Source.DECLARED)) for fact in [*stated, *_GENERAL_FACTS]}


def dump_schema(schema: Schema, comment: str = "") -> str:
    """The schema as YAML text that load_schema reads back to an equal schema."""
    data: dict[str, Any] = {"format": FORMAT, "dataset": schema.dataset, "unit": schema.unit.column or ROW_UNIT}
    data["unit_source"] = schema.unit_source.value
    if schema.unit.column:
        data["max_rows_per_unit"] = schema.unit.max_rows
    data["missing_markers"] = list(schema.missing_markers)
    if schema.missing_markers_source is not Source.DECLARED:
        data["missing_markers_source"] = schema.missing_markers_source.value
    if schema.target is not None:
        data["target"] = schema.target
    data["columns"] = [_item(column) for column in schema.columns]
    if schema.constraints:
        data["constraints"] = constraint_items(schema)
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)
    return "".join(f"# {line}\n" for line in comment.splitlines()) + text


class _Dumper(yaml.SafeDumper):
    """Puts double quotes around line ends of all alphabets, which YAML folds into a space inside single ones."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if any(sign in text for sign in _LINE_ENDS) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _item(column: Column) -> dict[str, Any]:
    item: dict[str, Any] = {"name": column.name, "kind": column.kind.value}
    if isinstance(column, Discrete):
        item["labels" if column.kind is Kind.BOOLEAN else "categories"] = list(column.categories)
    elif isinstance(column, Numeric | OpenNumeric):
        if isinstance(column, Numeric):
            item |= {"lower": _number(column.lower), "upper": _number(column.upper)}
        if column.kind is Kind.FLOAT:
            item["decimals"] = column.decimals
        if column.special_values:
            item["special_values"] = [_number(value) for value in column.special_values]
    elif isinstance(column, Temporal):
        item |= {"lower": column.lower.isoformat(), "upper": column.upper.isoformat(), "format": column.format}
    elif isinstance(column, OpenTemporal):
        item["format"] = column.format
    elif isinstance(column, Invented) and column.kind is Kind.IDENTIFIER:
        item["pattern"] = column.pattern
    if isinstance(column, Discrete | OpenCategorical) and column.other is not None:
        item["other"] = column.other
    item |= {"missing": column.missing, "role": column.role.value}
    kinds_of_source = set(column.sources.values())
    if len(kinds_of_source) == 1:
        item["source"] = kinds_of_source.pop().value
    elif kinds_of_source:
        item["source"] = {fact: source.value for fact, source in column.sources.items()}
    if column.description:
        item["description"] = column.description
    return item


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
