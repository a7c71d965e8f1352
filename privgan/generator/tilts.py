"""Look ahead: favour codes of early columns that lead to what is allowed in later ones.

Each column's shares are multiplied by a factor for each code. The factors come from weighted rows,
so that the codes drawn come near to those of the weighted rows: the cross-entropy method
(Rubinstein and Kroese 2004, The Cross-Entropy Method, section 3). Weights keep every draw exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from privgan.generator.ancestral import Block, Guide, draw_block
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.importance import effective, relative

_PILOT = 8_192
_ROUNDS = 12
_ENOUGH = 0.8  # Of a pilot's rows are effective: then no tilt is needed.
_PRIOR = 4.0  # Rows' worth of evidence for the shares as they are.
_MOST = 1e6

Guides = Callable[[int], Sequence[Guide]]
Factors = Mapping[int, np.ndarray]


def probability(network: FrozenNetwork, guides: Guides, tilts: Factors) -> float:
    """Probability of what is allowed, estimated from rows that are always the same."""
    if not guides(1):
        return 1.0
    block = draw_block(network, _PILOT, np.random.default_rng(0), guides(_PILOT), tilts)
    return float(np.exp(block.logs).mean())


def fitted_tilts(network: FrozenNetwork, guides: Guides) -> Factors:
    """The factors of columns before the last guided one; none where they do not help.

    Args:
        network: The distribution.
        guides: Makes the guides of so many rows.
    """
    rng = np.random.default_rng(0)
    last = max((column for guide in guides(1) for column in guide.columns), default=0)
    if not last:
        return {}
    tilts: Factors = {column: np.ones(network.sizes[column]) for column in range(last)}
    best, best_tilts = -1.0, tilts
    for _ in range(_ROUNDS):
        seen: dict[int, np.ndarray] = {}
        block = draw_block(network, _PILOT, rng, guides(_PILOT), tilts, seen.__setitem__)
        found = effective(relative(block.logs))
        if found > best:
            best, best_tilts = found, tilts
        if found >= _ENOUGH * _PILOT:
            break
        tilts = _nearer(tilts, block, seen)
    plain = all((factors == 1).all() for factors in best_tilts.values())
    return {} if plain else best_tilts


def _nearer(tilts: Factors, block: Block, seen: Mapping[int, np.ndarray]) -> Factors:
    """Factors whose draws come nearer to the weighted rows."""
    weights = relative(block.logs)
    worth = effective(weights)
    if not worth:
        return tilts
    weights /= weights.sum()
    found = {}
    for column, factors in tilts.items():
        wanted = np.bincount(block.codes[:, column], weights, minlength=len(factors))
        drawn = seen[column] @ weights
        ratio = (worth * wanted + _PRIOR * drawn + 1e-12) / ((worth + _PRIOR) * drawn + 1e-12)
        found[column] = np.clip(factors * ratio, 1 / _MOST, _MOST)
    return found
