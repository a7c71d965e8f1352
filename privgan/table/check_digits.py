"""Numbers whose last digit checks the others: cards and devices (Luhn, ISO/IEC 7812-1), articles (GS1)."""

from __future__ import annotations

from collections.abc import Sequence

_LEAST, _LONGEST = 12, 19
_ENOUGH = 12


def are_checked(texts: Sequence[str]) -> bool:
    """Whether all of many texts are long numbers whose check digits fit: names of things, and no amounts."""
    long = all(_LEAST <= len(text) <= _LONGEST and text.isascii() and text.isdigit() for text in texts)
    return len(texts) > _ENOUGH and long and (all(map(_luhn, texts)) or all(map(_gs1, texts)))


def _luhn(text: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in text[-2::-2])
    return (sum(doubled) + sum(map(int, text[::-2]))) % 10 == 0


def _gs1(text: str) -> bool:
    return (3 * sum(map(int, text[-2::-2])) + sum(map(int, text[::-2]))) % 10 == 0
