"""Find all mistakes in a schema's file, each with its line, before a schema is made."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from privgan.domain.measured import LARGEST_STEP
from privgan.files.documents import Document, DocumentPath, shown
from privgan.files.limits import (
    LONGEST_FORMAT,
    LONGEST_MARKER,
    LONGEST_NAME,
    LONGEST_PATTERN,
    MOST_COLUMNS,
    MOST_CONSTRAINTS,
)
from privgan.notation.number_format import Decimal, number_form
from privgan.schema.columns import INVENTED_KINDS, Kind, Source
from privgan.schema.identifiers import is_pattern
from privgan.schema.schema import TARGET_KINDS

ROW_UNIT = "row"
DISCRETE = {Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN}
NUMERIC = {Kind.INTEGER, Kind.FLOAT}
TEMPORAL = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
_FACTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories", "other"),
    Kind.ORDINAL: ("categories",),
    Kind.BOOLEAN: ("labels",),
    Kind.INTEGER: ("lower", "upper", "special_values", "format"),
    Kind.FLOAT: ("lower", "upper", "decimals", "special_values", "format"),
    Kind.DATE: ("lower", "upper", "format", "special_values"),
    Kind.DATETIME: ("lower", "upper", "format", "special_values", "zone"),
    Kind.IDENTIFIER: ("pattern", "repeats"),
}
_REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories",),
    Kind.ORDINAL: ("categories",),
    Kind.INTEGER: ("lower", "upper"),
    Kind.FLOAT: ("lower", "upper", "decimals"),
    Kind.DATE: ("lower", "upper"),
    Kind.DATETIME: ("lower", "upper"),
}
# A measurable fact with source ``measured`` is open without a value, else it was measured.
_BOUNDS = ("lower", "upper")
_MEASURABLE: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories",),
    **dict.fromkeys((Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.DATETIME), _BOUNDS),
}
_OPTIONAL = frozenset({"special_values", "other", "zone", "repeats"})
_GENERAL_FACTS = ("kind", "missing", "role")
_MARKERS = "missing_markers"
# A percent sign and one letter: a width such as %099999d would make a text of any length.
_DATE_FORMAT = re.compile(r"(?:[^%]|%-?[A-Za-z%]|%[369]f)*+\Z", re.DOTALL)
_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-4]):[0-5][0-9]\Z")
_CENTURY = 100
_MOST_STEPS = 2**53


def stated_facts(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the facts that a column states; each has a source."""
    kind = Kind(item["kind"])
    optional = _OPTIONAL | ({"format"} if kind in NUMERIC else set())
    own = [fact for fact in _FACTS.get(kind, ()) if fact in item or fact not in optional]
    return (*own, *_GENERAL_FACTS, *([_MARKERS] if _MARKERS in item else []))


def too_large(document: Document) -> Iterator[str]:
    """Sizes beyond any real schema, which would take long to check."""
    for key, most in (("columns", MOST_COLUMNS), ("constraints", MOST_CONSTRAINTS)):
        found = len(document.data.get(key, []))
        if found > most:
            yield document.mistake((key,), f"{key}: found {found:,}, allowed: at most {most:,}")
    for index, item in enumerate(document.data["columns"][:MOST_COLUMNS]):
        for key, most in (
            ("name", LONGEST_NAME),
            ("format", LONGEST_FORMAT),
            ("pattern", LONGEST_PATTERN),
        ):
            if len(item.get(key, "")) > most:
                told = f"{key} of {len(item[key]):,} characters, allowed: at most {most:,}"
                yield document.mistake(("columns", index, key), told)
        for marker in item.get(_MARKERS, []):
            if len(marker) > LONGEST_MARKER:
                told = (
                    f"{_MARKERS}: found {len(marker):,} characters, allowed: at most"
                    f" {LONGEST_MARKER:,}"
                )
                yield document.mistake(("columns", index, _MARKERS), told)


def table_mistakes(data: Mapping[str, Any], document: Document) -> list[str]:
    """Mistakes in the table's facts: repeated names, the unit, the target."""
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
            mistakes.append(
                document.mistake(
                    ("max_rows_per_unit",), "needs a unit column; with 'unit: row' leave it out"
                )
            )
    elif kinds.get(unit) != Kind.IDENTIFIER:
        mistakes.append(
            document.mistake(
                ("unit",), f"found {shown(unit)}, allowed: row, or a column of kind identifier"
            )
        )
    elif "max_rows_per_unit" not in data:
        mistakes.append(
            document.mistake(("unit",), "a unit column needs max_rows_per_unit; it has no default")
        )
    if "target" in data and kinds.get(data["target"]) not in TARGET_KINDS:
        text = (
            f"target: found {shown(data['target'])}, allowed: a categorical, ordinal, boolean or"
            " numeric column"
        )
        mistakes.append(document.mistake(("target",), text))
    if all(_is_given_up(item) for item in data["columns"]):
        mistakes.append(
            document.mistake(("columns",), "no column can be modelled: all are identifiers or PII")
        )
    return mistakes


def _is_given_up(item: Mapping[str, Any]) -> bool:
    return Kind(item["kind"]) in INVENTED_KINDS and item.get("presence") != "modelled"


def column_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document
) -> Iterator[str]:
    """Mistakes in one column of the file."""
    yield from _fact_mistakes(item, path, document)
    yield from _measured_mistakes(item, path, document)


def _fact_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document) -> Any:
    kind = Kind(item["kind"])
    where = f"column {shown(item['name'])}: "
    own = (*_FACTS.get(kind, ()), *(["presence"] if kind in INVENTED_KINDS else []))
    allowed = (*own, "name", "kind", "role", "missing", _MARKERS, "source", "description")
    for key in item:
        if key not in allowed:
            yield document.mistake((*path, key), f"{where}{key} does not go with kind {kind}")
    for key in _REQUIRED.get(kind, ()):
        if key not in item and key not in _measured(item):
            yield document.mistake(path, f"{where}kind {kind} needs {key}")
            return
    if kind in NUMERIC:
        if "lower" in item and "upper" in item:
            yield from _numeric_mistakes(item, path, document, where)
        yield from _decimals_mistakes(item, path, document, where)
    if kind in TEMPORAL:
        yield from _format_mistakes(item, path, document, where)
        yield from _moment_mistakes(item, path, document, where)
    if kind is Kind.IDENTIFIER:
        yield from _pattern_mistakes(item, path, document, where)
    yield from _absence_mistakes(item, path, document, where)
    if isinstance(item.get("source"), dict):
        for fact in item["source"]:
            if fact not in (*_FACTS.get(kind, ()), *_GENERAL_FACTS, _MARKERS):
                yield document.mistake(
                    (*path, "source", fact),
                    f"{where}source names {shown(fact)}, which is no fact of kind {kind}",
                )


def _numeric_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    lower, upper = item["lower"], item["upper"]
    if isinstance(lower, str) or isinstance(upper, str):
        yield document.mistake((*path, "lower"), f"{where}lower and upper must be numbers")
        return
    if not lower < upper:
        yield document.mistake((*path, "lower"), f"{where}lower {lower} is not below upper {upper}")
    elif (upper - lower) * 10.0 ** int(item.get("decimals", 0)) > _MOST_STEPS:
        yield document.mistake(
            (*path, "upper"),
            f"{where}lower to upper holds more than 2^53 values; narrow it, or use fewer decimals",
        )
    if item["kind"] == Kind.INTEGER and (int(lower) != lower or int(upper) != upper):
        yield document.mistake(
            (*path, "lower"), f"{where}bounds of an integer column must be whole numbers"
        )
    elif item["kind"] == Kind.INTEGER and max(abs(lower), abs(upper)) > _MOST_STEPS:
        told = (
            f"{where}integers beyond 2^53 are not told apart as numbers; make it an identifier or"
            " categorical"
        )
        yield document.mistake((*path, "upper"), told)


def _decimals_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    decimals = int(item.get("decimals", 0))
    yield from _number_format_mistakes(item, path, document, where)
    for value in item.get("special_values", []):
        if isinstance(value, str):
            yield document.mistake(
                (*path, "special_values"), f"{where}special value {shown(value)} is no number"
            )
            return
    stated = [(key, item[key]) for key in _BOUNDS if key in item]
    for key, value in [
        *stated,
        *(("special_values", value) for value in item.get("special_values", [])),
    ]:
        if not isinstance(value, str) and round(value, decimals) != value:
            yield document.mistake(
                (*path, key),
                f"{where}{key} {value} has more than {decimals} decimals, as no value may have",
            )
        if key == "special_values" and abs(value) * 10.0**decimals > LARGEST_STEP:
            yield document.mistake(
                (*path, key),
                f"{where}special value {value} is more than 2^52 steps from 0; use fewer decimals",
            )


def _number_format_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    if "format" not in item:
        return
    try:
        form = number_form(item["format"])
    except ValueError as error:
        yield document.mistake((*path, "format"), f"{where}format: {error}")
        return
    decimals = int(item.get("decimals", 0))
    if isinstance(form, Decimal) and not form.exponent and form.digits < decimals:
        told = f"{where}format writes {form.digits} decimals where a value may have {decimals}"
        yield document.mistake((*path, "format"), told)


def _measured(item: Mapping[str, Any]) -> frozenset[str]:
    """Facts of a column that were or will be measured."""
    source = item.get("source")
    return (
        frozenset(fact for fact, found in source.items() if found == Source.MEASURED)
        if isinstance(source, dict)
        else frozenset()
    )


def _measured_mistakes(item: Mapping[str, Any], path: DocumentPath, document: Document) -> Any:
    kind, facts = Kind(item["kind"]), _measured(item)
    where, allowed = f"column {shown(item['name'])}: ", _MEASURABLE.get(kind, ())
    whole = (
        f"write source: {{{', '.join(f'{fact}: measured' for fact in allowed)}}}"
        if allowed
        else "declare it"
    )
    if item.get("source") == Source.MEASURED or not facts <= set(allowed):
        able = " and ".join(allowed) or "nothing"
        yield document.mistake(
            (*path, "source"), f"{where}of kind {kind} {able} can be measured; {whole}"
        )
    elif facts and facts != set(allowed):
        yield document.mistake(
            (*path, "source"), f"{where}lower and upper are measured together; {whole}"
        )
    elif facts and 0 < sum(fact in item for fact in allowed) < len(allowed):
        yield document.mistake(
            path, f"{where}give lower and upper, or neither to have them measured"
        )
    if kind is Kind.CATEGORICAL:
        yield from _other_mistakes(item, path, document, where)


def _other_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    if "categories" not in _measured(item):
        if "other" in item:
            yield document.mistake(
                (*path, "other"), f"{where}other goes only with source: {{categories: measured}}"
            )
        return
    label = item.get("other")
    if label is None:
        yield document.mistake(
            path,
            f"{where}measured categories need other: a label for all values that are not"
            " discovered",
        )
    elif label in document.data.get("missing_markers", [""]):
        yield document.mistake(
            (*path, "other"),
            f"{where}other {shown(label)} is a missing marker; choose another label",
        )
    elif label not in item.get("categories", [label]):
        yield document.mistake(
            (*path, "categories"),
            f"{where}measured categories must hold {shown(label)}, as other says",
        )


def _format_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    if not _DATE_FORMAT.match(item.get("format", "")):
        found = shown(item["format"])
        told = f"{where}format: found {found}, allowed: text with %Y, %m, %d and their like"
        yield document.mistake((*path, "format"), told)
    elif "%Z" in item.get("format", "") or ("%z" in item.get("format", "") and "zone" not in item):
        told = (
            f"{where}format holds a time zone; say with 'zone' in which zone the moments are told,"
            " and write %z"
        )
        yield document.mistake((*path, "format"), told)
    if "zone" in item and not _is_zone(item["zone"]):
        told = (
            f"{where}zone: found {shown(item['zone'])}, allowed: UTC, an offset such as +03:00, or"
            " such as Europe/Berlin"
        )
        yield document.mistake((*path, "zone"), told)


def _is_zone(name: str) -> bool:
    return bool(_OFFSET.match(name)) or name in _zones()


@cache
def _zones() -> frozenset[str]:
    """Names of all time zones, read from the disk once."""
    return frozenset(zoneinfo.available_timezones())


def _moment_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    try:
        stated = [moment_of(item[key]) for key in _BOUNDS if key in item]
        for value in item.get("special_values", []):
            moment_of(value)
    except (TypeError, ValueError):
        key = "lower" if "lower" in item else "special_values"
        yield document.mistake(
            (*path, key), f"{where}lower, upper and special_values must be dates such as 2020-12-31"
        )
        return
    if len(stated) < len(_BOUNDS):
        return
    lower, upper = stated
    if not lower < upper:
        yield document.mistake(
            (*path, "lower"), f"{where}lower {item['lower']} is not before upper {item['upper']}"
        )
    elif "%y" in item.get("format", "") and upper.year >= lower.year + _CENTURY:
        told = (
            f"{where}years of two digits are read as {lower.year} to {lower.year + _CENTURY - 1};"
            " narrow lower to upper"
        )
        yield document.mistake((*path, "upper"), told)


def _pattern_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    pattern = item.get("pattern", "{}")
    if not is_pattern(pattern):
        yield document.mistake(
            (*path, "pattern"),
            f"{where}pattern {shown(pattern)} must hold one serial number, e.g. C{{:08d}}",
        )


def _absence_mistakes(
    item: Mapping[str, Any], path: DocumentPath, document: Document, where: str
) -> Any:
    for key in ("presence", _MARKERS):
        if key in item and not item.get("missing", False):
            yield document.mistake((*path, key), f"{where}{key} goes only with missing: true")
    if (
        item["kind"] in INVENTED_KINDS
        and "presence" in item
        and document.data["unit"] == item["name"]
    ):
        yield document.mistake(
            (*path, "presence"), f"{where}the unit is never missing; leave presence out"
        )
    taken = {*item.get("categories", []), *item.get("labels", [])} & set(item.get(_MARKERS, []))
    if taken:
        yield document.mistake(
            (*path, _MARKERS),
            f"{where}{shown(sorted(taken)[0])} is a category and a missing marker",
        )


def moment_of(text: Any) -> dt.datetime:
    """Parse a date or moment of a schema's file; ValueError where it is none or has a zone."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("a bound has no time zone")
    return moment
