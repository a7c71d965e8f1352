"""Recognise and read texts of durations.

``26:03:05``, ``1 day, 2:03:05`` or ISO 8601's ``PT26H3M5S``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privgan.notation.number_format import DURATIONS

WITH_SECONDS, WITHOUT_SECONDS, ISO, *PADDED = DURATIONS
# The grammar of ``number_format.py``.
_CLOCK = (
    r"^(?P<sign>[-−]?)(?:(?P<days>[0-9]{1,6}) days?,? \+?)?"
    r"(?P<hours>[0-9]{1,8}):(?P<minutes>[0-5][0-9])(?::(?P<seconds>[0-5][0-9](?:\.[0-9]+)?))?$"
)
_ISO = (
    r"^(?P<sign>[-−]?)P(?:(?P<days>[0-9]+)D)?"
    r"(?:T(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+(?:\.[0-9]+)?)S)?)?$"
)
_MOST_DIGITS = 6
_UNITS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def may_be_duration(text: str) -> bool:
    """Whether a text may be a duration."""
    return ":" in text or text.strip().lstrip("-").startswith("P")


def duration_pattern(texts: Sequence[str]) -> str:
    """Pattern in which most of some texts write durations."""
    if 2 * sum(text.strip().lstrip("-").startswith("P") for text in texts) > len(texts):
        return ISO
    padded = any(re.match(r"[-−]?0[0-9]:", text.strip()) for text in texts)
    with_seconds, without = PADDED if padded else (WITH_SECONDS, WITHOUT_SECONDS)
    return with_seconds if 2 * sum(text.count(":") == 2 for text in texts) > len(texts) else without


def with_fractions(pattern: str, decimals: np.ndarray) -> str:
    """Add fractional seconds to a pattern: the most digits found, at most six.

    Patterns without seconds stay as they are.

    Args:
        pattern: The pattern of whole seconds.
        decimals: Digits of each duration's fraction [values].
    """
    digits = min(_MOST_DIGITS, int(decimals.max(initial=0)))
    return f"{pattern}.{'0' * digits}" if digits and pattern.endswith(":ss") else pattern


def read_durations(texts: pa.Array, pattern: str) -> np.ndarray:
    """Seconds of each text [values], float64; NaN where it is no duration."""
    trimmed = pc.utf8_trim_whitespace(texts)
    found = pc.extract_regex(trimmed, _ISO if pattern == ISO else _CLOCK)
    parts = {unit: pc.fill_null(pc.struct_field(found, unit), "") for unit in _UNITS}
    seconds = np.sum([_numbers(part) * _UNITS[unit] for unit, part in parts.items()], axis=0)
    plus = pc.equal(pc.fill_null(pc.struct_field(found, "sign"), ""), "").to_numpy(
        zero_copy_only=False
    )
    written = pc.not_equal(
        pc.binary_join_element_wise(*parts.values(), pa.scalar("", pa.large_string())), ""
    )
    read = pc.and_(pc.is_valid(found), written).to_numpy(zero_copy_only=False)
    return np.where(read, np.where(plus, seconds, -seconds), np.nan)


def _numbers(texts: pa.Array) -> np.ndarray:
    """Digits as numbers [values], float64; 0 for an empty text."""
    filled = pc.if_else(pc.equal(texts, ""), "0", texts)
    return np.asarray(pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False))
