"""Add synthetic rows to a partner's few own rows, against class weights and SMOTE.

A partner has some customers of its own, drawn like the real ones. What a model of these gains by
the synthetic rows is held against what it gains without them: by class weights, and by SMOTE
(Chawla et al. 2002), for which the library imbalanced-learn is asked.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import trainable
from privgan.audit.randomness import stream
from privgan.audit.tasks.figures import Figure, ended
from privgan.audit.tasks.ranked import Ranked
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.utility import Trial
from privgan.schema.columns import Discrete

SIZES = (200, 500, 1_000, 3_000)
JUDGED = 500
DRAWS = 2
SYNTHETIC_ROWS = 10_000
_NEIGHBOURS = 5
MISSING = "needs the library imbalanced-learn: pip install 'privgan[uses]'"
OWN, WITH, WEIGHTS, SMOTE = "own", "with_synthetic", "class_weights", "smote"
_ALONE = "synthetic"


@dataclass(frozen=True, eq=False, repr=False)
class _Rows:
    """Inputs and answers of some rows.

    Attributes:
        inputs: All columns but the target; NaN for missing [rows, columns].
        positive: The answers [rows].
    """

    inputs: NDArray[np.float64]
    positive: NDArray[np.bool_]

    def take(self, places: NDArray[np.int64]) -> _Rows:
        return _Rows(self.inputs[places], self.positive[places])

    def beside(self, other: _Rows) -> _Rows:
        return _Rows(
            np.vstack([self.inputs, other.inputs]), np.append(self.positive, other.positive)
        )


def augmentation(trial: Trial, tables: TaskTables) -> Figure | str:
    """Average precision with and without the synthetic rows, for partners of four sizes.

    The figure is that of a partner of 500 rows: synthetic with them, real without. It is the mean
    of two partners, and so is its bootstrap over the test rows.

    Args:
        trial: The trial of the response.
        tables: The audit's tables, whose kept-in rows the partner's are drawn from.
    """
    task, generator = trial.task, stream(tables.seed, "utility.response.augmentation")
    made, real = (
        _Rows(task.without_target(rows).values, task.target(rows) > 0) for rows in trial.fits
    )
    made = made.take(generator.permutation(len(made.positive))[:SYNTHETIC_ROWS])
    test = _Rows(task.without_target(trial.test).values, trial.truth > 0)
    sizes = [size for size in SIZES if size <= len(real.positive)]
    if JUDGED not in sizes:
        return f"needs {JUDGED} kept-in rows to draw a partner's own ones from"
    judge = _Judge(test, trial.weights)
    discrete = [isinstance(column, Discrete) for column in tables.coder.columns]
    del discrete[task.place]
    ways = _ways(made, tuple(np.flatnonzero(discrete)))
    found: dict[int, dict[str, NDArray[np.float64] | None]] = {}
    for size in sizes:
        partners = [_partner(real, size, generator) for _ in range(DRAWS)]
        found[size] = {name: _mean(judge, way, partners) for name, way in ways.items()}
    with_them, without = found[JUDGED][WITH], found[JUDGED][OWN]
    if with_them is None or without is None:
        return f"none of the partners of {JUDGED} rows has both answers among its own"
    alone = judge.precision(_boosted(made))
    told = [_size_told(size, values) for size, values in found.items()]
    details: dict[str, Any] = {"sizes": told, _ALONE: ended(alone)}
    if not _installed():
        details["smote_reason"] = MISSING
    return Figure(
        synthetic=with_them,
        real=without,
        count=len(test.positive),
        method=(
            f"average precision of gradient boosting on {JUDGED} own rows, with"
            f" {len(made.positive)} synthetic ones and without; mean of {DRAWS} partners, drawn"
            " from the kept-in rows"
        ),
        details=details,
    )


_Model = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_Way = Callable[[_Rows], _Model | None]


@dataclass(frozen=True, eq=False, repr=False)
class _Judge:
    """The left-out rows, and their bootstrap samples."""

    test: _Rows
    weights: NDArray[np.float64]

    def precision(self, model: _Model) -> NDArray[np.float64]:
        """Average precision of a model [weightings]."""
        scores = model(self.test.inputs)
        return Ranked.of(self.test.positive, scores, self.weights).average_precision()


def _ways(made: _Rows, discrete: tuple[int, ...]) -> Mapping[str, _Way]:
    """Ways to make a model of a partner's own rows."""
    return {
        OWN: _boosted,
        WITH: lambda own: _boosted(own.beside(made)),
        WEIGHTS: lambda own: _boosted(own, class_weight="balanced"),
        SMOTE: lambda own: _oversampled(own, discrete),
    }


def _partner(real: _Rows, size: int, generator: np.random.Generator) -> _Rows:
    return real.take(generator.permutation(len(real.positive))[:size])


def _mean(judge: _Judge, way: _Way, partners: list[_Rows]) -> NDArray[np.float64] | None:
    """Mean over the partners that can be modelled in this way; None where none can."""
    models = [way(own) for own in partners if own.positive.any() and not own.positive.all()]
    values = [judge.precision(model) for model in models if model is not None]
    return np.asarray(np.mean(values, axis=0)) if values else None


def _boosted(rows: _Rows, class_weight: str | None = None) -> _Model:
    from sklearn.ensemble import HistGradientBoostingClassifier

    if rows.positive.all() or not rows.positive.any():
        return lambda inputs: np.zeros(len(inputs))
    model = HistGradientBoostingClassifier(
        max_iter=100, early_stopping=False, random_state=0, class_weight=class_weight
    )
    model.fit(trainable(rows.inputs), rows.positive)
    return lambda inputs: np.asarray(model.predict_proba(inputs)[:, 1])


def _installed() -> bool:
    return importlib.util.find_spec("imblearn") is not None


def _oversampled(rows: _Rows, discrete: tuple[int, ...]) -> _Model | None:
    """A model of rows to which SMOTE adds as many positives as there are others.

    It knows no missing values: they become the column's median, or its commonest category. None
    where there are too few positives, or the library is not there.
    """
    rarer = int(min(rows.positive.sum(), (~rows.positive).sum()))
    neighbours = min(_NEIGHBOURS, rarer - 1)
    if neighbours < 1 or not _installed():
        return None
    from imblearn.over_sampling import SMOTE as Plain
    from imblearn.over_sampling import SMOTEN, SMOTENC

    filled = _filled(rows.inputs, discrete)
    settings = {"k_neighbors": neighbours, "random_state": 0}
    if not discrete:
        sampler = Plain(**settings)
    elif len(discrete) == filled.shape[1]:
        sampler = SMOTEN(**settings)
    else:
        sampler = SMOTENC(categorical_features=list(discrete), **settings)
    inputs, positive = sampler.fit_resample(filled, rows.positive)
    return _boosted(_Rows(np.asarray(inputs, dtype=float), np.asarray(positive, dtype=bool)))


def _filled(inputs: NDArray[np.float64], discrete: tuple[int, ...]) -> NDArray[np.float64]:
    filled = trainable(inputs)
    for place in np.flatnonzero(np.isnan(filled).any(axis=0)):
        column = filled[:, place]
        known = column[~np.isnan(column)]
        values, counts = np.unique(known, return_counts=True)
        usual = values[counts.argmax()] if place in discrete else np.median(known)
        filled[np.isnan(column), place] = usual
    return filled


def _size_told(size: int, found: Mapping[str, NDArray[np.float64] | None]) -> dict[str, Any]:
    """A partner's size with each way's average precision; what could not be tried is null."""
    told = {name: None if values is None else ended(values) for name, values in found.items()}
    own, more = found[OWN], found[WITH]
    gain = None if own is None or more is None else ended(more - own)
    return {"rows": size, **told, "gain": gain}
