"""Compare what models of synthetic and of real rows explain themselves by, with the library shap.

A column's importance is the mean absolute Shapley value of its contributions to the log-odds. By
Lundberg et al. 2020, From local explanations to global understanding with explainable AI for trees.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.randomness import stream
from privgan.audit.tasks.figures import Figure
from privgan.audit.utility.importance import LEAST_COLUMNS, SHOWN, rank_agreement
from privgan.audit.utility.tasks import BOOSTING, FittedModel
from privgan.audit.utility.utility import Trial

MISSING = "needs the library shap: pip install 'privgan[shap]'"
ROWS = 500


def installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("shap") is not None


def halves_of(trial: Trial, seed: int) -> tuple[FittedModel, FittedModel]:
    """Models of two halves of the real rows: how far models agree that differ by chance alone.

    Args:
        trial: The trial.
        seed: Draws the halves.
    """
    real, task = trial.fits[1], trial.task
    order = stream(seed, "utility.response.overlap", task.place).permutation(len(real))
    parts = order[: len(real) // 2], order[len(real) // 2 :]
    first, second = (task.fit(BOOSTING, real.take(np.sort(part))) for part in parts)
    return first, second


def shap_figure(trial: Trial, halves: tuple[FittedModel, FittedModel], seed: int) -> Figure | str:
    """Rank correlation of mean absolute Shapley values; the real side compares two halves.

    Args:
        trial: The trial.
        halves: Models of two halves of the real rows.
        seed: Draws the rows that are explained.

    Returns:
        The figure, or the reason why there is none.
    """
    if not installed():
        return MISSING
    if len(trial.task.others) < LEAST_COLUMNS:
        return f"needs at least {LEAST_COLUMNS} columns besides the target"
    order = stream(seed, "utility: explained rows").permutation(len(trial.test))
    rows = np.sort(order[:ROWS])
    test, weights = trial.task.without_target(trial.test.take(rows)), trial.weights[:, rows]
    # Drop bootstrap samples without any of the picked rows.
    weights = weights[weights.sum(axis=1) > 0]
    made, real = (_importances(model, test, weights) for model in trial.models[BOOSTING])
    one, other = (_importances(half, test, weights[:1]) for half in halves)
    agreement = rank_agreement(made, real)
    return Figure(
        synthetic=agreement,
        real=np.full(len(agreement), float(rank_agreement(one, other)[0])),
        count=len(rows),
        method=(
            f"Spearman's correlation of mean absolute SHAP values of {len(rows)} left-out rows,"
            " gradient boosting; real side: models of two halves of the real rows"
        ),
        details={"columns": _columns(trial.task.others, made[:, 0], real[:, 0])},
    )


def _columns(
    names: Sequence[str], made: NDArray[np.float64], real: NDArray[np.float64]
) -> list[dict[str, str | float]]:
    """The columns that the real model explains itself by most, with both importances."""
    return [
        {"column": names[i], "real": float(real[i]), "synthetic": float(made[i])}
        for i in np.argsort(-real, kind="stable")[:SHOWN]
    ]


def _importances(
    model: FittedModel, rows: CodedTable, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean absolute Shapley value of each column, for each weighting [columns, weightings].

    A model of one class explains nothing: 0.
    """
    if model.trees is None:
        return np.zeros((len(model.widths), len(weights)))
    from shap import TreeExplainer

    values = np.abs(TreeExplainer(model.trees).shap_values(model.inputs(rows)))
    return np.asarray(values.T @ weights.T / weights.sum(axis=1))
