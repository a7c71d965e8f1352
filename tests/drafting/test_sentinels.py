"""Which values have a meaning of their own.

By share and place, and never for being the mode of a few rows.
"""

from __future__ import annotations

import numpy as np
import pytest

from privgan.drafting.sentinels import sentinels

RNG = np.random.default_rng(5)


def found(values: np.ndarray, *, moments: bool = False) -> list[float]:
    unique, counts = np.unique(values, return_counts=True)
    return list(sentinels(unique.astype(float), counts, moments=moments))


def mixed(others: np.ndarray, value: float, rows: int) -> np.ndarray:
    return np.concatenate([others, np.full(rows, value)])


AGES = RNG.integers(18, 90, 2_000)
AMOUNTS = RNG.integers(1, 50_000, 2_000)
PERCENT = RNG.integers(0, 101, 20_000)
CHILDREN = RNG.poisson(2.0, 2_000)
INCOMES = np.round(RNG.lognormal(8, 1, 2_000))
HEAPED = np.where(RNG.random(2_000) < 0.04, 50_000, INCOMES)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (mixed(AMOUNTS, -999, 200), [-999]),
        (mixed(AMOUNTS, -999, 2), [-999]),
        (mixed(mixed(AMOUNTS, -1, 100), -9, 50), [-9, -1]),
        (mixed(AGES, 999, 40), [999]),
        (mixed(AGES, 999, 3), []),
        (mixed(AGES, 140, 60), []),
        (mixed(AMOUNTS, 0, 300), [0]),
        (mixed(AMOUNTS, 99_999, 60), [99_999]),
        (mixed(AMOUNTS, 123_456_789, 60), [123_456_789]),
        (mixed(AMOUNTS, 40_000, 500), [40_000]),
        (mixed(AMOUNTS, -(2**31), 30), [-(2**31)]),
        (mixed(RNG.normal(0, 9, 2_000).round(2), -999, 200), [-999]),
        (AGES, []),
        (AMOUNTS, []),
        (PERCENT, []),
        (CHILDREN, []),
        (INCOMES, []),
        (HEAPED, []),
        (RNG.normal(0, 9, 2_000), []),
        (RNG.integers(-5, 200, 2_000), []),
        (np.append(AMOUNTS, 10**9), []),
        (np.append(RNG.normal(0, 1, 30), [0.5, 0.5, 0.5]), []),
        (np.full(50, -999), []),
        (RNG.integers(0, 12, 500), []),
        (np.array([]), []),
    ],
)
def test_sentinels_among_numbers(values: np.ndarray, expected: list[float]) -> None:
    assert found(values) == expected


def seconds(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[s]").astype(np.int64)


DAYS = seconds("2021-01-01") + RNG.integers(0, 900, 2_000) * 86_400


@pytest.mark.parametrize(
    ("text", "rows", "special"),
    [
        ("9999-12-31", 600, True),
        ("9999-12-31", 1, True),
        ("0001-01-01", 1, True),
        ("9999-12-31T23:59:59", 40, True),
        ("1900-01-01", 60, True),
        ("1970-01-01", 20, True),
        ("2099-12-31", 60, True),
        ("1900-01-01", 1, False),
        ("2021-06-01", 20, False),
        ("2022-01-01", 400, True),
        ("1985-03-03", 1, False),
    ],
)
def test_sentinels_among_moments(text: str, rows: int, special: bool) -> None:
    moment = seconds(text)[0]
    assert found(mixed(DAYS, moment, rows), moments=True) == ([moment] if special else [])


def test_a_column_of_few_days_keeps_its_last_day_apart() -> None:
    days = seconds("2020-01-01", "2020-02-01", "2020-03-01", "9999-12-31")
    assert sentinels(days.astype(float), np.array([5, 5, 5, 9]), moments=True) == (float(days[-1]),)


def test_an_ordinary_column_of_old_days_has_none() -> None:
    days = seconds("0001-01-01", "0700-01-01", "1400-01-01", "1999-01-01")
    assert sentinels(days.astype(float), np.array([5, 5, 5, 9]), moments=True) == ()
