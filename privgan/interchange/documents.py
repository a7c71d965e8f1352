"""Read foreign JSON and YAML documents as plain data, with the path to each value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privgan.errors import DocumentError
from privgan.files.documents import shown
from privgan.files.limits import LARGEST_JSON
from privgan.files.strict_json import read_json
from privgan.files.yaml_lines import YamlError, read_yaml

_LARGEST = LARGEST_JSON["manifest.json"]
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
# A text that begins with a zero is a code, and stays text.
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]{1,50}|(0|[1-9][0-9]{0,49})(\.[0-9]{0,50})?)([eE][-+]?[0-9]{1,4})?\Z"
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
# Under these keys dbt and others write a table's values, which stay texts.
_VALUES = ("values", "value_set")


def read_foreign(path: Path) -> Node:
    """Read the root of a JSON or YAML file.

    Raises:
        DocumentError: It cannot be read, is too large or too deep, or is neither.
    """
    try:
        with path.open("rb") as reader:
            content = reader.read(_LARGEST + 1)
    except OSError as error:
        raise DocumentError(
            str(path), [f"cannot be read: {error.strerror or error}; check the path"]
        ) from error
    return parse_foreign(content, path.name)


def parse_foreign(content: bytes, name: str) -> Node:
    """Parse the root of a document from bytes; errors as for ``read_foreign``."""
    if len(content) > _LARGEST:
        raise DocumentError(name, [f"has more than {_LARGEST:,} bytes; no schema is so long"])
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise DocumentError(name, ["is empty"])
    if content.lstrip()[:1] in {b"{", b"["}:
        return Node(name, (), _json(content, name))
    return Node(name, (), _yaml(content, name))


def _json(content: bytes, name: str) -> Any:
    try:
        return read_json(content)
    except ValueError as error:  # Includes errors of the encoding.
        raise DocumentError(
            name, [f"is not JSON that can be read: {shown(str(error), 200)}"]
        ) from error


def _yaml(content: bytes, name: str) -> Any:
    try:
        found = read_yaml(content.decode("utf-8"), _scalar, dict.fromkeys(_VALUES, str))
    except UnicodeDecodeError as error:
        raise DocumentError(name, ["is not UTF-8 text; save it as UTF-8"]) from error
    except YamlError as error:
        raise DocumentError(name, [str(error)]) from error
    if found is None or found.data is None:
        raise DocumentError(name, ["is empty"])
    if found.twice:
        line, key = found.twice[0]
        raise DocumentError(name, [f"line {line}: the key {shown(key)} stands twice"])
    return found.data


def _scalar(text: str) -> Any:
    """Read an unquoted scalar by YAML 1.2: ``no`` and dates stay text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) and math.isfinite(float(text)) else text


@dataclass(frozen=True)
class Node:
    """A value in a document that another tool wrote.

    Attributes:
        file: The document's name.
        path: Keys and places from the document's root.
        value: What stands there.
    """

    file: str
    path: tuple[str | int, ...]
    value: Any

    def wrong(self, told: str) -> DocumentError:
        """Build the error for a mistake at this place."""
        words = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path
        ).lstrip(".")
        return DocumentError(self.file, [f"{shown(words)}: {told}" if words else told])

    def at(self, key: str | int) -> Node:
        """The value under a key or an index; None for a missing key."""
        inside = self.value.get(key) if isinstance(self.value, dict) else self.value[int(key)]
        return Node(self.file, (*self.path, key), inside)

    def get(self, key: str) -> Node | None:
        """The value under a key; None where it is missing or null."""
        found = self.at(key) if isinstance(self.value, dict) else None
        return None if found is None or found.value is None else found

    def need(self, key: str) -> Node:
        """The value under a required key."""
        found = self.mapping().get(key)
        if found is None:
            raise self.wrong(f"lacks {shown(key)}")
        return found

    def mapping(self) -> Node:
        """This node, which must be a mapping."""
        return self._of(dict, "a mapping")

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values; each key must be a text."""
        for key in self.mapping().value:
            if not isinstance(key, str) or not key:
                raise self.wrong(f"found the key {shown(key)}, allowed: a text")
            yield key, self.at(key)

    def entries(self) -> Iterator[Node]:
        """The items of a list."""
        for place in range(len(self._of(list, "a list").value)):
            yield self.at(place)

    def text(self) -> str:
        """A text that is not empty."""
        found: str = self._of(str, "a text").value
        if not found:
            raise self.wrong("is empty, allowed: a text")
        return found

    def truth(self) -> bool:
        """True or false."""
        found: bool = self._of(bool, "true or false").value
        return found

    def number(self) -> float:
        """A finite number."""
        if (
            isinstance(self.value, bool)
            or not isinstance(self.value, int | float)
            or not math.isfinite(self.value)
        ):
            raise self.wrong(f"found {shown(self.value)}, allowed: a number")
        return float(self.value)

    def whole(self) -> int:
        """A whole number that is not negative."""
        found = self.number()
        if not found.is_integer() or found < 0:
            raise self.wrong(f"found {shown(self.value)}, allowed: a whole number from 0")
        return int(found)

    def scalar(self) -> str:
        """A text, number or truth value, as a table's cell writes it."""
        if isinstance(self.value, dict | list) or self.value is None:
            raise self.wrong(f"found {shown(self.value)}, allowed: a text or a number")
        return as_text(self.value)

    def _of(self, kind: type, words: str) -> Node:
        if not isinstance(self.value, kind):
            raise self.wrong(f"found {shown(self.value)}, allowed: {words}")
        return self


def as_text(value: Any) -> str:
    """The text of a category.

    Whole numbers have no decimal point; truth values are ``True`` and ``False``.
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def words(text: str) -> frozenset[str]:
    """The set of words in a text."""
    return frozenset(text.split())
