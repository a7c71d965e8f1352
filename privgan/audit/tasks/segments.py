"""Judge segments: clusters fitted on synthetic rows, held against real rows.

Clusters are those of k-means on quantiles of numbers and flags of categories. Two partitions of the
left-out rows are compared by the adjusted Rand index (Hubert and Arabie 1985).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable, FeatureMap
from privgan.audit.intervals import bootstrap_weights
from privgan.audit.randomness import stream
from privgan.audit.tasks.figures import REPETITIONS, Figure, Figures
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.utility import FIT_ROWS, TEST_ROWS
from privgan.schema.columns import Column
from privgan.schema.tasks import SegmentsTask

NAMES = ("agreement", "sizes", "profiles")
_STARTS = 5
_MOST_FLAGS = 12
_SHOWN = 6


@dataclass(frozen=True, eq=False, repr=False)
class _Clusters:
    """Clusters of some rows.

    Attributes:
        centres: Their centres [clusters, features].
        sizes: Their shares among these rows [clusters].
        means: Mean features of their rows [clusters, features].
    """

    centres: NDArray[np.float64]
    sizes: NDArray[np.float64]
    means: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float64], number: int) -> _Clusters:
        """Fit them, the largest first."""
        from sklearn.cluster import KMeans

        model = KMeans(n_clusters=number, n_init=_STARTS, random_state=0).fit(features)
        sizes = np.bincount(model.labels_, minlength=number) / len(features)
        order = np.argsort(-sizes, kind="stable")
        centres = np.asarray(model.cluster_centers_, dtype=float)[order]
        # k-means ends where centres are the means of their rows.
        return cls(centres, sizes[order], centres)

    def assigned(self, features: NDArray[np.float64]) -> NDArray[np.int64]:
        """Nearest cluster of each row [rows]."""
        distances = (self.centres**2).sum(axis=1) - 2 * features @ self.centres.T
        return np.asarray(distances.argmin(axis=1))


def segment_figures(task: SegmentsTask, tables: TaskTables) -> Figures:
    """Agreement, sizes and profiles of segments, or the reason why there is none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    reason = tables.missing(task)
    if not reason and tables.left_out is None:
        reason = "there are no left-out rows to test on"
    if reason:
        return dict.fromkeys(NAMES, reason)
    assert tables.left_out is not None
    places = _places(task, tables)
    columns = tuple(tables.coder.columns[place] for place in places)
    generator = stream(tables.seed, "utility.segments", task.clusters)
    made, real, test = (
        _chosen(table.sample(most, generator), places)
        for table, most in (
            (tables.synthetic, FIT_ROWS),
            (tables.kept_in, FIT_ROWS),
            (tables.left_out, TEST_ROWS),
        )
    )
    mapped = FeatureMap.from_reference(columns, real, _MOST_FLAGS)
    features = [np.asarray(mapped(rows), dtype=float) for rows in (made, real, test)]
    fewest = min(len(np.unique(some, axis=0)) for some in features[:2])
    if fewest < task.clusters or len(test) < task.clusters:
        told = f"fewer than {task.clusters} different rows"
        return dict.fromkeys(NAMES, f"a table has {told}; ask for fewer clusters")
    return _figures(task, columns, mapped, features, test.customers, generator)


def _places(task: SegmentsTask, tables: TaskTables) -> list[int]:
    names = tables.coder.names
    return [names.index(name) for name in task.columns] or [*range(len(names))]


def _chosen(table: CodedTable, places: list[int]) -> CodedTable:
    return CodedTable(table.codes[:, places], table.values[:, places], table.customers)


def _figures(
    task: SegmentsTask,
    columns: tuple[Column, ...],
    mapped: FeatureMap,
    features: list[NDArray[np.float64]],
    customers: NDArray[np.int64] | None,
    generator: np.random.Generator,
) -> Figures:
    made, real, test = features
    order = generator.permutation(len(real))
    halves = (real[np.sort(order[::2])], real[np.sort(order[1::2])])
    clusters = [_Clusters.of(rows, task.clusters) for rows in (made, real, *halves)]
    labels = [one.assigned(test) for one in clusters]
    weights = bootstrap_weights(len(test), REPETITIONS, generator, customers)
    method = (
        f"k-means with {task.clusters} clusters fitted on {len(made)} synthetic or {len(real)} real"
        f" rows, given to {len(test)} left-out rows; {REPETITIONS} bootstrap samples of them"
    )
    agreements = [
        adjusted_rand(labels[i], labels[j], task.clusters, weights) for i, j in ((0, 1), (2, 3))
    ]
    shares = [_shares(labels[i], task.clusters, weights) for i in (0, 1)]
    sizes = [
        0.5 * np.abs(side - one.sizes).sum(axis=1)
        for side, one in zip(shares, clusters[:2], strict=True)
    ]
    profiles = [_profile_error(test, labels[i], clusters[i], weights) for i in (0, 1)]
    told = _segments_told(columns, mapped, test, labels[0], clusters[0])
    halved = f"{method}; real side: clusters of two halves of the real rows"
    return {
        "agreement": Figure(
            synthetic=agreements[0], real=agreements[1], count=len(test), method=halved
        ),
        "sizes": Figure(
            synthetic=sizes[0], real=sizes[1], count=len(test), method=method, details=told
        ),
        "profiles": Figure(synthetic=profiles[0], real=profiles[1], count=len(test), method=method),
    }


def adjusted_rand(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    clusters: int,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Adjusted Rand index of two partitions, for each weighting of the rows [weightings].

    1 are the same clusters, 0 is chance.

    Args:
        first: Cluster of each row by one partition.
        second: Cluster of each row by the other.
        clusters: Number of clusters of each.
        weights: One weighting per line [weightings, rows].
    """
    cells = np.eye(clusters * clusters)[first * clusters + second]
    table = (weights @ cells).reshape(-1, clusters, clusters)
    together, rows, columns, pairs = (
        _pairs(part).sum(axis=axes)
        for part, axes in (
            (table, (1, 2)),
            (table.sum(axis=2), 1),
            (table.sum(axis=1), 1),
            (table.sum(axis=(1, 2))[:, None], 1),
        )
    )
    expected = rows * columns / np.maximum(pairs, 1.0)
    largest = 0.5 * (rows + columns)
    apart = largest - expected
    return np.asarray(np.where(apart > 0, (together - expected) / np.where(apart > 0, apart, 1), 1))


def _pairs(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts * (counts - 1.0) / 2.0


def _shares(
    labels: NDArray[np.int64], clusters: int, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    counts = weights @ np.eye(clusters)[labels]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _profile_error(
    test: NDArray[np.float64],
    labels: NDArray[np.int64],
    clusters: _Clusters,
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean difference of a segment's features from those of its left-out rows [weightings].

    Segments count by their share; one that no left-out row is in counts as its distance to the mean
    of all.
    """
    overall, error = test.mean(axis=0), np.zeros(len(weights))
    for place, share in enumerate(clusters.sizes):
        inside = weights[:, labels == place]
        total = inside.sum(axis=1, keepdims=True)
        means = np.where(
            total > 0, inside @ test[labels == place] / np.maximum(total, 1.0), overall
        )
        error += share * np.abs(means - clusters.means[place]).mean(axis=1)
    return error


def _segments_told(
    columns: tuple[Column, ...],
    mapped: FeatureMap,
    test: NDArray[np.float64],
    labels: NDArray[np.int64],
    clusters: _Clusters,
) -> dict[str, Any]:
    """Of each synthetic segment its share in both tables, and the columns that mark it."""
    ends = np.cumsum(mapped.widths)
    away = np.abs(clusters.means - test.mean(axis=0))
    told = []
    for place, share in enumerate(clusters.sizes):
        inside = labels == place
        by_column = [part.max() for part in np.split(away[place], ends[:-1])]
        marking = np.argsort(-np.array(by_column), kind="stable")[:_SHOWN]
        told.append(
            {
                "synthetic": round(float(share), 6),
                "left_out": round(float(inside.mean()), 6),
                "columns": [columns[i].name for i in marking],
            }
        )
    return {"segments": told}
