"""Choose readable ticks on an axis of numbers or moments, with labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from privgan.report.text import number, scientific

_MOST = 6
_DAY = 86_400.0
_Unit: TypeAlias = Literal["m", "h", "D", "M", "Y"]
_STEPS: tuple[tuple[_Unit, int], ...] = (
    *(("m", count) for count in (1, 5, 15, 30)),
    *(("h", count) for count in (1, 3, 6, 12)),
    *(("D", count) for count in (1, 2, 5, 10)),
    *(("M", count) for count in (1, 3, 6)),
    *(("Y", count) for count in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)),
)
_WRITTEN = {"D": 10, "M": 7, "Y": 4}

Tick: TypeAlias = tuple[float, str]


def number_ticks(low: float, high: float, *, whole: bool) -> list[Tick]:
    """At most six round numbers from low to high.

    Args:
        low: The axis begins here.
        high: It ends here.
        whole: Whether only whole numbers are values.
    """
    if not high > low:
        return [(low, number(low))]
    raw = (high - low) / (_MOST - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(
        factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= raw * (1 - 1e-9)
    )
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(place * step, _written(place * step, step)) for place in range(first, last + 1)]


def moment_ticks(low: float, high: float) -> list[Tick]:
    """At most six round moments from low to high, in seconds since 1970, in short ISO 8601."""
    for unit, count in _STEPS:
        found = _moments(low, high, unit, count)
        if len(found) <= _MOST:
            return [(_seconds(moment), _said(moment, unit, high - low)) for moment in found]
    return []


def _written(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    far = value != 0 and (decimals > 4 or abs(value) >= 1e6)
    return scientific(value) if far else f"{value + 0.0:,.{decimals}f}"


def _moments(low: float, high: float, unit: _Unit, count: int) -> Sequence[np.datetime64]:
    """All moments at a given number of units from 1970; days restart each month."""
    first = np.datetime64(math.floor(low), "s").astype(f"datetime64[{unit}]").astype("int64")
    last = np.datetime64(math.ceil(high), "s").astype(f"datetime64[{unit}]").astype("int64")
    if (last - first) // count > 4 * _MOST:
        return [np.datetime64(0, "s")] * (_MOST + 1)  # Too many ticks: stop before listing them.
    offset = 1970 % count if unit == "Y" else 0
    places = range(int(first - (first + offset) % count), int(last) + 1, count)
    moments = [np.datetime64(place, unit) for place in places]
    return [moment for moment in moments if low <= _seconds(moment) <= high]


def _seconds(moment: np.datetime64) -> float:
    return float(moment.astype("datetime64[s]").astype("int64"))


def _said(moment: np.datetime64, unit: _Unit, span: float) -> str:
    text = str(moment.astype("datetime64[m]"))
    if unit in _WRITTEN:
        return text[: _WRITTEN[unit]]
    return text[11:] if span <= _DAY else text[5:].replace("T", " ")
