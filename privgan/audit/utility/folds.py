"""Cross-validate the loss of training on synthetic rows: is it stable, or luck of one split?

Real, synthetic and test rows are each cut into folds of whole customers. Each fold's models are
fitted without its training rows, and tested on its test rows alone. Folds share training rows, so
the variance of their mean is corrected.

Source: Nadeau and Bengio 2003, Inference for the Generalization Error, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from privgan.audit.coding import CodedTable
from privgan.audit.randomness import stream
from privgan.audit.utility.tasks import LEAST_ROWS, LINEAR
from privgan.audit.utility.utility import Trial
from privgan.metric import Metric

NAME = "utility.folds_gap"
FOLDS = 5
ROWS = 4_000
_CONFIDENCE = 0.95


def folds_metric(trial: Trial | str, seed: int) -> Metric:
    """Metric ``utility.folds_gap``: the mean loss of score over five folds, by linear models.

    Args:
        trial: The trial, or why it cannot be tried.
        seed: Draws rows and folds.
    """
    if isinstance(trial, str):
        return Metric.not_run(NAME, trial)
    least = LEAST_ROWS * FOLDS
    if min(len(trial.test), *map(len, trial.fits)) < least:
        return Metric.not_run(NAME, f"{FOLDS} folds need {least} rows of each table")
    scores = np.array(list(_scores(trial, seed)))
    if len(scores) < FOLDS:
        return Metric.not_run(NAME, "a fold of the left-out rows has one value of the target only")
    gaps = scores[:, 1] - scores[:, 0]
    reach = _reach(gaps)
    return Metric(
        name=NAME,
        value=float(gaps.mean()),
        low=float(gaps.mean() - reach),
        high=float(gaps.mean() + reach),
        confidence=_CONFIDENCE,
        baseline=0.0,
        n=len(trial.test),
        method=(
            f"{FOLDS} folds, linear models on at most {ROWS} synthetic or real rows each; Student's"
            " t with a variance corrected for shared training rows"
        ),
        details={
            "target": trial.task.column.name,
            "synthetic": [float(score) for score in scores[:, 0]],
            "real": [float(score) for score in scores[:, 1]],
        },
    )


def _scores(trial: Trial, seed: int) -> Iterator[tuple[float, float]]:
    """Scores of the models of synthetic and of real rows, fold by fold; fewer where one cannot."""
    generator, task = stream(seed, "utility: folds"), trial.task
    tables = [*(part.sample(ROWS, generator) for part in trial.fits), trial.test]
    folds = [_folds(table, generator) for table in tables]
    for fold in range(FOLDS):
        test = tables[2].take(folds[2] == fold)
        truth = task.target(test)
        if len(np.unique(truth)) < 2:
            return
        rows, weights = task.without_target(test), np.ones((1, len(test)))
        made, real = (
            float(task.scores(truth, task.fit(LINEAR, table.take(own != fold))(rows), weights)[0])
            for table, own in zip(tables[:2], folds[:2], strict=True)
        )
        yield made, real


def _folds(table: CodedTable, generator: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each row [rows]; all rows of a customer are in one."""
    customers = np.arange(len(table)) if table.customers is None else table.customers
    _, places = np.unique(customers, return_inverse=True)
    order = generator.permutation(int(places.max()) + 1)
    return np.asarray(order[places] % FOLDS)


def _reach(gaps: NDArray[np.float64]) -> float:
    """Half of the interval's width."""
    variance = float(gaps.var(ddof=1)) * (1 / FOLDS + 1 / (FOLDS - 1))
    return float(stdtrit(FOLDS - 1, (1 + _CONFIDENCE) / 2)) * math.sqrt(variance)
