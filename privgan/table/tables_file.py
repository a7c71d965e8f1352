"""Read and write a schema file's ``tables``; report every mistake with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from privgan.errors import DocumentError
from privgan.files.documents import Document, DocumentPath, did_you_mean, shown
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.files.limits import LONGEST_NAME, MOST_TABLES
from privgan.schema.columns import Column, Invented, Kind, Source
from privgan.schema.schema import Schema, next_by_name
from privgan.schema.tables import DEFAULT_LONGEST, Parent, TableFacts
from privgan.table.history_file import HISTORY, ORDER
from privgan.table.ordered_tables import order_mistakes

TABLES = "tables"
TEXT_KEYS = frozenset({"key", "table", "column"})
# What the file of one table states at its top, and a table among several in its own entry.
_OF_ONE_TABLE = (
    *("columns", "constraints", "max_rows_per_unit", "order", "history", "events", "features"),
)
_OF_CHILDREN = ("max_rows_per_unit", "longest", "without_parent", ORDER, HISTORY)
_MOST_TOLD = 8
# A constraint over two tables names a column that its own has not.
_UNKNOWN, _WITHIN = "is no column", "; a constraint holds within one table"
_PLAIN_PATTERN = "{}"

ReadOne = Callable[[Document], Schema]


@dataclass(frozen=True)
class _Entry(Document):
    """One entry of ``tables`` as a document of its own."""

    table: str = ""

    def mistake(self, path: DocumentPath, message: str) -> str:
        """Format a mistake as one sentence with its line and table."""
        return super().mistake(path, f"table {shown(self.table)}: {message}")


def related_schema(document: Document, read_one: ReadOne) -> Schema:
    """The schema of a document that lists related tables.

    Args:
        document: The document; its JSON Schema is met.
        read_one: Reads the document of one table.

    Raises:
        DocumentError: with every mistake and its line.
    """
    for find in (_top_mistakes, _relation_mistakes, _key_mistakes, _order_mistakes):
        mistakes = list(find(document))
        if mistakes:
            raise DocumentError(document.name, mistakes)
    read = _each_read(document, read_one)
    items = {item["name"]: item for item in document.data[TABLES]}
    root = next(name for name, item in items.items() if "parent" not in item)
    children = [name for name in _parents_first(items) if name != root]
    patterns = {name: _pattern(read[name], items[name].get("key")) for name in items}
    tables = tuple(_child(items[name], read[name], patterns) for name in children)
    unit = replace(read[root].unit, related=True)
    whole = replace(read[root], unit=unit, root=root, tables=tables)
    mistakes = list(_agreement_mistakes(document, whole))
    if mistakes:
        raise DocumentError(document.name, mistakes)
    return whole


def table_items(
    schema: Schema, item_of: Callable[[Column], JsonDict], constraints: Sequence[JsonDict]
) -> list[JsonDict]:
    """The entries of ``tables`` that ``related_schema`` reads back.

    Args:
        schema: The public facts.
        item_of: A column's entry.
        constraints: The entries of the root's constraints.
    """
    root: JsonDict = {"name": schema.root, "key": schema.unit.column}
    root["columns"] = [item_of(column) for column in schema.columns]
    if constraints:
        root["constraints"] = list(constraints)
    children = (
        table.relation() | {"columns": [item_of(column) for column in table.columns]}
        for table in schema.tables
    )
    return [root, *children]


def _top_mistakes(document: Document) -> Iterator[str]:
    """Mistakes beside the tables, and in their names and number."""
    data = document.data
    for key in _OF_ONE_TABLE:
        if key in data:
            told = f"{key} and tables exclude each other; state {key} in the table that it is of"
            yield document.mistake((key,), told)
    target = data.get("target")
    if isinstance(target, Mapping) and target.get("rare", False):
        told = "a rare outcome goes with one row a customer, and related tables have several"
        yield document.mistake(("target", "rare"), f"target.rare: {told}")
    if len(data[TABLES]) > MOST_TABLES:
        told = f"tables: found {len(data[TABLES]):,}, allowed: at most {MOST_TABLES}"
        yield document.mistake((TABLES,), told)
    if len(data[TABLES]) == 1:
        told = "tables has one table; write its columns at the top, or add its children"
        yield document.mistake((TABLES,), told)
    names = [item["name"].lower() for item in data[TABLES]]
    for index, item in enumerate(data[TABLES]):
        if names[index] in names[:index]:
            told = f"the table {shown(item['name'])} stands twice; files tell no capitals apart"
            yield document.mistake((TABLES, index), told)
        if len(item.get("key", "")) > LONGEST_NAME:
            told = f"key has {len(item['key']):,} characters, allowed: at most {LONGEST_NAME:,}"
            yield document.mistake((TABLES, index, "key"), told)


def _relation_mistakes(document: Document) -> Iterator[str]:
    """Mistakes in which table belongs to which."""
    items = document.data[TABLES]
    names = [item["name"] for item in items]
    for index, item in enumerate(items):
        parent, path = item.get("parent"), (TABLES, index, "parent")
        where = f"table {shown(item['name'])}: "
        if isinstance(parent, list):
            told = f"found {len(parent)} parents, allowed: one; keep the one that leads to the unit"
            yield document.mistake(path, f"{where}{told}")
        elif parent and parent["table"] not in names:
            near = did_you_mean(parent["table"], names)
            told = f"its parent {shown(parent['table'])} is no table of the schema{near}"
            yield document.mistake(path, f"{where}{told}")
    if any(isinstance(item.get("parent"), list) for item in items):
        return
    yield from _circle_mistakes(document)
    yield from _root_mistakes(document)


def _circle_mistakes(document: Document) -> Iterator[str]:
    """Tables that are their own parents, over others or directly."""
    parents = _parents(document.data[TABLES])
    for index, name in enumerate(parents):
        circle = _way_up(name, parents)
        # Each circle is told once, at its first table.
        if circle[-1] == name and len(circle) > 1 and name == min(circle, key=list(parents).index):
            told = f"closes a circle of keys ({' under '.join(map(shown, circle))})"
            yield document.mistake(
                (TABLES, index, "parent"),
                f"table {shown(name)}: {told}; one table must have no parent",
            )


def _root_mistakes(document: Document) -> Iterator[str]:
    """No table without a parent, or several."""
    parents = _parents(document.data[TABLES])
    roots = [index for index, found in enumerate(parents.values()) if found is None]
    if not roots:
        told = "every table has a parent; the one whose key is the unit has none"
        yield document.mistake((TABLES,), told)
    for index in roots[1:]:
        first, other = (shown(list(parents)[place]) for place in (roots[0], index))
        told = f"table {other} has no parent, and {first} has none; one table alone is the root"
        yield document.mistake((TABLES, index), f"{told}; give the other its parent")


def _key_mistakes(document: Document) -> Iterator[str]:
    """Mistakes in the keys, and in the facts that children alone have."""
    items = document.data[TABLES]
    named = {found for found in _parents(items).values() if found is not None}
    for index, item in enumerate(items):
        entry = _entry(document, index)
        if "parent" in item:
            yield from _child_mistakes(entry)
        else:
            yield from _unit_mistakes(entry, document.data["unit"])
        if item["name"] in named and "key" not in item:
            yield entry.mistake((), "lacks 'key'; other tables name it as their parent")
        for path, name in _key_columns(item):
            yield from _key_column_mistakes(entry, path, name)


def _order_mistakes(document: Document) -> Iterator[str]:
    """Mistakes in which tables have an order."""
    return order_mistakes(document, TABLES)


def _unit_mistakes(entry: _Entry, unit: str) -> Iterator[str]:
    """Mistakes of the root, whose key is the unit."""
    item = entry.data
    for key in _OF_CHILDREN:
        if key in item:
            yield entry.mistake((key,), f"{key} is of a table with a parent; leave it out here")
    if "key" in item and item["key"] != unit:
        told = f"its key is {shown(item['key'])}, and the unit {shown(unit)}"
        yield entry.mistake(("key",), f"{told}; the key of the table without a parent is the unit")


def _child_mistakes(entry: _Entry) -> Iterator[str]:
    item = entry.data
    if "max_rows_per_unit" not in item:
        yield entry.mistake((), "lacks 'max_rows_per_unit', the rows of a customer; no default")
    if item.get("key") == item["parent"]["column"]:
        told = f"{shown(item['key'])} is its key and names its parent; use two columns"
        yield entry.mistake(("key",), told)


def _key_columns(item: JsonMapping) -> Iterator[tuple[DocumentPath, str]]:
    """The key columns that an entry names, with their paths."""
    if "key" in item:
        yield ("key",), item["key"]
    if "parent" in item:
        yield ("parent", "column"), item["parent"]["column"]


def _key_column_mistakes(entry: _Entry, path: DocumentPath, name: str) -> Iterator[str]:
    columns = {column["name"]: column for column in entry.data["columns"]}
    what = ".".join(map(str, path))
    if name not in columns:
        near = did_you_mean(name, list(columns))
        yield entry.mistake(path, f"{what}: {shown(name)} is none of its columns{near}")
        return
    kind, column = columns[name]["kind"], columns[name]
    if kind != Kind.IDENTIFIER:
        yield entry.mistake(path, f"{what}: {shown(name)} is {kind}, allowed: identifier")
    elif column.get("missing", False) or "presence" in column:
        yield entry.mistake(path, f"{what}: {shown(name)} may be missing; a key may not")


def _each_read(document: Document, read_one: ReadOne) -> Mapping[str, Schema]:
    """Every table as a schema of its own, with all mistakes of all tables at once."""
    read: dict[str, Schema] = {}
    mistakes: list[str] = []
    for index, item in enumerate(document.data[TABLES]):
        try:
            read[item["name"]] = read_one(_as_one_table(document, index))
        except DocumentError as error:
            mistakes += [f"{told}{_WITHIN * (_UNKNOWN in told)}" for told in error.mistakes]
    if mistakes:
        raise DocumentError(document.name, mistakes)
    return read


def _entry(document: Document, index: int) -> _Entry:
    item = document.data[TABLES][index]
    lines = {path[2:]: line for path, line in document.lines.items() if path[:2] == (TABLES, index)}
    return _Entry(document.name, item, lines, item["name"])


def _as_one_table(document: Document, index: int) -> _Entry:
    """An entry as the document of one table."""
    entry, top = _entry(document, index), dict(document.data)
    item: JsonMapping = entry.data
    parent = item.get("parent")
    data = {key: value for key, value in top.items() if key != TABLES} | {
        "unit": parent["column"] if parent else item["key"],
        "max_rows_per_unit": item.get("max_rows_per_unit", 1),
        "columns": item["columns"],
    }
    if parent:
        data.pop("target", None)
        data.pop("tasks", None)
    data |= {key: item[key] for key in ("constraints", ORDER, HISTORY) if key in item}
    return replace(entry, data=data)


def _child(item: JsonMapping, read: Schema, patterns: Mapping[str, str]) -> TableFacts:
    parent = Parent(table=item["parent"]["table"], column=item["parent"]["column"])
    pattern, longest = patterns[parent.table], int(item.get("longest", DEFAULT_LONGEST))
    return TableFacts(
        name=item["name"],
        parent=parent,
        columns=tuple(
            _with_pattern(column, pattern) if column.name == parent.column else column
            for column in read.columns
        ),
        max_rows=int(item["max_rows_per_unit"]),
        longest=longest,
        key=item.get("key"),
        leaves_out_orphans="without_parent" in item,
        constraints=read.constraints,
        history=None if read.history is None else replace(read.history, longest=longest),
    )


def _with_pattern(column: Column, pattern: str) -> Column:
    """A column that names the parent: its values are the parent's keys."""
    assert isinstance(column, Invented)
    return replace(column, pattern=pattern)


def _pattern(schema: Schema, key: str | None) -> str:
    """The pattern of a table's key; the plainest one where it has none."""
    found = None if key is None else schema.column(key)
    return found.pattern if isinstance(found, Invented) else _PLAIN_PATTERN


def _agreement_mistakes(document: Document, schema: Schema) -> Iterator[str]:
    """Names that collide, facts of children to be measured, patterns unlike the parent's."""
    labels = [label for label, _ in schema.labelled]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        told = f"the column {shown(label)} of {shown(schema.root)} is named as one of another table"
        yield document.mistake((TABLES,), f"{told}; give it another name")
    places = {item["name"]: index for index, item in enumerate(document.data[TABLES])}
    for table in schema.tables:
        entry = _entry(document, places[table.name])
        stated = {item["name"]: item for item in entry.data["columns"]}
        found = stated[table.parent.column].get("pattern", _PLAIN_PATTERN)
        wanted = next(
            column.pattern
            for column in table.columns
            if isinstance(column, Invented) and column.name == table.parent.column
        )
        if found not in (_PLAIN_PATTERN, wanted):
            told = f"found the pattern {shown(found)}, and its parent's key has {shown(wanted)}"
            yield entry.mistake(("parent", "column"), f"{told}; leave it out here")
        for name in () if table.history is None else table.history.spread:
            if getattr(next_by_name(table.columns, name), "special_values", ()):
                told = f"{shown(name)} has special values, so that its spread means nothing"
                yield entry.mistake((HISTORY, "spread"), f"{HISTORY}.spread: {told}")
        open_ = [column.name for column in table.columns if column.facts_from(Source.MEASURED)]
        if open_:
            told = f"facts of {', '.join(map(shown, open_[:_MOST_TOLD]))} are to be measured"
            yield entry.mistake(("columns",), f"{told}; of a table with a parent they are declared")


def _parents(items: Sequence[JsonMapping]) -> dict[str, str | None]:
    """Table to its parent; None for one without."""
    return {item["name"]: item["parent"]["table"] if "parent" in item else None for item in items}


def _way_up(name: str, parents: Mapping[str, str | None]) -> list[str]:
    """A table, its parent and so on, up to one that has none or was there already."""
    way = [name]
    while (above := parents.get(way[-1])) is not None:
        way.append(above)
        if above in way[:-1]:
            break
    return way


def _parents_first(items: Mapping[str, JsonMapping]) -> list[str]:
    """All tables in the file's order, each after its parent."""
    parents = _parents(list(items.values()))
    return sorted(items, key=lambda name: len(_way_up(name, parents)))
