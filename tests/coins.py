"""Coins that can be drawn again: no module of the package can reach them."""

from __future__ import annotations

import hashlib

import numpy as np

from privgan.privacy.randomness import SecretStream


class RepeatableStream(SecretStream):
    """Coins that can be drawn again.

    With them the ledger records ε = ∞ and nothing can be released.

    Args:
        seed: Any integer.
    """

    secret = False

    def __init__(self, seed: int) -> None:
        self._start(hashlib.sha256(f"privgan test stream {seed}".encode()).digest())

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        """As SecretStream, with rounded normal noise."""
        return counts + np.rint(self.normal(len(counts)) * standard_deviation).astype(np.int64)

    def discrete_laplace(self, count: int, scale: float) -> int:
        """As SecretStream, with rounded Laplace noise."""
        first, second = np.log(self.uniform(2)) * scale
        return count + round(float(first - second))

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        """As SecretStream, with floating-point Gumbel noise."""
        return int(np.argmax(scores - scale * np.log(-np.log(self.uniform(len(scores))))))
