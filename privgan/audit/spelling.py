"""Categories as other tools spell them: 3.0 for 3, other letters' case or spaces, Y for true."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence

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


_FOLDS: dict[str, _Fold] = {
    "3.0 for 3, or another number's notation": _number,
    "Unicode composed otherwise": _composed,
    "spaces": _spaced,
    "letters' case": str.casefold,
    "spaces left out": lambda text: text.replace(" ", ""),
}


def spelt(texts: Sequence[str], column: Discrete) -> dict[str, tuple[str, str]]:
    """The category that each text stands for, and what was written otherwise; texts that stand for none are left out.

    A text goes to a category only where no other category reads alike.
    """
    known, found = set(column.categories), {}
    tables = list(_tables(column.categories))
    truths = _truths(column.categories)
    for text in texts:
        if text in known:
            continue
        category, what = _matched(text, tables)
        truth = truths.get(_truth(text)) if category is None else None
        if category is not None:
            found[text] = category, what
        elif truth is not None:
            found[text] = truth, "another word for true or false"
    return found


def _tables(categories: Sequence[str]) -> list[tuple[str, list[_Fold], Mapping[str, str]]]:
    """After each further fold: its name, the folds so far, and the categories that no other one reads alike."""
    tables, steps = [], []
    for what, fold in _FOLDS.items():
        steps = [fold] if fold is _number else [*(step for step in steps if step is not _number), fold]
        keys: dict[str, list[str]] = {}
        for category in categories:
            keys.setdefault(_folded(category, steps), []).append(category)
        unique = {key: alike[0] for key, alike in keys.items() if len(alike) == 1}
        tables.append((what, steps, unique))
    return tables


def _folded(text: str, steps: Sequence[_Fold]) -> str:
    for step in steps:
        text = step(text)
    return text


def _matched(text: str, tables: Sequence[tuple[str, list[_Fold], Mapping[str, str]]]) -> tuple[str | None, str]:
    for what, steps, unique in tables:
        category = unique.get(_folded(text, steps))
        if category is not None:
            return category, what
    return None, ""


def _truth(text: str) -> bool | None:
    word = _number(text).removesuffix(".0").strip().casefold()
    return True if word in _TRUE else False if word in _FALSE else None


def _truths(categories: Sequence[str]) -> Mapping[bool | None, str]:
    """The categories of false and of true; none where the column is no pair of them."""
    pair = {_truth(category): category for category in categories}
    return pair if len(categories) == 2 and set(pair) == {True, False} else {}
