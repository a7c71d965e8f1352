"""Judge a campaign by who would be addressed: trained on synthetic rows, tested on real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import weighted_areas
from privgan.audit.tasks.augmentation import augmentation
from privgan.audit.tasks.figures import Figure, Figures
from privgan.audit.tasks.ranked import Ranked, top
from privgan.audit.tasks.shapley import halves_of, shap_figure
from privgan.audit.tasks.tables import TaskTables, probabilities
from privgan.audit.utility.importance import agreement_of
from privgan.audit.utility.tasks import FittedModel
from privgan.audit.utility.utility import Trial
from privgan.schema.tasks import ResponseTask

TOP = 0.1
ALARMS = (0.01, 0.05, 0.1)
ALARM = 0.05
_SHARES = tuple(step / 20 for step in range(1, 21))
_BINS = 10
NAMES = (
    *("auc", "average_precision", "lift", "brier", "recall", "overlap", "importance", "shap"),
    *("augmentation", "lift_kept", "precision_kept"),
)


def response_figures(task: ResponseTask, tables: TaskTables) -> Figures:
    """All figures of a campaign's response, or for each the reason why there is none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    if reason := tables.missing(task):
        return dict.fromkeys(NAMES, reason)
    assert task.positive is not None
    tables = tables.as_yes_or_no(task.target, task.positive)
    _, trial = tables.trial(task.target)
    if isinstance(trial, str):
        return dict.fromkeys(NAMES, trial)
    ranking, halves = _ranking(trial), halves_of(trial, tables.seed)
    return {
        **ranking,
        "overlap": _overlap(trial, halves),
        "importance": _importance(trial, tables.seed),
        "shap": shap_figure(trial, halves, tables.seed),
        "augmentation": augmentation(trial, tables),
        "lift_kept": ranking["lift"].kept("lift in the top tenth"),
        "precision_kept": ranking["average_precision"].kept("average precision"),
    }


def _ranking(trial: Trial) -> dict[str, Figure]:
    positive, weights = trial.truth > 0, trial.weights
    scores = probabilities(trial)
    ranks = [Ranked.of(positive, side, weights) for side in scores]
    areas = (weighted_areas(positive, side, weights) for side in scores)
    errors = (weights @ (side - positive) ** 2 / weights.sum(axis=1) for side in scores)
    return {
        "auc": _figure(trial, *areas),
        "average_precision": _figure(trial, *(side.average_precision() for side in ranks)),
        "lift": _figure(trial, *(side.lift(TOP) for side in ranks), **_gains(ranks)),
        "recall": _figure(trial, *(side.recall(ALARM) for side in ranks), **_recalls(ranks)),
        "brier": _figure(trial, *errors, **_calibration(positive, scores)),
    }


def _figure(
    trial: Trial, synthetic: NDArray[np.float64], real: NDArray[np.float64], **details: Any
) -> Figure:
    made, kept = trial.fits
    method = (
        f"gradient boosting fitted on {len(made)} synthetic or {len(kept)} real rows, tested on"
        f" {len(trial.test)} left-out rows; {len(trial.weights) - 1} paired bootstrap samples of"
        " the test rows' customers"
    )
    return Figure(
        synthetic=synthetic, real=real, count=len(trial.test), method=method, details=details
    )


def _gains(ranks: list[Ranked]) -> dict[str, Any]:
    """Gains at each twentieth of the rows, for the hold-out rows themselves."""
    curves = ([round(float(side.gains(share)[0]), 6) for share in _SHARES] for side in ranks)
    return {"curve": dict(zip(("synthetic", "real"), curves, strict=True), share=[*_SHARES])}


def _recalls(ranks: list[Ranked]) -> dict[str, Any]:
    sides = ([float(side.recall(alarms)[0]) for alarms in ALARMS] for side in ranks)
    return {"alarms": dict(zip(("synthetic", "real"), sides, strict=True), share=[*ALARMS])}


def _calibration(
    positive: NDArray[np.bool_], scores: tuple[NDArray[np.float64], ...]
) -> dict[str, Any]:
    """Mean probability and share of yes in ten groups of rows, by the order of the scores."""
    found = {}
    for name, side in zip(("synthetic", "real"), scores, strict=True):
        groups = np.array_split(np.argsort(side, kind="stable"), min(_BINS, len(side)))
        found[name] = {
            "expected": [round(float(side[group].mean()), 6) for group in groups],
            "observed": [round(float(positive[group].mean()), 6) for group in groups],
        }
    return {"calibration": found}


def _overlap(trial: Trial, halves: tuple[FittedModel, FittedModel]) -> Figure:
    """Of those whom the real model would address first, the share that the other would too.

    The real side compares models of two halves of the real rows.
    """
    made, real = probabilities(trial)
    test = trial.task.without_target(trial.test)
    one, other = (half(test)[:, -1] for half in halves)
    pairs = ((made, real), (one, other))
    masks = [(top(first, TOP), top(second, TOP)) for first, second in pairs]
    synthetic, halved = (_common(*pair, trial.weights) for pair in masks)
    found = _figure(trial, synthetic, halved)
    return replace(found, method=f"{found.method}; real side: models of two halves of them")


def _common(
    first: NDArray[np.bool_], second: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    sizes = weights @ second
    return np.asarray(weights @ (first & second) / np.where(sizes > 0, sizes, 1.0))


def _importance(trial: Trial, seed: int) -> Figure | str:
    """Rank correlation of permutation importances; the real side compares two halves."""
    found = agreement_of(trial, seed)
    if isinstance(found, str):
        return found
    return Figure(
        synthetic=found.agreement,
        real=np.full(len(found.agreement), found.halves),
        count=found.rows,
        method="Spearman's correlation of permutation importances; real side: two halves",
        details={"columns": found.columns},
    )
