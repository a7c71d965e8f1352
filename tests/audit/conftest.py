"""Small tables for the audit's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small trees on a shared core.

    Threads would wait for each other ten times longer than they work.
    """
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Two numbers, three discrete columns; the last one is the target."""
    columns = (
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=90),
        Numeric(name="income", kind=Kind.FLOAT, lower=0, upper=1e6, decimals=2, missing=True),
        Discrete(
            name="region",
            kind=Kind.CATEGORICAL,
            categories=("north", "south", "west"),
            missing=True,
        ),
        Discrete(name="grade", kind=Kind.ORDINAL, categories=("1", "2", "3", "4")),
        Discrete(name="churned", kind=Kind.BOOLEAN, categories=("False", "True")),
    )
    return Schema(dataset="audit-test", unit=PrivacyUnit(), columns=columns)


def draw(rows: int, seed: int) -> pd.DataFrame:
    """Rows of one fixed population."""
    generator = np.random.default_rng(seed)
    age = np.clip(generator.normal(45, 14, rows), 18, 90).round()
    income = np.round(np.exp(generator.normal(10, 0.5, rows)) * (age / 45), 2)
    grade = generator.integers(1, 5, rows)
    odds = 1 / (1 + np.exp(-(age - 45) / 8 - (grade - 2.5)))
    return pd.DataFrame(
        {
            "age": pd.array(age.astype(int), dtype="Int64"),
            "income": np.where(generator.random(rows) < 0.05, np.nan, income),
            "region": generator.choice(
                ["north", "south", "west", None], rows, p=[0.5, 0.3, 0.15, 0.05]
            ),
            "grade": grade,
            "churned": generator.random(rows) < odds,
        }
    )


@pytest.fixture(scope="session")
def draw_rows():
    """The function that draws rows of the population."""
    return draw


TERNARY = tuple(
    Discrete(name=f"c{i}", kind=Kind.CATEGORICAL, categories=("a", "b", "c")) for i in range(6)
)


@pytest.fixture(scope="session")
def ternary_schema() -> Schema:
    """Six ternary columns: equal rows are common by chance."""
    return Schema(dataset="ternary", unit=PrivacyUnit(), columns=TERNARY)


@pytest.fixture(scope="session")
def draw_ternary():
    """The function that draws rows of six independent ternary columns."""

    def drawn(rows: int, seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        return pd.DataFrame(
            {c.name: generator.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]) for c in TERNARY}
        )

    return drawn
