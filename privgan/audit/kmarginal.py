"""NIST's k-marginal score: the figure that users of SDNist know, by column and beside a random sample's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.equivalence import nested_samples
from privgan.audit.fidelity import distances_by_block, marginals, mean_tvd, sample_distances
from privgan.audit.replicates import JACKKNIFE_BLOCKS, jackknife_error
from privgan.metric import Better, Metric

NAME = "fidelity.k_marginal"
MOST_COLUMNS, MOST_PAIRS = 30, 200
PERFECT = 1000.0
WORST = 10


def k_marginal_metric(
    coder: AuditCoder, kept_in: CodedTable, left_out: CodedTable | None, synthetic: CodedTable, seed: int
) -> Metric:
    """``fidelity.k_marginal``: (2 − mean over 2-way marginals of Σ|p − q|) · 500; 1,000 is perfect, 0 disjoint.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws the jackknife's blocks and the random samples.
    """
    columns = len(coder.columns)
    if columns < 2:
        return Metric.not_run(NAME, "needs at least 2 columns", better=Better.HIGHER)
    # The published score takes all pairs below 30 columns, else 200; these are the same for every table.
    pairs = marginals(columns, 2) if columns < MOST_COLUMNS else _thinned(marginals(columns, 2))
    blocks = np.random.default_rng((seed, 37)).permutation(len(synthetic)) % JACKKNIFE_BLOCKS
    distances = distances_by_block(coder.sizes, kept_in, synthetic, pairs, blocks)
    scores = PERFECT * (1.0 - distances.mean(axis=0))
    error, samples = jackknife_error(scores), nested_samples(len(kept_in), seed)
    sampled = sample_distances(coder.sizes, kept_in, pairs, samples)
    return Metric(
        name=NAME,
        value=float(scores[0]),
        low=max(0.0, float(scores[0]) - 1.96 * error),
        high=min(PERFECT, float(scores[0]) + 1.96 * error),
        confidence=0.95,
        better=Better.HIGHER,
        baseline=PERFECT * (1.0 - mean_tvd(coder.sizes, kept_in, left_out, pairs)) if left_out is not None else None,
        n=len(synthetic),
        method=f"{len(pairs)} 2-way marginals; numbers cut at the training rows' 20-quantiles; "
        f"interval: jackknife over {JACKKNIFE_BLOCKS} blocks of synthetic rows",
        source="NIST SDNist 2.5, k-marginal score",
        details={
            "columns": _by_column(coder, pairs, distances[:, 0]),
            "sample_equivalent": samples.equivalent(float(distances[:, 0].mean()), sampled),
        },
    )


def _thinned(pairs: Sequence[tuple[int, ...]]) -> Sequence[tuple[int, ...]]:
    return pairs[:: max(1, len(pairs) // MOST_PAIRS)][:MOST_PAIRS]


def _by_column(
    coder: AuditCoder, pairs: Sequence[tuple[int, ...]], distances: NDArray[np.float64]
) -> list[dict[str, str | float]]:
    """The mean score of each column's pairs, the worst column first."""
    scores = [
        (PERFECT * (1.0 - float(np.mean(found))), name)
        for place, name in enumerate(coder.names)
        if (found := [distance for pair, distance in zip(pairs, distances, strict=True) if place in pair])
    ]
    return [{"column": name, "score": score} for score, name in sorted(scores)[:WORST]]
