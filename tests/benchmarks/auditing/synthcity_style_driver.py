"""Compute the metrics that synthcity is known for, after their papers, by scikit-learn.

Synthcity itself needs outdated packages.

Identifiability (Yoon, Drumright, van der Schaar 2020, ADS-GAN, section III); alpha-precision,
beta-recall and authenticity (Alaa et al. 2022, sections 2 and 4); maximum mean discrepancy with an
RBF kernel; k-anonymity by clusters; detection by boosting.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from steps import Clock, main, read

KERNEL_ROWS = 5_000
CLUSTERS = (2, 5, 10, 15)
LEVELS = 30


def audit(job: dict[str, Any], clock: Clock) -> None:
    """Every metric once, on scaled and one-hot coded rows."""
    real, synthetic = (read(job, name) for name in ("real", "synthetic"))
    first, second = _coded(real, synthetic)
    clock.done("import and read")
    identifiability(first, second)
    clock.done("identifiability")
    precision_and_recall(first, second)
    clock.done("alpha-precision, beta-recall, authenticity")
    discrepancy(first[:KERNEL_ROWS], second[:KERNEL_ROWS])
    clock.done(f"maximum mean discrepancy, {KERNEL_ROWS:,} rows")
    anonymity(first)
    anonymity(second)
    clock.done("k-anonymity by clusters")
    detection(first, second)
    clock.done("detection, gradient boosting, 5 folds")


def _coded(real: pd.DataFrame, synthetic: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.preprocessing import MinMaxScaler

    both = pd.get_dummies(pd.concat([real, synthetic], ignore_index=True), dtype=float)
    scaled = MinMaxScaler().fit_transform(both.to_numpy())
    return scaled[: len(real)], scaled[len(real) :]


def _nearest(
    of: np.ndarray, among: np.ndarray, neighbours: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    distances, places = NearestNeighbors(n_neighbors=neighbours).fit(among).kneighbors(of)
    return distances[:, -1], places[:, -1]


def identifiability(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Share of real rows nearer to a synthetic than to another real row.

    Columns are weighted by 1 / entropy.
    """
    spread = np.array([_entropy(column) for column in real.T])
    weights = 1.0 / np.maximum(spread, 1e-16)
    weights /= weights.max()
    among_real, _ = _nearest(real * weights, real * weights, neighbours=2)
    among_synthetic, _ = _nearest(real * weights, synthetic * weights)
    return float((among_synthetic < among_real).mean())


def _entropy(column: np.ndarray) -> float:
    _, counts = np.unique(column, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def precision_and_recall(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float, float]:
    """Integrated alpha-precision and beta-recall around the centre, and authenticity."""
    centre, levels = real.mean(0), np.linspace(0, 1, LEVELS)
    to_centre = np.linalg.norm(real - centre, axis=1)
    radii = np.quantile(to_centre, levels)
    precision = (np.linalg.norm(synthetic - centre, axis=1)[:, None] <= radii).mean(0)
    made = synthetic.mean(0)
    nearest, places = _nearest(real, synthetic)
    among_real, _ = _nearest(real, real, neighbours=2)
    around = np.linalg.norm(synthetic[places] - made, axis=1)
    covered = nearest <= among_real
    recall = [
        (covered & (around <= radius)).mean()
        for radius in np.quantile(np.linalg.norm(synthetic - made, axis=1), levels)
    ]
    back, owners = _nearest(synthetic, real)
    authentic = float((back > among_real[owners]).mean())
    return (
        float(1 - 2 * np.abs(levels - precision).mean()),
        float(1 - 2 * np.abs(levels - recall).mean()),
        authentic,
    )


def discrepancy(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Squared maximum mean discrepancy with an RBF kernel: all pairs of rows at once."""
    from sklearn.metrics.pairwise import rbf_kernel

    return float(
        rbf_kernel(real).mean()
        + rbf_kernel(synthetic).mean()
        - 2 * rbf_kernel(real, synthetic).mean()
    )


def anonymity(rows: np.ndarray) -> int:
    """The smallest cluster of all clusterings."""
    from sklearn.cluster import KMeans

    return min(
        int(np.bincount(KMeans(count, random_state=0, n_init=1).fit_predict(rows)).min())
        for count in CLUSTERS
    )


def detection(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Area under the curve of a classifier that tells synthetic from real rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import cross_val_score

    rows, marks = np.vstack([real, synthetic]), np.arange(len(real) + len(synthetic)) < len(real)
    return float(
        cross_val_score(
            HistGradientBoostingClassifier(random_state=0), rows, marks, scoring="roc_auc", cv=5
        ).mean()
    )


if __name__ == "__main__":
    main(audit, ("scikit-learn", "pandas", "numpy"))
