"""Compare which columns models of synthetic and of real rows rely on.

The figure is the rank correlation of permutation importances. Importance is the loss of score on
left-out rows when a column is shuffled. So it exists for every family of models, and impurity's
preference for columns with many values plays no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.intervals import bootstrap_interval
from privgan.audit.randomness import stream
from privgan.audit.utility.tasks import BOOSTING, FittedModel, PredictionTask
from privgan.audit.utility.utility import Trial
from privgan.metric import Metric

NAME = "utility.importance_agreement"
ROWS, FEWEST_ROWS = 3_000, 300
# Every column is shuffled in every row: of many columns fewer rows are taken.
MOST_SHUFFLED = 180_000
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
    found = agreement_of(trial, seed)
    if isinstance(found, str):
        return Metric.not_run(NAME, found)
    low, high = bootstrap_interval(found.agreement)
    return Metric(
        name=NAME,
        value=float(found.agreement[0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=found.halves,
        n=found.rows,
        method=(
            f"Spearman's correlation of permutation importances on {found.rows} left-out rows,"
            f" gradient boosting; {REPETITIONS} bootstrap samples; baseline: models of two halves"
            " of the real rows"
        ),
        details={"families": dict(found.families), "columns": [*found.columns]},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """How far models of synthetic and of real rows rely on the same columns.

    Attributes:
        agreement: Spearman's correlation for gradient boosting [weightings].
        families: The same for each family of models, of the rows themselves.
        halves: That of two models of halves of the real rows.
        rows: Number of test rows.
        columns: The columns that the real model relies on most, with both importances.
    """

    agreement: NDArray[np.float64]
    families: Mapping[str, float]
    halves: float
    rows: int
    columns: Sequence[Mapping[str, str | float]]


def agreement_of(trial: Trial | str, seed: int) -> Agreement | str:
    """Agreement of importances, or the reason why there is none.

    Args:
        trial: The trial, or why it cannot be tried.
        seed: Draws rows, shuffles and halves.
    """
    if isinstance(trial, str):
        return trial
    if len(trial.task.others) < LEAST_COLUMNS:
        return f"needs at least {LEAST_COLUMNS} columns besides the target"
    generator = stream(seed, "utility.importance_agreement")
    most = most_rows(len(trial.task.others))
    rows = np.sort(generator.permutation(len(trial.test))[:most])
    test, weights = trial.test.take(rows), trial.weights[: REPETITIONS + 1, rows]
    # Drop bootstrap samples without any of the picked rows.
    weights = weights[weights.sum(axis=1) > 0]
    drops = {
        family: [importances(trial.task, model, test, weights, seed) for model in pair]
        for family, pair in trial.models.items()
    }
    agreements = {family: rank_agreement(*pair) for family, pair in drops.items()}
    made, real = (found[:, 0] for found in drops[BOOSTING])
    return Agreement(
        agreement=agreements[BOOSTING],
        families={family: float(found[0]) for family, found in agreements.items()},
        halves=_halves(trial, test, generator, seed),
        rows=len(test),
        columns=[
            {
                "column": trial.task.others[i],
                "real": float(real[i]),
                "synthetic": float(made[i]),
            }
            for i in np.argsort(-real, kind="stable")[:SHOWN]
        ],
    )


def most_rows(columns: int) -> int:
    """The most test rows for so many columns to shuffle: the cost stays that of 60 columns."""
    return min(ROWS, max(FEWEST_ROWS, MOST_SHUFFLED // columns))


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


def rank_agreement(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's correlation of two sides' importances; 0 if one side has no order [weightings].

    Args:
        first: One side's [columns, weightings].
        second: The other's.
    """
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
    return float(rank_agreement(*drops)[0])
