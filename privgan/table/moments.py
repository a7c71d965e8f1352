"""Texts as moments, to the second, for any year that a date can have."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd


def read_moments(texts: pd.Series, pattern: str) -> pd.Series:
    """The moment of each text [rows]; NaT where it is none, or missing.

    Args:
        texts: Texts, or missing [rows].
        pattern: How they are written, as strftime has it.
    """
    # pandas takes these two for the present moment, whatever the pattern: another one at each reading.
    texts = texts.mask(texts.astype("string").str.strip().str.lower().isin(["now", "today"]).fillna(False), None)
    moments = pd.to_datetime(texts, format=pattern, errors="coerce").astype("datetime64[s]")
    # pandas reads nanoseconds, which end in 2262; open-ended columns end in 9999.
    late = moments.isna() & texts.str.contains("[2-9][0-9]{3}", na=False)
    known = {text: _moment(text, pattern) for text in texts[late].unique()}
    moments[late] = np.array([known[text] for text in texts[late]], dtype="datetime64[s]")
    return moments


def _moment(text: str, pattern: str) -> np.datetime64:
    try:
        return np.datetime64(dt.datetime.strptime(text, pattern).replace(tzinfo=None), "s")
    except ValueError:
        return np.datetime64("NaT", "s")
