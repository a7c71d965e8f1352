"""How a table's texts write missing values and moments: guesses for a draft, which a person confirms."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from privgan.table.columns import Kind
from privgan.table.moments import read_moments

NUMBER = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*\Z")
# What programs write for a missing value; taken for one only where all else in a column is a number or a moment.
_ABSENT = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "null", "nil", "none", "missing", "\\n", "?", "-", "--", "."})
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y")
_CLOCKS = (" %H:%M:%S", "T%H:%M:%S", "T%H:%M:%SZ", " %H:%M", "T%H:%M", " %I:%M %p", " %I:%M:%S %p")
_TIMES = (*_CLOCKS, " %H:%M:%S.%f", "T%H:%M:%S.%fZ")
_FORMATS = dict.fromkeys(_DAYS, Kind.DATE) | {day + time: Kind.DATETIME for day in _DAYS for time in _TIMES}
_FIRST = 50


def missing_markers(frame: pd.DataFrame) -> tuple[str, ...]:
    """Texts that stand for a missing value somewhere in a table: the empty one, blanks, and such as ``NA`` among numbers.

    Args:
        frame: The table as read [rows, columns].
    """
    found = {""}
    for name in frame.columns:
        texts = {value for value in frame[name] if isinstance(value, str)}
        found |= {text for text in texts if not text.strip()}
        absent = {text for text in texts if text.strip().lower() in _ABSENT}
        numbers = {text for text in texts if NUMBER.match(text)}
        others = texts - found - absent - numbers
        if absent and (len(numbers) > len(absent) if not others else not numbers and moment_format(others)):
            found |= absent
    return tuple(sorted(found))


def moment_format(texts: Iterable[str]) -> tuple[Kind, str] | None:
    """How texts write moments, and whether as dates or with a time; None where no way of writing them fits all.

    Of ways that fit alike, as for 03/04/2020, the day comes before the month.
    """
    known = pd.Series(sorted(set(texts)), dtype=object)
    if known.empty or not known.str.contains("[0-9]").all():
        return None
    for pattern, kind in _FORMATS.items():
        if all(read_moments(part, pattern).notna().all() for part in (known[:_FIRST], known)):
            return kind, pattern
    return None
