"""Parse JSON as strictly as RFC 8259: no duplicate key, no NaN, UTF-8, bounded in size."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from privgan.files.json_types import JsonDict
from privgan.files.limits import DEEPEST_JSON, LARGEST_JSON, LONGEST_NUMBER, MOST_JSON_PARTS

# It always matches at a quote, so that no part of a text is looked at twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_PARTS = b"[]{},:"
_OTHERS = bytes(set(range(256)) - set(_PARTS))
_MANIFEST = "manifest.json"


def read_json(content: bytes, kind: str = _MANIFEST) -> Any:
    """Parse a JSON text.

    Args:
        content: The text.
        kind: The file of a release that it is, or is no larger than.

    Raises:
        ValueError: It is not valid JSON, or larger than such a file is; the message says why.
    """
    _check_small(content, kind)
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_within_floats,
        )
        json.dumps(
            value, ensure_ascii=False
        ).encode()  # Half of a surrogate pair is no character, and cannot be printed.
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _check_small(content: bytes, kind: str) -> None:
    """Check the size and nesting before parsing, which could take long."""
    if len(content) > LARGEST_JSON[kind]:
        raise ValueError(f"it has more than {LARGEST_JSON[kind]:,} bytes")
    parts = _STRING.sub(b"", content).translate(None, _OTHERS)
    if len(parts) > MOST_JSON_PARTS[kind]:
        raise ValueError(f"it has more than {MOST_JSON_PARTS[kind]:,} parts")
    depth = 0
    for part in parts.translate(None, b",:"):
        depth += 1 if part in b"[{" else -1
        if depth > DEEPEST_JSON:
            raise ValueError("it is nested too deeply")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonDict:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"{text[:20]} is too large a number: it has {len(text):,} digits")
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _within_floats(text: str) -> int:
    _finite(text)
    return int(text)
