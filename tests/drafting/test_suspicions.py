"""What ``schema check`` tells beside violations.

What may be wrong with a schema that a table fits.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privgan.drafting.draft import draft_schema
from privgan.drafting.suspicions import suspicions
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric, OpenNumeric, Temporal
from tests.schemas import schema_of

RNG = np.random.default_rng(2)
ROWS = 600


def told(column: Column, values: Any) -> list[str]:
    schema = schema_of(column)
    return [found.problem for found in suspicions(pd.DataFrame({column.name: values}), schema)]


def integer(name: str = "x", **facts: Any) -> Numeric:
    return Numeric(
        **{"name": name, "kind": Kind.INTEGER, "lower": -(10.0**6), "upper": 10.0**6} | facts
    )


def text(values: Any) -> list[str]:
    return [str(value) for value in values]


AMOUNTS = RNG.integers(1, 50_000, ROWS)

CASES: dict[str, tuple[Column, Any, str]] = {
    "rounding empties a column": (
        Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1, decimals=6),
        [f"{x:.3e}" for x in 10.0 ** RNG.uniform(-12, -8, ROWS)],
        "rounding to 6 decimals makes all values one",
    ),
    "rounding loses digits": (
        Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1, decimals=3),
        [f"{x:.6f}" for x in RNG.random(ROWS)],
        "rounding to 3 decimals changes",
    ),
    "a far value": (
        integer(upper=1e9),
        text([*AMOUNTS, 10**9]),
        "1 value far off stretches the range",
    ),
    "two far values of a typed column": (
        integer(upper=1e9),
        [*AMOUNTS, 10**9, 10**9],
        "2 values far off stretch the range",
    ),
    "a far day": (
        Temporal(
            name="x",
            kind=Kind.DATE,
            lower=dt.datetime(2021, 1, 1),
            upper=dt.datetime(9999, 12, 31),
            format="%Y-%m-%d",
        ),
        [*(f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(ROWS)), "9999-12-31"],
        "1 value far off stretches the range",
    ),
    "one value in many rows": (
        integer(),
        text(np.where(RNG.random(ROWS) < 0.3, -999, AMOUNTS)),
        "one value stands in",
    ),
    "one value in many rows of an open column": (
        OpenNumeric(name="x", kind=Kind.INTEGER),
        text(np.where(RNG.random(ROWS) < 0.3, 0, AMOUNTS)),
        "one value stands in",
    ),
    "categories seen once": (
        Discrete(name="x", kind=Kind.CATEGORICAL, categories=tuple(f"c{i}" for i in range(40))),
        [*(f"c{i}" for i in range(40)), *["c0"] * 60],
        "39 of 40 categories stand in one row only",
    ),
    "a modelled id": (
        integer("customer_id"),
        text(RNG.integers(1, 90, ROWS)),
        "looks like an id that repeats",
    ),
    "integers beyond 2^53": (integer(upper=2.0**62), text(2**60 + AMOUNTS), "beyond 2^53"),
    "numbers written otherwise": (
        Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=10**6, decimals=2, format="0.00"),
        [f"{x}" for x in AMOUNTS],
        "come back written otherwise",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_suspicion_is_told(name: str) -> None:
    column, values, expected = CASES[name]
    assert any(expected in problem for problem in told(column, values)), told(column, values)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (integer(), text(AMOUNTS)),
        (integer(special_values=(-999.0,)), text(np.where(RNG.random(ROWS) < 0.3, -999, AMOUNTS))),
        (integer(), text(RNG.poisson(2, ROWS))),
        (integer(missing=True), ["", *text(AMOUNTS)]),
        (integer(missing=True, missing_markers=("NA",)), ["NA", *text(AMOUNTS)]),
        (integer(), text(np.round(RNG.lognormal(8, 1, ROWS)))),
        (
            Numeric(name="x", kind=Kind.FLOAT, lower=0, upper=1, decimals=2),
            [f"{x:.2f}" for x in RNG.random(ROWS)],
        ),
        (Discrete(name="x", kind=Kind.CATEGORICAL, categories=("a", "b")), ["a", "b"] * 50),
        (Invented(name="customer_id", kind=Kind.IDENTIFIER), ["a", "a"] * 50),
    ],
)
def test_nothing_is_told_of_a_sound_column(column: Column, values: Any) -> None:
    assert told(column, values) == []


def test_a_draft_is_above_suspicion() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in range(ROWS)],
            "spend": np.where(RNG.random(ROWS) < 0.3, "-999", text(AMOUNTS)),
            "until": np.where(
                RNG.random(ROWS) < 0.3,
                "9999-12-31",
                [f"2021-05-{1 + i % 28:02d}" for i in range(ROWS)],
            ),
            "price": [f"${x:,.2f}" for x in AMOUNTS],
            "shop": [f"s{x}" for x in RNG.integers(0, 900, ROWS)],
        }
    )
    assert suspicions(frame, draft_schema(frame, "d").schema) == ()


def test_no_suspicion_tells_a_value() -> None:
    told_all = " ".join(
        problem for column, values, _ in CASES.values() for problem in told(column, values)
    )
    assert not {"-999", "9999-12-31", str(10**9), "c39"} & set(told_all.replace(",", " ").split())
