"""Find mistakes in one column of a schema's file, each with its line."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from privgan.domain.measured import LARGEST_STEP
from privgan.files.documents import Document, DocumentPath, shown
from privgan.files.json_types import JsonMapping
from privgan.notation.number_format import Decimal, number_form
from privgan.schema.columns import INVENTED_KINDS, Kind, Source
from privgan.schema.identifiers import is_pattern
from privgan.table.column_facts import (
    FACTS,
    GENERAL_FACTS,
    MARKERS,
    MEASURABLE,
    NUMERIC,
    REQUIRED,
    TEMPORAL,
)

_BOUNDS = ("lower", "upper")
# A percent sign and one letter: a width such as %099999d would make a text of any length.
_DATE_FORMAT = re.compile(r"(?:[^%]|%-?[A-Za-z%]|%[369]f)*+\Z", re.DOTALL)
_OFFSET = re.compile(r"[+-](?:0[0-9]|1[0-4]):[0-5][0-9]\Z")
_CENTURY = 100
_MOST_STEPS = 2**53


@dataclass(frozen=True, eq=False)
class ColumnItem:
    """A column's mapping in a schema's file.

    Attributes:
        facts: The mapping.
        path: Its path in the document.
        document: The document.
    """

    facts: JsonMapping
    path: DocumentPath
    document: Document

    @property
    def kind(self) -> Kind:
        """Kind of the column."""
        return Kind(self.facts["kind"])

    @property
    def measured(self) -> frozenset[str]:
        """Facts of the column that were or will be measured."""
        source = self.facts.get("source")
        if not isinstance(source, dict):
            return frozenset()
        return frozenset(fact for fact, found in source.items() if found == Source.MEASURED)

    def mistake(self, told: str, *keys: str) -> str:
        """A mistake with its line, under a key or in the whole column."""
        where = f"column {shown(self.facts['name'])}: "
        return self.document.mistake((*self.path, *keys), f"{where}{told}")


def column_mistakes(item: ColumnItem) -> Iterator[str]:
    """Mistakes in one column of the file."""
    yield from _key_mistakes(item)
    absent = [
        key
        for key in REQUIRED.get(item.kind, ())
        if key not in item.facts and key not in item.measured
    ]
    if absent:
        yield item.mistake(f"kind {item.kind} needs {absent[0]}")
    else:
        yield from _value_mistakes(item)
    yield from _measured_mistakes(item)
    if item.kind is Kind.CATEGORICAL:
        yield from _other_mistakes(item)


def _key_mistakes(item: ColumnItem) -> Iterator[str]:
    """Keys that do not go with the column's kind."""
    own = (*FACTS.get(item.kind, ()), *(["presence"] if item.kind in INVENTED_KINDS else []))
    allowed = (*own, "name", "kind", "role", "missing", MARKERS, "source", "description")
    for key in item.facts:
        if key not in allowed:
            yield item.mistake(f"{key} does not go with kind {item.kind}", key)


def _value_mistakes(item: ColumnItem) -> Iterator[str]:
    if item.kind in NUMERIC:
        if "lower" in item.facts and "upper" in item.facts:
            yield from _numeric_mistakes(item)
        yield from _number_format_mistakes(item)
        yield from _decimals_mistakes(item)
    if item.kind in TEMPORAL:
        yield from _format_mistakes(item)
        yield from _moment_mistakes(item)
    if item.kind is Kind.IDENTIFIER:
        yield from _pattern_mistakes(item)
    yield from _absence_mistakes(item)
    yield from _source_mistakes(item)


def _source_mistakes(item: ColumnItem) -> Iterator[str]:
    source = item.facts.get("source")
    if not isinstance(source, dict):
        return
    for fact in source:
        if fact not in (*FACTS.get(item.kind, ()), *GENERAL_FACTS, MARKERS):
            told = f"source names {shown(fact)}, which is no fact of kind {item.kind}"
            yield item.mistake(told, "source", fact)


def _numeric_mistakes(item: ColumnItem) -> Iterator[str]:
    lower, upper = item.facts["lower"], item.facts["upper"]
    if isinstance(lower, str) or isinstance(upper, str):
        yield item.mistake("lower and upper must be numbers", "lower")
        return
    if not lower < upper:
        yield item.mistake(f"lower {lower} is not below upper {upper}", "lower")
    elif (upper - lower) * 10.0 ** int(item.facts.get("decimals", 0)) > _MOST_STEPS:
        told = "lower to upper holds more than 2^53 values; narrow it, or use fewer decimals"
        yield item.mistake(told, "upper")
    if item.kind is Kind.INTEGER:
        yield from _integer_mistakes(item, lower, upper)


def _integer_mistakes(item: ColumnItem, lower: float, upper: float) -> Iterator[str]:
    if int(lower) != lower or int(upper) != upper:
        yield item.mistake("bounds of an integer column must be whole numbers", "lower")
    elif max(abs(lower), abs(upper)) > _MOST_STEPS:
        told = (
            "integers beyond 2^53 are not told apart as numbers; make it an identifier or"
            " categorical"
        )
        yield item.mistake(told, "upper")


def _decimals_mistakes(item: ColumnItem) -> Iterator[str]:
    """Stated numbers that are no numbers, or too fine."""
    special = item.facts.get("special_values", [])
    text = next((value for value in special if isinstance(value, str)), None)
    if text is not None:
        yield item.mistake(f"special value {shown(text)} is no number", "special_values")
        return
    stated = [(key, item.facts[key]) for key in _BOUNDS if key in item.facts]
    for key, value in [*stated, *(("special_values", value) for value in special)]:
        yield from _fine_mistakes(item, key, value)


def _fine_mistakes(item: ColumnItem, key: str, value: Any) -> Iterator[str]:
    """Mistakes of a number with too many decimals or digits."""
    decimals = int(item.facts.get("decimals", 0))
    if not isinstance(value, str) and round(value, decimals) != value:
        told = f"{key} {value} has more than {decimals} decimals, as no value may have"
        yield item.mistake(told, key)
    if key == "special_values" and abs(value) * 10.0**decimals > LARGEST_STEP:
        told = f"special value {value} is more than 2^52 steps from 0; use fewer decimals"
        yield item.mistake(told, key)


def _number_format_mistakes(item: ColumnItem) -> Iterator[str]:
    if "format" not in item.facts:
        return
    try:
        form = number_form(item.facts["format"])
    except ValueError as error:
        yield item.mistake(f"format: {error}", "format")
        return
    decimals = int(item.facts.get("decimals", 0))
    if isinstance(form, Decimal) and not form.exponent and form.digits < decimals:
        told = f"format writes {form.digits} decimals where a value may have {decimals}"
        yield item.mistake(told, "format")


def _measured_mistakes(item: ColumnItem) -> Iterator[str]:
    """Facts that cannot be measured, or not without others."""
    facts, allowed = item.measured, MEASURABLE.get(item.kind, ())
    stated = [fact for fact in allowed if fact in item.facts]
    whole = _measured_whole(allowed)
    if item.facts.get("source") == Source.MEASURED or not facts <= set(allowed):
        able = " and ".join(allowed) or "nothing"
        yield item.mistake(f"of kind {item.kind} {able} can be measured; {whole}", "source")
    elif facts and facts != set(allowed):
        yield item.mistake(f"lower and upper are measured together; {whole}", "source")
    elif facts and 0 < len(stated) < len(allowed):
        yield item.mistake("give lower and upper, or neither to have them measured")


def _measured_whole(allowed: Sequence[str]) -> str:
    """Advice to have all facts measured that can be."""
    mapping = ", ".join(f"{fact}: measured" for fact in allowed)
    return f"write source: {{{mapping}}}" if allowed else "declare it"


def _other_mistakes(item: ColumnItem) -> Iterator[str]:
    label = item.facts.get("other")
    if "categories" not in item.measured:
        if "other" in item.facts:
            yield item.mistake("other goes only with source: {categories: measured}", "other")
    elif label is None:
        yield item.mistake(
            "measured categories need other: a label for all values that are not discovered"
        )
    elif label in item.document.data.get("missing_markers", [""]):
        told = f"other {shown(label)} is a missing marker; choose another label"
        yield item.mistake(told, "other")
    elif label not in item.facts.get("categories", [label]):
        told = f"measured categories must hold {shown(label)}, as other says"
        yield item.mistake(told, "categories")


def _format_mistakes(item: ColumnItem) -> Iterator[str]:
    pattern = item.facts.get("format", "")
    if not _DATE_FORMAT.match(pattern):
        told = f"format: found {shown(pattern)}, allowed: text with %Y, %m, %d and their like"
        yield item.mistake(told, "format")
    elif "%Z" in pattern or ("%z" in pattern and "zone" not in item.facts):
        told = (
            "format holds a time zone; say with 'zone' in which zone the moments are told, and"
            " write %z"
        )
        yield item.mistake(told, "format")
    if "zone" in item.facts and not _is_zone(item.facts["zone"]):
        told = (
            f"zone: found {shown(item.facts['zone'])}, allowed: UTC, an offset such as +03:00, or"
            " such as Europe/Berlin"
        )
        yield item.mistake(told, "zone")


def _is_zone(name: str) -> bool:
    return bool(_OFFSET.match(name)) or name in _zones()


@cache
def _zones() -> frozenset[str]:
    """Names of all time zones, read from the disk once."""
    return frozenset(zoneinfo.available_timezones())


def _moment_mistakes(item: ColumnItem) -> Iterator[str]:
    try:
        stated = [moment_of(item.facts[key]) for key in _BOUNDS if key in item.facts]
        for value in item.facts.get("special_values", []):
            moment_of(value)
    except (TypeError, ValueError):
        told = "lower, upper and special_values must be dates such as 2020-12-31"
        yield item.mistake(told, "lower" if "lower" in item.facts else "special_values")
        return
    if len(stated) < len(_BOUNDS):
        return
    lower, upper = stated
    if not lower < upper:
        told = f"lower {item.facts['lower']} is not before upper {item.facts['upper']}"
        yield item.mistake(told, "lower")
    elif "%y" in item.facts.get("format", "") and upper.year >= lower.year + _CENTURY:
        told = (
            f"years of two digits are read as {lower.year} to {lower.year + _CENTURY - 1};"
            " narrow lower to upper"
        )
        yield item.mistake(told, "upper")


def _pattern_mistakes(item: ColumnItem) -> Iterator[str]:
    pattern = item.facts.get("pattern", "{}")
    if not is_pattern(pattern):
        told = f"pattern {shown(pattern)} must hold one serial number, e.g. C{{:08d}}"
        yield item.mistake(told, "pattern")


def _absence_mistakes(item: ColumnItem) -> Iterator[str]:
    facts = item.facts
    for key in ("presence", MARKERS):
        if key in facts and not facts.get("missing", False):
            yield item.mistake(f"{key} goes only with missing: true", key)
    unit = item.document.data["unit"] == facts["name"]
    if item.kind in INVENTED_KINDS and "presence" in facts and unit:
        yield item.mistake("the unit is never missing; leave presence out", "presence")
    taken = {*facts.get("categories", []), *facts.get("labels", [])} & set(facts.get(MARKERS, []))
    if taken:
        told = f"{shown(sorted(taken)[0])} is a category and a missing marker"
        yield item.mistake(told, MARKERS)


def moment_of(text: str) -> dt.datetime:
    """Parse a date or moment of a schema's file; ValueError where it is none or has a zone."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("a bound has no time zone")
    return moment
