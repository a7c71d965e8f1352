"""Rewrite a schema's file under review, with the comments on lines of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from privgan.errors import UsageError
from privgan.files.atomic import replace_text
from privgan.files.documents import read_text
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema

DRAFT_NOTE = (
    "INTERNAL draft. Check each fact against what is publicly known with 'privgan schema review', "
    "or replace 'confirm' by 'declared'."
)
_DRAFT = re.compile(r"# INTERNAL draft\.")
_REVIEWED = "# Reviewed with 'privgan schema review': no fact is left to confirm."
_DECLINED = "# Declined: "
_COLUMN = re.compile(r"\s*-\s*(?:\{\s*)?[\"']?name[\"']?\s*:")
_WRITTEN_COLUMN = "- name: "


@dataclass(frozen=True, kw_only=True)
class Comments:
    """Comments of a schema's file.

    Attributes:
        head: Those above the first column, line by line, without what was declined.
        columns: Those of each column, by its place.
        tail: Those behind the last column.
        declined: Proposals that a person declined, as words; they are not made again.
    """

    head: tuple[str, ...] = ()
    columns: dict[int, tuple[str, ...]] = field(default_factory=dict)
    tail: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()

    def with_declined(self, proposals: Iterable[str]) -> Comments:
        """Comments with more declined proposals."""
        return replace(
            self, declined=tuple(dict.fromkeys((*self.declined, *map(one_line, proposals))))
        )


def read_with_comments(path: Path, columns: int) -> tuple[str, Comments]:
    """Text of a file and its comments; of several tables each counts as a column, too."""
    text = read_text(path)
    return text, comments_of(text, columns)


def comments_of(text: str, columns: int) -> Comments:
    """Comments of a schema's text; all belong to the head where its columns are not recognised.

    Args:
        text: The text.
        columns: How many columns it has.
    """
    lines = [line.strip() for line in text.splitlines()]
    declined = tuple(line.removeprefix(_DECLINED) for line in lines if line.startswith(_DECLINED))
    found, tail = _by_column(line for line in lines if not line.startswith(_DECLINED))
    if max(found, default=-1) != columns - 1:
        every = tuple(line for some in (*found.values(), tail) for line in some)
        return Comments(head=every, declined=declined)
    head = tuple(found.pop(-1, ()))
    kept = {key: tuple(some) for key, some in found.items()}
    return Comments(head=head, columns=kept, tail=tuple(tail), declined=declined)


def _by_column(lines: Iterable[str]) -> tuple[dict[int, list[str]], list[str]]:
    """Comment lines before or inside each column, and those at the end.

    The head is column -1.
    """
    found: dict[int, list[str]] = {}
    waiting: list[str] = []
    place = -1
    for line in lines:
        if line.startswith("#"):
            waiting.append(line)
        elif line:
            place += bool(_COLUMN.match(line))
            found.setdefault(place, []).extend(waiting)
            waiting = []
    return found, waiting


def text_with_comments(schema: Schema, comments: Comments, *, done: bool) -> str:
    """Text of a schema with comments.

    Args:
        schema: The facts.
        comments: What stands beside them.
        done: Whether no fact is left to confirm, so that it is a draft no more.
    """
    head = [_REVIEWED if done and _DRAFT.match(line) else line for line in comments.head]
    declined = [f"{_DECLINED}{text}" for text in comments.declined]
    body = _with_columns(dump_schema(schema).splitlines(), comments.columns)
    return "\n".join([*dict.fromkeys(head), *declined, *body, *comments.tail]) + "\n"


def _with_columns(lines: Sequence[str], comments: dict[int, tuple[str, ...]]) -> Iterator[str]:
    place = -1
    for line in lines:
        if line.lstrip().startswith(_WRITTEN_COLUMN):
            place += 1
            yield from comments.get(place, ())
        yield line


def one_line(text: str) -> str:
    """Text as a comment holds it."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def save(path: Path, before: str, text: str) -> None:
    """Write the file; UsageError where another program changed it meanwhile."""
    if read_text(path) != before:
        raise UsageError(
            f"{path}: was changed while it was reviewed; start the review again, answers up to then"
            " are kept"
        )
    replace_text(path, text)
