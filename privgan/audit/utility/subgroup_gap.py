"""Compare the synthetic table's utility in each named subgroup, the worst first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder
from privgan.audit.fidelity.subgroups import LEAST_ROWS, Subgroup, named_subgroups
from privgan.audit.intervals import holm, normal_interval
from privgan.audit.utility.tasks import BOOSTING
from privgan.audit.utility.utility import REPETITIONS, Trial
from privgan.files.json_types import JsonDict
from privgan.metric import Metric

NAME = "utility.worst_subgroup_gap"
WORST = 10
LEAST_OF_CLASS = 5


def subgroup_gap_metric(coder: AuditCoder, trial: Trial | str) -> Metric:
    """Metric ``utility.worst_subgroup_gap``: largest gap of training on real over synthetic.

    The gap is that of the score in the subgroup's left-out rows. R² compares with the variance of
    all of them. Subgroups with fewer than 20 test rows or 5 of a class are left out. The interval
    holds for all subgroups at once (Bonferroni), since the worst one was picked. P-values are
    one-sided and Holm-adjusted.

    Args:
        coder: Names the columns.
        trial: The trial, or why it cannot be tried.
    """
    if isinstance(trial, str):
        return Metric.not_run(NAME, trial)
    present = _present(coder, trial)
    kept = [group for group in present if _enough(trial, group.rows(trial.test))]
    if not kept:
        reason = (
            f"no subgroup has {LEAST_ROWS} test rows and {LEAST_OF_CLASS} of each of two classes"
        )
        return Metric.not_run(NAME, reason)
    scores = [_scores(trial, group) for group in kept]
    gaps = np.array([real - made for made, real in scores])
    errors = np.maximum(gaps[:, 1:].std(axis=1, ddof=1), 1e-12)
    adjusted = holm(_p_values(gaps[:, 0], errors))
    order = np.argsort(-gaps[:, 0], kind="stable")
    worst = int(order[0])
    low, high = normal_interval(float(gaps[worst, 0]), float(errors[worst]), tests=len(kept))
    return Metric(
        name=NAME,
        value=float(gaps[worst, 0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=0.0,
        n=int(kept[worst].rows(trial.test).sum()),
        method=(
            f"worst of {len(kept)} subgroups with at least {LEAST_ROWS} test rows; normal interval"
            f" with the error of {REPETITIONS} paired bootstrap samples, Bonferroni"
        ),
        details={
            "target": trial.task.column.name,
            "score": trial.task.score,
            "subgroups": [
                _entry(trial, kept[i], scores[i], errors[i], adjusted[i]) for i in order[:WORST]
            ],
            "subgroups_suppressed": len(present) - len(kept),
        },
    )


def _present(coder: AuditCoder, trial: Trial) -> list[Subgroup]:
    """Subgroups with a test row, except those of the target."""
    groups = (group for group in named_subgroups(coder) if group.place != trial.task.place)
    return [group for group in groups if group.rows(trial.test).any()]


def _enough(trial: Trial, rows: NDArray[np.bool_]) -> bool:
    truth = trial.truth[rows]
    if not trial.task.classification:
        return len(truth) >= LEAST_ROWS
    counts = np.array([(truth == value).sum() for value in trial.task.classes])
    # As many rows outside of a class as in it: its area needs both.
    return (
        len(truth) >= LEAST_ROWS
        and int(((counts >= LEAST_OF_CLASS) & (len(truth) - counts >= LEAST_OF_CLASS)).sum()) >= 2
    )


def _scores(trial: Trial, group: Subgroup) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = group.rows(trial.test)
    made, real = trial.predictions[BOOSTING]
    scale = float(trial.truth.var())
    weights = trial.weights[:, rows]
    # A bootstrap sample without any row of the subgroup is replaced by the subgroup.
    weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
    first, second = (
        trial.task.scores(trial.truth[rows], found[rows], weights, scale) for found in (made, real)
    )
    return first, second


def _p_values(gaps: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(ndtr(-gaps / errors))


def _entry(
    trial: Trial,
    group: Subgroup,
    scores: tuple[NDArray[np.float64], NDArray[np.float64]],
    error: float,
    p_value: float,
) -> JsonDict:
    made, real = (float(found[0]) for found in scores)
    low, high = normal_interval(real - made, float(error))
    return {
        "subgroup": group.name,
        "n": int(group.rows(trial.test).sum()),
        f"tstr_{trial.task.score}": made,
        f"trtr_{trial.task.score}": real,
        "gap": real - made,
        "low": low,
        "high": high,
        "p_value_holm": float(p_value),
    }
