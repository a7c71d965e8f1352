"""Read numbers from texts.

Currency, per cent, units, thousands and the decimal sign are found from the texts themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct
from privgan.drafting.sentinels import MOST_DECIMALS
from privgan.notation.number_format import number_form

_SAMPLE = 2_000
_SPACES = " \u00a0\u202f\u2009"
_GROUPS = f",.'’{_SPACES}"
_PLAIN = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
_SIGN = "[-+−]?"
_POWER = r"[eE][-+]?[0-9]{1,3}"
_AROUND = r"[^0-9.,'’+\-−()]*?"
_BODY = re.compile(
    rf"(?P<sign>{_SIGN})(?P<before>{_AROUND})(?P<inner>{_SIGN})"
    rf"(?P<body>[0-9](?:[0-9{_GROUPS}]*[0-9])?[.,]?|[.,][0-9]+)(?P<power>{_POWER}(?![0-9a-zA-Z]))?(?P<after>{_AROUND})"
)
_BRACKETED, _MINUS_BEHIND = (
    r"\s*\(([^()+−-]*[0-9][^()+−-]*)\)\s*",
    r"\s*([^()+−-]*[0-9][^()+−-]*)-\s*",
)
_MINUS_SIGN = r"\s*−([^()+−-]*[0-9][^()+−-]*)\s*"
_PAIRS = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:[.][0-9]*)?")
_THOUSANDS = 3
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
_ENDLESS = frozenset({"inf", "infinity", "+inf", "-inf", "+infinity", "-infinity", "∞", "-∞", "+∞"})


@dataclass(frozen=True, kw_only=True)
class Writing:
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
        return self == Writing(unsure=self.unsure)


@dataclass(frozen=True, kw_only=True, eq=False)
class NumberTexts:
    """Texts read as numbers.

    Attributes:
        numbers: The number of each text [values], float64; NaN where it is none.
        decimals: Digits after the decimal sign as each is written [values], int64; a power of ten
            counts.
        format: The spreadsheet's pattern that writes them; empty for plain numbers.
        unsure: Whether one sign could mean thousands or decimals.
    """

    numbers: np.ndarray
    decimals: np.ndarray
    format: str = ""
    unsure: bool = False

    @property
    def read(self) -> np.ndarray:
        """Whether each text is a number, infinite ones included [values]."""
        return ~np.isnan(self.numbers)


def read_number_texts(texts: Distinct) -> NumberTexts:
    """Read the numbers of a column's texts in the notation that most of them have."""
    sample = texts.sample(_SAMPLE)
    for negative, second in ((_BRACKETED, "({})"), (_MINUS_BEHIND, "{}-"), (_MINUS_SIGN, "−{}")):
        if 0 < sum(re.fullmatch(negative, text) is not None for text in sample) < len(sample):
            read = _with_minus_before(_minus_before(texts, negative))
            above = read.format or f"0.{'#' * min(MOST_DECIMALS, int(read.decimals.max()))}".rstrip(
                "."
            )
            return replace(read, format=f"{above};{second.format(above)}")
    return _with_minus_before(texts)


def _minus_before(texts: Distinct, negative: str) -> Distinct:
    """Texts with a leading minus in place of brackets or a trailing minus."""
    changed = pc.replace_substring_regex(texts.texts, f"^{negative}$", r"-\1")
    return Distinct(name=texts.name, values=changed, counts=texts.counts)


def _with_minus_before(texts: Distinct) -> NumberTexts:
    writing = _writing(texts.sample(_SAMPLE))
    if writing.bare:
        return _plain(texts)
    read = _formatted(texts, writing)
    try:
        number_form(read.format)
    except ValueError:
        return _plain(texts)
    return read


def plain_decimals(texts: pa.Array) -> np.ndarray:
    """Decimal digits of plain numbers [values], int64; a power of ten counts."""
    found = pc.extract_regex(texts, r"^[^.eE]*(?:\.(?P<d>[0-9]*))?(?:[eE](?P<e>[-+]?[0-9]{1,3}))?$")
    digits = pc.utf8_length(pc.fill_null(pc.struct_field(found, "d"), ""))
    powers = pc.replace_substring(pc.fill_null(pc.struct_field(found, "e"), "0"), "+", "")
    powers = pc.cast(pc.if_else(pc.equal(powers, ""), "0", powers), pa.int64())
    counted = digits.to_numpy(zero_copy_only=False) - powers.to_numpy(zero_copy_only=False)
    return np.maximum(counted, 0).astype(np.int64)


def _plain(texts: Distinct) -> NumberTexts:
    trimmed = pc.utf8_trim_whitespace(texts.texts)
    numbers = _cast(trimmed, Distinct(name="", values=trimmed, counts=texts.counts).matches(_PLAIN))
    read = np.isfinite(numbers)
    decimals = plain_decimals(trimmed)
    numbers = np.where(_endless(trimmed), np.inf, numbers)
    pattern = _fixed_pattern(trimmed.filter(pa.array(read)), decimals[read], Writing())
    return NumberTexts(numbers=numbers, decimals=decimals, format=pattern)


def _cast(texts: pa.Array, chosen: np.ndarray) -> np.ndarray:
    numbers = np.full(len(texts), np.nan)
    numbers[chosen] = pc.cast(texts.filter(pa.array(chosen)), pa.float64()).to_numpy(
        zero_copy_only=False
    )
    return numbers


def _endless(texts: pa.Array) -> np.ndarray:
    short = pc.less_equal(pc.utf8_length(texts), max(map(len, _ENDLESS)))
    known = pa.array(sorted(_ENDLESS), texts.type)
    return pc.and_(short, pc.is_in(pc.utf8_lower(texts), value_set=known)).to_numpy(
        zero_copy_only=False
    )


def _writing(sample: Sequence[str]) -> Writing:
    """Notation that most of a sample have."""
    found = [
        match for text in sample if (match := _BODY.fullmatch(text.strip())) and _is_unit(match)
    ]
    if not found:
        return Writing()
    (before, after), _ = Counter((match["before"], match["after"]) for match in found).most_common(
        1
    )[0]
    bodies = [
        match["body"] for match in found if (match["before"], match["after"]) == (before, after)
    ]
    power = 2 * sum(
        match["power"] is not None and match["body"][1:2] in ("", ".", ",") for match in found
    ) > len(found)
    group, point, unsure = _separators(bodies)
    pairs = group == "," and any(map(_PAIRS.fullmatch, bodies))
    return Writing(
        before=before,
        after=after,
        group=group,
        pairs=pairs,
        point=point,
        power=power,
        unsure=unsure and not power,
    )


def _is_unit(match: re.Match[str]) -> bool:
    """Whether the text around the digits is a currency or a unit, and no letter of a code."""
    return bool(_BEFORE.fullmatch(match["before"]) and _AFTER.fullmatch(match["after"]))


def _separators(bodies: Sequence[str]) -> tuple[str, str, bool]:
    """Thousands sign, decimal sign, and whether they could be the other way round.

    A sign that stands once, with other than three digits behind it, is decimal. One that stands
    twice, or before another, is not. A lone point before three digits is decimal and a lone comma
    is not, as in English texts.
    """
    signs = Counter(sign for body in bodies for sign in set(body) - set("0123456789"))
    spaced = [sign for sign in signs if sign in f"'’{_SPACES}"]
    as_point: Counter[str] = Counter()
    as_group: Counter[str] = Counter()
    for body in bodies:
        _weigh(body, as_point, as_group)
    marks = [sign for sign in ",." if sign in signs]
    clear = {sign: as_point[sign] - as_group[sign] for sign in marks}
    decided = any(clear.values())
    if not decided and "." in marks:
        clear["."] = 1
    elif not decided and marks:
        clear[","] = 1 if spaced else -1
    point = (
        max(clear, key=lambda sign: clear[sign], default=".")
        if any(v > 0 for v in clear.values())
        else ""
    )
    groups = [*spaced, *(sign for sign in marks if sign != point)]
    group = max(groups, key=lambda sign: signs[sign], default="")
    other = "," if (point or group) == "." else "."
    return group, point or other, bool(marks) and not decided


def _weigh(body: str, as_point: Counter[str], as_group: Counter[str]) -> None:
    places = [(at, sign) for at, sign in enumerate(body) if sign in ",."]
    if not places:
        return
    last_at, last = places[-1]
    for sign in {sign for _, sign in places} - {last}:
        as_group[sign] += 1
        as_point[last] += 1
    times = sum(sign == last for _, sign in places)
    whole, part = body[:last_at], body[last_at + 1 :]
    if times > 1:
        as_group[last] += 1
    elif len(part) != _THOUSANDS or len(whole) > _THOUSANDS or whole in ("", "0"):
        as_point[last] += 1


def _formatted(texts: Distinct, writing: Writing) -> NumberTexts:
    trimmed = pc.utf8_trim(texts.texts, f"{_SPACES}\t")
    found = pc.extract_regex(trimmed, _form(writing))
    parts = {
        key: pc.fill_null(pc.struct_field(found, key), _text(""))
        for key in ("s", "i", "w", "d", "e")
    }
    read = _is_number(found, parts)
    whole = pc.replace_substring(parts["w"], writing.group, "") if writing.group else parts["w"]
    sign = pc.if_else(pc.or_(_minus(parts["s"]), _minus(parts["i"])), _text("-"), _text(""))
    plain = pc.binary_join_element_wise(sign, whole, _text("."), parts["d"], parts["e"], _text(""))
    numbers = _cast(plain, read)
    decimals = plain_decimals(plain)
    chosen = pa.array(read)
    if writing.power:
        pattern = _power_pattern(parts["d"].filter(chosen), parts["e"].filter(chosen), writing)
    else:
        pattern = _fixed_pattern(plain.filter(chosen), decimals[read], writing)
    return NumberTexts(numbers=numbers, decimals=decimals, format=pattern, unsure=writing.unsure)


def _form(writing: Writing) -> str:
    group, point = re.escape(writing.group), re.escape(writing.point)
    grouped = (
        rf"[0-9]{{1,2}}(?:{group}[0-9]{{2}})*{group}[0-9]{{3}}"
        if writing.pairs
        else rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+"
    )
    whole = rf"{grouped}|[0-9]+" if writing.group else "[0-9]+"
    before, after = _literal(writing.before), _literal(writing.after)
    power = f"(?:{_POWER})?" if writing.power else ""
    signs = rf"(?P<s>{_SIGN})\s*{before}\s*(?P<i>{_SIGN})"
    digits = rf"(?P<w>(?:{whole})?)(?:{point}(?P<d>[0-9]*))?(?P<e>{power})"
    return rf"^{signs}{digits}\s*{after}$"


def _literal(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text.strip())


def _is_number(found: pa.Array, parts: dict[str, pa.Array]) -> np.ndarray:
    digits = pc.greater(pc.add(pc.utf8_length(parts["w"]), pc.utf8_length(parts["d"])), 0)
    signs = pc.less(pc.add(pc.utf8_length(parts["s"]), pc.utf8_length(parts["i"])), 2)
    return pc.and_(pc.is_valid(found), pc.and_(digits, signs)).to_numpy(zero_copy_only=False)


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _minus(signs: pa.Array) -> pa.Array:
    return pc.or_(pc.equal(signs, "-"), pc.equal(signs, "−"))


def _fixed_pattern(plain: pa.Array, decimals: np.ndarray, writing: Writing) -> str:
    """Pattern of numbers without a power of ten; empty where plain numbers look the same."""
    if not len(plain) or (writing.bare and pc.any(pc.match_substring_regex(plain, "[eE]")).as_py()):
        return ""
    least, most = (min(MOST_DECIMALS, int(digits)) for digits in (decimals.min(), decimals.max()))
    if writing.bare and decimals.max() > MOST_DECIMALS:
        return ""
    padded = pc.any(pc.match_substring_regex(plain, r"\.[0-9]*0$")).as_py()
    if writing.bare and (most == 0 or not (padded or least == 0)):
        return ""  # Trimmed floats and whole numbers.
    if writing.bare and least == 1 and _padded_once(plain):
        return ""  # As programs write floats: 5.0, 2.25.
    if padded:  # Trailing zeros are written; a number without them is the exception.
        least = int(decimals[decimals > 0].min())
    part = "0" * least + "#" * (most - least)
    whole = f"#{writing.group}{f'##{writing.group}' * writing.pairs}##0" if writing.group else "0"
    return f"{writing.before}{whole}{writing.point + part if part else ''}{writing.after}"


def _padded_once(plain: pa.Array) -> bool:
    """Whether only whole numbers end in zeros, and others have more digits."""
    whole = pc.match_substring_regex(plain, r"\.0$")
    longer = pc.match_substring_regex(plain, r"\.[0-9]{2,}$")
    padded = pc.match_substring_regex(plain, r"\.[0-9]+0$")
    return bool(pc.any(whole).as_py() and pc.any(longer).as_py() and not pc.any(padded).as_py())


def _power_pattern(parts: pa.Array, powers: pa.Array, writing: Writing) -> str:
    stated = pc.greater(pc.utf8_length(powers), 0)
    parts, powers = parts.filter(stated), powers.filter(stated)
    lengths = pc.utf8_length(parts).to_numpy(zero_copy_only=False)
    least, most = int(lengths.min()), int(lengths.max())
    part = "0" * least + "#" * (most - least)
    sign = "" if pc.any(pc.match_substring_regex(powers, "^[eE][0-9]")).as_py() else "+"
    digits = pc.min(pc.utf8_length(pc.replace_substring_regex(powers, "[-+eE]", ""))).as_py()
    shape = f"{_usual(powers)[:1] or 'E'}{sign}{'0' * max(1, digits)}"
    return f"{writing.before}0{writing.point + part if part else ''}{shape}{writing.after}"


def _usual(texts: pa.Array) -> str:
    counted = pc.value_counts(texts)
    return str(counted.field(0)[int(np.argmax(counted.field(1).to_numpy()))].as_py())
