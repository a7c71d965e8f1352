"""Simulate tables of any size for the scaling points.

Categories and numbers depend on a hidden class.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

CLASSES = 8
LARGEST = 10_000


@dataclass(frozen=True, kw_only=True)
class Size:
    """Size of a simulated table.

    Attributes:
        rows: Its rows.
        columns: Its columns; every other one is a number.
        categories: The categories of each discrete column.
    """

    rows: int
    columns: int
    categories: int

    @property
    def name(self) -> str:
        """As its point is called."""
        return f"rows-{self.rows}-columns-{self.columns}-categories-{self.categories}"


def write_table(size: Size, folder: Path) -> tuple[Path, Path]:
    """Write ``train.csv`` and ``schema.yaml`` into a folder, once.

    Returns:
        The table's and the schema's file.
    """
    table, schema = folder / "train.csv", folder / "schema.yaml"
    if not schema.exists():
        folder.mkdir(parents=True, exist_ok=True)
        rows_of(size).to_csv(table, index=False)
        # YAML reads JSON.
        schema.write_text(json.dumps(schema_of(size)), encoding="utf-8")
    return table, schema


def rows_of(size: Size) -> pd.DataFrame:
    """The table's rows."""
    rng = np.random.default_rng(0)
    hidden = rng.integers(CLASSES, size=size.rows)
    columns = (_numbers if place % 2 else _categories for place in range(size.columns))
    return pd.DataFrame(
        {f"c{place}": draw(size, hidden, rng) for place, draw in enumerate(columns)}
    )


def _categories(size: Size, hidden: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shares = rng.dirichlet(np.full(size.categories, 0.5), CLASSES).cumsum(axis=1)
    drawn = (rng.random(size.rows)[:, None] > shares[hidden]).sum(axis=1)
    return np.char.add("v", np.minimum(drawn, size.categories - 1).astype(str))


def _numbers(size: Size, hidden: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = np.exp(rng.normal(5, 1, CLASSES)[hidden] + rng.normal(0, 0.5, size.rows))
    return np.asarray(np.clip(drawn, 0, LARGEST), dtype=int)


def schema_of(size: Size) -> dict[str, object]:
    """The table's schema as JSON values."""
    values = [f"v{value}" for value in range(size.categories)]
    columns: list[dict[str, object]] = [
        (
            {"name": f"c{place}", "kind": "integer", "lower": 0, "upper": LARGEST}
            if place % 2
            else {"name": f"c{place}", "kind": "categorical", "categories": values}
        )
        for place in range(size.columns)
    ]
    return {"format": "privgan.schema/1", "dataset": size.name, "unit": "row", "columns": columns}
