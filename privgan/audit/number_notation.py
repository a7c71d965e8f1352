"""Numbers as other tools write them: signs of currency, thousands, decimal commas, per cent."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from privgan.audit.notations import Notation
from privgan.table.columns import Numeric
from privgan.table.number_format import number_form

_CODES = "USD|EUR|GBP|CHF|CNY|JPY|RMB|INR|SEK|NOK|DKK|PLN|CZK|AUD|CAD|BRL|RUB|KRW|Rs|kr|zł|元|円"
_AROUND = re.compile(rf"[%‰]|\b(?:{_CODES})\b\.?", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_POINT = re.compile(r"[-+]?(?:[0-9]{1,3}(?:[,'’ ][0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_COMMA = re.compile(r"[-+]?(?:[0-9]{1,3}(?:[.'’ ][0-9]{3})+|[0-9]+)?(?:,[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_GROUPS = re.compile(r"[,.'’ ]")


def bare(text: str) -> str:
    """The digits and their signs alone: no currency, no per cent, one kind of minus and of space."""
    text = unicodedata.normalize("NFKC", text).replace("−", "-")
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Sc")
    text = _SPACES.sub(" ", _AROUND.sub(" ", text)).strip()
    if text.startswith("(") and text.endswith(")"):  # As accountants write what is below zero.
        text = f"-{text[1:-1].strip()}"
    text = re.sub(r"(?<=[.,])[-–—]$", "", text)  # 3.- and 3,- are whole amounts.
    if text.endswith("-"):
        text = f"-{text[:-1].strip()}"
    return re.sub(r"^([-+]) ", r"\1", text)


def with_point(text: str) -> float:
    """A number with a decimal point and any thousands; NaN where the text is none."""
    digits = bare(text)
    if not _POINT.fullmatch(digits) or not any(map(str.isdigit, digits)):
        return math.nan
    return float(re.sub(r"[,'’ ]", "", digits))


def with_comma(text: str) -> float:
    """A number with a decimal comma and any thousands; NaN where the text is none."""
    digits = bare(text)
    if not _COMMA.fullmatch(digits) or not any(map(str.isdigit, digits)):
        return math.nan
    whole, _, part = digits.partition(",")
    return float(f"{_GROUPS.sub('', whole)}.{part or '0'}" if "," in digits else _GROUPS.sub("", whole))


def duration(text: str) -> float:
    """The seconds of a duration as pandas and ISO 8601 write it; NaN where the text is none."""
    if not re.search(r"[0-9]:[0-9]{2}|^-?P|day", text):
        return math.nan
    try:
        return float(pd.Timedelta(text).total_seconds())
    except ValueError:
        return math.nan


_READERS: dict[str, Callable[[str], float]] = {
    "thousands, currency or per cent": with_point,
    "decimal comma": with_comma,
    "durations as seconds": duration,
}


def number_notations(texts: Sequence[str], column: Numeric) -> Iterator[Notation]:
    """Every way to read the distinct texts as a column's numbers, but for the one as they stand."""
    for what, reader in _READERS.items():
        values = np.array([reader(text) for text in texts], dtype=float)
        yield Notation(what=what, values=values, fits=fits_column(values, column))


def fits_column(numbers: np.ndarray, column: Numeric) -> np.ndarray:
    """Which numbers lie within a column's bounds and decimals; NaN never does."""
    with np.errstate(invalid="ignore"):
        inside = (numbers >= column.lower) & (numbers <= column.upper)
        off = np.abs(numbers - np.round(numbers, column.decimals))
        exact = off <= 1e-6 * np.maximum(1.0, np.abs(numbers))
    return (inside | np.isin(numbers, column.special_values)) & exact


def number_text(number: float, column: Numeric) -> str:
    """A number as the column writes it; as plain text, with no more digits than it needs, where it has no form."""
    if column.format:
        return number_form(column.format).text(number)
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return f"{number:.15f}" if abs(number) < 1e-4 else repr(number)
