"""Keep secret coins and public randomness apart.

*Coins* carry the guarantee: noise, Poisson membership, selections, canaries. They come from
ChaCha20 keyed with 256 bits from the operating system, never from ``seed``. *Public* randomness
(initial weights, fake rows, the final sample) comes from ``seed`` and may be known to everybody.
"""

from __future__ import annotations

import math
import os
from typing import NoReturn

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

_KEY_BYTES = 32
_NONCE = bytes(16)
# A point of the square is in the disc with probability π/4, and gives two normals.
# A few spare points make one draw enough.
_PAIRS_PER_NORMAL, _SPARE_PAIRS = 0.645, 64
_MOST_PAIRS = 8_192  # Pairs drawn at once, to fit into the processor's cache.


class SecretStream:
    """A cryptographic stream of coins. Its key is never stored, printed or pickled.

    Attributes:
        secret: Whether the key is unknown to everybody; only then does a guarantee hold. A stream
            of the tests that can be drawn again says False, and the ledger then records ε = ∞.
    """

    secret = True

    def __init__(self) -> None:
        self._start(os.urandom(_KEY_BYTES))

    def _start(self, key: bytes) -> None:
        self._keystream = Cipher(ChaCha20(key, _NONCE), mode=None).encryptor()

    def words(self, count: int) -> np.ndarray:
        """Uniform 64-bit words [count], uint64."""
        return np.frombuffer(self._keystream.update(bytes(8 * count)), dtype=np.uint64)

    def bernoulli(self, probability: float, count: int) -> np.ndarray:
        """Independent coins [count], True with the given probability (within 2⁻⁵³)."""
        if not 0 <= probability <= 1:
            raise ValueError(f"probability is {probability}; it must be in 0 to 1")
        return (self.words(count) >> np.uint64(11)) < np.uint64(round(probability * 2**53))

    def uniform(self, count: int) -> np.ndarray:
        """Uniform numbers [count] in the open interval (0, 1), float64."""
        return ((self.words(count) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def normal(self, count: int) -> np.ndarray:
        """Standard normal numbers [count], float64, by the polar method.

        Marsaglia and Bray 1964; it needs no sine or cosine.
        """
        normals, found = np.empty(count), 0
        while found < count:
            draws = min(_MOST_PAIRS, math.ceil((count - found) * _PAIRS_PER_NORMAL) + _SPARE_PAIRS)
            # Odd multiples of 2⁻⁵³ in (−1, 1): never 0, where a logarithm would end.
            points = ((self.words(2 * draws).view(np.int64) >> 11) + 0.5).reshape(2, draws)
            points *= 2.0**-52
            square = points[0] * points[0]
            square += points[1] * points[1]
            inside = square < 1.0
            square = square[inside]
            factor = np.sqrt(-2.0 * np.log(square) / square)
            for coordinate in points:
                part = (coordinate[inside] * factor)[: count - found]
                normals[found : found + len(part)] = part
                found += len(part)
        return normals

    def gaussian_noise(self, count: int) -> np.ndarray:
        """Standard normal noise [count] that resists floating-point attacks.

        Four normals are summed and halved: Holohan and Braghin 2021 (arXiv 2107.10138), section
        5.1, with n = 2.
        """
        return self.normal(4 * count).reshape(4, count).sum(axis=0) / 2.0

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        """Counts [cells] plus exact discrete Gaussian noise.

        OpenDP draws it from the operating system's randomness.
        """
        from privgan.privacy import opendp_noise

        return opendp_noise.discrete_gaussian(counts, standard_deviation)

    def discrete_laplace(self, count: int, scale: float) -> int:
        """An integer plus exact discrete Laplace noise.

        OpenDP draws it from the operating system's randomness.
        """
        from privgan.privacy import opendp_noise

        return opendp_noise.discrete_laplace(count, scale)

    def exponential_choice(self, scores: np.ndarray, scale: float) -> int:
        """Index of the largest score [candidates] plus Gumbel noise, by OpenDP."""
        from privgan.privacy import opendp_noise

        return opendp_noise.gumbel_choice(scores, scale)

    def __reduce__(self) -> NoReturn:
        """Forbid pickling and copying."""
        raise TypeError("a stream of coins cannot be pickled or copied")

    def __repr__(self) -> str:
        """Show no part of the key."""
        return f"{type(self).__name__}(…)"
