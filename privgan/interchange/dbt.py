"""Read a dbt ``schema.yml``: columns, types and tests of one table.

Models, sources, seeds and snapshots are read.

Source: dbt's "Model properties" and "Data tests"; the ranges are those of dbt_utils and
dbt_expectations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from privgan.files.documents import shown
from privgan.interchange.column_names import key_among
from privgan.interchange.documents import Node, as_text
from privgan.interchange.notation import pattern_of
from privgan.interchange.sql import facts_of_type
from privgan.interchange.sql_checks import Checked, read_check
from privgan.interchange.stated import StatedColumn, StatedTable, with_checks, with_values
from privgan.interchange.tables import picked
from privgan.naming import parameter
from privgan.schema.columns import Kind

_LISTS = ("models", "seeds", "snapshots", "sources")
_EXPECT = "dbt_expectations.expect_column_values_to_"
_JINJA = "{{"


def is_dbt(data: Any) -> bool:
    """Whether a document is a dbt file of properties."""
    return isinstance(data, dict) and any(isinstance(data.get(key), list) for key in _LISTS)


def read_dbt(root: Node, table: str | None = None) -> StatedTable:
    """Read the stated facts of one model, source table, seed or snapshot."""
    found = dict(_tables(root))
    name = picked(root.file, list(found), table)
    listed = found[name].get("columns")
    nodes = [] if listed is None else list(listed.entries())
    columns = [_column(node) for node in nodes]
    notes = [
        f"the test {shown(test)} of the whole table is not read" for test, _ in _tests(found[name])
    ]
    notes += [
        f"{shown(node.value['name'])} refers to another table and may repeat; if it names the"
        f" person, give {parameter('unit')} and {parameter('max_rows_per_unit')}"
        for node, column in zip(nodes, columns, strict=True)
        if any(test == "relationships" for test, _ in _tests(node)) and not column.unique
    ]
    return StatedTable(
        source=root.file,
        name=name,
        columns=tuple(columns),
        key=key_among(columns),
        notes=tuple(notes),
    )


def _tables(root: Node) -> Iterator[tuple[str, Node]]:
    for key in _LISTS:
        for entry in root.at(key).entries() if root.get(key) else ():
            if key != "sources":
                yield entry.need("name").text(), entry
                continue
            for inner in entry.need("tables").entries() if entry.get("tables") else ():
                yield f"{entry.need('name').text()}.{inner.need('name').text()}", inner


def _tests(node: Node) -> Iterator[tuple[str, Node]]:
    """Each test's full name and its arguments."""
    for key in ("tests", "data_tests"):
        for entry in node.at(key).entries() if node.get(key) else ():
            if isinstance(entry.value, str):
                yield entry.value, Node(entry.file, entry.path, {})
                continue
            name = entry.mapping().get("test_name")
            if name is not None:
                yield name.text(), entry
                continue
            for test, inner in entry.items():
                yield test, inner if inner.value is not None else Node(inner.file, inner.path, {})


def _column(node: Node) -> StatedColumn:
    name = node.need("name").text()
    typed, text = node.get("data_type"), node.get("description")
    facts = facts_of_type(as_text(typed.value)) if typed else {"notes": ("its type is not stated",)}
    column = StatedColumn(name=name, description=as_text(text.value) if text else "", **facts)
    for test, place in _tests(node):
        column = _tested(column, test, _arguments(place))
    for entry in node.at("constraints").entries() if node.get("constraints") else ():
        column = _constrained(column, entry)
    return column


def _arguments(place: Node) -> Node:
    """A test's arguments: beside its settings, or under ``arguments`` since dbt 1.10."""
    inner = place.mapping().get("arguments")
    if inner is None:
        return place
    return Node(
        inner.file,
        inner.path,
        {**inner.mapping().value, **{k: v for k, v in place.value.items() if k != "arguments"}},
    )


def _tested(column: StatedColumn, test: str, place: Node) -> StatedColumn:
    unsure = _unsure(place)
    if unsure:
        return _noted(column, f"the test {shown(test)} {unsure}: it is not kept")
    reader = _READERS.get(test)
    if reader is not None:
        return reader(column, place)
    return (
        column if test == "relationships" else _noted(column, f"the test {shown(test)} is not read")
    )


def _unsure(place: Node) -> str:
    """Say why a test's facts do not hold for every row; empty where they do."""
    config = place.get("config")
    settings = {**(config.mapping().value if config else {}), **place.value}
    if settings.get("where") or settings.get("row_condition"):
        return "holds for some rows only"
    if str(settings.get("severity", "")).lower() == "warn":
        return "does no more than warn"
    return (
        "is made by Jinja"
        if _JINJA in str({k: v for k, v in settings.items() if k != "config"})[:10_000]
        else ""
    )


def _missing_none(column: StatedColumn, _: Node) -> StatedColumn:
    return replace(column, missing=False)


def _unique(column: StatedColumn, _: Node) -> StatedColumn:
    return replace(column, unique=True)


def _accepted(column: StatedColumn, place: Node) -> StatedColumn:
    listed = place.get("values") or place.need("value_set")
    return with_values(column, tuple(entry.scalar() for entry in listed.entries()))


def _range(column: StatedColumn, place: Node) -> StatedColumn:
    inclusive, strictly = place.get("inclusive"), place.get("strictly")
    exclusive = (inclusive is not None and not inclusive.truth()) or (
        strictly is not None and strictly.truth()
    )
    facts = (
        ("min_value", "above" if exclusive else "lower"),
        ("max_value", "below" if exclusive else "upper"),
    )
    if column.kind is None and not column.categories:
        column = replace(column, kind=Kind.FLOAT, sure=False)
    checks = [
        Checked(column.name, fact, (place.at(key).scalar().strip("'"),))
        for key, fact in facts
        if place.get(key)
    ]
    return with_checks(column, checks)


def _regex(column: StatedColumn, place: Node) -> StatedColumn:
    pattern = pattern_of(place.need("regex").text())
    return (
        replace(column, pattern=pattern)
        if pattern
        else _noted(column, "its pattern cannot be kept")
    )


def _of_type(column: StatedColumn, place: Node) -> StatedColumn:
    if column.kind is not None:
        return column
    facts = facts_of_type(place.need("column_type").text())
    return replace(column, **facts | {"notes": tuple(facts.get("notes", ()))})


_READERS: dict[str, Callable[[StatedColumn, Node], StatedColumn]] = {
    "not_null": _missing_none,
    "unique": _unique,
    "accepted_values": _accepted,
    "dbt_utils.accepted_range": _range,
    f"{_EXPECT}be_between": _range,
    f"{_EXPECT}be_in_set": _accepted,
    f"{_EXPECT}not_be_null": _missing_none,
    f"{_EXPECT}be_unique": _unique,
    f"{_EXPECT}match_regex": _regex,
    f"{_EXPECT}be_of_type": _of_type,
}


def _constrained(column: StatedColumn, entry: Node) -> StatedColumn:
    kind = entry.need("type").text()
    if kind == "primary_key":
        return replace(column, unique=True, missing=False)
    if kind in {"not_null", "unique"}:
        return _READERS[kind](column, entry)
    found = read_check(entry.need("expression").text(), {column.name}) if kind == "check" else None
    return (
        with_checks(column, found)
        if found is not None
        else _noted(column, f"the constraint {shown(kind)} is not read")
    )


def _noted(column: StatedColumn, note: str) -> StatedColumn:
    return replace(column, notes=(*column.notes, note))
