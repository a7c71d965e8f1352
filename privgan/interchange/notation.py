"""Convert foreign notation: ISO 8601 moments, identifier patterns and regular expressions."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from string import Formatter

from privgan.interchange.documents import Node
from privgan.schema.columns import Kind

CLOCK = "%H:%M:%S"
ZONED = "%Y-%m-%dT%H:%M:%S%z"
_TIME_SIGNS = re.compile(r"%-?[HIMSfpzZTXcsR]|%[369]f")
_LONGEST = 64


def kind_of_format(pattern: str) -> Kind:
    """The kind of a format: a date where it holds no time of day, else a datetime."""
    return Kind.DATETIME if _TIME_SIGNS.search(pattern) else Kind.DATE


def moment(node: Node, pattern: str | None = None) -> dt.datetime:
    """Read the moment of a bound, without its zone.

    Args:
        node: Where it stands.
        pattern: How the column's values are written; ISO 8601 is read too.
    """
    text = node.text()
    with suppress(ValueError):
        return dt.datetime.fromisoformat(text[:_LONGEST]).replace(tzinfo=None)
    if pattern is not None:
        with suppress(
            ValueError, re.error
        ):  # A sign twice in one format is an error of expressions.
            return dt.datetime.strptime(text[:_LONGEST], pattern).replace(tzinfo=None)
    raise node.wrong(f"found {text[:_LONGEST]!r}, allowed: a date such as 2020-12-31")


UUID = "00000000-0000-4000-8000-{:012x}"
_PATTERNS_LONGEST = 200
_WIDEST = 64
_DIGITS = re.compile(
    r"\(?(?:\?:)?(?P<set>\[0-9\]|\\d|\[0-9a-f\]|\[a-f0-9\]|\[0-9A-F\]|\[A-F0-9\])"
    r"(?:\{(?P<least>[0-9]{1,2})(?:,[0-9]{0,2})?\}|(?P<many>[+*]))?\)?"
)
_BASES = {"[0-9a-f]": "x", "[a-f0-9]": "x", "[0-9A-F]": "X", "[A-F0-9]": "X"}
_SPECIAL = set(".^$*+?{}[]|()\\")
_HEX = r"\[(?:0-9a-f|a-f0-9|0-9a-fA-F|a-fA-F0-9|0-9A-Fa-f)\]"
_UUID = re.compile(rf"{_HEX}\{{8\}}(?:-{_HEX}\{{4\}}){{3}}-{_HEX}\{{12\}}")
_SPEC = re.compile(r"(?:0(?P<width>[0-9]{1,2}))?(?P<base>[dxX]?)")


def pattern_of(regex: str) -> str | None:
    """The identifier pattern of a regular expression, else None.

    The expression must be literal text around one run of digits.
    """
    inner = regex.removeprefix("^").removeprefix("\\A").removesuffix("$").removesuffix("\\Z")
    if _UUID.fullmatch(inner):
        return UUID
    if len(inner) > _PATTERNS_LONGEST:
        return None
    parts: list[str] = []
    serials = place = 0
    while place < len(inner):
        found = _DIGITS.match(inner, place)
        if found:
            parts.append(_serial(found))
            serials, place = serials + 1, found.end()
            continue
        sign, place = _literal(inner, place)
        if sign is None:
            return None
        parts.append({"{": "{{", "}": "}}"}.get(sign, sign))
    return "".join(parts) if serials == 1 else None


def _serial(found: re.Match[str]) -> str:
    base = _BASES.get(found["set"], "")
    least = int(found["least"] or 0) if not found["many"] else 0
    if not least:
        return f"{{:{base}}}" if base else "{}"
    return f"{{:0{min(least, _WIDEST)}{base or 'd'}}}"


def _literal(text: str, place: int) -> tuple[str | None, int]:
    """The literal sign at a place, and the next place."""
    sign = text[place]
    if sign == "\\":
        escaped = text[place + 1 : place + 2]
        return (escaped, place + 2) if escaped and not escaped.isalnum() else (None, place)
    return (None, place) if sign in _SPECIAL else (sign, place + 1)


def regex_of(pattern: str, *, grows: bool = True) -> str | None:
    """The regular expression of a pattern's texts, without anchors.

    None where the serial number has another notation.

    Args:
        pattern: A pattern with one place for a serial number.
        grows: Whether numbers may have more digits than the pattern's width.
    """
    parts = []
    for literal, name, spec, _ in Formatter().parse(pattern):
        parts.append(re.sub(r"([.^$*+?{}\[\]|()\\/])", r"\\\1", literal))
        if name is not None:
            digits = _digits(spec or "", grows=grows)
            if digits is None:
                return None
            parts.append(digits)
    return "".join(parts)


def _digits(spec: str, *, grows: bool) -> str | None:
    found = _SPEC.fullmatch(spec)
    if not found:
        return None
    signs = {"x": "[0-9a-f]", "X": "[0-9A-F]"}.get(found["base"], "[0-9]")
    width = int(found["width"] or 0)
    return signs + (f"{{{width}{',' * grows}}}" if width else "+")
