"""Foreign documents read with limits: JSON and YAML as plain data, and nothing in them is followed or run."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from privgan.documents import shown
from privgan.errors import DocumentError
from privgan.interchange.node import Node
from privgan.limits import LARGEST_JSON
from privgan.plain_yaml import YamlError, read_yaml
from privgan.release.strict_json import read_json

_LARGEST = LARGEST_JSON["manifest.json"]
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
# What begins with a zero is a code, and stays text.
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,50}|(0|[1-9][0-9]{0,49})(\.[0-9]{0,50})?)([eE][-+]?[0-9]{1,4})?\Z")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
# Below these, dbt and others write values of a table: they stay as they are written.
_VALUES = ("values", "value_set")


def read_foreign(path: Path) -> Node:
    """The root of a JSON or YAML file.

    Raises:
        DocumentError: It cannot be read, is too large or too deep, or is neither.
    """
    try:
        with path.open("rb") as reader:
            content = reader.read(_LARGEST + 1)
    except OSError as error:
        raise DocumentError(str(path), [f"cannot be read: {error.strerror or error}; check the path"]) from error
    return parse_foreign(content, path.name)


def parse_foreign(content: bytes, name: str) -> Node:
    """As read_foreign, from bytes."""
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
    except ValueError as error:  # A mistake in the encoding too.
        raise DocumentError(name, [f"is not JSON that can be read: {shown(str(error), 200)}"]) from error


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
    """A scalar without quotes, as YAML 1.2 reads it: ``no`` and dates stay text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) and math.isfinite(float(text)) else text
