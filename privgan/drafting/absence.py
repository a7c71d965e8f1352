"""Find texts that stand for a missing value.

Blanks in every column, and words in columns that otherwise hold numbers or moments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.drafting.distinct import Distinct

_WORDS = frozenset(
    {
        *(
            "na",
            "n/a",
            "n.a.",
            "n. a.",
            "#n/a",
            "#na",
            "<na>",
            "nan",
            "null",
            "(null)",
            "<null>",
            "nil",
            "none",
            "nat",
        ),
        *(
            "missing",
            "unknown",
            "unk",
            "unspecified",
            "undefined",
            "not available",
            "not applicable",
            "not known",
        ),
        *(
            "not provided",
            "not recorded",
            "blank",
            "empty",
            "(empty)",
            "(blank)",
            "no data",
            "nodata",
            "tbd",
            "tba",
        ),
        *(
            "\\n",
            "?",
            "??",
            "-",
            "--",
            "---",
            ".",
            "..",
            "...",
            "…",
            "–",
            "—",
            "*",
            "x",
            "xx",
            "xxx",
            "#value!",
            "#ref!",
        ),
        *(
            "#div/0!",
            "#null!",
            "#num!",
            "#name?",
            "none given",
            "withheld",
            "suppressed",
            "refused",
            "not stated",
        ),
        *(
            "unbekannt",
            "k.a.",
            "k. a.",
            "keine angabe",
            "fehlt",
            "inconnu",
            "non disponible",
            "desconocido",
            "s/d",
        ),
        *("неизвестно", "нет данных", "н/д", "未知", "无", "不明", "不详"),
        *(
            "0000-00-00",
            "0000-00-00 00:00:00",
            "00.00.0000",
            "00/00/0000",
            "00000000",
            "0000/00/00",
        ),
    }
)
_WORD = re.compile(r"[^\W\d_]+(?:[ /_-][^\W\d_]+){0,3}|[<(\[]?[^\W\d_]+[>)\]]?")
_SHARE, _MOST_KINDS, _FEW_VALUES, _MOST_WORDS = 0.01, 20, 12, 3
_LEAST_ROWS_FOR_ONE = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """Missing markers and misfits of a column that is nearly all of one kind.

    Attributes:
        markers: Texts that stand for a missing value, the most frequent first.
        absent: Which values these are [values].
        misfits: Which values are neither of the kind nor missing [values].
    """

    markers: tuple[str, ...]
    absent: np.ndarray
    misfits: np.ndarray


def blank(values: Distinct) -> np.ndarray:
    """Whether each text is only white space [values], bool."""
    return values.matches(r"\s*")


def blank_texts(values: Distinct) -> set[str]:
    """Texts of a column that are only white space."""
    return set(values.only(blank(values)).texts.to_pylist()) if values.is_text else set()


def known_words(values: Distinct, more: frozenset[str] = frozenset()) -> np.ndarray:
    """Whether each text is a known word for a missing value [values], bool."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(values.texts))
    return pc.is_in(words, value_set=pa.array(sorted(_WORDS | more), words.type)).to_numpy(
        zero_copy_only=False
    )


def judged(
    values: Distinct, read: np.ndarray, *, more: frozenset[str] = frozenset()
) -> Judgement | None:
    """Judge by majority whether a column is of a kind: 99 % of its rows without missing markers.

    None where it is not. Of 20 rows or more, one may not fit; at most 20 different texts may not.
    An unknown word counts as a missing marker where it repeats: at most three such words, beside
    more than twelve other values.

    Args:
        values: The values that are present.
        read: Which of them are of the kind [values].
        more: Further texts that mean missing here.
    """
    kinds = int(read.sum())
    absent = ~read & known_words(values, more)
    if kinds == 0 or int(absent.sum()) >= kinds:
        return None
    if kinds > _FEW_VALUES and 2 * values.counts[read].sum() >= values.rows:
        absent |= _repeated_words(values, ~read & ~absent)
    misfits = ~read & ~absent
    rows = values.rows - int(values.counts[absent].sum())
    allowed = max(_SHARE * rows, 1.0 if rows >= _LEAST_ROWS_FOR_ONE else 0.0)
    if values.counts[misfits].sum() > allowed or misfits.sum() > _MOST_KINDS:
        return None
    order = np.argsort(-values.counts[absent], kind="stable")
    markers = tuple(values.texts.filter(pa.array(absent)).take(pa.array(order)).to_pylist())
    return Judgement(markers=markers, absent=absent, misfits=misfits)


def _repeated_words(values: Distinct, others: np.ndarray) -> np.ndarray:
    """Whether each other text is a word that repeats, where such words are few [values]."""
    places = np.flatnonzero(others & (values.counts > 1))
    if len(places) > _MOST_WORDS + _MOST_KINDS:
        return np.zeros(len(values), dtype=bool)
    texts = values.texts.take(pa.array(places)).to_pylist()
    words = [
        place for place, text in zip(places, texts, strict=True) if _WORD.fullmatch(text.strip())
    ]
    found = np.zeros(len(values), dtype=bool)
    if len(words) <= _MOST_WORDS:
        found[words] = True
    return found
