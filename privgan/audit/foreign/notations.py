"""Parse numbers and categories in other tools' notations, and choose each column's reading.

The reading that makes most rows fit the schema comes first; the schema's own notation wins ties.
Two other readings that fit equally well and differ are ambiguous: such a value counts as unread.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.notation.number_format import number_form
from privgan.schema.columns import Discrete, Numeric

_CODES = "USD|EUR|GBP|CHF|CNY|JPY|RMB|INR|SEK|NOK|DKK|PLN|CZK|AUD|CAD|BRL|RUB|KRW|Rs|kr|zł|元|円"
_AROUND = re.compile(rf"[%‰]|\b(?:{_CODES})\b\.?", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_POINT = re.compile(
    r"[-+]?(?:[0-9]{1,3}(?:[,'’ ][0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
)
_COMMA = re.compile(
    r"[-+]?(?:[0-9]{1,3}(?:[.'’ ][0-9]{3})+|[0-9]+)?(?:,[0-9]*)?(?:[eE][-+]?[0-9]+)?"
)
_GROUPS = re.compile(r"[,.'’ ]")


def bare(text: str) -> str:
    """Digits and signs alone: no currency or per cent, one kind of minus and space."""
    text = unicodedata.normalize("NFKC", text).replace("−", "-")
    text = "".join(sign for sign in text if unicodedata.category(sign) != "Sc")
    text = _SPACES.sub(" ", _AROUND.sub(" ", text)).strip()
    if text.startswith("(") and text.endswith(")"):  # Accountants write negative numbers so.
        text = f"-{text[1:-1].strip()}"
    text = re.sub(r"(?<=[.,])[-–—]$", "", text)  # 3.- and 3,- are whole amounts.
    if text.endswith("-"):
        text = f"-{text[:-1].strip()}"
    return re.sub(r"^([-+]) ", r"\1", text)


def with_point(text: str) -> float:
    """Number with a decimal point and any thousands separator; NaN if the text is none."""
    digits = bare(text)
    if not _POINT.fullmatch(digits) or not any(map(str.isdigit, digits)):
        return math.nan
    return float(re.sub(r"[,'’ ]", "", digits))


def with_comma(text: str) -> float:
    """Number with a decimal comma and any thousands separator; NaN if the text is none."""
    digits = bare(text)
    if not _COMMA.fullmatch(digits) or not any(map(str.isdigit, digits)):
        return math.nan
    whole, _, part = digits.partition(",")
    return float(
        f"{_GROUPS.sub('', whole)}.{part or '0'}" if "," in digits else _GROUPS.sub("", whole)
    )


def duration(text: str) -> float:
    """Seconds of a duration in pandas' or ISO 8601 notation; NaN if the text is none."""
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
    """All readings of distinct texts as numbers, besides the schema's own."""
    for what, reader in _READERS.items():
        values = np.array([reader(text) for text in texts], dtype=float)
        yield Notation(what=what, values=values, fits=fits_column(values, column))


def fits_column(numbers: np.ndarray, column: Numeric) -> np.ndarray:
    """Mask of the numbers within a column's bounds and decimals; NaN never is."""
    with np.errstate(invalid="ignore"):
        inside = (numbers >= column.lower) & (numbers <= column.upper)
        off = np.abs(numbers - np.round(numbers, column.decimals))
        exact = off <= 1e-6 * np.maximum(1.0, np.abs(numbers))
    return (inside | np.isin(numbers, column.special_values)) & exact


def number_text(number: float, column: Numeric) -> str:
    """A number in the column's notation.

    Without a declared format: plain text with no more digits than needed.
    """
    if column.format:
        return number_form(column.format).text(number)
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return f"{number:.15f}" if abs(number) < 1e-4 else repr(number)


_TRUE = frozenset({"true", "t", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "off"})
# Words that programs write for a missing value; used only if the schema allows missing values.
ABSENT = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "\\n"})
_Fold = Callable[[str], str]


def _number(text: str) -> str:
    value = with_point(text)
    value = with_comma(text) if math.isnan(value) else value
    return text if math.isnan(value) else repr(value)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _spaced(text: str) -> str:
    return " ".join(text.split())


_NUMBERS: tuple[str, _Fold] = "3.0 for 3, or another number's notation", _number
# Each fold comes after those before it.
_FOLDS: tuple[tuple[str, _Fold], ...] = (
    ("Unicode composed otherwise", _composed),
    ("spaces", _spaced),
    ("letters' case", str.casefold),
    ("spaces left out", lambda text: text.replace(" ", "")),
)


@dataclass(frozen=True, eq=False)
class _Alike:
    """Categories that can be matched after folding their spelling.

    Attributes:
        what: The last fold in words.
        folds: The folds.
        categories: Folded text to the category, if only one matches.
    """

    what: str
    folds: tuple[_Fold, ...]
    categories: Mapping[str, str]

    @classmethod
    def of(cls, what: str, folds: tuple[_Fold, ...], categories: Sequence[str]) -> _Alike:
        """Index the categories that stay unique after the folds."""
        keys = [_folded(category, folds) for category in categories]
        counts = Counter(keys)
        unique = {
            key: category
            for key, category in zip(keys, categories, strict=True)
            if counts[key] == 1
        }
        return cls(what, folds, unique)

    def match(self, text: str) -> str | None:
        """The category that matches a text after the folds."""
        return self.categories.get(_folded(text, self.folds))


def spelt(texts: Sequence[str], column: Discrete) -> dict[str, tuple[str, str]]:
    """The category of each text, and the changed spellings.

    A text matches a category only if no other category matches it. Texts without a match are left
    out.
    """
    known, truths = set(column.categories), _truths(column.categories)
    folds = tuple(fold for _, fold in _FOLDS)
    steps = [
        ((_NUMBERS[1],), _NUMBERS[0]),
        *((folds[: place + 1], what) for place, (what, _) in enumerate(_FOLDS)),
    ]
    alike = [_Alike.of(what, step, column.categories) for step, what in steps]
    found = {text: _matched(text, alike, truths) for text in texts if text not in known}
    return {text: match for text, match in found.items() if match is not None}


def _matched(
    text: str, alike: Sequence[_Alike], truths: Mapping[bool | None, str]
) -> tuple[str, str] | None:
    for step in alike:
        category = step.match(text)
        if category is not None:
            return category, step.what
    truth = truths.get(_truth(text))
    return None if truth is None else (truth, "another word for true or false")


def _folded(text: str, folds: Sequence[_Fold]) -> str:
    for fold in folds:
        text = fold(text)
    return text


def _truth(text: str) -> bool | None:
    word = _number(text).removesuffix(".0").strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _truths(categories: Sequence[str]) -> Mapping[bool | None, str]:
    """The categories of false and of true; none if the column is no such pair."""
    pair = {_truth(category): category for category in categories}
    return pair if len(categories) == 2 and set(pair) == {True, False} else {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Notation:
    """One reading of a column's distinct values.

    Attributes:
        what: The notation in words.
        values: Number read from each distinct value [distinct]; NaN if it cannot be read so.
        fits: Mask of the values within the schema [distinct].
        own: Whether it is the schema's own notation, which needs no other one's leave.
    """

    what: str
    values: NDArray[np.float64]
    fits: NDArray[np.bool_]
    own: bool = False


@dataclass(frozen=True, eq=False)
class Chosen:
    """The chosen value of each distinct text.

    Attributes:
        values: The numbers [distinct]; NaN if unread.
        notation: The place of the reading that was used [distinct]; -1 if unread.
    """

    values: NDArray[np.float64]
    notation: NDArray[np.int64]


def choose_notation(notations: Sequence[Notation], rows: NDArray[np.int64]) -> Chosen:
    """Choose the reading of each distinct value.

    Args:
        notations: The readings; the first is that of the values as they stand, and own.
        rows: Number of rows with each distinct value [distinct].
    """
    scores = [int(rows[notation.fits].sum()) for notation in notations]
    order = sorted(range(len(notations)), key=lambda place: (-scores[place], place))
    values, used = np.full(len(rows), np.nan), np.full(len(rows), -1)
    for place in order:
        take = (used < 0) & ~np.isnan(notations[place].values)
        if scores[place] or place == 0:
            values[take], used[take] = notations[place].values[take], place
    unsure = _unsure(notations, scores, values, used)
    values[unsure], used[unsure] = np.nan, -1
    return Chosen(values, used)


def _unsure(
    notations: Sequence[Notation],
    scores: Sequence[int],
    values: NDArray[np.float64],
    used: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Mask of the values that another, equally good reading takes for something else."""
    unsure = np.zeros(len(values), dtype=bool)
    for place, notation in enumerate(notations):
        rival = np.array(
            [
                other >= 0 and not notations[other].own and scores[other] == scores[place]
                for other in used
            ],
            dtype=bool,
        )
        differs = ~np.isnan(notation.values) & (notation.values != values)
        unsure |= rival & differs & (used != place)
    return unsure
