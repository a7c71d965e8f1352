"""Read the fields of a JSON object by kind; what is missing or of another kind is named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
_LARGEST = sys.float_info.max
_KINDS: Mapping[type, str] = {str: "a text", dict: "an object", list: "a list"}


class JsonObject:
    """A JSON object from a file, whose fields are read by kind.

    Numbers are handed on as they were written, so that a file written again stays the same.

    Args:
        value: What the file holds at this place.
        place: Where that is, for errors; empty for the whole file.

    Raises:
        ValueError: The value is no object. Each method raises it where a field is missing or of
            another kind; it names the field and never the value.
    """

    def __init__(self, value: object, place: str = "") -> None:
        if not isinstance(value, Mapping):
            raise ValueError(f"{place or 'the file'} is no object")
        self.raw: Mapping[str, Any] = value
        self._place = place

    def text(self, name: str) -> str:
        """A text."""
        return self._of_kind(self._get(name), name, str)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        listed: list[Any] = self._of_kind(self._get(name), name, list)
        return tuple(self._of_kind(item, f"{name}[]", str) for item in listed)

    def number(self, name: str) -> float:
        """A number, whole or not."""
        return self._number(self._get(name), name)

    def number_or_none(self, name: str) -> float | None:
        """A number, or nothing."""
        value = self._get(name)
        return None if value is None else self._number(value, name)

    def whole(self, name: str) -> int:
        """A whole number that a float can hold."""
        value = self._get(name)
        if type(value) is not int:
            raise ValueError(f"{self.named(name)} is no whole number")
        self._number(value, name)
        return value

    def inner(self, name: str) -> JsonObject:
        """An object inside this one."""
        return JsonObject(self._get(name), self.named(name))

    def each(self, name: str, read: Callable[[JsonObject], T]) -> tuple[T, ...]:
        """A list of objects, each read by a function."""
        listed: list[Any] = self._of_kind(self._get(name), name, list)
        return tuple(read(JsonObject(item, f"{self.named(name)}[]")) for item in listed)

    def text_map(self, name: str) -> Mapping[str, str]:
        """An object whose values are all texts."""
        inner = self.inner(name)
        return {key: inner.text(key) for key in inner.raw}

    def number_map(self, name: str) -> Mapping[str, float]:
        """An object whose values are all numbers."""
        inner = self.inner(name)
        return {key: inner.number(key) for key in inner.raw}

    def named(self, name: str) -> str:
        """A field's name for an error, with its place."""
        return f"{self._place}.{name}" if self._place else name

    def _get(self, name: str) -> Any:
        if name not in self.raw:
            raise ValueError(f"{self.named(name)} is missing")
        return self.raw[name]

    def _of_kind(self, value: Any, name: str, kind: type[T]) -> T:
        if not isinstance(value, kind):
            raise ValueError(f"{self.named(name)} is not {_KINDS[kind]}")
        return value

    def _number(self, value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.named(name)} is no number")
        if not -_LARGEST <= value <= _LARGEST:
            raise ValueError(f"{self.named(name)} is no finite number")
        return value
