"""Categories as other tools spell them: 3.0 for 3, other letters' case or spaces, Y for true."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from privgan.audit.number_notation import with_comma, with_point
from privgan.table.columns import Discrete

_TRUE = frozenset({"true", "t", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "off"})
# What programs write for a missing value; taken for one only where the schema lets a value be missing.
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
    """What reads alike after some folds.

    Attributes:
        what: The last fold in words.
        folds: The folds.
        categories: Folded text to the category, where only one reads so.
    """

    what: str
    folds: tuple[_Fold, ...]
    categories: Mapping[str, str]

    @classmethod
    def of(cls, what: str, folds: tuple[_Fold, ...], categories: Sequence[str]) -> _Alike:
        """The categories that no other one reads alike after the folds."""
        keys = [_folded(category, folds) for category in categories]
        counts = Counter(keys)
        unique = {key: category for key, category in zip(keys, categories, strict=True) if counts[key] == 1}
        return cls(what, folds, unique)

    def match(self, text: str) -> str | None:
        """The category that a text reads alike with."""
        return self.categories.get(_folded(text, self.folds))


def spelt(texts: Sequence[str], column: Discrete) -> dict[str, tuple[str, str]]:
    """The category that each text stands for, and what was written otherwise; texts that stand for none are left out.

    A text goes to a category only where no other category reads alike.
    """
    known, truths = set(column.categories), _truths(column.categories)
    folds = tuple(fold for _, fold in _FOLDS)
    steps = [((_NUMBERS[1],), _NUMBERS[0]), *((folds[: place + 1], what) for place, (what, _) in enumerate(_FOLDS))]
    alike = [_Alike.of(what, step, column.categories) for step, what in steps]
    found = {text: _matched(text, alike, truths) for text in texts if text not in known}
    return {text: match for text, match in found.items() if match is not None}


def _matched(text: str, alike: Sequence[_Alike], truths: Mapping[bool | None, str]) -> tuple[str, str] | None:
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
    """The categories of false and of true; none where the column is no pair of them."""
    pair = {_truth(category): category for category in categories}
    return pair if len(categories) == 2 and set(pair) == {True, False} else {}
