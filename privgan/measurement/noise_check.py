"""Check from noisy marginals alone whether their noise is as large as stated.

Marginals with columns in common measure the same counts again. So they differ by their noise: by
less where exact counts stand in place of noisy ones, by more where the noise is larger than stated.

Noise of whole numbers may well be the same twice. So a distance of zero is one of at most half a
count a figure, and alarms only where so small a one is as improbable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement.components import Components
from privgan.measurement.marginals import Marginal
from privgan.measurement.noisy_counts import Counted, NoisyCounts, marginals_of

# A chance per marginal that no release of ours meets; the noise is chosen afresh for each.
LEAST_CHANCE = 1e-12
# Below this the noise of whole numbers is no longer like a normal one.
_LEAST_NOISE = 1.0


def noise_problems(kept: Sequence[NoisyCounts], encoder: Encoder) -> Iterator[str]:
    """Marginals whose noise is not as large as stated, a sentence each.

    Args:
        kept: The noisy counts of one table or part.
        encoder: Its codes.
    """
    marginals = marginals_of(kept, encoder)
    stated = [found for found in kept if found.counted in {Counted.CODES, Counted.DIFFERENCES}]
    sources = {id(one): found for one, found in zip(marginals, stated, strict=True)}
    components = Components(encoder.sizes, marginals)
    for marginal, squares, free in components.agreement():
        found = sources[id(marginal)]
        if found.noise >= _LEAST_NOISE:
            rounding = np.sqrt(found.figures.size) / (2 * found.noise)
            yield from _told(found.step, Distance(squares, free, rounding))
    single = {part.clique[0]: part for part in marginals if len(part.clique) == 1}
    for found in kept:
        if found.counted in {Counted.FINE, Counted.GROUPS} and found.noise >= _LEAST_NOISE:
            yield from _told(found.step, _against_single(found, encoder, single))


@dataclass(frozen=True)
class Distance:
    """How far counts are from what others say.

    Attributes:
        squares: Sum of squares, in units of the variance.
        free: Number of cells that can be chosen freely; 0 where nothing is compared.
        rounding: The most that half a count a figure moves the root of the sum.
    """

    squares: float
    free: int
    rounding: float

    def chance_of_less(self) -> float:
        """At most the chance that whole noise brings counts as near.

        The chance of a point of the lattice is at most that of its cell, up to a factor near 1.
        """
        from scipy.stats import chi2

        return float(chi2.cdf((np.sqrt(self.squares) + self.rounding) ** 2, self.free))

    def chance_of_more(self) -> float:
        """The chance that noise brings counts as far apart."""
        from scipy.stats import chi2

        return float(chi2.sf(self.squares, self.free))


def _told(step: str, distance: Distance) -> Iterator[str]:
    if distance.free and distance.chance_of_less() < LEAST_CHANCE:
        yield f"the counts of {step} agree with the others more closely than their noise allows"
    elif distance.free and distance.chance_of_more() < LEAST_CHANCE:
        yield f"the counts of {step} differ from the others by more than their noise"


def _against_single(found: NoisyCounts, encoder: Encoder, single: dict[int, Marginal]) -> Distance:
    """How far sums of fine cells or groups are from the 1-way marginals of their columns.

    Returns:
        The distance from the column that has most terms.
    """
    table, worst = found.figures.astype(float).reshape(found.sizes(encoder)), Distance(0.0, 0, 0.0)
    for axis, column in enumerate(found.clique(encoder)):
        if column not in single:
            continue
        known = single[column]
        others = tuple(other for other in range(table.ndim) if other != axis)
        summed, variance = table.sum(axis=others), found.noise**2 * table.size / table.shape[axis]
        if found.counted is Counted.FINE:
            of = encoder.columns[column].code_of
            ours, cells = np.bincount(of, summed), np.bincount(of)
            theirs, spread = known.counts, variance * cells + known.standard_deviation**2
        else:
            assert found.groups is not None
            of = np.asarray(found.groups[axis])
            ours, theirs = summed, np.bincount(of, known.counts)
            spread = variance + np.bincount(of) * known.standard_deviation**2
        if len(ours) > worst.free:
            squares = float(((ours - theirs) ** 2 / spread).sum())
            worst = Distance(squares, len(ours), float(np.sqrt((1 / spread).sum())) / 2)
    return worst
