"""Find how texts write numbers: currency, per cent, units, thousands and the decimal sign."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

SPACES = " \u00a0\u202f\u2009"
SIGN = "[-+−]?"
POWER = r"[eE][-+]?[0-9]{1,3}"
_GROUPS = f",.'’{SPACES}"
_AROUND = r"[^0-9.,'’+\-−()]*?"
_BODY = re.compile(
    rf"(?P<sign>{SIGN})(?P<before>{_AROUND})(?P<inner>{SIGN})"
    rf"(?P<body>[0-9](?:[0-9{_GROUPS}]*[0-9])?[.,]?|[.,][0-9]+)(?P<power>{POWER}(?![0-9a-zA-Z]))?(?P<after>{_AROUND})"
)
_PAIRS = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:[.][0-9]*)?")
_THOUSANDS = 3
_DIGITS, _NEVER_DECIMAL = frozenset("0123456789"), frozenset(f"'’{SPACES}")
_CURRENCIES = (
    *(
        "AED",
        "ARS",
        "AUD",
        "BGN",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CZK",
        "DKK",
        "EGP",
        "EUR",
        "GBP",
        "HKD",
    ),
    *(
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "ISK",
        "JPY",
        "KES",
        "KRW",
        "MAD",
        "MXN",
        "MYR",
        "NGN",
        "NOK",
        "NZD",
        "PEN",
        "PHP",
    ),
    *(
        "PKR",
        "PLN",
        "RON",
        "RSD",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "VND",
        "ZAR",
    ),
    *(
        "US[$]",
        "R[$]",
        "A[$]",
        "C[$]",
        "HK[$]",
        "NT[$]",
        "Rs",
        "kr",
        "zł",
        "Kč",
        "Ft",
        "lei",
        "руб",
        "元",
        "円",
        "Fr",
    ),
    "[$€£¥₹₽₩₺₴₪₫฿₦₱₡₲₵₸₭₮¢]",
)
_UNITS = (
    *(
        "%",
        "‰",
        "°",
        "°C",
        "°F",
        "km",
        "m",
        "cm",
        "mm",
        "mi",
        "ft",
        "kg",
        "g",
        "mg",
        "µg",
        "lb",
        "lbs",
        "oz",
        "l",
    ),
    *(
        "ml",
        "mL",
        "dl",
        "h",
        "hrs?",
        "min",
        "s",
        "ms",
        "[kKMGT]B",
        "k?Wh",
        "m²",
        "m2",
        "km/h",
        "mph",
    ),
    *("bpm", "mmHg", "kcal", "cal", "pts?", "p[.]a[.]"),
)
_BEFORE = re.compile(rf"(?:(?:{'|'.join(_CURRENCIES)})[.]?[ \u00a0\u202f]?)?", re.IGNORECASE)
_AFTER = re.compile(
    rf"(?:[ \u00a0\u202f]?(?:{'|'.join((*_CURRENCIES, *_UNITS))})[.]?|["
    r" \u00a0][a-zA-Zµ²/]{1,12})?"
)


@dataclass(frozen=True, kw_only=True)
class Notation:
    """Notation of a column's numbers.

    Attributes:
        before: What stands before the digits.
        after: What stands after them.
        group: The sign between thousands; empty for none.
        pairs: Whether digits before the last three stand in pairs, as in India.
        point: The decimal sign.
        power: Whether most have a power of ten.
        unsure: Whether the sign could as well be read the other way.
    """

    before: str = ""
    after: str = ""
    group: str = ""
    pairs: bool = False
    point: str = "."
    power: bool = False
    unsure: bool = False

    @property
    def bare(self) -> bool:
        """Whether a program reads the texts as numbers without changes."""
        return self == Notation(unsure=self.unsure)


def notation_of(sample: Sequence[str]) -> Notation:
    """Notation that most of a sample have."""
    found = [match for match in map(_BODY.fullmatch, map(str.strip, sample)) if _is_number(match)]
    if not found:
        return Notation()
    around = Counter((match["before"], match["after"]) for match in found)
    usual, _ = around.most_common(1)[0]
    bodies = [match["body"] for match in found if (match["before"], match["after"]) == usual]
    power = 2 * sum(map(_is_scientific, found)) > len(found)
    group, point, unsure = _separators(bodies)
    return Notation(
        before=usual[0],
        after=usual[1],
        group=group,
        pairs=group == "," and any(map(_PAIRS.fullmatch, bodies)),
        point=point,
        power=power,
        unsure=unsure and not power,
    )


def _is_scientific(match: re.Match[str]) -> bool:
    """Whether a text has a power of ten and one digit before the point."""
    return match["power"] is not None and match["body"][1:2] in ("", ".", ",")


def _is_number(match: re.Match[str] | None) -> TypeGuard[re.Match[str]]:
    """Whether the text around the digits is a currency or a unit, and no letter of a code."""
    if match is None:
        return False
    return bool(_BEFORE.fullmatch(match["before"]) and _AFTER.fullmatch(match["after"]))


def _separators(bodies: Sequence[str]) -> tuple[str, str, bool]:
    """Thousands sign, decimal sign, and whether they could be the other way round.

    A sign that stands once, with other than three digits behind it, is decimal. One that stands
    twice, or before another, is not. A lone point before three digits is decimal and a lone comma
    is not, as in English texts.
    """
    signs = _texts_with(bodies)
    spaced = [sign for sign in signs if sign in _NEVER_DECIMAL]
    marks = [sign for sign in ",." if sign in signs]
    weights = _decimal_weights(bodies, marks)
    decided = any(weights.values())
    point = _heaviest(weights if decided else _english_weights(marks, spaced))
    groups = [*spaced, *(sign for sign in marks if sign != point)]
    group = max(groups, key=signs.__getitem__, default="")
    return group, point or _other(group), bool(marks) and not decided


def _other(group: str) -> str:
    """Decimal sign beside a sign for thousands."""
    return "," if group == "." else "."


def _texts_with(bodies: Sequence[str]) -> Counter[str]:
    """Number of texts with each sign."""
    return Counter(sign for body in bodies for sign in set(body) - _DIGITS)


def _decimal_weights(bodies: Sequence[str], marks: Sequence[str]) -> dict[str, int]:
    """Texts in which each mark can only be decimal, less those in which it cannot."""
    as_point: Counter[str] = Counter()
    as_group: Counter[str] = Counter()
    for body in bodies:
        _weigh(body, as_point, as_group)
    return {sign: as_point[sign] - as_group[sign] for sign in marks}


def _english_weights(marks: Sequence[str], spaced: Sequence[str]) -> dict[str, int]:
    """Weight of one mark where no text decides: a point is decimal, a comma beside spaces."""
    if "." in marks:
        return {".": 1}
    return {",": 1 if spaced else -1} if marks else {}


def _heaviest(weights: dict[str, int]) -> str:
    """Sign with the largest weight; empty where none is positive."""
    sign = max(weights, key=lambda each: weights[each], default="")
    return sign if sign and weights[sign] > 0 else ""


def _weigh(body: str, as_point: Counter[str], as_group: Counter[str]) -> None:
    places = [(at, sign) for at, sign in enumerate(body) if sign in ",."]
    if not places:
        return
    last_at, last = places[-1]
    for sign in {sign for _, sign in places} - {last}:
        as_group[sign] += 1
        as_point[last] += 1
    if sum(sign == last for _, sign in places) > 1:
        as_group[last] += 1
    elif not _may_group(body[:last_at], body[last_at + 1 :]):
        as_point[last] += 1


def _may_group(whole: str, part: str) -> bool:
    """Whether the sign between two parts may separate thousands."""
    return len(part) == _THOUSANDS and len(whole) <= _THOUSANDS and whole not in ("", "0")
