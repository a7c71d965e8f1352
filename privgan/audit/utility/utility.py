"""Compare training on synthetic with training on real rows; both are tested on left-out rows.

There are two model families. Histogram gradient boosting gives the metrics. A linear model on
one-hot features gives the details. All models are tested on the same rows, so the gap's bootstrap
is a paired one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.intervals import bootstrap_interval, bootstrap_weights
from privgan.audit.randomness import stream
from privgan.audit.utility.tasks import BOOSTING, FAMILIES, LEAST_ROWS, FittedModel, PredictionTask
from privgan.metric import Metric, none_run

FIT_ROWS = 20_000
TEST_ROWS = 10_000
REPETITIONS = 200


@dataclass(frozen=True, eq=False)
class Trial:
    """One task with the predictions of models fitted on synthetic and on real rows.

    Attributes:
        task: The task.
        fits: The synthetic and the real rows that were fitted.
        test: The left-out rows that are predicted.
        weights: The test rows themselves, then bootstrap samples of their customers [samples,
            rows].
        models: By family, the model of the synthetic and of the real rows.
        predictions: Their predictions for the test rows.
    """

    task: PredictionTask
    fits: tuple[CodedTable, CodedTable]
    test: CodedTable
    weights: NDArray[np.float64]
    models: Mapping[str, tuple[FittedModel, FittedModel]]
    predictions: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]

    @property
    def truth(self) -> NDArray[np.float64]:
        """Target of the test rows."""
        return self.task.target(self.test)


def trial_of(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    name: str,
    seed: int,
    families: Sequence[str] = FAMILIES,
) -> tuple[PredictionTask, Trial | str]:
    """A task, and its trial or the reason why it cannot be tried.

    Args:
        coder: Names the columns.
        kept_in: The real rows to train on.
        left_out: The real rows to test on, or None.
        synthetic: The synthetic rows to train on.
        name: The column to predict.
        seed: Draws samples and bootstrap.
        families: The families of models.

    Raises:
        TableError: The target is not a modelled Discrete or Numeric column.
    """
    task = PredictionTask.of(coder, kept_in, name)
    reason = _obstacle(task, kept_in, left_out, synthetic)
    if reason or left_out is None:
        return task, reason
    generator = stream(seed, "utility: trial", task.place)
    made, real = (
        task.complete(table).sample(FIT_ROWS, generator) for table in (synthetic, kept_in)
    )
    test = task.complete(left_out).sample(TEST_ROWS, generator)
    weights = bootstrap_weights(len(test), REPETITIONS, generator, test.customers)
    models = {family: (task.fit(family, made), task.fit(family, real)) for family in families}
    rows = task.without_target(test)
    predictions = {family: (pair[0](rows), pair[1](rows)) for family, pair in models.items()}
    return task, Trial(task, (made, real), test, weights, models, predictions)


def trial_metrics(task: PredictionTask, trial: Trial | str, gap: str = "gap") -> tuple[Metric, ...]:
    """Two scores of a trial and their difference, under one name.

    NOT_RUN if it could not be tried.
    """
    if isinstance(trial, str):
        return _not_run(task.score, gap, trial)
    scores = {
        family: [task.scores(trial.truth, predicted, trial.weights) for predicted in pair]
        for family, pair in trial.predictions.items()
    }
    real = float(scores[BOOSTING][1][0])
    return (
        _metric(trial, scores, f"tstr_{task.score}", lambda pair: pair[0], real),
        _metric(
            trial,
            scores,
            f"trtr_{task.score}",
            lambda pair: pair[1],
            0.5 if task.classification else 0.0,
        ),
        _metric(trial, scores, gap, lambda pair: pair[1] - pair[0], 0.0),
    )


def _obstacle(
    task: PredictionTask, kept_in: CodedTable, left_out: CodedTable | None, synthetic: CodedTable
) -> str:
    """The reason why the task cannot run; empty if it can."""
    if left_out is None or not len(left_out):
        return "there are no left-out rows to test on"
    if not task.others:
        return "there is no column besides the target"
    tables = {"kept-in": kept_in, "left-out": left_out, "synthetic": synthetic}
    for name, table in tables.items():
        target = task.target(task.complete(table))
        if len(target) < LEAST_ROWS:
            return f"the {name} table has fewer than {LEAST_ROWS} rows with a target value"
        if name != "synthetic" and len(np.unique(target)) < 2:
            return f"the target has one value only in the {name} table"
    return ""


def _not_run(score: str, gap: str, reason: str) -> tuple[Metric, ...]:
    names = (f"tstr_{score}", f"trtr_{score}", gap)
    return none_run((f"utility.{name}" for name in names), reason)


_Scores = Mapping[str, list[NDArray[np.float64]]]


def _metric(
    trial: Trial,
    scores: _Scores,
    name: str,
    pick: Callable[[list[NDArray[np.float64]]], NDArray[np.float64]],
    baseline: float,
) -> Metric:
    values = pick(scores[BOOSTING])
    low, high = bootstrap_interval(values)
    families = {family: _ends(pick(pair)) for family, pair in scores.items()}
    made, real = trial.fits
    return Metric(
        name=f"utility.{name}",
        value=float(values[0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=baseline,
        n=len(trial.test),
        method=(
            f"gradient boosting fitted on {len(made)} synthetic or {len(real)} real rows, tested on"
            f" {len(trial.test)} left-out rows; {REPETITIONS} paired bootstrap samples of the test"
            " rows' customers"
        ),
        details={"target": trial.task.column.name, "families": families},
    )


def _ends(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = bootstrap_interval(values)
    return {"value": float(values[0]), "low": low, "high": high}
