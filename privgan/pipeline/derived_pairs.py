"""Derive what the context of a child's rows has in common from what is known already.

A child's row repeats its parent's columns. So pairs of these are those of the parent's model, each
of its rows as often as it has children. Another row of the same parent has what any row of it has.
So its pairs with the parent's columns are those of the own columns. This is post-processing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.encoding import Encoder
from privgan.measurement.marginals import Marginal, Measurements
from privgan.parts.part import Part
from privgan.pipeline.job import Fitted

_DRAWN = 200_000
_STREAM = 5


# From drawn parents what follows for a random row of each, and how many rows it has.
Known = Callable[[pd.DataFrame, np.random.Generator], tuple[pd.DataFrame, np.ndarray]]


def derived_pairs(
    part: Part,
    parent: Fitted,
    encoder: Encoder,
    measured: Measurements,
    known: Known,
    most: int,
    seed: int,
) -> list[Marginal]:
    """Pairs of the columns that are known before a part's row is drawn.

    Args:
        part: The part of the children.
        parent: The parent's own result.
        encoder: Codes of the part.
        measured: What was measured of the part: its rows, and pairs with its own columns.
        known: What follows from a parent's row for its children's.
        most: The most rows of a customer that are measured.
        seed: Public randomness.

    Returns:
        A marginal for each pair, as noisy as a measured one is.
    """
    context = _Context.of(part, parent, encoder, known, most, seed)
    shares = {
        target.clique: target.shares for target in measured.targets() if target.groups is None
    }
    noise = _noise_of_pairs(measured)
    found = (*context.of_parents(), *context.with_another(shares), *context.of_another(shares))
    return [
        Marginal(
            clique=clique,
            counts=measured.rows * (table / max(table.sum(), 1e-12)).ravel(),
            standard_deviation=noise,
            interaction_only=True,
        )
        for clique, table in found
    ]


_Pair = tuple[tuple[int, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class _Context:
    """Drawn parents, and the places of what is known before a row is drawn.

    Attributes:
        sizes: Number of codes of each of the part's columns.
        codes: Codes of the drawn parents [parents, parent's columns].
        weights: How many measured rows each has [parents].
        first: Share of them that no row stands before [parents].
        another: By place of a column of another row the place of the own column.
    """

    sizes: tuple[int, ...]
    codes: np.ndarray
    weights: np.ndarray
    first: np.ndarray
    another: dict[int, int]

    @classmethod
    def of(
        cls, part: Part, parent: Fitted, encoder: Encoder, known: Known, most: int, seed: int
    ) -> _Context:
        """Draw parents from their model."""
        rng, names = np.random.default_rng([seed, _STREAM]), encoder.names
        drawn = parent.generator.mixture().sample(_DRAWN, rng)
        columns = zip(parent.encoder.columns, drawn.T, strict=True)
        parents = {column.name: column.decode(codes, rng) for column, codes in columns}
        # A child's codes may be coarser than its parent's.
        above, number = known(pd.DataFrame(parents), rng)
        coded = [encoder.columns[names.index(name)].encode(above[name]) for name in above.columns]
        another = {
            names.index(name): names.index(part.borrowed[name][1])
            for name in part.context[len(coded) : part.derived]
        }
        # Customers with fewer rows than the least have none in the view.
        weights = np.minimum(number, most) * (number >= part.least)
        first = 1.0 / np.maximum(number, 1)
        return cls(encoder.sizes, np.stack(coded, axis=1), weights.astype(float), first, another)

    def of_parents(self) -> Iterator[_Pair]:
        """Pairs of the parent's columns."""
        for one, two in itertools.combinations(range(self.codes.shape[1]), 2):
            flat = self.codes[:, one] * self.sizes[two] + self.codes[:, two]
            cells = self.sizes[one] * self.sizes[two]
            yield (one, two), np.bincount(flat, weights=self.weights, minlength=cells)

    def with_another(self, shares: dict[tuple[int, ...], np.ndarray]) -> Iterator[_Pair]:
        """Pairs of a parent's column and one of another row; its last code is that of no row."""
        for place, own in self.another.items():
            for column in range(self.codes.shape[1]):
                if (column, own) not in shares:
                    continue
                codes, size = self.codes[:, column], self.sizes[column]
                alone = np.bincount(codes, weights=self.weights * self.first, minlength=size)
                all_rows = np.bincount(codes, weights=self.weights, minlength=size)
                given = np.maximum(shares[column, own].reshape(size, -1), 0.0) + 1e-12
                given *= ((all_rows - alone) / given.sum(1))[:, None]
                table = np.zeros((size, self.sizes[place]))
                table[:, : given.shape[1]] += given
                table[:, -1] += alone
                yield (column, place), table

    def of_another(self, shares: dict[tuple[int, ...], np.ndarray]) -> Iterator[_Pair]:
        """Pairs of columns of another row."""
        alone = float(self.weights @ self.first)
        rest = float(self.weights.sum()) - alone
        for (one, own), (two, other) in itertools.combinations(self.another.items(), 2):
            if (own, other) not in shares:
                continue
            given = np.maximum(shares[own, other].reshape(self.sizes[own], -1), 0.0)
            table = np.zeros((self.sizes[one], self.sizes[two]))
            table[: given.shape[0], : given.shape[1]] += rest * given / max(given.sum(), 1e-12)
            table[-1, -1] += alone
            yield (one, two), table


def _noise_of_pairs(measured: Measurements) -> float:
    """The least noise of a pair's cell, or of a single column's where no pair was measured."""
    noises = {
        width: [
            marginal.standard_deviation
            for marginal in measured.marginals
            if len(marginal.clique) == width
        ]
        for width in (1, 2)
    }
    return min(noises[2] or noises[1])
