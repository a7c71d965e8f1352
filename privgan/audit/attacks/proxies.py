"""Compute similarity figures that other tools print as privacy.

They are diagnostics and no measure of privacy. A table may score perfectly on them and still expose
its customers (Yao et al. 2025, "The DCR Delusion"; Ganev and De Cristofaro 2023). They help readers
who know them from other tools.

Ties count half; SDMetrics counts them as nearer to the hold-out. Tables have equal sizes, and a
real row's own distance leaves out that row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, stacked
from privgan.audit.intervals import clopper_pearson
from privgan.audit.nearest import nearest
from privgan.audit.randomness import stream
from privgan.metric import Metric, none_run

DCR_SHARE, AUTHENTICITY = "attack.copies.dcr_share", "attack.copies.authenticity"
ROWS, SAMPLE = 10_000, 3_000
_CAUTION = "a diagnostic, no measure of privacy (Yao et al. 2025)"


def proxy_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> tuple[Metric, ...]:
    """``attack.copies.dcr_share`` and ``attack.copies.authenticity``.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the equal-size samples.
    """
    if left_out is None or min(len(left_out), len(kept_in)) < 2:
        return none_run((DCR_SHARE, AUTHENTICITY), "needs left-out rows to compare with")
    generator = stream(seed, "attack.copies: proxies")
    size = min(len(kept_in), len(left_out), ROWS)
    tables = [table.sample(size, generator) for table in (kept_in, left_out, synthetic)]
    features = FeatureMap.from_reference(coder.columns, stacked(kept_in, left_out))
    training, holdout, made = (features(table) for table in tables)
    return _dcr_share(training, holdout, made), _authenticity(training, holdout, made[:SAMPLE])


def _dcr_share(
    training: NDArray[np.float32], holdout: NDArray[np.float32], made: NDArray[np.float32]
) -> Metric:
    near, other = (nearest(made, rows).distances[:, 0] for rows in (training, holdout))
    nearer, ties = int((near < other).sum()), int((near == other).sum())
    apart, rows = len(made) - ties, len(made)
    low, high = clopper_pearson(nearer, apart) if apart else (0.5, 0.5)
    return Metric(
        name=DCR_SHARE,
        value=(nearer + ties / 2) / rows,
        low=(low * apart + ties / 2) / rows,
        high=(high * apart + ties / 2) / rows,
        confidence=0.95,
        baseline=0.5,
        n=rows,
        method=(
            f"{_CAUTION}: share of synthetic rows nearer to a training than to a hold-out row,"
            f" {len(training)} of each, ties half; Clopper-Pearson limits of the share among those"
            " that are no ties"
        ),
        details={"ties": ties},
    )


def authenticity(training: NDArray[np.float32], made: NDArray[np.float32]) -> float:
    """Share of authentic synthetic rows (Alaa et al. 2022).

    A row is authentic if its nearest training row is nearer to another training row.

    Args:
        training: Features of the training rows [rows, width].
        made: Features of the rows in question [made, width].
    """
    found = nearest(made, training)
    hit, place = np.unique(found.positions[:, 0], return_inverse=True)
    around = nearest(training[hit], training, 2)
    # A row is its own neighbour. If an equal row comes first, the second is 0 away too.
    own = np.where(around.positions[:, 0] == hit, around.distances[:, -1], around.distances[:, 0])
    return float((found.distances[:, 0] > own[place]).mean())


def _authenticity(
    training: NDArray[np.float32], holdout: NDArray[np.float32], made: NDArray[np.float32]
) -> Metric:
    value = authenticity(training, made)
    low, high = clopper_pearson(round(value * len(made)), len(made))
    return Metric(
        name=AUTHENTICITY,
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=authenticity(training, holdout[:SAMPLE]),
        n=len(made),
        method=(
            f"{_CAUTION}: share of synthetic rows farther from their nearest training row than that"
            f" row is from the next; baseline: hold-out rows; {len(training)} training rows"
        ),
    )
