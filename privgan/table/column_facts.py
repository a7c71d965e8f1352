"""List the facts that a column of each kind states in a schema's file."""

from __future__ import annotations

from collections.abc import Mapping

from privgan.files.json_types import JsonMapping
from privgan.schema.columns import Kind

DISCRETE = {Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN}
NUMERIC = {Kind.INTEGER, Kind.FLOAT}
TEMPORAL = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
BOOLEAN_LABELS = ("False", "True")
FACTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories", "other"),
    Kind.ORDINAL: ("categories",),
    Kind.BOOLEAN: ("labels",),
    Kind.INTEGER: ("lower", "upper", "special_values", "format"),
    Kind.FLOAT: ("lower", "upper", "decimals", "special_values", "format"),
    Kind.DATE: ("lower", "upper", "format", "special_values"),
    Kind.DATETIME: ("lower", "upper", "format", "special_values", "zone"),
    Kind.IDENTIFIER: ("pattern", "repeats"),
}
REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories",),
    Kind.ORDINAL: ("categories",),
    Kind.INTEGER: ("lower", "upper"),
    Kind.FLOAT: ("lower", "upper", "decimals"),
    Kind.DATE: ("lower", "upper"),
    Kind.DATETIME: ("lower", "upper"),
}
# A measurable fact with source ``measured`` is open without a value, else it was measured.
MEASURABLE: Mapping[Kind, tuple[str, ...]] = {
    Kind.CATEGORICAL: ("categories",),
    **dict.fromkeys((Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.DATETIME), ("lower", "upper")),
}
_OPTIONAL = frozenset({"special_values", "other", "zone", "repeats"})
GENERAL_FACTS = ("kind", "missing", "role")
MARKERS = "missing_markers"


def stated_facts(item: JsonMapping) -> tuple[str, ...]:
    """Names of the facts that a column states; each has a source."""
    kind = Kind(item["kind"])
    optional = _OPTIONAL | ({"format"} if kind in NUMERIC else set())
    own = [fact for fact in FACTS.get(kind, ()) if fact in item or fact not in optional]
    return (*own, *GENERAL_FACTS, *([MARKERS] if MARKERS in item else []))
