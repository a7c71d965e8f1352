"""Draw columns of a model given others, each row under a context of its own.

Given an entry of the codebook the columns are independent. So an entry is drawn by Bayes' rule from
what it gives the row's known codes, and the other codes from the entry: the mixture's exact
conditional distribution, up to a floor that lets no unlikely context rule out every entry. A
network gives its columns one after another: it draws what it is made to draw, in that order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from privgan.generator.chain import Chain
from privgan.generator.frozen_network import FrozenNetwork, Walk
from privgan.generator.mixture import Mixture
from privgan.generator.part_model import PartModel, chain_of

# Least likelihood of a code in an entry, relative to the entry that likes it best.
_FLOOR = 1e-4
# Factors between two rescalings: so many floors stay far above the smallest number.
_FACTORS = 6


class Conditional(Protocol):
    """Draws columns of rows of which others are known."""

    def known(
        self, codes: Iterable[tuple[int, np.ndarray]], start: np.ndarray | None = None
    ) -> np.ndarray:
        """What is known of each row [rows, …], as ``sampled`` takes it.

        Args:
            codes: Known columns, each with its code [rows].
            start: What was known before; None for nothing.
        """

    def sampled(
        self,
        known: np.ndarray,
        columns: Sequence[int],
        rng: np.random.Generator,
        allowed: np.ndarray | None = None,
    ) -> list[np.ndarray]:
        """Codes [rows] of each of some columns, drawn together.

        Args:
            known: What is known of each row [rows, …].
            columns: The columns.
            rng: Public randomness.
            allowed: Which codes [codes] of a single column may be drawn, bool; None for all.
        """


class ConditionalMixture:
    """A mixture's entries and codes for rows whose context is known.

    Args:
        mixture: The model.
    """

    def __init__(self, mixture: Mixture) -> None:
        self.entries = mixture.entries
        # Likelihood of each code by entry, relative to the largest [codes, entries].
        self._likelihoods = [_relative(part) for part in mixture.probabilities]
        self._probabilities = mixture.probabilities
        self._shares = [np.cumsum(part, axis=1) for part in mixture.probabilities]

    def weights(
        self, codes: Iterable[tuple[int, np.ndarray]], start: np.ndarray | None = None
    ) -> np.ndarray:
        """Weight of each entry for each row [rows, entries], float32; the largest is 1.

        Args:
            codes: Known columns, each with its code [rows].
            start: Weights that were found for other columns; None for even ones.
        """
        found = start
        for number, (column, chosen) in enumerate(codes, start=1):
            factor = self._likelihoods[column][chosen]
            found = factor if found is None else np.multiply(found, factor, out=factor)
            if number % _FACTORS == 0:
                found /= found.max(1, keepdims=True)
        assert found is not None
        return found / found.max(1, keepdims=True)

    def known(
        self, codes: Iterable[tuple[int, np.ndarray]], start: np.ndarray | None = None
    ) -> np.ndarray:
        """Weight of each entry for each row [rows, entries]."""
        return self.weights(codes, start)

    def sampled(
        self,
        known: np.ndarray,
        columns: Sequence[int],
        rng: np.random.Generator,
        allowed: np.ndarray | None = None,
    ) -> list[np.ndarray]:
        """Codes [rows] of each of some columns, from one entry of each row."""
        if allowed is not None:
            known = self.allowing(known, columns[0], allowed)
        entries = self.drawn(known, rng)
        return [self.codes(column, entries, rng, allowed) for column in columns]

    def allowing(self, weights: np.ndarray, column: int, allowed: np.ndarray) -> np.ndarray:
        """Weights times the probability that each entry gives a column's allowed codes [codes]."""
        mass = (self._probabilities[column] @ allowed).astype(np.float32)
        found: np.ndarray = weights * np.maximum(mass, _FLOOR)
        return found

    def drawn(self, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An entry for each row [rows], in proportion to its weights [rows, entries]."""
        cumulative = np.cumsum(weights, axis=1, dtype=np.float32)
        points = rng.random((len(weights), 1), dtype=np.float32) * cumulative[:, -1:]
        return np.minimum((cumulative <= points).sum(1), self.entries - 1)

    def codes(
        self,
        column: int,
        entries: np.ndarray,
        rng: np.random.Generator,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """A code of a column for each row [rows], from its entry [rows].

        Args:
            column: The column.
            entries: Each row's entry.
            rng: Public randomness.
            allowed: Which codes [codes] may be drawn, bool; None for all.
        """
        shares = self._shares[column]
        if allowed is not None:
            shares = np.cumsum(self._probabilities[column] * allowed + _TINY * allowed, axis=1)
        ends = shares[:, -1][entries]
        points = rng.random(len(entries)) * ends
        found: np.ndarray = (shares[entries] <= points[:, None]).sum(1)
        return np.minimum(found, _last(allowed, shares.shape[1]))


class ConditionalNetwork:
    """A network's columns for rows whose context is known.

    What is known of a row are its codes [columns of the table]; columns are drawn given all that
    stand before them in the chain.

    Args:
        network: The distribution, in the chain's order.
        chain: The order.
    """

    def __init__(self, network: FrozenNetwork, chain: Chain) -> None:
        self._network, self._chain = network, chain
        self._type = np.min_scalar_type(max(network.sizes))

    def known(
        self, codes: Iterable[tuple[int, np.ndarray]], start: np.ndarray | None = None
    ) -> np.ndarray:
        """Codes [rows, columns] with the known ones filled in."""
        found = None if start is None else start.copy()
        for column, chosen in codes:
            if found is None:
                found = np.zeros((len(chosen), len(self._chain.order)), dtype=self._type)
            found[:, column] = chosen
        assert found is not None
        return found

    def sampled(
        self,
        known: np.ndarray,
        columns: Sequence[int],
        rng: np.random.Generator,
        allowed: np.ndarray | None = None,
    ) -> list[np.ndarray]:
        """Codes [rows] of each of some columns, in the chain's order."""
        places = {self._chain.place[column]: column for column in columns}
        rows, found = self._chain.of(known), known.copy()
        for start in range(0, len(rows), self._network.rows_at_once):
            part = slice(start, start + self._network.rows_at_once)
            walk = Walk(self._network, len(rows[part]))
            for place in range(max(places) + 1):
                shares, chosen = walk.shares(place), rows[part, place].astype(np.int64)
                if place in places:
                    if allowed is not None:
                        shares = (shares + _TINY) * allowed[:, None]
                    chosen = _picked(shares, rng)
                    found[part, places[place]] = chosen
                walk.put(place, chosen)
        return [found[:, column].astype(np.int64) for column in columns]


def _picked(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A code [rows] in proportion to its shares [codes, rows]."""
    ends = np.cumsum(shares, axis=0, dtype=np.float64)
    points = rng.random(shares.shape[1]) * ends[-1]
    found: np.ndarray = (ends[:-1] <= points).sum(0)
    return found


def conditional(part: PartModel) -> Conditional:
    """Draws a part's columns, whatever model it has."""
    model = part.distribution
    if isinstance(model, FrozenNetwork):
        return ConditionalNetwork(model, chain_of(part.part, part.encoder.names))
    assert isinstance(model, Mixture)
    return ConditionalMixture(model)


_TINY = 1e-12


def _last(allowed: np.ndarray | None, size: int) -> int:
    """The last code that may be drawn."""
    return size - 1 if allowed is None else int(np.flatnonzero(allowed)[-1])


def _relative(probabilities: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Likelihood of each code by entry [codes, entries], at most 1 and at least the floor."""
    by_code = np.asarray(probabilities, dtype=np.float64).T
    highest = np.maximum(by_code.max(1, keepdims=True), _TINY)
    return np.maximum(by_code / highest, _FLOOR).astype(np.float32)
