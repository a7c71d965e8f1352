"""Parse a spreadsheet's number pattern; read and write numbers with it.

The patterns are those of spreadsheets (Unicode LDML, part 3, "Number Patterns"), with the signs
themselves in place of a locale's symbols: ``$#,##0.00``, ``0.0%``, ``#.##0,00 €``, ``0,00``,
``0.##`` (at most two digits), ``0.000E+00``, ``00000``, Indian ``#,##,##0``. A second part writes
negative numbers that have no leading minus: ``0.00;(0.00)`` or ``0.00;0.00-``, or ``0.00;−0.00``
with the true minus sign.
Durations count seconds: ``[h]:mm:ss``, ``[h]:mm``, with tenths ``[h]:mm:ss.0``, and ``PT`` for ISO
8601.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

import numpy as np
import pandas as pd

PLAIN_NUMBER = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*\Z")
_PATTERN = re.compile(
    r"(?P<prefix>[^#0-9]*?)"
    r"(?:#(?P<group>[,.'’\u00a0\u202f\u2009 _])(?P<pairs>##(?P=group))?##0|(?P<width>0+))"
    r"(?:(?P<point>[.,])(?P<fixed>0*)(?P<free>#*))?"
    r"(?P<exponent>[eE]\+?0{1,3})?"
    r"(?P<suffix>[^#0-9]*)"
)
# Text around a number: letters, signs of currency and per cent; nothing that begins a formula.
_AROUND = re.compile(r"(?:[^\W\d]|[\s$€£¥₹₽₩₺₴₪₫฿₦₱₡₲₵₸₭₮¢%‰°/.\u00a0\u202f])*")
_MOST_DIGITS = 15
_THOUSANDS = 3
_LONGEST_WIDTH = 18
_MINUS = "-−"
_MINUS_BEFORE = ("-", "")
# Signs before and behind a number below zero: true minus, trailing minus, brackets.
_SIGNS = (("−", ""), ("", "-"), ("(", ")"))
_CLOCK = re.compile(
    r"(?P<sign>[-−]?)(?:(?P<days>[0-9]{1,6}) days?,? \+?)?"
    r"(?P<hours>[0-9]{1,8}):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9](?:\.[0-9]+)?))?"
)
_ISO = re.compile(
    r"(?P<sign>[-−]?)P(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+(?:\.[0-9]+)?)S)?)?"
)
_UNITS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


class NumberForm(Protocol):
    """Read and write numbers in one form."""

    @property
    def duration(self) -> bool:
        """Whether the numbers are seconds of a duration."""

    def number(self, text: str) -> float:
        """Number that a text writes; NaN where it writes none."""

    def text(self, number: float) -> str:
        """Text of a number."""


@dataclass(frozen=True, kw_only=True)
class Decimal:
    """Decimal numbers with signs around and between the digits.

    Attributes:
        prefix: What stands before the digits.
        suffix: What stands after them.
        group: The sign between thousands; empty for none.
        point: The decimal sign.
        fixed: Digits after it that are always written.
        free: Further digits that are written unless they end in zeros.
        width: Least digits before it.
        exponent: How a power of ten is written, as ``E+00``; empty for none.
        pairs: Whether digits before the last three stand in pairs, as in India.
        below: How a number below zero is written: what stands before it and behind it.
    """

    prefix: str
    suffix: str
    group: str
    point: str
    fixed: int
    free: int
    width: int
    exponent: str
    pairs: bool = False
    below: tuple[str, str] = _MINUS_BEFORE
    duration: bool = False

    @property
    def digits(self) -> int:
        """The most digits after the decimal sign."""
        return self.fixed + self.free

    @cached_property
    def _form(self) -> re.Pattern[str]:
        group = re.escape(self.group)
        grouped = (
            rf"[0-9]{{1,2}}(?:{group}[0-9]{{2}})*{group}[0-9]{{3}}"
            if self.pairs
            else rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+"
        )
        whole = rf"{grouped}|[0-9]+" if self.group else "[0-9]+"
        power = "(?:[eE][-+]?[0-9]{1,3})?" if self.exponent else ""
        before, after = re.escape(self.prefix.strip()), re.escape(self.suffix.strip())
        digits = (
            rf"(?P<whole>{whole})?(?:{re.escape(self.point)}(?P<part>[0-9]*))?(?P<power>{power})"
        )
        return re.compile(
            rf"\s*(?P<sign>[-+−]?)\s*{before}\s*(?P<inner>[-+−]?){digits}\s*{after}\s*"
        )

    def number(self, text: str) -> float:
        """Number that a text writes; NaN where it writes none."""
        before, behind = self.below
        text = text.strip()
        if behind and text.startswith(before) and text.endswith(behind):
            return -self._above(text[len(before) : -len(behind)])
        return self._above(text)

    def _above(self, text: str) -> float:
        found = self._form.fullmatch(text)
        if found is None:
            return math.nan
        parts = found.groupdict(default="")
        sign, digits = parts["sign"] + parts["inner"], parts["whole"] + parts["part"]
        if len(sign) > 1 or not digits:
            return math.nan
        whole = parts["whole"].replace(self.group, "") if self.group else parts["whole"]
        value = float(f"0{whole}.{parts['part']}0{parts['power']}")
        return -value if sign and sign in _MINUS else value

    def text(self, number: float) -> str:
        """Text of a number."""
        most = self.digits
        digits, power = f"{abs(number):.{most}f}", ""
        if self.exponent:
            mantissa, _, exponent = f"{abs(number):.{most}e}".partition("e")
            digits, power = mantissa, self._power(int(exponent))
        whole, _, part = digits.partition(".")
        part = part[: self.fixed] + part[self.fixed :].rstrip("0")
        whole = whole.zfill(self.width)
        if self.group:
            whole = self._grouped(whole)
        negative = number < 0 and any(digit in "123456789" for digit in whole + part)
        sign, behind = self.below if negative else ("", "")
        written = f"{whole}{self.point}{part}" if part else whole
        return f"{sign}{self.prefix}{written}{power}{self.suffix}{behind}"

    def _grouped(self, whole: str) -> str:
        if not self.pairs or len(whole) <= _THOUSANDS:
            return f"{int(whole):,}".replace(",", self.group)
        pairs = re.sub(r"(?<=[0-9])(?=(?:[0-9]{2})+$)", self.group, whole[:-_THOUSANDS])
        return f"{pairs}{self.group}{whole[-_THOUSANDS:]}"

    def _power(self, exponent: int) -> str:
        sign = "-" if exponent < 0 else "+" if "+" in self.exponent else ""
        return f"{self.exponent[0]}{sign}{abs(exponent):0{self.exponent.count('0')}d}"


@dataclass(frozen=True)
class Duration:
    """Durations as hours, minutes and seconds.

    Attributes:
        pattern: ``[h]:mm:ss``, ``[h]:mm``, with two digits of hours at least ``[hh]:mm:ss``,
            ``[hh]:mm``, or ``PT``. Zeros behind a point are digits of the seconds' fraction:
            ``[h]:mm:ss.000``.
    """

    pattern: str
    duration: bool = True

    def number(self, text: str) -> float:
        """Seconds of a duration; NaN where a text writes none."""
        form = _ISO if self.pattern == "PT" else _CLOCK
        found = form.fullmatch(text.strip())
        if found is None or not any(found[unit] for unit in _UNITS):
            return math.nan
        seconds = sum(float(found[unit] or 0) * size for unit, size in _UNITS.items())
        return -seconds if found["sign"] else seconds

    def text(self, number: float) -> str:
        """Text of a duration in seconds."""
        shape, _, fraction = self.pattern.partition(".")
        ticks = round(abs(number) * 10 ** len(fraction))
        whole, part = divmod(ticks, 10 ** len(fraction))
        sign = "-" if number < 0 else ""
        hours, minutes, seconds = whole // 3_600, whole // 60 % 60, whole % 60
        if self.pattern == "PT":
            parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
            return f"{sign}PT{''.join(f'{count}{unit}' for count, unit in parts if count) or '0S'}"
        clock = f"{sign}{hours:0{self.pattern.count('h')}d}:{minutes:02d}"
        clock = f"{clock}:{seconds:02d}" if shape.endswith(":ss") else clock
        return f"{clock}.{part:0{len(fraction)}d}" if fraction else clock


DURATIONS = ("[h]:mm:ss", "[h]:mm", "PT", "[hh]:mm:ss", "[hh]:mm")
_FINE_DURATION = re.compile(r"\[hh?\]:mm:ss\.0{1,6}")


@cache
def number_form(pattern: str) -> NumberForm:
    """Parse a pattern.

    Raises:
        ValueError: where it is none.
    """
    if pattern in DURATIONS or _FINE_DURATION.fullmatch(pattern):
        return Duration(pattern)
    above, _, negative = pattern.partition(";")
    below = _negative_signs(pattern, above, negative)
    found = _PATTERN.fullmatch(above)
    if found is None:
        raise ValueError(
            f"{pattern!r} is no pattern of a number such as $#,##0.00, 0.0% or [h]:mm:ss"
        )
    parts = {name: part or "" for name, part in found.groupdict().items()}
    form = Decimal(
        prefix=parts["prefix"],
        suffix=parts["suffix"],
        group=parts["group"],
        point=parts["point"] or ".",
        fixed=len(parts["fixed"]),
        free=len(parts["free"]),
        width=len(parts["width"]) or 1,
        exponent=parts["exponent"],
        pairs=bool(parts["pairs"]),
        below=below,
    )
    _check_sound(pattern, form)
    return form


def _negative_signs(pattern: str, above: str, negative: str) -> tuple[str, str]:
    """Signs before and behind a negative number, from the second part of its pattern."""
    if not negative:
        return _MINUS_BEFORE
    ways = {f"{signs[0]}{above}{signs[1]}": signs for signs in _SIGNS}
    if negative not in ways:
        raise ValueError(
            f"{pattern!r} has a second part that is none of {' and '.join(map(repr, ways))}"
        )
    return ways[negative]


def _check_sound(pattern: str, form: Decimal) -> None:
    if not (_AROUND.fullmatch(form.prefix) and _AROUND.fullmatch(form.suffix)):
        raise ValueError(
            f"{pattern!r} has more around its digits than a unit, a currency or a per cent sign"
        )
    if form.digits > _MOST_DIGITS or form.width > _LONGEST_WIDTH:
        raise ValueError(
            f"{pattern!r} has more than {_MOST_DIGITS} decimals or {_LONGEST_WIDTH} digits"
        )
    if form.group == form.point and form.digits:
        raise ValueError(f"{pattern!r} has one sign for thousands and decimals")


def read_numbers(texts: pd.Series, pattern: str) -> pd.Series:
    """Number of each text [rows], float64; NaN where it is missing or no number."""
    return _by_distinct(texts, number_form(pattern).number, np.nan).astype(float)


def write_numbers(numbers: pd.Series, pattern: str) -> pd.Series:
    """Text of each number [rows]; None where missing."""
    return _by_distinct(
        numbers.astype(object), lambda value: number_form(pattern).text(float(value)), None
    )


def _by_distinct(values: pd.Series, change: Callable[..., object], absent: object) -> pd.Series:
    """Apply a function once to each distinct value [rows]."""
    places, distinct = pd.factorize(values)
    changed = np.empty(len(distinct) + 1, dtype=object)
    changed[:-1] = [change(value) for value in distinct]
    changed[-1] = absent
    return pd.Series(changed[places], index=values.index)
