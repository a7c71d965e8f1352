"""Draw columns of a mixture given others, each row under a context of its own.

Given an entry of the codebook the columns are independent. So an entry is drawn by Bayes' rule from
what it gives the row's known codes, and the other codes from the entry: the mixture's exact
conditional distribution, up to a floor that lets no unlikely context rule out every entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from privgan.generator.mixture import Mixture

# Least likelihood of a code in an entry, relative to the entry that likes it best.
_FLOOR = 1e-4
# Factors between two rescalings: so many floors stay far above the smallest number.
_FACTORS = 6


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


_TINY = 1e-12


def _last(allowed: np.ndarray | None, size: int) -> int:
    """The last code that may be drawn."""
    return size - 1 if allowed is None else int(np.flatnonzero(allowed)[-1])


def _relative(probabilities: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Likelihood of each code by entry [codes, entries], at most 1 and at least the floor."""
    by_code = np.asarray(probabilities, dtype=np.float64).T
    highest = np.maximum(by_code.max(1, keepdims=True), _TINY)
    return np.maximum(by_code / highest, _FLOOR).astype(np.float32)
