"""Read JSON: an array of rows, or one row per line; numbers and text as they stand."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.files.json_types import JsonDict
from privgan.sources.arrow_types import check_names
from privgan.sources.encodings import encoding_of
from privgan.sources.files import opened
from privgan.sources.gathering import BATCH, Gatherer

_BLOCK = 1 << 20
_BLANK = " \t\r\n"
_FORMS = "give an array of objects, or an object a line"


def read_json(path: Path, encoding: str | None) -> tuple[pa.Table, str]:
    """Read rows from a JSON array or JSON lines, whichever the file holds.

    Args:
        path: The file, which may be packed.
        encoding: Its encoding; None to recognise it.

    Returns:
        A table [rows, columns], what a row lacks as null, nested values as Arrow's nested types;
        and the form.

    Raises:
        TableError: with the row that is no object, or cannot be read.
    """
    found, gathered = encoding_of(path, encoding), Gatherer()
    array = _begins_array(path, found.name)
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding=found.name)
        rows = _Array(path, text).rows() if array else _of_lines(path, text)
        while batch := list(islice(rows, BATCH)):
            gathered.add_mappings(batch)
    check_names(str(path), gathered.names)
    return gathered.table(), f"JSON {'array' if array else 'lines'}, {found.told}"


def _begins_array(path: Path, encoding: str) -> bool:
    with opened(path) as stream:
        text = io.TextIOWrapper(stream, encoding=encoding)
        while block := text.read(_BLOCK):
            if block.strip(_BLANK):
                return block.lstrip(_BLANK)[0] == "["
    raise TableError(f"{path}: is empty; {_FORMS}")


def _of_lines(path: Path, text: TextIO) -> Iterator[JsonDict]:
    for number, line in enumerate(text, start=1):
        if line.strip(_BLANK):
            yield _row(path, f"line {number}", _decoded(path, line, number))


def _decoded(path: Path, line: str, number: int) -> Any:
    try:
        return _DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise TableError(
            f"{path}: line {number}, column {error.colno}: is not JSON ({error.msg}); {_FORMS}"
        ) from None
    except (_TwiceError, RecursionError) as error:
        raise TableError(f"{path}: line {number}: {_reason(error)}") from None


def _row(path: Path, place: str, value: Any) -> JsonDict:
    if not isinstance(value, dict):
        raise TableError(f"{path}: {place} is no object with a value for each column; {_FORMS}")
    return value


class _TwiceError(Exception):
    """Key that stands twice in one object; its name is the message."""


def _reason(error: Exception) -> str:
    if isinstance(error, _TwiceError):
        return (
            f"the key {shown(str(error))} stands twice in one row; each column needs a name of"
            " its own"
        )
    return "is nested too deeply; take the nested values out"


def _once(pairs: list[tuple[str, Any]]) -> JsonDict:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


class _Array:
    """Stream an array of rows; at most one block is in memory.

    Args:
        path: The file, for messages.
        text: Its text from the start.
    """

    def __init__(self, path: Path, text: TextIO) -> None:
        self._path, self._text, self._number = path, text, 0
        self._held, self._ended = "", False

    def rows(self) -> Iterator[JsonDict]:
        """Parse row by row."""
        self._skip("[")
        while self._sign() != "]":
            if self._number:
                self._skip(",")
            self._sign()
            self._number += 1
            yield _row(self._path, f"row {self._number}", self._value())
        self._skip("]")
        if self._sign():
            raise TableError(f"{self._path}: text stands after the end of the array; {_FORMS}")

    def _more(self) -> bool:
        block = self._text.read(_BLOCK)
        self._held, self._ended = self._held + block, not block
        return not self._ended

    def _sign(self) -> str:
        """Next character that is not blank; empty at the end."""
        self._held = self._held.lstrip(_BLANK)
        while not self._held and self._more():
            self._held = self._held.lstrip(_BLANK)
        return self._held[:1]

    def _skip(self, sign: str) -> None:
        if self._sign() != sign:
            raise TableError(
                f"{self._path}: is not JSON after row {self._number}: {shown(sign)} is missing"
                f" there; {_FORMS}"
            )
        self._held = self._held[1:]

    def _value(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise TableError(
                        f"{self._path}: row {self._number} is not JSON ({error.msg}); {_FORMS}"
                    ) from None
                continue
            except (_TwiceError, RecursionError) as error:
                raise TableError(f"{self._path}: row {self._number}: {_reason(error)}") from None
            self._held = self._held[end:]
            return value
