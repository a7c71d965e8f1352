"""Find the figures in a text, whatever the words around them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"[0-9][0-9,.]*(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|e[+-]?[0-9]+)?|∞", re.IGNORECASE)
_POWER = r"(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
_CLAIM = re.compile(
    r"([εδ]|epsilon|delta)\s*(?:=|＝|is|of|:|：|为|是|≤|<=|≈)\s*" rf"([^\s,;，；()（）]+{_POWER})",
    re.IGNORECASE,
)
_GREEK = {"epsilon": "ε", "delta": "δ"}


def numbers_in(text: str) -> set[str]:
    """Every figure of a text, as it is written, without a point or comma at its end."""
    return {found.rstrip(".,") for found in _NUMBER.findall(text)}


def claims_in(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Every ε and δ that texts state, with its figure."""
    found: set[tuple[str, str]] = set()
    for text in texts:
        for name, value in _CLAIM.findall(text):
            found.add((_GREEK.get(name.lower(), name), value.rstrip(".")))
    return found
