"""Judge a scorecard: weights of evidence, information value, and how well the score separates.

Columns are cut into bins by optbinning (Navas-Palencia 2020), once by synthetic and once by real
rows. A bin's weight of evidence and a column's information value are Siddiqi's (2006); the score is
a logistic regression on the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.intervals import bootstrap_weights
from privgan.audit.randomness import stream
from privgan.audit.tasks.binning import MISSING, Bins, bins_of, installed
from privgan.audit.tasks.figures import REPETITIONS, Figure, Figures
from privgan.audit.tasks.ranked import Ranked
from privgan.audit.tasks.shapley import halves_of, shap_figure
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.utility import Trial
from privgan.schema.columns import Column, Discrete
from privgan.schema.tasks import ScorecardTask

NAMES = ("ks", "iv", "iv_shown", "shap", "ks_kept", "iv_kept")
_SMOOTHED = 0.5
_SHOWN = 6


@dataclass(frozen=True, eq=False, repr=False)
class _Rows:
    """Values of all columns but the target, and whether the event came [rows, columns], [rows]."""

    values: NDArray[np.float64]
    event: NDArray[np.bool_]

    @property
    def itself(self) -> NDArray[np.float64]:
        """The rows themselves as the only weighting."""
        return np.ones((1, len(self.event)))


@dataclass(frozen=True, eq=False, repr=False)
class _Card:
    """Bins of each column, with the weights of evidence that some rows give them."""

    bins: Sequence[Bins]
    weights: Sequence[NDArray[np.float64]]

    @classmethod
    def of(cls, rows: _Rows, discrete: Sequence[bool]) -> _Card:
        """Cut the columns so that the bins tell of the event."""
        bins = [
            bins_of(values, rows.event, discrete=flag)
            for values, flag in zip(rows.values.T, discrete, strict=True)
        ]
        return cls(bins, [_evidence(*found)[0] for found in _counted(bins, rows, rows.itself)])

    def inputs(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of evidence of rows [rows, columns]."""
        columns = zip(self.bins, self.weights, values.T, strict=True)
        return np.column_stack([weights[bins.code(column)] for bins, weights, column in columns])

    def information(self, rows: _Rows, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Information value of each column's bins among rows [columns, weightings]."""
        found = [_evidence(*counts)[1] for counts in _counted(self.bins, rows, weights)]
        return np.array(found)

    def scores(self, fitted: _Rows, test: _Rows) -> NDArray[np.float64]:
        """Log-odds of the event by logistic regression on the weights [test rows]."""
        from sklearn.linear_model import LogisticRegression

        if fitted.event.all() or not fitted.event.any():
            return np.zeros(len(test.event))
        model = LogisticRegression(max_iter=300).fit(self.inputs(fitted.values), fitted.event)
        return np.asarray(model.decision_function(self.inputs(test.values)))


def scorecard_figures(task: ScorecardTask, tables: TaskTables) -> Figures:
    """Separation and information value, or for each the reason why there is none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    reason = tables.missing(task) or ("" if installed() else MISSING)
    if reason:
        return dict.fromkeys(NAMES, reason)
    assert task.positive is not None
    tables = tables.as_yes_or_no(task.target, task.positive)
    predicted, trial = tables.trial(task.target)
    if isinstance(trial, str):
        return dict.fromkeys(NAMES, trial)
    others = [column for column in tables.coder.columns if column.name != task.target]
    made, real, test = (
        _Rows(predicted.without_target(rows).values, predicted.target(rows) > 0)
        for rows in (*trial.fits, trial.test)
    )
    discrete = [isinstance(column, Discrete) for column in others]
    cards = _Card.of(made, discrete), _Card.of(real, discrete)
    found = {
        "ks": _separation(trial, cards, (made, real, test)),
        "iv": _information(trial, cards, test),
        "iv_shown": _shown(cards, (made, real, test), others, tables.seed),
    }
    return {
        **found,
        "shap": shap_figure(trial, halves_of(trial, tables.seed), tables.seed),
        "ks_kept": found["ks"].kept("KS"),
        "iv_kept": found["iv_shown"].kept("the information value that the table shows"),
    }


_Three = tuple[_Rows, _Rows, _Rows]


def _separation(trial: Trial, cards: tuple[_Card, _Card], rows: _Three) -> Figure:
    made, real, test = rows
    scores = (card.scores(own, test) for card, own in zip(cards, (made, real), strict=True))
    sides = [Ranked.of(test.event, one, trial.weights).separation() for one in scores]
    method = f"logistic regression on weights of evidence, KS on {len(test.event)} left-out rows"
    return Figure(synthetic=sides[0], real=sides[1], count=len(test.event), method=method)


def _information(trial: Trial, cards: tuple[_Card, _Card], test: _Rows) -> Figure:
    """Information of both cards' bins among the left-out rows."""
    sides = [card.information(test, trial.weights).sum(axis=0) for card in cards]
    method = (
        "information value, all columns together, of bins chosen by synthetic or by real rows,"
        f" among {len(test.event)} left-out rows"
    )
    return Figure(synthetic=sides[0], real=sides[1], count=len(test.event), method=method)


def _shown(
    cards: tuple[_Card, _Card], rows: _Three, columns: Sequence[Column], seed: int
) -> Figure:
    """Information that a reader of each table finds in it: its own bins among its own rows."""
    generator = stream(seed, "utility.scorecard.iv_shown")
    made, real = (
        card.information(own, bootstrap_weights(len(own.event), REPETITIONS, generator))
        for card, own in zip(cards, rows[:2], strict=True)
    )
    order = np.argsort(-real[:, 0], kind="stable")
    details: dict[str, Any] = {
        "columns": [
            {
                "column": columns[i].name,
                "synthetic": float(made[i, 0]),
                "real": float(real[i, 0]),
            }
            for i in order
        ],
        "evidence": [_evidence_told(cards[0], i, columns[i], rows) for i in order[:_SHOWN]],
    }
    return Figure(
        synthetic=made.sum(axis=0),
        real=real.sum(axis=0),
        count=len(rows[0].event),
        method=(
            "information value, all columns together, that the synthetic rows show, beside that of"
            f" {len(rows[1].event)} kept-in rows; {REPETITIONS} bootstrap samples of each"
        ),
        details=details,
    )


def _evidence_told(card: _Card, place: int, column: Column, rows: _Three) -> dict[str, Any]:
    """Weights of evidence of the bins of the synthetic rows: among these, and among real ones."""
    bins = card.bins[place]
    made, real, _ = (
        _evidence(*_of_bins(bins, one.values[:, place], one.event, one.itself))[0] for one in rows
    )
    codes = bins.code(rows[0].values[:, place])
    filled = np.flatnonzero(np.bincount(codes, minlength=bins.size))
    categories = column.categories if isinstance(column, Discrete) else ()
    return {
        "column": column.name,
        "bins": [bins.label(i, categories) for i in filled.tolist()],
        "synthetic": [round(float(made[i]), 6) for i in filled],
        "real": [round(float(real[i]), 6) for i in filled],
    }


def _counted(
    bins: Sequence[Bins], rows: _Rows, weights: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    columns = zip(bins, rows.values.T, strict=True)
    return [_of_bins(one, values, rows.event, weights) for one, values in columns]


def _of_bins(
    bins: Bins,
    values: NDArray[np.float64],
    event: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight of events and of others in each bin [weightings, bins]."""
    members = np.eye(bins.size)[bins.code(values)]
    return weights @ (members * event[:, None]), weights @ (members * ~event[:, None])


def _evidence(
    events: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of evidence of the first weighting [bins], information value [weightings].

    Half a row is added to each side of a bin that holds any; an empty bin tells nothing.
    """
    filled = events + others > 0
    sides = [
        (side + _SMOOTHED) * filled / ((side + _SMOOTHED) * filled).sum(axis=1, keepdims=True)
        for side in (events, others)
    ]
    logs = [np.log(side, out=np.zeros_like(side), where=filled) for side in sides]
    weights = np.where(filled, logs[0] - logs[1], 0.0)
    return weights[0], ((sides[0] - sides[1]) * weights).sum(axis=1)
