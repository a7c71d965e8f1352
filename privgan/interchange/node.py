"""A place in a foreign document: its value, and the way to it, so that every mistake is told with its key."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from privgan.documents import shown
from privgan.errors import DocumentError


@dataclass(frozen=True)
class Node:
    """A value of a document that somebody else's tool wrote.

    Attributes:
        file: The document's name.
        path: Keys and places from the document's root.
        value: What stands there.
    """

    file: str
    path: tuple[str | int, ...]
    value: Any

    def wrong(self, told: str) -> DocumentError:
        """The error that tells what is wrong here."""
        words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        return DocumentError(self.file, [f"{shown(words)}: {told}" if words else told])

    def at(self, key: str | int) -> Node:
        """The value of a key or a place; its value is None where the key is not there."""
        inside = self.value.get(key) if isinstance(self.value, dict) else self.value[int(key)]
        return Node(self.file, (*self.path, key), inside)

    def get(self, key: str) -> Node | None:
        """The value of a key; None where it is not there, or null."""
        found = self.at(key) if isinstance(self.value, dict) else None
        return None if found is None or found.value is None else found

    def need(self, key: str) -> Node:
        """The value of a key that must be there."""
        found = self.mapping().get(key)
        if found is None:
            raise self.wrong(f"lacks {shown(key)}")
        return found

    def mapping(self) -> Node:
        """This place, which must be a mapping."""
        return self._of(dict, "a mapping")

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values; a key that is no text is an error."""
        for key in self.mapping().value:
            if not isinstance(key, str) or not key:
                raise self.wrong(f"found the key {shown(key)}, allowed: a text")
            yield key, self.at(key)

    def entries(self) -> Iterator[Node]:
        """The places of a list."""
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
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            raise self.wrong(f"found {shown(self.value)}, allowed: a number")
        return float(self.value)

    def whole(self) -> int:
        """A whole number that is not negative."""
        found = self.number()
        if not found.is_integer() or found < 0:
            raise self.wrong(f"found {shown(self.value)}, allowed: a whole number from 0")
        return int(found)

    def scalar(self) -> str:
        """A text, a number or a truth value, as a table's cell writes it."""
        if isinstance(self.value, dict | list) or self.value is None:
            raise self.wrong(f"found {shown(self.value)}, allowed: a text or a number")
        return as_text(self.value)

    def _of(self, kind: type, words: str) -> Node:
        if not isinstance(self.value, kind):
            raise self.wrong(f"found {shown(self.value)}, allowed: {words}")
        return self


def as_text(value: Any) -> str:
    """A value as the text of a category: whole numbers without a point, truth values as ``True`` and ``False``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())
