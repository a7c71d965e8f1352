"""Judge the prediction of a number: trained on synthetic rows, tested on real ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.tasks.figures import Figure, Figures
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.tasks import BOOSTING, r_squared
from privgan.schema.tasks import RegressionTask

NAMES = ("rmse", "mae", "r2")


def regression_figures(task: RegressionTask, tables: TaskTables) -> Figures:
    """Root mean squared error, mean absolute error and R², or the reason why there is none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    if reason := tables.missing(task):
        return dict.fromkeys(NAMES, reason)
    _, trial = tables.trial(task.target)
    if isinstance(trial, str):
        return dict.fromkeys(NAMES, trial)
    truth, weights, sides = trial.truth, trial.weights, trial.predictions[BOOSTING]
    made, real = trial.fits
    method = (
        f"gradient boosting fitted on {len(made)} synthetic or {len(real)} real rows, tested on"
        f" {len(truth)} left-out rows; {len(weights) - 1} paired bootstrap samples of the test"
        " rows' customers"
    )

    def figure(values: list[NDArray[np.float64]]) -> Figure:
        return Figure(synthetic=values[0], real=values[1], count=len(truth), method=method)

    total = weights.sum(axis=1)
    return {
        "rmse": figure([np.sqrt(weights @ (truth - side) ** 2 / total) for side in sides]),
        "mae": figure([weights @ np.abs(truth - side) / total for side in sides]),
        "r2": figure([r_squared(truth, side, weights) for side in sides]),
    }
