"""A drafted schema as a file: the facts, with what a person should look at above them and beside each column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from privgan.documents import shown
from privgan.table.draft import Draft
from privgan.table.notes import Note
from privgan.table.schema_file import dump_schema

_COLUMN = re.compile(r"- name: ")
_LINE_ENDS = re.compile(r"[\r\n\x85\u2028\u2029]")


def draft_text(draft: Draft, comment: str = "") -> str:
    """The draft as YAML text, which ``parse_schema`` reads back to the drafted schema.

    Args:
        draft: The draft.
        comment: What is to stand on top.
    """
    head = "\n".join([comment, *told(draft.notes)]) if draft.notes else comment
    text = dump_schema(draft.schema, comment="\n".join(_one_line(line) for line in head.splitlines()))
    places = iter(draft.schema.names)
    lines = (_with_notes(line, places, draft.notes) for line in text.split("\n"))
    return "\n".join(lines)


def told(notes: Iterable[Note]) -> Iterator[str]:
    """The notes as lines, those on one topic under its name; what several columns have in common is said once."""
    for topic, group in groupby(notes, key=lambda note: note.topic):
        yield f"{topic.value}:"
        columns: dict[str, list[str]] = {}
        for note in group:
            columns.setdefault(note.text, []).append(shown(note.column))
        for text, names in columns.items():
            yield f"  {', '.join(names)}: {_one_line(text)}"


def _with_notes(line: str, names: Iterator[str], notes: Iterable[Note]) -> str:
    if not _COLUMN.match(line):
        return line
    name = next(names, None)
    return "\n".join([*(f"# {_one_line(note.text)}" for note in notes if note.column == name), line])


def _one_line(text: str) -> str:
    return _LINE_ENDS.sub(" ", text)
