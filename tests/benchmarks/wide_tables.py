"""Simulate wide tables with structure: latent factors, a sparse Bayesian network, and a target.

Two of every five columns follow hidden factors. The others depend on one or two earlier columns by
tables of their own. The target depends on factors, on single columns, and on one pair's parity.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.schema.schema import Schema
from privgan.table.schema_file import parse_schema

TARGET = "target"
_FACTORS, _FACTORS_OF_COLUMN = 6, 2
_EVEN_SHARES, _UNEVEN_ROWS = 4.0, 0.4
_OF_FACTORS, _OF_PAIRS = 0.4, 0.75
_NEAR = 12  # A column's parents stand at most so many places before it.
_POSITIVE = 0.25


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Shape of a wide table.

    Attributes:
        rows: Its training rows.
        test: Its test rows.
        columns: Its columns, the target among them.
        fewest: The fewest codes of a column but the target, which has two.
        most: The most codes.
        seed: Moves structure and rows.
    """

    rows: int
    test: int
    columns: int
    fewest: int
    most: int
    seed: int

    @property
    def sizes(self) -> list[int]:
        """Number of codes of each column, the target last."""
        rng = np.random.default_rng([self.seed, 0])
        others = rng.integers(self.fewest, self.most + 1, self.columns - 1)
        return [int(size) for size in others] + [2]


SHAPES: Mapping[str, Shape] = {
    "wide-60": Shape(rows=50_000, test=10_000, columns=60, fewest=4, most=4, seed=60),
    "wide-200": Shape(rows=50_000, test=10_000, columns=200, fewest=2, most=12, seed=200),
}


def wide_codes(shape: Shape) -> np.ndarray:
    """Codes [training and test rows, columns] of a wide table, the target last."""
    rng = np.random.default_rng([shape.seed, 1])
    rows = shape.rows + shape.test
    factors = rng.standard_normal((rows, _FACTORS))
    codes = np.empty((rows, shape.columns), dtype=np.int8)
    for place, size in enumerate(shape.sizes[:-1]):
        kind = rng.random()
        parents = 0 if kind < _OF_FACTORS else 1 if kind < _OF_PAIRS else 2
        before = np.arange(max(0, place - _NEAR), place)
        if parents and len(before) >= parents:
            chosen = np.sort(rng.choice(before, parents, replace=False))
            codes[:, place] = _of_parents(codes, chosen, shape.sizes, size, rng)
        else:
            codes[:, place] = _of_factors(factors, size, rng)
    codes[:, -1] = _target(codes, factors, rng)
    return codes


def _of_factors(factors: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Codes [rows] by cuts of a noisy sum of factors [rows, factors]."""
    chosen = rng.choice(factors.shape[1], _FACTORS_OF_COLUMN, replace=False)
    score = factors[:, chosen] @ rng.normal(0, 1, _FACTORS_OF_COLUMN)
    score = score + rng.normal(0, 1, len(score))
    shares = rng.dirichlet(np.full(size, _EVEN_SHARES))
    return np.searchsorted(np.quantile(score, shares.cumsum()[:-1]), score)


def _of_parents(
    codes: np.ndarray,
    parents: np.ndarray,
    sizes: list[int],
    size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Codes [rows] by a table of shares for each combination of the parents' codes."""
    of = tuple(sizes[parent] for parent in parents)
    given = np.ravel_multi_index(tuple(codes[:, parent] for parent in parents), of)
    shares = rng.dirichlet(np.full(size, _UNEVEN_ROWS), int(np.prod(of))).cumsum(axis=1)
    drawn = (rng.random(len(codes))[:, None] > shares[given]).sum(axis=1)
    return np.minimum(drawn, size - 1)


def _target(codes: np.ndarray, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes [rows] of the target: a quarter is 1."""
    picked = rng.choice(codes.shape[1] - 1, 6, replace=False)
    score = factors @ rng.normal(0, 1, factors.shape[1])
    for place in picked[:4]:
        score = score + rng.normal(0, 1, codes[:, place].max() + 1)[codes[:, place]]
    score = score + (codes[:, picked[4]] % 2 == codes[:, picked[5]] % 2)
    score = score + rng.logistic(0, 1, len(score))
    return score > np.quantile(score, 1 - _POSITIVE)


def wide_rows(shape: Shape) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows of a wide table, as text."""
    codes = wide_codes(shape)
    table = pd.DataFrame(
        {
            name: np.char.add("v", codes[:, place].astype(str))
            for place, name in enumerate(_names(shape))
        }
    )
    return table[: shape.rows], table[shape.rows :]


def wide_schema(name: str) -> Schema:
    """The public facts of a wide table.

    Args:
        name: One of ``SHAPES``.
    """
    shape = SHAPES[name]
    columns = [
        {"name": column, "kind": "categorical", "categories": [f"v{code}" for code in range(size)]}
        for column, size in zip(_names(shape), shape.sizes, strict=True)
    ]
    facts = {"format": "privgan.schema/1", "dataset": name, "unit": "row", "target": TARGET}
    # YAML reads JSON.
    return parse_schema(json.dumps(facts | {"columns": columns}))


def _names(shape: Shape) -> list[str]:
    return [f"c{place}" for place in range(shape.columns - 1)] + [TARGET]
