"""Is the synthetic table of use? Train on it, test on real left-out rows, and compare with training on real rows.

Two model families: histogram gradient boosting, whose figures are the metrics, and a linear model on one-hot features,
whose figures stand in the details. All models are tested on the same rows, so the gap's bootstrap is a paired one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, trainable
from privgan.audit.intervals import bootstrap_interval, bootstrap_weights, weighted_areas
from privgan.errors import TableError
from privgan.metric import Better, Metric
from privgan.table.columns import Column, Discrete, Numeric

FIT_ROWS = 20_000
TEST_ROWS = 10_000
REPETITIONS = 200
LEAST_ROWS = 20
_FAMILIES = ("gradient_boosting", "linear")
_SOURCE = "Esteban, Hyland, Rätsch 2017, section 4.2; paired bootstrap: Efron 1979"


def choose_target(columns: tuple[Column, ...]) -> str | None:
    """The target column, chosen from the schema alone.

    The Discrete column with the fewest categories of those with two or more, the last one of several; without one the
    last Numeric column; None where there is neither.
    """
    discrete = [column for column in columns if isinstance(column, Discrete) and len(column.categories) >= 2]
    if discrete:
        return min(reversed(discrete), key=lambda column: len(column.categories)).name
    numeric = [column.name for column in columns if isinstance(column, Numeric)]
    return numeric[-1] if numeric else None


@dataclass(frozen=True, eq=False)
class _Task:
    """One prediction task: rows whose target is missing are left out of it."""

    column: Column
    place: int
    features: FeatureMap
    classes: NDArray[np.float64]

    @property
    def score(self) -> str:
        return "auc" if self.classification else "r2"

    @property
    def classification(self) -> bool:
        return isinstance(self.column, Discrete)

    def target(self, table: CodedTable) -> NDArray[np.float64]:
        return table.values[:, self.place]

    def complete(self, table: CodedTable) -> CodedTable:
        return table.take(~np.isnan(self.target(table)))

    def without_target(self, table: CodedTable) -> CodedTable:
        return CodedTable(np.delete(table.codes, self.place, axis=1), np.delete(table.values, self.place, axis=1))


def utility_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    target: str | None,
    seed: int,
) -> tuple[Metric, ...]:
    """``utility.tstr_auc``, ``utility.trtr_auc`` (``_r2`` for a number) and ``utility.gap``, the second less the first.

    Args:
        coder: Names the columns.
        kept_in: The real rows to train on.
        left_out: The real rows to test on, or None.
        synthetic: The synthetic rows to train on.
        target: The column to predict; None to let :func:`choose_target` choose.
        seed: Draws samples and bootstrap.

    Raises:
        TableError: The target is not a modelled Discrete or Numeric column.
    """
    name = target or choose_target(coder.columns)
    if name is None:
        return _not_run("auc", "the schema has no Discrete or Numeric column to predict")
    task = _task(coder, kept_in, name)
    reason = _obstacle(task, kept_in, left_out, synthetic)
    if reason or left_out is None:
        return _not_run(task.score, reason)
    generator = np.random.default_rng((seed, 13))
    fits = [task.complete(table).sample(FIT_ROWS, generator) for table in (synthetic, kept_in)]
    test = task.complete(left_out).sample(TEST_ROWS, generator)
    weights = bootstrap_weights(len(test), REPETITIONS, generator, test.customers)
    scores = {family: [_scores(task, family, fit, test, weights) for fit in fits] for family in _FAMILIES}
    return _metrics(task, fits, test, scores)


def require_target(columns: tuple[Column, ...], name: str) -> Discrete | Numeric:
    """The column to predict; TableError where a name is no modelled discrete or numeric column."""
    found = {column.name: column for column in columns}
    if name not in found:
        raise TableError(f"target {name!r} is not a modelled column; choose one of {', '.join(found)}")
    column = found[name]
    if not isinstance(column, Discrete | Numeric):
        raise TableError(f"target {name!r} is a {column.kind.value} column; choose a discrete or numeric one")
    return column


def _task(coder: AuditCoder, kept_in: CodedTable, name: str) -> _Task:
    column = require_target(coder.columns, name)
    place = coder.names.index(name)
    others = coder.columns[:place] + coder.columns[place + 1 :]
    without = CodedTable(np.delete(kept_in.codes, place, axis=1), np.delete(kept_in.values, place, axis=1))
    classes = np.unique(kept_in.values[:, place]) if isinstance(column, Discrete) else np.empty(0)
    return _Task(column, place, FeatureMap.from_reference(others, without), classes[~np.isnan(classes)])


def _obstacle(task: _Task, kept_in: CodedTable, left_out: CodedTable | None, synthetic: CodedTable) -> str:
    """Why the task cannot be run; empty where it can."""
    if left_out is None or not len(left_out):
        return "there are no left-out rows to test on"
    if not task.features.grids:
        return "there is no column besides the target"
    tables = {"kept-in": kept_in, "left-out": left_out, "synthetic": synthetic}
    for name, table in tables.items():
        target = task.target(task.complete(table))
        if len(target) < LEAST_ROWS:
            return f"the {name} table has fewer than {LEAST_ROWS} rows with a target value"
        if name != "synthetic" and len(np.unique(target)) < 2:
            return f"the target has one value only in the {name} table"
    return ""


def _not_run(score: str, reason: str) -> tuple[Metric, ...]:
    names = {f"utility.tstr_{score}": Better.HIGHER, f"utility.trtr_{score}": Better.NEITHER}
    names["utility.gap"] = Better.LOWER
    return tuple(Metric.not_run(name, reason, better=better) for name, better in names.items())


def _scores(task: _Task, family: str, fit: CodedTable, test: CodedTable, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The score of one model for each bootstrap weighting."""
    boosting = family == "gradient_boosting"
    rows, tested = (task.without_target(table) for table in (fit, test))
    inputs = (rows.values, tested.values) if boosting else (task.features(rows), task.features(tested))
    truth = task.target(test)
    if not task.classification:
        return _r_squared(truth, _regress(boosting, inputs, task.target(fit)), weights)
    probabilities = _classify(boosting, inputs, task.target(fit), task.classes)
    present = [i for i, value in enumerate(task.classes) if 0 < (truth == value).sum() < len(truth)]
    # Two classes have one area: both scores fall and rise together.
    present = present[1:] if len(task.classes) == 2 and len(present) == 2 else present
    areas = [weighted_areas(truth == task.classes[i], probabilities[:, i], weights) for i in present]
    return np.asarray(np.mean(areas, axis=0))


def _classify(
    boosting: bool, inputs: tuple[NDArray, NDArray], target: NDArray[np.float64], classes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities of all classes; a class that the fitted rows lack has probability 0 everywhere."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((len(inputs[1]), len(classes)))
    levels = np.unique(target)
    if len(levels) < 2:
        return found
    model = (
        HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
        if boosting
        else LogisticRegression(max_iter=300)
    )
    probabilities = model.fit(trainable(inputs[0]), target).predict_proba(inputs[1])
    places = {value: i for i, value in enumerate(classes)}
    for column, value in enumerate(model.classes_):
        if value in places:
            found[:, places[value]] = probabilities[:, column]
    return found


def _regress(boosting: bool, inputs: tuple[NDArray, NDArray], target: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge

    model = HistGradientBoostingRegressor(max_iter=100, early_stopping=False, random_state=0) if boosting else Ridge(alpha=1.0)
    return np.asarray(model.fit(trainable(inputs[0]), target).predict(inputs[1]), dtype=float)


def _r_squared(truth: NDArray[np.float64], predicted: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = weights @ truth / weights.sum(axis=1)
    around = weights @ truth**2 - weights.sum(axis=1) * mean**2
    unexplained: NDArray[np.float64] = weights @ (truth - predicted) ** 2
    return 1.0 - unexplained / np.maximum(around, 1e-12 * max(1.0, float((truth**2).sum())))


_Scores = dict[str, list[NDArray[np.float64]]]


def _metrics(task: _Task, fits: list[CodedTable], test: CodedTable, scores: _Scores) -> tuple[Metric, ...]:
    def metric(name: str, better: Better, pick: Callable[[list[NDArray]], NDArray], baseline: float | None) -> Metric:
        values = pick(scores["gradient_boosting"])
        low, high = bootstrap_interval(values)
        families = {family: _ends(pick(pair)) for family, pair in scores.items()}
        return Metric(
            name=f"utility.{name}",
            value=float(values[0]),
            low=low,
            high=high,
            confidence=0.95,
            better=better,
            baseline=baseline,
            n=len(test),
            method=f"gradient boosting fitted on {len(fits[0])} synthetic or {len(fits[1])} real rows, tested on "
            f"{len(test)} left-out rows; {REPETITIONS} paired bootstrap samples of the test rows' customers",
            source=_SOURCE,
            details={"target": task.column.name, "families": families},
        )

    real = float(scores["gradient_boosting"][1][0])
    return (
        metric(f"tstr_{task.score}", Better.HIGHER, lambda pair: pair[0], real),
        metric(f"trtr_{task.score}", Better.NEITHER, lambda pair: pair[1], 0.5 if task.classification else 0.0),
        metric("gap", Better.LOWER, lambda pair: pair[1] - pair[0], 0.0),
    )


def _ends(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = bootstrap_interval(values)
    return {"value": float(values[0]), "low": low, "high": high}
