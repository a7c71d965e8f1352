"""Derive what a parent's columns have in common among its children from the parent's model.

A child's row repeats its parent's columns. So pairs of these need no measurement: they are those of
the parent's model, each of its rows as often as it has children. This is post-processing.
"""

from __future__ import annotations

import itertools

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.measurement.marginals import Marginal, Measurements, exact_counts
from privgan.parts.part import Part
from privgan.pipeline.job import Fitted

_DRAWN = 200_000
_STREAM = 5


def derived_pairs(
    part: Part, parent: Fitted, encoder: Encoder, measured: Measurements, seed: int
) -> list[Marginal]:
    """Pairs of the columns that a part shares with its parent's.

    Args:
        part: The part of the children.
        parent: The parent's own result.
        encoder: Codes of the part.
        measured: What was measured of the part: its rows, and the noise of its pairs.
        seed: Public randomness.

    Returns:
        A marginal for each pair, as noisy as a measured one is.
    """
    names, rng = encoder.names[: part.derived], np.random.default_rng([seed, _STREAM])
    drawn = parent.generator.mixture().sample(_DRAWN, rng)
    codes = np.empty((len(drawn), part.derived), dtype=np.int64)
    for index, name in enumerate(names):
        place = parent.encoder.names.index(part.borrowed[name][1])
        values = parent.encoder.columns[place].decode(drawn[:, place], rng)
        # A child's codes may be coarser than its parent's.
        codes[:, index] = encoder.columns[index].encode(values)
    children = values.to_numpy(dtype=float)
    times = np.minimum(children, part.unit.max_rows).astype(np.int64)
    codes = np.repeat(codes, times, axis=0)
    noise = _noise_of_pairs(measured)
    scale = measured.rows / max(1, len(codes))
    return [
        Marginal(
            clique=pair,
            counts=scale * exact_counts(codes, pair, encoder.sizes),
            standard_deviation=noise,
            interaction_only=True,
        )
        for pair in itertools.combinations(range(part.derived), 2)
    ]


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
