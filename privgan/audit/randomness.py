"""Make the audit's random streams: one for each use, independent of all others.

A stream's key is the audit's seed and the name of its use. Each name stands in one place of the
code. So a new metric changes no other metric's draws, and no two metrics share any.
"""

from __future__ import annotations

import hashlib

import numpy as np

_WORDS = 4  # 128 bits of the name's hash: two names never meet.


def stream(seed: int, name: str, *parts: int) -> np.random.Generator:
    """A random generator for one use.

    Args:
        seed: The audit's seed, at least 0.
        name: The use: a metric's name, or a family of metrics and what is drawn.
        parts: Numbers that tell several streams of one use apart, e.g. a column's place.

    Returns:
        The generator of ``numpy.random.SeedSequence`` with a spawn key of the name's SHA-256
        and the parts: the same for the same arguments, on every machine.
    """
    digest = hashlib.sha256(name.encode()).digest()
    key = np.frombuffer(digest, dtype="<u4")[:_WORDS]
    sequence = np.random.SeedSequence(seed, spawn_key=(*map(int, key), *parts))
    return np.random.default_rng(sequence)
