"""Choose which pairs and triples of columns are candidates of the rounds, and weigh them.

Sizes, settings and noisy figures alone are read.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from privgan.measurement.marginals import Clique, Measurements
from privgan.planning.model_settings import MarginalSettings

# Of many columns, this share of the candidates are pairs; the others are triples.
_PAIRS_OF_MANY = 1 / 3
_MEAN_NOISE = math.sqrt(2 / math.pi)


def candidates_of(measurements: Measurements, settings: MarginalSettings) -> list[Clique]:
    """The candidates of the rounds, by what is known before the first of them.

    As ``candidate_cliques`` where it has room for all pairs. Of more columns: pairs that depend
    most by their noisy marginals, and triples that such pairs make.

    Args:
        measurements: Noisy marginals of single columns, and of pairs.
        settings: The limits.
    """
    sizes, most = measurements.sizes, settings.max_candidates
    if settings.widest < 3 or math.comb(len(sizes), 2) <= most:
        return candidate_cliques(sizes, settings)
    pairs = dependences(measurements, settings)
    wanted = round(_PAIRS_OF_MANY * most)
    triples = [
        triple
        for triple in linked_triples(pairs)
        if math.prod(sizes[column] for column in triple) <= settings.largest_marginal
    ]
    return sorted(list(pairs)[:wanted]) + sorted(triples[: most - wanted])


def dependences(measurements: Measurements, settings: MarginalSettings) -> dict[Clique, float]:
    """How much the columns of each pair depend, the most dependent first, up to a number.

    The L1 distance of the noisy shares from independence, beyond that of their noise.
    """
    found = {}
    for target in measurements.targets():
        if len(target.clique) == 2 and len(target.shares) <= settings.largest_marginal:
            first, second = (measurements.one_way(column) for column in target.clique)
            apart = np.abs(target.shares - np.outer(first, second).ravel()).sum()
            noise = _MEAN_NOISE * len(target.shares) / math.sqrt(target.precision)
            found[target.clique] = float(apart - noise)
    kept = sorted(found, key=lambda pair: (-found[pair], pair))[: settings.max_candidates]
    return {pair: found[pair] for pair in kept}


def linked_triples(pairs: Mapping[Clique, float]) -> list[Clique]:
    """All triples of which two pairs are given, by the sum over their pairs, the largest first."""
    beside: dict[int, list[int]] = {}
    for first, second in pairs:
        beside.setdefault(first, []).append(second)
        beside.setdefault(second, []).append(first)
    found = {
        tuple(sorted((column, *others)))
        for column, near in beside.items()
        for others in itertools.combinations(near, 2)
    }

    def strength(triple: Clique) -> float:
        return sum(pairs.get(pair, 0.0) for pair in itertools.combinations(triple, 2))

    return sorted(found, key=lambda triple: (-strength(triple), triple))


def candidate_cliques(sizes: Sequence[int], settings: MarginalSettings) -> list[Clique]:
    """All pairs with few enough cells, and triples as far as there is room.

    A fixed public subset where there are too many.
    """
    pairs = _small(sizes, 2, settings) if settings.widest > 1 else []
    room = max(0, settings.max_candidates - len(pairs))
    triples = _small(sizes, 3, settings) if settings.widest > 2 and room else []
    if len(triples) > room:
        kept = np.random.default_rng(0).permutation(len(triples))[:room]
        triples = [triples[index] for index in sorted(kept)]
    return pairs + triples


def _small(sizes: Sequence[int], width: int, settings: MarginalSettings) -> list[Clique]:
    """All sets of so many columns with few enough cells together, in order."""
    cliques = itertools.combinations(range(len(sizes)), width)
    return [
        clique
        for clique in cliques
        if math.prod(sizes[column] for column in clique) <= settings.largest_marginal
    ]


def workload_weights(candidates: Sequence[Clique]) -> np.ndarray:
    """Weight of each candidate in (0, 1]: its overlap with the workload.

    The workload is all candidates of the widest kind.
    """
    widest = max(len(clique) for clique in candidates)
    held = Counter(column for clique in candidates if len(clique) == widest for column in clique)
    overlap = np.array([float(sum(held[column] for column in clique)) for clique in candidates])
    weights: np.ndarray = overlap / overlap.max()
    return weights
