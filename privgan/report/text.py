"""How values look in a report: numbers in words, hostile text made harmless."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

LONGEST_TEXT = 600
_SMALL, _LARGE = 1e-3, 1e6  # Outside these number() writes three digits and a power of ten.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(value: Any) -> Any:
    """Make control characters and direction marks visible, and cut what nobody could read.

    It runs on everything a template prints; markup that a template itself made passes unchanged.
    """
    if value is None:
        return ""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return short(value, LONGEST_TEXT)


def short(value: Any, limit: int = 40) -> str:
    """A text on one line, cut to a limit, with nothing invisible in it."""
    text = str(value)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(_visible(character) for character in cut)


def number(value: Any) -> str:
    """A number with up to four significant digits; a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{'−' if value < 0 else ''}∞"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    if abs(value) >= 10_000 and value == int(value):
        return f"{value:,.0f}"
    if not _SMALL <= abs(value) < _LARGE:
        digits, _, exponent = f"{value:.3g}".partition("e")
        return f"{digits} × 10{_raised(int(exponent))}" if exponent else digits
    return f"{value:.4g}"


def ceiling_percent(value: float) -> str:
    """A share that nothing exceeds, as a percentage rounded upwards, with more digits near 0 and near 100 %."""
    share = 100 * min(1.0, value)
    if not 0 < share < 100:
        return f"{share:g} %"
    digits = min(4, max(1, 1 - math.floor(math.log10(min(share, 100 - share)))))
    raised = math.ceil(share * 10**digits - 1e-9) / 10**digits
    return f"{raised:.{digits}f}".rstrip("0").rstrip(".") + " %"


def raised(value: float, digits: int) -> float:
    """A figure with so many significant digits, rounded upwards: what is printed of a cost is never less than the cost."""
    if not (math.isfinite(value) and value > 0):
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    if not unit:  # A figure at the end of what a float can hold has fewer digits.
        return value
    up = math.ceil(value / unit - 1e-9) * unit
    return float(f"{up:.{digits}g}")


def cost(value: float) -> str:
    """An ε or a δ in words, rounded upwards: what is shown of a cost is never less than the cost."""
    return number(raised(value, 4 if _SMALL <= value < _LARGE else 3))


def _visible(character: str) -> str:
    if unicodedata.category(character) in HIDDEN:
        return " " if character in "\t\n\r" else f"⟨U+{ord(character):04X}⟩"
    return character


def _raised(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
