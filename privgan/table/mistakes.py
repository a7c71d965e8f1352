"""Find mistakes in a schema's file as a whole, each with its line."""

from __future__ import annotations

from collections.abc import Iterator

from privgan.files.documents import Document, shown
from privgan.files.json_types import JsonMapping
from privgan.files.limits import (
    LONGEST_FORMAT,
    LONGEST_MARKER,
    LONGEST_NAME,
    LONGEST_PATTERN,
    MOST_COLUMNS,
    MOST_CONSTRAINTS,
    MOST_FEATURES,
)
from privgan.schema.columns import INVENTED_KINDS, Kind
from privgan.schema.schema import TARGET_KINDS
from privgan.table.column_facts import MARKERS
from privgan.table.rare_file import target_column

ROW_UNIT = "row"
_MOST = {
    "columns": MOST_COLUMNS,
    "constraints": MOST_CONSTRAINTS,
    "features": MOST_FEATURES,
}


def too_large(document: Document) -> Iterator[str]:
    """Sizes beyond any real schema, which would take long to check."""
    for key, most in _MOST.items():
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
        for marker in item.get(MARKERS, []):
            if len(marker) > LONGEST_MARKER:
                told = (
                    f"{MARKERS}: found {len(marker):,} characters, allowed: at most"
                    f" {LONGEST_MARKER:,}"
                )
                yield document.mistake(("columns", index, MARKERS), told)


def table_mistakes(document: Document) -> Iterator[str]:
    """Mistakes in the table's facts: repeated names, the unit, the target."""
    data = document.data
    names = [item["name"] for item in data["columns"]]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield document.mistake(("columns", index), f"the column {shown(name)} stands twice")
    kinds = {item["name"]: item["kind"] for item in data["columns"]}
    yield from _unit_mistakes(document, kinds.get(data["unit"]))
    target = target_column(data)
    if target is not None and kinds.get(target) not in TARGET_KINDS:
        text = (
            f"target: found {shown(target)}, allowed: a categorical, ordinal, boolean or"
            " numeric column"
        )
        yield document.mistake(("target",), text)
    if all(_is_given_up(item) for item in data["columns"]):
        text = "no column can be modelled: all are identifiers or PII"
        yield document.mistake(("columns",), text)


def _unit_mistakes(document: Document, kind: str | None) -> Iterator[str]:
    """Mistakes in the privacy unit, whose column has a kind."""
    unit, limited = document.data["unit"], "max_rows_per_unit" in document.data
    if unit == ROW_UNIT:
        if limited:
            text = "needs a unit column; with 'unit: row' leave it out"
            yield document.mistake(("max_rows_per_unit",), text)
    elif kind != Kind.IDENTIFIER:
        text = f"unit: found {shown(unit)}, allowed: row, or a column of kind identifier"
        yield document.mistake(("unit",), text)
    elif not limited and "features" not in document.data:
        text = "a unit column needs max_rows_per_unit; it has no default"
        yield document.mistake(("unit",), text)


def _is_given_up(item: JsonMapping) -> bool:
    return Kind(item["kind"]) in INVENTED_KINDS and item.get("presence") != "modelled"
