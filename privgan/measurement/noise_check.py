"""Check from noisy marginals alone whether their noise is as large as stated.

Marginals with columns in common measure the same counts again. So they differ by their noise: by
less where exact counts stand in place of noisy ones, by more where the noise is larger than stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    names = {id(one): found.step for one, found in zip(marginals, stated, strict=True)}
    components = Components(encoder.sizes, marginals)
    for marginal, squares, free in components.agreement():
        if marginal.standard_deviation >= _LEAST_NOISE:
            yield from _told(names[id(marginal)], squares, free)
    single = {part.clique[0]: part for part in marginals if len(part.clique) == 1}
    for found in kept:
        if found.counted in {Counted.FINE, Counted.GROUPS} and found.noise >= _LEAST_NOISE:
            yield from _told(found.step, *_against_single(found, encoder, single))


def _told(step: str, squares: float, free: int) -> Iterator[str]:
    from scipy.stats import chi2

    if free and chi2.cdf(squares, free) < LEAST_CHANCE:
        yield f"the counts of {step} agree with the others more closely than their noise allows"
    elif free and chi2.sf(squares, free) < LEAST_CHANCE:
        yield f"the counts of {step} differ from the others by more than their noise"


def _against_single(
    found: NoisyCounts, encoder: Encoder, single: dict[int, Marginal]
) -> tuple[float, int]:
    """How far sums of fine cells or groups are from the 1-way marginals of their columns.

    Returns:
        The sum of squares in units of its variance, of the column that tells most, and its number
        of terms.
    """
    table, worst = found.figures.astype(float).reshape(found.sizes(encoder)), (0.0, 0)
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
        squares = float(((ours - theirs) ** 2 / spread).sum())
        if len(ours) > worst[1]:
            worst = squares, len(ours)
    return worst
