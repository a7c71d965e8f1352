"""Define a column's reading: its inferred shape with numbers, moments or labels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from privgan.drafting.distinct import Distinct

_UNIT = re.compile(r"[^#0.,'’ \u00a0\u202feE+]")


class Shape(StrEnum):
    """Inferred shape of a column's values."""

    EMPTY = "empty"
    BOOLEAN = "boolean"
    NUMBER = "number"
    DURATION = "duration"
    MOMENT = "moment"
    CODE = "code"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A column read as its inferred shape.

    Attributes:
        shape: What its values look like.
        present: The values that are present, those that do not fit among them.
        fits: Which of these fit [values].
        numbers: The number of each, NaN where it does not fit [values]; for numbers and durations.
        decimals: Digits after the point of each [values]; for numbers.
        moments: The moment of each, NaT where it does not fit [values]; for moments.
        format: How they are written; empty for plain numbers.
        zone: The time zone that the moments are told in.
        labels: The two labels of truth values, false before true.
        markers: Further texts that mean missing, the first as a text file is to write it.
        said: What a person should look at, in sentences.
    """

    shape: Shape
    present: Distinct
    fits: np.ndarray
    numbers: np.ndarray | None = None
    decimals: np.ndarray | None = None
    moments: np.ndarray | None = None
    format: str = ""
    zone: str = ""
    labels: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether a value is missing in some row."""
        return self.present.missing

    @property
    def misfits(self) -> int:
        """Number of rows whose value does not fit."""
        return int(self.present.counts[~self.fits].sum())

    @property
    def bare(self) -> bool:
        """Whether some values are numbers, and have no unit or currency."""
        return self.numbers is not None and bool(self.fits.any()) and not _UNIT.search(self.format)

    @property
    def whole(self) -> bool:
        """Whether all fitting values are whole numbers without a unit; also as 12.0 or 1,200."""
        if self.numbers is None or not self.bare:
            return False
        numbers = self.numbers[self.fits]
        return bool((numbers == np.round(numbers)).all())


def whole_reading(values: Distinct, shape: Shape, **facts: Any) -> Reading:
    """Reading of a column whose values all fit."""
    return Reading(shape=shape, present=values, fits=np.ones(len(values), dtype=bool), **facts)
