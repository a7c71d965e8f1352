"""Read numbers from texts.

Currency, per cent, units, thousands and the decimal sign are found from the texts themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct
from privgan.drafting.number_notation import POWER, SIGN, SPACES, Notation, notation_of
from privgan.drafting.sentinels import MOST_DECIMALS
from privgan.notation.number_format import number_form

_SAMPLE = 2_000
_PLAIN = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
_BRACKETED, _MINUS_BEHIND = (
    r"\s*\(([^()+−-]*[0-9][^()+−-]*)\)\s*",
    r"\s*([^()+−-]*[0-9][^()+−-]*)-\s*",
)
_MINUS_SIGN = r"\s*−([^()+−-]*[0-9][^()+−-]*)\s*"
_ENDLESS = frozenset({"inf", "infinity", "+inf", "-inf", "+infinity", "-infinity", "∞", "-∞", "+∞"})


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
    notation = notation_of(texts.sample(_SAMPLE))
    if notation.bare:
        return _plain(texts)
    read = _formatted(texts, notation)
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
    pattern = _fixed_pattern(trimmed.filter(pa.array(read)), decimals[read], Notation())
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


def _formatted(texts: Distinct, notation: Notation) -> NumberTexts:
    trimmed = pc.utf8_trim(texts.texts, f"{SPACES}\t")
    found = pc.extract_regex(trimmed, _form(notation))
    parts = {
        key: pc.fill_null(pc.struct_field(found, key), _text(""))
        for key in ("s", "i", "w", "d", "e")
    }
    read = _is_number(found, parts)
    whole = pc.replace_substring(parts["w"], notation.group, "") if notation.group else parts["w"]
    sign = pc.if_else(pc.or_(_minus(parts["s"]), _minus(parts["i"])), _text("-"), _text(""))
    plain = pc.binary_join_element_wise(sign, whole, _text("."), parts["d"], parts["e"], _text(""))
    numbers = _cast(plain, read)
    decimals = plain_decimals(plain)
    chosen = pa.array(read)
    if notation.power:
        pattern = _power_pattern(parts["d"].filter(chosen), parts["e"].filter(chosen), notation)
    else:
        pattern = _fixed_pattern(plain.filter(chosen), decimals[read], notation)
    return NumberTexts(numbers=numbers, decimals=decimals, format=pattern, unsure=notation.unsure)


def _form(notation: Notation) -> str:
    group, point = re.escape(notation.group), re.escape(notation.point)
    grouped = (
        rf"[0-9]{{1,2}}(?:{group}[0-9]{{2}})*{group}[0-9]{{3}}"
        if notation.pairs
        else rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+"
    )
    whole = rf"{grouped}|[0-9]+" if notation.group else "[0-9]+"
    before, after = _literal(notation.before), _literal(notation.after)
    power = f"(?:{POWER})?" if notation.power else ""
    signs = rf"(?P<s>{SIGN})\s*{before}\s*(?P<i>{SIGN})"
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


def _fixed_pattern(plain: pa.Array, decimals: np.ndarray, notation: Notation) -> str:
    """Pattern of numbers without a power of ten; empty where plain numbers look the same."""
    if not len(plain):
        return ""
    least, most = (min(MOST_DECIMALS, int(digits)) for digits in (decimals.min(), decimals.max()))
    padded = pc.any(pc.match_substring_regex(plain, r"\.[0-9]*0$")).as_py()
    if notation.bare and not (decimals.max() <= MOST_DECIMALS and _needs_pattern(plain, decimals)):
        return ""
    if padded:  # Trailing zeros are written; a number without them is the exception.
        least = int(decimals[decimals > 0].min())
    part = "0" * least + "#" * (most - least)
    whole = (
        f"#{notation.group}{f'##{notation.group}' * notation.pairs}##0" if notation.group else "0"
    )
    return f"{notation.before}{whole}{notation.point + part if part else ''}{notation.after}"


def _needs_pattern(plain: pa.Array, decimals: np.ndarray) -> bool:
    """Whether plain numbers of these digits are written otherwise than by a program.

    Programs write whole numbers, trimmed floats, and floats such as 5.0 and 2.25.
    """
    if pc.any(pc.match_substring_regex(plain, "[eE]")).as_py():
        return False
    padded = pc.any(pc.match_substring_regex(plain, r"\.[0-9]*0$")).as_py()
    if decimals.max() == 0 or not (padded or decimals.min() == 0):
        return False
    return decimals.min() != 1 or not _padded_once(plain)


def _padded_once(plain: pa.Array) -> bool:
    """Whether only whole numbers end in zeros, and others have more digits."""
    whole = pc.match_substring_regex(plain, r"\.0$")
    longer = pc.match_substring_regex(plain, r"\.[0-9]{2,}$")
    padded = pc.match_substring_regex(plain, r"\.[0-9]+0$")
    return bool(pc.any(whole).as_py() and pc.any(longer).as_py() and not pc.any(padded).as_py())


def _power_pattern(parts: pa.Array, powers: pa.Array, notation: Notation) -> str:
    stated = pc.greater(pc.utf8_length(powers), 0)
    parts, powers = parts.filter(stated), powers.filter(stated)
    lengths = pc.utf8_length(parts).to_numpy(zero_copy_only=False)
    least, most = int(lengths.min()), int(lengths.max())
    part = "0" * least + "#" * (most - least)
    sign = "" if pc.any(pc.match_substring_regex(powers, "^[eE][0-9]")).as_py() else "+"
    digits = pc.min(pc.utf8_length(pc.replace_substring_regex(powers, "[-+eE]", ""))).as_py()
    shape = f"{_usual(powers)[:1] or 'E'}{sign}{'0' * max(1, digits)}"
    return f"{notation.before}0{notation.point + part if part else ''}{shape}{notation.after}"


def _usual(texts: pa.Array) -> str:
    counted = pc.value_counts(texts)
    return str(counted.field(0)[int(np.argmax(counted.field(1).to_numpy()))].as_py())
