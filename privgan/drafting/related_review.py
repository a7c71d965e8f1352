"""Confirm a drafted schema of related tables whole, in its file, with its comments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from privgan.drafting.review_file import read_with_comments, save, text_with_comments
from privgan.schema.columns import Column, Source
from privgan.schema.schema import Schema


def left_by_table(schema: Schema) -> dict[str, int]:
    """Table to the number of its facts that nobody confirmed; the root has those of all tables."""
    left = {schema.root: len(schema.facts_from(Source.CONFIRM))}
    for table in schema.tables:
        left[table.name] = sum(len(each.facts_from(Source.CONFIRM)) for each in table.columns)
        left[schema.root] -= left[table.name]
    return left


def declare_file(path: Path, schema: Schema) -> None:
    """Mark every fact of a schema's file as declared, as a whole or not at all.

    Args:
        path: The file; comments on lines of their own are kept.
        schema: What stands in it.

    Raises:
        UsageError: another program changed the file meanwhile.
    """
    entries = len(schema.labelled) + len(schema.tables) + 1
    before, comments = read_with_comments(path, entries)
    save(path, before, text_with_comments(declared(schema), comments, done=True))


def declared(schema: Schema) -> Schema:
    """A drafted schema of related tables whose facts a person vouches for, all at once."""
    return replace(
        schema,
        unit_source=_declared(schema.unit_source),
        missing_markers_source=_declared(schema.missing_markers_source),
        columns=_all_declared(schema.columns),
        tables=tuple(
            replace(table, columns=_all_declared(table.columns)) for table in schema.tables
        ),
    )


def _declared(source: Source) -> Source:
    return Source.DECLARED if source is Source.CONFIRM else source


def _all_declared(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(
        replace(
            column, sources={fact: _declared(source) for fact, source in column.sources.items()}
        )
        for column in columns
    )
