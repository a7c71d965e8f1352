"""Measure the fidelity of marginals: total variation, k-marginal score, two-sample test.

Marginals are compared with the training rows, the classifier's rows with the left-out rows. Each
figure has a baseline: the same figure with real rows in place of the synthetic ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable, stacked, trainable
from privgan.audit.fidelity.column_sets import marginals
from privgan.audit.fidelity.queries import NestedSamples, nested_samples
from privgan.audit.intervals import (
    JACKKNIFE_BLOCKS,
    area_under_curve,
    hanley_mcneil,
    jackknife_error,
    normal_interval,
)
from privgan.audit.randomness import stream
from privgan.metric import Metric

NAME = "fidelity.k_marginal"
MOST_COLUMNS, MOST_KMARGINAL_PAIRS = 30, 200
PERFECT = 1000.0
WORST_KMARGINALS = 10


def k_marginal_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``fidelity.k_marginal``: (2 − mean over 2-way marginals of Σ|p − q|) · 500.

    1,000 is perfect, 0 disjoint.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws the jackknife's blocks and the random samples.
    """
    columns = len(coder.columns)
    if columns < 2:
        return Metric.not_run(NAME, "needs at least 2 columns")
    # The published score takes all pairs below 30 columns, else 200. Here all tables get the same.
    pairs = marginals(columns, 2) if columns < MOST_COLUMNS else _thinned(marginals(columns, 2))
    blocks = stream(seed, "fidelity.k_marginal").permutation(len(synthetic)) % JACKKNIFE_BLOCKS
    distances = distances_by_block(coder.sizes, kept_in, synthetic, pairs, blocks)
    scores = PERFECT * (1.0 - distances.mean(axis=0))
    error, samples = jackknife_error(scores), nested_samples(len(kept_in), seed)
    sampled = sample_distances(coder.sizes, kept_in, pairs, samples)
    low, high = normal_interval(float(scores[0]), error, least=0.0, most=PERFECT)
    return Metric(
        name=NAME,
        value=float(scores[0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=(
            PERFECT * (1.0 - mean_tvd(coder.sizes, kept_in, left_out, pairs))
            if left_out is not None
            else None
        ),
        n=len(synthetic),
        method=(
            f"{len(pairs)} 2-way marginals; numbers cut at the training rows' 20-quantiles; "
            f"interval: jackknife over {JACKKNIFE_BLOCKS} blocks of synthetic rows"
        ),
        details={
            "columns": _by_column(coder, pairs, distances[:, 0]),
            "sample_equivalent": samples.equivalent(float(distances[:, 0].mean()), sampled),
        },
    )


def _thinned(pairs: Sequence[tuple[int, ...]]) -> Sequence[tuple[int, ...]]:
    return pairs[:: max(1, len(pairs) // MOST_KMARGINAL_PAIRS)][:MOST_KMARGINAL_PAIRS]


def _by_column(
    coder: AuditCoder, pairs: Sequence[tuple[int, ...]], distances: NDArray[np.float64]
) -> list[dict[str, str | float]]:
    """Mean score of each column's pairs, the worst column first."""
    scores = [
        (PERFECT * (1.0 - float(np.mean(found))), name)
        for place, name in enumerate(coder.names)
        if (
            found := [
                distance for pair, distance in zip(pairs, distances, strict=True) if place in pair
            ]
        )
    ]
    return [{"column": name, "score": score} for score, name in sorted(scores)[:WORST_KMARGINALS]]


WORST = 5
CLASSIFIER_ROWS = 10_000
TEST_SHARE = 0.3
LEAST_ROWS = 50
_DENSE_CELLS = 2**18


def tvd_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics ``fidelity.tvd1``, ``.tvd2`` and ``.tvd3``: mean total variation distance.

    Distances are to the training rows; 0 is perfect. The interval is the delete-a-tenth jackknife's
    over synthetic rows. It covers another draw from the same model.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the jackknife's blocks and the equal-size samples.

    Returns:
        The three metrics; one of an order above the number of columns is NOT_RUN.
    """
    return tuple(
        _tvd_metric(coder, kept_in, left_out, synthetic, order, seed) for order in (1, 2, 3)
    )


def _tvd_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    order: int,
    seed: int,
) -> Metric:
    name = f"fidelity.tvd{order}"
    if len(coder.columns) < order:
        return Metric.not_run(name, f"needs at least {order} columns")
    cliques = marginals(len(coder.columns), order)
    blocks = stream(seed, "fidelity.tvd", order).permutation(len(synthetic)) % JACKKNIFE_BLOCKS
    distances = distances_by_block(coder.sizes, kept_in, synthetic, cliques, blocks)
    means = distances.mean(axis=0)
    value = float(means[0])
    low, high = normal_interval(value, jackknife_error(means), least=0.0, most=1.0)
    samples = nested_samples(len(kept_in), seed)
    details: dict[str, object] = {
        "rows": len(synthetic),
        "marginals": len(cliques),
        "worst": _worst(coder, cliques, distances[:, 0]),
    }
    sampled = sample_distances(coder.sizes, kept_in, cliques, samples)
    details |= {"sample_equivalent": samples.equivalent(value, sampled)}
    baseline = None
    if left_out is not None and len(left_out):
        baseline = mean_tvd(coder.sizes, kept_in, left_out, cliques)
        details |= {"baseline_rows": len(left_out)}
        details |= {
            "same_size": _same_size(coder.sizes, kept_in, left_out, synthetic, cliques, seed)
        }
    return Metric(
        name=name,
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=baseline,
        n=len(synthetic),
        method=(
            f"mean over {len(cliques)} {order}-way marginals; numbers cut at the training rows'"
            f" 20-quantiles; interval: jackknife over {JACKKNIFE_BLOCKS} blocks of synthetic rows"
        ),
        details=details,
    )


def mean_tvd(
    sizes: Sequence[int], real: CodedTable, other: CodedTable, cliques: Sequence[tuple[int, ...]]
) -> float:
    """Mean total variation distance between two tables over some marginals."""
    one_block = np.zeros(len(other), dtype=int)
    return float(distances_by_block(sizes, real, other, cliques, one_block, blocks=0)[:, 0].mean())


def distances_by_block(
    sizes: Sequence[int],
    real: CodedTable,
    other: CodedTable,
    cliques: Sequence[tuple[int, ...]],
    block_of: NDArray[np.int64],
    blocks: int = JACKKNIFE_BLOCKS,
) -> NDArray[np.float64]:
    """Total variation distance by marginal and block [marginals, 1 + blocks].

    The first column is for all rows, each other one without one block of the other table.
    """
    return np.array(
        [
            _clique_distances(sizes, real.codes, other.codes, list(c), block_of, blocks)
            for c in cliques
        ]
    )


def _clique_distances(
    sizes: Sequence[int],
    real: NDArray,
    other: NDArray,
    clique: list[int],
    block_of: NDArray[np.int64],
    blocks: int,
) -> NDArray[np.float64]:
    cells, size = marginal_cells(sizes, np.vstack([real[:, clique], other[:, clique]]), clique)
    share = np.bincount(cells[: len(real)], minlength=size) / len(real)
    count = max(1, blocks)
    by_block = np.bincount(block_of * size + cells[len(real) :], minlength=count * size).reshape(
        count, size
    )
    every = by_block.sum(axis=0)
    counts = np.vstack([every[None], every[None] - by_block]) if blocks else every[None]
    totals = np.maximum(1, counts.sum(axis=1, keepdims=True))
    return 0.5 * np.asarray(np.abs(counts / totals - share).sum(axis=1))


def marginal_cells(
    sizes: Sequence[int], codes: NDArray[np.int64], clique: list[int]
) -> tuple[NDArray[np.int64], int]:
    """Cell of each row, and the number of cells.

    In a large marginal only the cells that occur are numbered.
    """
    cells, size = np.zeros(len(codes), dtype=np.int64), 1
    for place, column in enumerate(clique):
        cells, size = cells * sizes[column] + codes[:, place], size * sizes[column]
        if size > _DENSE_CELLS:
            levels, cells = np.unique(cells, return_inverse=True)
            size = len(levels)
    return cells, size


def _same_size(
    sizes: Sequence[int],
    kept_in: CodedTable,
    left_out: CodedTable,
    synthetic: CodedTable,
    cliques: Sequence[tuple[int, ...]],
    seed: int,
) -> dict[str, float]:
    """Both figures for samples of one size.

    A small table is farther from any other table.
    """
    size, generator = min(len(left_out), len(synthetic)), stream(seed, "fidelity.tvd: equal sizes")
    pair = {
        "synthetic": synthetic.sample(size, generator),
        "left_out": left_out.sample(size, generator),
    }
    return {"rows": size} | {
        name: mean_tvd(sizes, kept_in, table, cliques) for name, table in pair.items()
    }


def _worst(
    coder: AuditCoder, cliques: Sequence[tuple[int, ...]], distances: NDArray[np.float64]
) -> list[dict[str, object]]:
    order = np.argsort(-distances, kind="stable")[:WORST]
    return [
        {"columns": [coder.names[c] for c in cliques[i]], "tvd": float(distances[i])} for i in order
    ]


def sample_distances(
    sizes: Sequence[int],
    real: CodedTable,
    cliques: Sequence[tuple[int, ...]],
    samples: NestedSamples,
) -> NDArray[np.float64]:
    """Mean total variation distance of each nested real sample to all real rows [samples]."""
    found = np.zeros(len(samples.shares))
    for clique in cliques:
        cells, size = marginal_cells(sizes, real.codes[:, list(clique)], list(clique))
        counts = samples.replicates.sums(cells, size)
        shares = counts / np.maximum(1.0, counts.sum(axis=1, keepdims=True))
        found += 0.5 * np.abs(shares - shares[:1]).sum(axis=1)
    return found / len(cliques)


@dataclass(frozen=True)
class _Detection:
    area: float
    positives: int
    negatives: int
    drops: NDArray[np.float64]


def c2st_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``fidelity.c2st_auc``: classifier two-sample test by gradient boosting.

    The area under the curve for synthetic against left-out rows; 0.5 is perfect. Numbers are first
    rounded as the schema says. Details name the columns that give the synthetic rows away, by
    permutation importance.

    Args:
        coder: Names the columns.
        kept_in: The training rows, for the baseline.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the samples, the split and the shuffles.
    """
    name = "fidelity.c2st_auc"
    if left_out is None or min(len(left_out), len(synthetic), len(kept_in)) < LEAST_ROWS:
        reason = f"needs at least {LEAST_ROWS} left-out, kept-in and synthetic rows"
        return Metric.not_run(name, reason)
    size = min(len(left_out), len(synthetic), CLASSIFIER_ROWS)
    found = _detect(left_out, synthetic, size, seed, explain=True)
    baseline = _detect(left_out, kept_in, min(size, len(kept_in)), seed, explain=False)
    low, high = hanley_mcneil(found.area, found.positives, found.negatives)
    top = np.argsort(-found.drops, kind="stable")[:WORST]
    return Metric(
        name=name,
        value=found.area,
        low=low,
        high=high,
        confidence=0.95,
        baseline=baseline.area,
        n=size,
        method=(
            f"histogram gradient boosting on {size} rows of each kind, {TEST_SHARE:.0%} of them for"
            " testing; Hanley-McNeil score interval; baseline: kept-in rows in place of synthetic"
            " ones"
        ),
        details={
            "columns": [{"column": coder.names[i], "auc_lost": float(found.drops[i])} for i in top]
        },
    )


def _detect(
    real: CodedTable, other: CodedTable, size: int, seed: int, *, explain: bool
) -> _Detection:
    from sklearn.ensemble import HistGradientBoostingClassifier

    generator = stream(seed, "fidelity.c2st_auc")
    rows = stacked(real.sample(size, generator), other.sample(size, generator)).values
    labels = np.arange(2 * size) >= size
    order = generator.permutation(2 * size)
    cut = int(2 * size * (1.0 - TEST_SHARE))
    fit, test = order[:cut], order[cut:]
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
    model.fit(trainable(rows[fit]), labels[fit])

    def area(table: NDArray[np.float64]) -> float:
        return area_under_curve(labels[test], model.decision_function(table))

    whole = area(rows[test])
    drops = [
        whole - area(_shuffled(rows[test], column, generator))
        for column in range(rows.shape[1])
        if explain
    ]
    positives = int(labels[test].sum())
    return _Detection(whole, positives, len(test) - positives, np.array(drops))


def _shuffled(
    table: NDArray[np.float64], column: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    copy = table.copy()
    copy[:, column] = generator.permutation(copy[:, column])
    return copy
