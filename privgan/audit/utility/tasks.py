"""Define prediction tasks, their two model families, and their scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, trainable
from privgan.audit.intervals import weighted_areas
from privgan.schema.columns import Discrete, Numeric
from privgan.schema.schema import check_target

BOOSTING, LINEAR = "gradient_boosting", "linear"
FAMILIES = (BOOSTING, LINEAR)
LEAST_ROWS = 20


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A fitted model: probabilities of the classes [rows, classes], or numbers [rows].

    Attributes:
        inputs: From rows without the target to the model's inputs [rows, inputs].
        widths: Number of adjacent inputs of each column; they depend on that column alone.
        predict: From inputs to predictions.
        trees: The fitted trees of scikit-learn; None of another family, and of a single class.
    """

    inputs: Callable[[CodedTable], NDArray[Any]]
    widths: tuple[int, ...]
    predict: Callable[[NDArray[Any]], NDArray[np.float64]]
    trees: Any = None

    def __call__(self, table: CodedTable) -> NDArray[np.float64]:
        """Predictions for rows without the target."""
        return self.predict(self.inputs(table))


@dataclass(frozen=True, eq=False)
class PredictionTask:
    """One prediction task; rows with a missing target are left out.

    Attributes:
        column: The target.
        place: Its position among the columns.
        others: The names of the other columns, in order.
        features: From the other columns to the linear models' features.
        classes: The target's values in the training rows; empty for a number.
    """

    column: Discrete | Numeric
    place: int
    others: tuple[str, ...]
    features: FeatureMap
    classes: NDArray[np.float64]

    @classmethod
    def of(cls, coder: AuditCoder, kept_in: CodedTable, name: str) -> PredictionTask:
        """The task of predicting a column; TableError if it cannot be predicted."""
        column, place = check_target(coder.columns, name), coder.names.index(name)
        assert isinstance(column, Discrete | Numeric)
        others = coder.columns[:place] + coder.columns[place + 1 :]
        without = CodedTable(
            np.delete(kept_in.codes, place, axis=1), np.delete(kept_in.values, place, axis=1)
        )
        classes = (
            np.unique(kept_in.values[:, place]) if isinstance(column, Discrete) else np.empty(0)
        )
        features = FeatureMap.from_reference(others, without)
        return cls(
            column,
            place,
            tuple(other.name for other in others),
            features,
            classes[~np.isnan(classes)],
        )

    @property
    def score(self) -> str:
        """Name of the score: ``auc`` or ``r2``."""
        return "auc" if self.classification else "r2"

    @property
    def classification(self) -> bool:
        """Whether the target is a category."""
        return isinstance(self.column, Discrete)

    def target(self, table: CodedTable) -> NDArray[np.float64]:
        """Target values [rows]."""
        return table.values[:, self.place]

    def complete(self, table: CodedTable) -> CodedTable:
        """Rows with a known target."""
        return table.take(~np.isnan(self.target(table)))

    def without_target(self, table: CodedTable) -> CodedTable:
        """The other columns."""
        return CodedTable(
            np.delete(table.codes, self.place, axis=1), np.delete(table.values, self.place, axis=1)
        )

    def fit(self, family: str, rows: CodedTable) -> FittedModel:
        """Fit a model of one family on complete rows.

        It predicts rows without the target column.
        """
        inputs = self._inputs(family, self.without_target(rows))
        target = self.target(rows)
        predict, model = (
            self._classifier(family, inputs, target)
            if self.classification
            else self._regressor(family, inputs, target)
        )
        widths = (1,) * len(self.others) if family == BOOSTING else self.features.widths
        trees = model if family == BOOSTING else None
        return FittedModel(partial(self._inputs, family), widths, predict, trees)

    def scores(
        self,
        truth: NDArray[np.float64],
        predicted: NDArray[np.float64],
        weights: NDArray[np.float64],
        scale: float = 0.0,
    ) -> NDArray[np.float64]:
        """Score for each weighting of the rows [weightings]; higher is better.

        The mean area under the curve, each class against the others, or R².

        Args:
            truth: The target [rows].
            predicted: A model's predictions [rows, classes] or [rows].
            weights: One weighting per line [weightings, rows].
            scale: The variance that R² compares with; 0 for that of ``truth``.
        """
        if not self.classification:
            return r_squared(truth, predicted, weights, scale)
        present = [
            i for i, value in enumerate(self.classes) if 0 < (truth == value).sum() < len(truth)
        ]
        # Two classes have one area, since their scores mirror each other.
        present = present[1:] if len(self.classes) == 2 and len(present) == 2 else present
        areas = [
            weighted_areas(truth == self.classes[i], predicted[:, i], weights) for i in present
        ]
        return np.asarray(np.mean(areas, axis=0))

    def _inputs(self, family: str, table: CodedTable) -> NDArray[Any]:
        return table.values if family == BOOSTING else self.features(table)

    def _classifier(
        self, family: str, inputs: NDArray[Any], target: NDArray[np.float64]
    ) -> tuple[Callable[[NDArray[Any]], NDArray[np.float64]], Any]:
        """Classifier with probabilities of all classes; 0 for classes it was not fitted on."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression

        if len(np.unique(target)) < 2:
            return lambda rows: np.zeros((len(rows), len(self.classes))), None
        model = (
            HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
            if family == BOOSTING
            else LogisticRegression(max_iter=300)
        )
        model.fit(trainable(inputs), target)
        known = [
            (column, value) for column, value in enumerate(model.classes_) if value in self.classes
        ]
        places = np.searchsorted(self.classes, [value for _, value in known])

        def predict(rows: NDArray[Any]) -> NDArray[np.float64]:
            found = np.zeros((len(rows), len(self.classes)))
            found[:, places] = model.predict_proba(rows)[:, [column for column, _ in known]]
            return found

        return predict, model

    @staticmethod
    def _regressor(
        family: str, inputs: NDArray[Any], target: NDArray[np.float64]
    ) -> tuple[Callable[[NDArray[Any]], NDArray[np.float64]], Any]:
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.linear_model import Ridge

        model = (
            HistGradientBoostingRegressor(max_iter=100, early_stopping=False, random_state=0)
            if family == BOOSTING
            else Ridge(alpha=1.0)
        )
        model.fit(trainable(inputs), target)
        return lambda rows: np.asarray(model.predict(rows), dtype=float), model


def r_squared(
    truth: NDArray[np.float64],
    predicted: NDArray[np.float64],
    weights: NDArray[np.float64],
    scale: float = 0.0,
) -> NDArray[np.float64]:
    """1 − mean squared error over a variance, for each weighting [weightings].

    ``scale`` 0 takes the variance of the truth itself.
    """
    totals = weights.sum(axis=1)
    mean = weights @ truth / totals
    around = weights @ truth**2 - totals * mean**2 if scale <= 0.0 else totals * scale
    unexplained: NDArray[np.float64] = weights @ (truth - predicted) ** 2
    return np.asarray(
        1.0 - unexplained / np.maximum(around, 1e-12 * max(1.0, float((truth**2).sum())))
    )
