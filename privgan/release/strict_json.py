"""Read JSON as strictly as its standard: no key twice, no NaN, no number beyond a float, UTF-8 only."""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(content: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is not valid JSON; the message says why.
    """
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_within_floats,
        )
        json.dumps(value, ensure_ascii=False).encode()  # Half of a surrogate pair is no character, and cannot be printed.
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _within_floats(text: str) -> int:
    _finite(text)
    return int(text)
