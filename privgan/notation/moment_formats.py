"""Recognise and read texts of moments in the formats that people and programs use.

A format is strftime's. A sample of texts decides which formats are tried; the one that reads most
texts is taken. Of formats that read alike, the day comes before the month.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORT = tuple(month[:3] for month in MONTHS)
_WEEKDAYS = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_NAMES = "|".join((*MONTHS, *_SHORT))
# Regular expression (RE2) of each directive; weekdays add nothing and are no groups.
_DIRECTIVES = {
    "%Y": "(?P<Y>[0-9]{4})",
    "%y": "(?P<y>[0-9]{2})",
    "%m": "(?P<m>[0-9]{1,2})",
    "%d": "(?P<d>[0-9]{1,2})",
    "%b": f"(?P<b>(?i:{'|'.join(_SHORT)}))",
    "%B": f"(?P<b>(?i:{'|'.join(MONTHS)}))",
    "%a": "(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "%A": "(?i:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)(?i:day)",
    "%H": "(?P<H>[0-9]{1,2})",
    "%I": "(?P<I>[0-9]{1,2})",
    "%M": "(?P<M>[0-9]{1,2})",
    "%S": "(?P<S>[0-9]{1,2})",
    "%p": "(?P<p>(?i:AM|PM))",
    "%f": "[0-9]{1,6}",
    "%3f": "[0-9]{3}",
    "%6f": "[0-9]{6}",
    "%9f": "[0-9]{9}",
    "%z": "(?P<z>Z|[-+][0-9]{2}:?[0-9]{2})",
}
_DIRECTIVE = re.compile("%[369]?[A-Za-z]")
_STRICT = {"%Y", "%y", "%m", "%d", "%H", "%M", "%S"}  # Of fixed width where digits follow.
# Shape of a date's text, with its possible formats, the more usual first.
_DATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y", "%m.%d.%Y")),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{2}", ("%d.%m.%y", "%m.%d.%y")),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d")),
    (r"\d{1,2}-\d{1,2}-\d{2}", ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d")),
    (r"\d{4}年\d{1,2}月\d{1,2}日", ("%Y年%m月%d日",)),
    (r"\d{8}", ("%Y%m%d",)),
    (rf"\d{{1,2}}-(?:{_NAMES})-\d{{4}}", ("%d-%b-%Y", "%d-%B-%Y")),
    (rf"\d{{1,2}}-(?:{_NAMES})-\d{{2}}", ("%d-%b-%y", "%d-%B-%y")),
    (rf"\d{{4}}-(?:{_NAMES})-\d{{1,2}}", ("%Y-%b-%d", "%Y-%B-%d")),
    (rf"\d{{1,2}}/(?:{_NAMES})/\d{{4}}", ("%d/%b/%Y", "%d/%B/%Y")),
    (rf"\d{{1,2}}\.(?:{_NAMES})\.\d{{4}}", ("%d.%b.%Y", "%d.%B.%Y")),
    (rf"\d{{1,2}} (?:{_NAMES}) \d{{4}}", ("%d %b %Y", "%d %B %Y")),
    (rf"\d{{1,2}} (?:{_NAMES}) \d{{2}}", ("%d %b %y", "%d %B %y")),
    (rf"\d{{1,2}} (?:{_NAMES}), \d{{4}}", ("%d %b, %Y", "%d %B, %Y")),
    (rf"\d{{1,2}}\. (?:{_NAMES}) \d{{4}}", ("%d. %b %Y", "%d. %B %Y")),
    (rf"(?:{_NAMES}) \d{{1,2}}, \d{{4}}", ("%b %d, %Y", "%B %d, %Y")),
    (rf"(?:{_NAMES}) \d{{1,2}} \d{{4}}", ("%b %d %Y", "%B %d %Y")),
    (rf"(?:{_NAMES})-\d{{1,2}}-\d{{4}}", ("%b-%d-%Y", "%B-%d-%Y")),
    (rf"\d{{1,2}}(?:{_NAMES})\d{{4}}", ("%d%b%Y", "%d%B%Y")),
    (rf"\d{{1,2}}(?:{_NAMES})\d{{2}}", ("%d%b%y",)),
)
_CLOCKS: tuple[tuple[str, str], ...] = (
    (r"\d{1,2}:\d{2}:\d{2} (?:am|pm)", "%I:%M:%S %p"),
    (r"\d{1,2}:\d{2}:\d{2}(?:am|pm)", "%I:%M:%S%p"),
    (r"\d{1,2}:\d{2} (?:am|pm)", "%I:%M %p"),
    (r"\d{1,2}:\d{2}(?:am|pm)", "%I:%M%p"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{4}", "%H%M"),
)
_BARE_CLOCKS = frozenset({"%H%M%S", "%H%M"})  # Alone these are numbers.
_ANY_DATE = "|".join(f"(?P<d{at}>{shape})" for at, (shape, _) in enumerate(_DATES))
_ANY_CLOCK = "|".join(f"(?P<c{at}>{shape})" for at, (shape, _) in enumerate(_CLOCKS))
_ZONE = r" ?(?:Z|UTC|GMT|[-+]\d{2}:?\d{2})"
_SHAPE = re.compile(
    rf"(?P<day>{_WEEKDAYS},? )?"
    rf"(?:{_ANY_DATE})"
    rf"(?:(?P<between>, |[ T_]|:(?=\d\d:)|)(?:{_ANY_CLOCK})"
    rf"(?P<fraction>[.,]\d{{1,9}})?(?P<zone>{_ZONE})?)?",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    rf"(?:{_ANY_CLOCK})(?P<fraction>[.,]\d{{1,9}})?",
    re.IGNORECASE,
)
_ZEROS = {
    **{"%H": "00", "%I": "12", "%M": "00", "%S": "00", "%p": "AM"},
    **{"%3f": "000", "%6f": "000000", "%9f": "000000000", "%f": "0"},
}
_MIDNIGHT = re.compile("|".join(sorted(_ZEROS, key=len, reverse=True)))
_MOST_WAYS = 8
CLOCK_DAY = np.datetime64("1900-01-01", "s")


def ways_of_writing(texts: Iterable[str]) -> list[str]:
    """Formats in which some texts may be moments, the likeliest first.

    Args:
        texts: A sample of a column's texts.
    """
    found: Counter[tuple[str, ...]] = Counter()
    zones: Counter[str] = Counter()
    for text in texts:
        stripped = text.strip()
        ways, zone = _ways(stripped)
        if ways:
            found[ways] += 1
            zones[zone] += 1
    several = len(zones) > 1
    likely = [way for group, _ in found.most_common(_MOST_WAYS) for way in group]
    return list(dict.fromkeys(_with_zone(way, zones, several) for way in likely))


def _with_zone(way: str, zones: Counter[str], several: bool) -> str:
    """Put the zone into a format: literal text for one offset, ``%z`` for several."""
    return way.replace("\0", "%z" if several else _literal(next(iter(zones), "")))


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _ways(text: str) -> tuple[tuple[str, ...], str]:
    """Formats that one text may have, a NUL in the place of its zone, and that zone."""
    if found := _SHAPE.fullmatch(text):
        return _ways_of_day(found)
    if (found := _CLOCK.fullmatch(text)) and (clock := _clock_way(found)) not in _BARE_CLOCKS:
        return (f"{clock}{_fraction(found['fraction'])}",), ""
    return (), ""


def _ways_of_day(found: re.Match[str]) -> tuple[tuple[str, ...], str]:
    """Formats of a text with a day, and its zone; none where its time of day is ambiguous."""
    clock, between = _clock_way(found), found["between"]
    bare = clock in _BARE_CLOCKS
    if clock and (between not in ("", "T", "_") if bare else between == ""):
        return (), ""
    dates = next(ways for at, (_, ways) in enumerate(_DATES) if found[f"d{at}"] is not None)
    rest = f"{between}{clock}{_fraction(found['fraction'])}\0" if clock else ""
    day = _weekday(found["day"])
    return tuple(f"{day}{date}{rest}" for date in dates), found["zone"] or ""


def _weekday(text: str | None) -> str:
    if not text:
        return ""
    word = text.rstrip(" ,")
    return ("%a" if len(word) == 3 else "%A") + text[len(word) :]


def _clock_way(found: re.Match[str]) -> str:
    return next((way for at, (_, way) in enumerate(_CLOCKS) if found[f"c{at}"] is not None), "")


def _fraction(text: str | None) -> str:
    if not text:
        return ""
    digits = len(text) - 1
    return text[0] + {3: "%3f", 6: "%6f", 9: "%9f"}.get(digits, "%f" if digits < 6 else "%9f")


def has_clock(way: str) -> bool:
    """Whether a format writes a time of day."""
    return bool(_MIDNIGHT.search(way))


def at_midnight(way: str) -> str:
    """Replace a format's time of day by midnight, as literal text."""
    return _MIDNIGHT.sub(lambda found: _ZEROS[found[0]], way)


def read_by_format(texts: pa.Array, way: str) -> np.ndarray:
    """Moment of each text [values], to the second; NaT where the format does not fit.

    Years of two digits are read as Python does: 69 as 1969, 68 as 2068.

    Args:
        texts: The texts [values].
        way: A format, as ``ways_of_writing`` gives it.
    """
    found = pc.extract_regex(pc.utf8_trim_whitespace(texts), f"^{_form(way)}$")
    read = pc.is_valid(found).to_numpy(zero_copy_only=False)
    if not found.type.num_fields:
        return np.full(len(texts), np.datetime64("NaT", "s"))
    parts = {field.name: pc.struct_field(found, field.name) for field in found.type}
    days, real = _days(parts, len(texts))
    seconds, in_day = _seconds(parts, len(texts))
    moments = days.astype("datetime64[s]") + seconds
    return np.where(read & real & in_day, moments, np.datetime64("NaT", "s"))


def _form(way: str) -> str:
    """Regular expression of RE2 for a format."""
    form, at = [], 0
    for found in _DIRECTIVE.finditer(way.replace("%%", "\0\0")):
        form.append(_escaped(way[at : found.start()]))
        form.append(_group(found[0], way, found.end()))
        at = found.end()
    return "".join(form) + _escaped(way[at:])


def _group(directive: str, way: str, end: int) -> str:
    """Regular expression of a directive; of full width where digits follow digits."""
    crowded = way[end : end + 1] == "%" or way[: end - 2][-2:-1] == "%"
    group = _DIRECTIVES.get(directive, "[^0-9]+")
    return group.replace("{1,2}", "{2}") if directive in _STRICT and crowded else group


def _escaped(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text.replace("%%", "%"))


def _number(parts: dict[str, pa.Array], key: str, size: int, absent: int) -> np.ndarray:
    if key not in parts:
        return np.full(size, absent, dtype=np.int64)
    texts = pc.if_else(pc.equal(pc.fill_null(parts[key], ""), ""), str(absent), parts[key])
    return pc.cast(texts, pa.int64()).to_numpy(zero_copy_only=False)


def _month(parts: dict[str, pa.Array], size: int) -> np.ndarray:
    if "b" not in parts:
        return _number(parts, "m", size, 1)
    short = pc.utf8_slice_codeunits(pc.utf8_lower(pc.fill_null(parts["b"], "")), 0, 3)
    places = pc.index_in(short, value_set=pa.array(_SHORT, short.type))
    return pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64) + 1


def _days(parts: dict[str, pa.Array], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Day of each text [values], and whether that day exists [values]."""
    if "y" in parts:
        short = _number(parts, "y", size, 0)
        years = short + np.where(short < 69, 2000, 1900)
    else:
        years = _number(parts, "Y", size, 1900)
    months, days = _month(parts, size), _number(parts, "d", size, 1)
    real = (years >= 1) & (months >= 1) & (months <= 12) & (days >= 1)
    index = np.where(real, (years - 1970) * 12 + months - 1, 0)
    first, after = index.astype("datetime64[M]"), (index + 1).astype("datetime64[M]")
    lengths = (after.astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    return first.astype("datetime64[D]") + np.where(real, days - 1, 0), real & (days <= lengths)


def _seconds(parts: dict[str, pa.Array], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds since midnight [values], and whether that time exists [values]."""
    hours, minutes, seconds = (_number(parts, key, size, 0) for key in "HMS")
    real = (hours < 24) & (minutes < 60) & (seconds < 60)
    if "I" in parts:
        twelve = _number(parts, "I", size, 12)
        late = pc.equal(pc.utf8_lower(pc.fill_null(parts["p"], "")), "pm").to_numpy(
            zero_copy_only=False
        )
        hours = twelve % 12 + 12 * late
        real &= (twelve >= 1) & (twelve <= 12)
    total = hours * 3600 + minutes * 60 + seconds
    if "z" in parts:
        total -= _offsets(parts["z"])
    return total.astype("timedelta64[s]"), real


def _offsets(texts: pa.Array) -> np.ndarray:
    """Seconds east of Greenwich [values]."""
    digits = pc.replace_substring(pc.fill_null(texts, "Z"), ":", "")
    digits = pc.if_else(
        pc.equal(digits, "Z"), "+0000", pc.if_else(pc.equal(digits, ""), "+0000", digits)
    )
    numbers = pc.cast(pc.utf8_slice_codeunits(digits, 1, 5), pa.int64()).to_numpy(
        zero_copy_only=False
    )
    west = pc.starts_with(digits, "-").to_numpy(zero_copy_only=False)
    return np.where(west, -1, 1) * (numbers // 100 * 3600 + numbers % 100 * 60)
