"""Compare which columns models of synthetic and of real rows rely on.

The figure is the rank correlation of permutation importances. Importance is the loss of score on
left-out rows when a column is shuffled. So it exists for every family of models, and impurity's
preference for columns with many values plays no part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.intervals import bootstrap_interval
from privgan.audit.randomness import stream
from privgan.audit.utility.tasks import BOOSTING, FittedModel, PredictionTask
from privgan.audit.utility.utility import Trial
from privgan.metric import Metric

NAME = "utility.importance_agreement"
ROWS = 3_000
REPETITIONS = 100
LEAST_COLUMNS = 3
SHOWN = 15


def importance_metric(trial: Trial | str, seed: int) -> Metric:
    """Metric ``utility.importance_agreement``: Spearman's correlation of column importances.

    1 is the same order. The baseline compares two models fitted on disjoint halves of the real
    rows. A model that relies on no column agrees with none: 0.

    Args:
        trial: The trial, or why it cannot be tried.
        seed: Draws rows, shuffles and halves.
    """
    if isinstance(trial, str):
        return Metric.not_run(NAME, trial)
    if len(trial.task.others) < LEAST_COLUMNS:
        return Metric.not_run(NAME, f"needs at least {LEAST_COLUMNS} columns besides the target")
    generator = stream(seed, "utility.importance_agreement")
    rows = np.sort(generator.permutation(len(trial.test))[:ROWS])
    test, weights = trial.test.take(rows), trial.weights[: REPETITIONS + 1, rows]
    # Drop bootstrap samples without any of the picked rows.
    weights = weights[weights.sum(axis=1) > 0]
    drops = {
        family: [importances(trial.task, model, test, weights, seed) for model in pair]
        for family, pair in trial.models.items()
    }
    agreements = {family: _agreement(*pair) for family, pair in drops.items()}
    low, high = bootstrap_interval(agreements[BOOSTING])
    made, real = (found[:, 0] for found in drops[BOOSTING])
    return Metric(
        name=NAME,
        value=float(agreements[BOOSTING][0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=_halves(trial, test, generator, seed),
        n=len(test),
        method=(
            f"Spearman's correlation of permutation importances on {len(test)} left-out rows,"
            f" gradient boosting; {REPETITIONS} bootstrap samples; baseline: models of two halves"
            " of the real rows"
        ),
        details={
            "families": {family: float(found[0]) for family, found in agreements.items()},
            "columns": [
                {
                    "column": trial.task.others[i],
                    "real": float(real[i]),
                    "synthetic": float(made[i]),
                }
                for i in np.argsort(-real, kind="stable")[:SHOWN]
            ],
        },
    )


def importances(
    task: PredictionTask,
    model: FittedModel,
    test: CodedTable,
    weights: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Loss of score when a column is shuffled, for each weighting [columns, weightings].

    Args:
        task: The task.
        model: A model of it.
        test: Rows with a known target.
        weights: One weighting per line [weightings, rows].
        seed: Draws the shuffles, the same for every model.
    """
    rows, truth = task.without_target(test), task.target(test)
    # Inputs are made once: shuffled rows of a column have its shuffled inputs.
    inputs = np.array(model.inputs(rows))
    whole = task.scores(truth, model.predict(inputs), weights)
    generator, found = stream(seed, "utility.importance_agreement: shuffles"), []
    for end, width in zip(np.cumsum(model.widths), model.widths, strict=True):
        order, own = generator.permutation(len(rows)), slice(int(end) - width, int(end))
        kept = inputs[:, own].copy()
        inputs[:, own] = kept[order]
        found.append(whole - task.scores(truth, model.predict(inputs), weights))
        inputs[:, own] = kept
    return np.array(found)


def _agreement(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's correlation for each weighting; 0 if one side has no order."""
    from scipy.stats import rankdata

    # Rounded: below the twelfth digit is rounding noise, which must not order the columns.
    ranks = [rankdata(np.round(drops, 12), axis=0) for drops in (first, second)]
    one, other = (rank - rank.mean(axis=0) for rank in ranks)
    scale = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return np.where(scale > 0, (one * other).sum(axis=0) / np.where(scale > 0, scale, 1.0), 0.0)


def _halves(trial: Trial, test: CodedTable, generator: np.random.Generator, seed: int) -> float:
    task, real = trial.task, trial.fits[1]
    order, itself = generator.permutation(len(real)), np.ones((1, len(test)))
    halves = (
        real.take(np.sort(order[: len(real) // 2])),
        real.take(np.sort(order[len(real) // 2 :])),
    )
    drops = [importances(task, task.fit(BOOSTING, half), test, itself, seed) for half in halves]
    return float(_agreement(*drops)[0])
