"""Enlarge a table by a rich model of it, with dependence of any order and without privacy.

Column after column is drawn given all columns before it. Each has a forest that predicts it; a row
follows one tree of the forest and takes the value of a fitted row in the same leaf. Such a row can
meet others at later columns, so new rows are no copies. Sources: Reiter 2005, Using CART to
generate partially synthetic public use microdata; Caiola and Reiter 2010, Random forests for
generating partially synthetic, categorical data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

TREES, LEAF_ROWS = 8, 10
_SEED = 0


@dataclass(frozen=True, eq=False)
class Leaves:
    """The fitted rows in each leaf of one tree.

    Attributes:
        rows: Places of the fitted rows [rows], those of one leaf next to each other.
        starts: The first place of each node [nodes].
        counts: How many rows each node has [nodes]; 0 for inner ones.
    """

    rows: np.ndarray
    starts: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, leaf_of: np.ndarray, nodes: int) -> Leaves:
        """From the leaf of each fitted row [rows]."""
        counts = np.bincount(leaf_of, minlength=nodes)
        return cls(np.argsort(leaf_of, kind="stable"), np.cumsum(counts) - counts, counts)

    def picked(self, leaf_of: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each drawn row [rows] the place of a fitted row in its leaf."""
        offsets = (rng.random(len(leaf_of)) * self.counts[leaf_of]).astype(np.int64)
        found: np.ndarray = self.rows[self.starts[leaf_of] + offsets]
        return found


class RichModel:
    """A chain of forests over all columns of a table.

    Args:
        table: The rows [rows, columns]: numbers in the numeric columns, any values elsewhere.
        numeric: Names of the numeric columns.
    """

    def __init__(self, table: pd.DataFrame, numeric: Sequence[str]) -> None:
        self._table = table.reset_index(drop=True)
        self._inputs = np.column_stack(
            [_input_of(table[name], numeric=name in numeric) for name in table.columns]
        )
        self._chain = [
            self._fitted(place, numeric=name in numeric)
            for place, name in enumerate(table.columns)
            if place > 0
        ]

    def _fitted(
        self, place: int, *, numeric: bool
    ) -> tuple[RandomForestClassifier | RandomForestRegressor, list[Leaves]]:
        """The forest of a column and its leaves, given the columns before it."""
        form = RandomForestRegressor if numeric else RandomForestClassifier
        forest = form(TREES, min_samples_leaf=LEAF_ROWS, max_features=1.0, random_state=_SEED)
        before = self._inputs[:, :place]
        forest.fit(before, self._inputs[:, place])
        leaf_of = forest.apply(before)
        nodes = [tree.tree_.node_count for tree in forest.estimators_]
        return forest, [Leaves.of(leaf_of[:, tree], count) for tree, count in enumerate(nodes)]

    def draw(self, rows: int, rng: np.random.Generator) -> pd.DataFrame:
        """New rows, with the fitted rows' columns and values."""
        picked = rng.integers(len(self._table), size=rows)
        inputs = np.empty((rows, len(self._table.columns)), dtype=np.float32)
        drawn = {}
        for place, name in enumerate(self._table.columns):
            if place > 0:
                picked = self._picked(place, inputs[:, :place], rng)
            inputs[:, place] = self._inputs[picked, place]
            drawn[name] = self._table[name].to_numpy()[picked]
        return pd.DataFrame(drawn)

    def _picked(self, place: int, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each row [rows] the place of the fitted row whose value it takes."""
        forest, leaves = self._chain[place - 1]
        tree_of, picked = rng.integers(TREES, size=len(before)), np.empty(len(before), np.int64)
        for number, (tree, found) in enumerate(zip(forest.estimators_, leaves, strict=True)):
            mine = np.flatnonzero(tree_of == number)
            picked[mine] = found.picked(tree.apply(before[mine]), rng)
        return picked


def _input_of(values: pd.Series, *, numeric: bool) -> np.ndarray:
    """A column as a tree's input [rows]: its numbers, or its values' places in order."""
    if numeric:
        numbers = pd.to_numeric(values).to_numpy(dtype=np.float32)
        return np.where(np.isnan(numbers), np.nanmin(numbers) - 1, numbers)
    return values.astype(str).rank(method="dense").to_numpy(dtype=np.float32)
