"""Write the data dictionary: all columns, features and constraints of the schema."""

from __future__ import annotations

from collections.abc import Iterator

from privgan.files.json_types import JsonMapping
from privgan.report.document import (
    Block,
    Bullets,
    Look,
    Paragraph,
    Run,
    Section,
    Table,
    Text,
    joined,
)
from privgan.report.document import Column as Heading
from privgan.report.text import Words, number, short
from privgan.schema.columns import Kind
from privgan.schema.features import definition_text

Facts = JsonMapping
_HEADINGS = (
    "dictionary.column",
    "dictionary.kind",
    "dictionary.role",
    "dictionary.values",
    "dictionary.missing",
    "dictionary.sources",
)
_FEATURE_HEADINGS = ("dictionary.column", "dictionary.definition")
_DAY = len("2026-11-21")
_MOST_VALUES, _LONGEST_VALUE, _LONGEST_NAME, _LONGEST_TEXT = 8, 30, 60, 200
_LONGEST_DEFINITION = 1_200


def dictionary_section(schema: Facts, words: Words) -> Section:
    """Section on columns (kind, role, values, source), features, history and constraints."""
    table = Table(
        caption=words("dictionary.caption"),
        columns=tuple(Heading(heading=words(key)) for key in _HEADINGS),
        rows=tuple(_row(column, words) for column in schema["columns"]),
    )
    blocks: list[Block] = [table, *_features(schema, words), *_history(schema, words)]
    if schema.get("constraints"):
        blocks.append(Paragraph(text=words("dictionary.constraints")))
        blocks.append(
            Bullets(
                items=tuple(_constraint(constraint, words) for constraint in schema["constraints"])
            )
        )
    for child in schema.get("tables", ()):
        blocks += _related(child, schema, words)
    return Section(name="dictionary", heading=words("dictionary.heading"), blocks=tuple(blocks))


def _related(child: Facts, schema: Facts, words: Words) -> Iterator[Block]:
    """A related table: whose rows it holds, its columns and its constraints."""
    parent = child["parent"]
    yield Paragraph(
        text=words(
            "dictionary.related",
            table=Run(short(child["name"], _LONGEST_NAME), Look.NAME),
            parent=Run(short(parent["table"], _LONGEST_NAME), Look.NAME),
            column=Run(short(parent["column"], _LONGEST_NAME), Look.NAME),
            root=Run(short(schema["root"], _LONGEST_NAME), Look.NAME),
        )
    )
    if "order" in child:
        unit, order = (short(name, _LONGEST_NAME) for name in (parent["table"], child["order"]))
        yield Paragraph(text=words("dictionary.history", unit=unit, order=order))
    yield Table(
        caption=words("dictionary.caption_of", table=short(child["name"], _LONGEST_NAME)),
        columns=tuple(Heading(heading=words(key)) for key in _HEADINGS),
        rows=tuple(_row(column, words) for column in child["columns"]),
    )
    if child.get("constraints"):
        yield Paragraph(text=words("dictionary.constraints"))
        yield Bullets(items=tuple(_constraint(part, words) for part in child["constraints"]))


def _features(schema: Facts, words: Words) -> Iterator[Block]:
    """How a customer's row is made from its events, where it is."""
    events = schema.get("events")
    if not events:
        return
    unit, time = (short(name, _LONGEST_NAME) for name in (schema["unit"], events["time"]))
    yield Paragraph(text=words("dictionary.events", unit=unit, time=time))
    if "cutoff" in events:
        cutoff = short(events["cutoff"], _LONGEST_NAME)
        yield Paragraph(text=words("dictionary.cutoff", cutoff=cutoff))
    yield Table(
        caption=words("dictionary.features"),
        columns=tuple(Heading(heading=words(key)) for key in _FEATURE_HEADINGS),
        rows=tuple(_definition(feature) for feature in schema["features"]),
    )


def _history(schema: Facts, words: Words) -> Iterator[Block]:
    """How the rows of a customer fit together, where they do."""
    history = schema.get("history")
    if not history:
        return
    unit, order = (short(name, _LONGEST_NAME) for name in (schema["unit"], schema["order"]))
    yield Paragraph(text=words("dictionary.history", unit=unit, order=order))
    names = [short(name, _LONGEST_NAME) for name in history.get("constant", ())]
    if names:
        yield Paragraph(text=words("dictionary.constant", columns=", ".join(names)))


def _definition(feature: Facts) -> tuple[Text, ...]:
    name: Text = (Run(short(feature["name"], _LONGEST_NAME), Look.NAME),)
    if feature.get("description"):
        name += (Run(short(feature["description"], _LONGEST_TEXT), Look.SMALL),)
    told = {key: value for key, value in feature.items() if key not in {"name", "description"}}
    return name, (Run(short(definition_text(told), _LONGEST_DEFINITION), Look.CODE),)


def _row(column: Facts, words: Words) -> tuple[Text, ...]:
    name: Text = (Run(short(column["name"], _LONGEST_NAME), Look.NAME),)
    if column.get("description"):
        name += (Run(short(column["description"], _LONGEST_TEXT), Look.SMALL),)
    sources = joined(
        words(
            "dictionary.source",
            fact=Run(words.term("fact", fact)),
            source=Run(words.term("source", source)),
        )
        for fact, source in column["sources"].items()
        if source != "declared"
    )
    return (
        name,
        (Run(words.term("kind", column["kind"])),),
        (Run(words.term("role", column["role"])),),
        _values(column, words),
        words("number.yes" if column["missing"] else "number.no"),
        sources or words("number.none"),
    )


def _values(column: Facts, words: Words) -> Text:
    if column.get("categories"):
        shown = joined(
            (Run(short(value, _LONGEST_VALUE), Look.NAME),)
            for value in column["categories"][:_MOST_VALUES]
        )
        more = len(column["categories"]) - _MOST_VALUES
        return words("dictionary.more", values=shown, count=more) if more > 0 else shown
    if "lower" in column:
        return words(
            "dictionary.between", low=Run(_end(column, "lower")), high=Run(_end(column, "upper"))
        )
    return words("dictionary.invented")


def _end(column: Facts, name: str) -> str:
    shown = number(column[name])
    return shown[:_DAY] if column["kind"] == Kind.DATE else shown


def _constraint(constraint: Facts, words: Words) -> Text:
    text = _rule(constraint, words)
    if constraint.get("description"):
        text += (Run(short(constraint["description"], _LONGEST_TEXT), Look.SMALL),)
    return text


def _rule(constraint: Facts, words: Words) -> Text:
    for kind, key in (("at_most", "dictionary.at_most"), ("below", "dictionary.below")):
        if kind in constraint:
            first, second = (short(name, _LONGEST_NAME) for name in constraint[kind])
            return words(key, first=first, second=second)
    if "when" in constraint:
        when, then = (short(constraint[part], _LONGEST_TEXT) for part in ("when", "then"))
        return words("dictionary.when", when=when, then=then)
    columns = short(", ".join(map(str, constraint["combinations"])), _LONGEST_TEXT)
    return words("dictionary.combinations", count=len(constraint["allowed"]), columns=columns)
