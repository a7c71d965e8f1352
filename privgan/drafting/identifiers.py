"""Recognise identifiers by check digits, and find their serial pattern."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct
from privgan.files.limits import WIDEST_NUMBER

_LEAST, _LONGEST = 12, 19
_ENOUGH = 12


def are_checked(texts: Sequence[str]) -> bool:
    """Whether all texts are long numbers with valid check digits, which name things."""
    long = all(
        _LEAST <= len(text) <= _LONGEST and text.isascii() and text.isdigit() for text in texts
    )
    return len(texts) > _ENOUGH and long and (all(map(_luhn, texts)) or all(map(_gs1, texts)))


def _luhn(text: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in text[-2::-2])
    return (sum(doubled) + sum(map(int, text[::-2]))) % 10 == 0


def _gs1(text: str) -> bool:
    return (3 * sum(map(int, text[-2::-2])) + sum(map(int, text[::-2]))) % 10 == 0


UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_DIGEST_LENGTHS = (32, 40, 56, 64, 16, 24)
HASH = "|".join(f"[0-9a-fA-F]{{{length}}}" for length in _DIGEST_LENGTHS)
_HAS_LETTER_AND_DIGIT = re.compile(r"(?=.*[0-9])(?=.*[a-fA-F])")
_LONGEST_AROUND = 24


def pattern_of(values: Distinct) -> str:
    """Pattern with one serial number that all identifiers share; ``{}`` where there is none."""
    upper = pc.any(pc.match_substring_regex(values.texts, "[A-F]")).as_py()
    if values.matches(UUID).all():
        return f"00000000-0000-4000-8000-{{:012{'X' if upper else 'x'}}}"
    widths = pc.min_max(pc.utf8_length(values.texts)).as_py()
    width = widths["max"] if widths["min"] == widths["max"] else 0
    if is_hash(values) and width:
        return f"{{:0{width}{'X' if upper else 'x'}}}"
    return _dressed(values, width)


def is_hash(values: Distinct) -> bool:
    """Whether all texts look like a hexadecimal digest."""
    return bool(values.matches(HASH).all()) and any(
        _HAS_LETTER_AND_DIGIT.match(text) for text in values.sample(50)
    )


def is_uuid(values: Distinct) -> bool:
    """Whether all texts are UUIDs."""
    return bool(values.matches(UUID).all())


def _dressed(values: Distinct, width: int) -> str:
    """Pattern of digits of equal width between a common prefix and suffix."""
    ends = pc.min_max(values.texts).as_py()
    before = re.sub(r"[0-9]+$", "", _common(ends["min"], ends["max"]))[:_LONGEST_AROUND]
    turned = pc.min_max(pc.utf8_reverse(values.texts)).as_py()
    after = re.sub(r"^[0-9]+", "", _common(turned["min"], turned["max"])[::-1])
    after = (
        after[-_LONGEST_AROUND:] if len(before) + len(after) < max(width, 1) or not width else ""
    )
    digits = width - len(before) - len(after)
    number = f"{{:0{digits}d}}" if 1 < digits <= WIDEST_NUMBER else "{}"
    return f"{_braced(before)}{number}{_braced(after)}"


def _common(first: str, last: str) -> str:
    """Common prefix of two texts."""
    length = next(
        (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        min(len(first), len(last)),
    )
    return first[:length]


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
