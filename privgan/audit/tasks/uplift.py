"""Judge whom a treatment changes, by Qini and uplift curves of the library scikit-uplift.

A model of the treated and one of the others predict the outcome; their difference ranks the
left-out customers (Radcliffe 2007, Gutierrez and Gérardy 2017).
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable, trainable
from privgan.audit.intervals import bootstrap_weights
from privgan.audit.randomness import stream
from privgan.audit.tasks.figures import Figure, Figures
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.utility import FIT_ROWS, TEST_ROWS
from privgan.schema.tasks import UpliftTask

NAMES = ("qini", "auuc", "qini_kept")
MISSING = "needs the library scikit-uplift: pip install 'privgan[uses]'"
REPETITIONS = 100  # Each sorts the rows anew.
LEAST = 20
_POINTS = 20
_LEAVES, _LEAST_IN_LEAF = 8, 100  # Differences of two models: each is kept smooth.
_Score = Callable[[NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]], float]


@dataclass(frozen=True, eq=False, repr=False)
class _Rows:
    """Inputs, treatment and outcome of rows that have both.

    Attributes:
        inputs: All other columns; NaN for missing [rows, columns].
        treated: Whether somebody was treated [rows].
        outcome: Whether the outcome came [rows].
        customers: Customer of each row; None where each row is one.
    """

    inputs: NDArray[np.float64]
    treated: NDArray[np.bool_]
    outcome: NDArray[np.bool_]
    customers: NDArray[np.int64] | None

    @classmethod
    def of(cls, table: CodedTable, places: tuple[int, int]) -> _Rows:
        """Rows of a table, by the places of treatment and outcome."""
        known = ~np.isnan(table.values[:, places]).any(axis=1)
        values = table.values[known]
        treated, outcome = (values[:, place] > 0 for place in places)
        customers = None if table.customers is None else table.customers[known]
        return cls(np.delete(values, places, axis=1), treated, outcome, customers)

    @property
    def fewest(self) -> int:
        """Rows of the rarest of treated and untreated, with and without the outcome."""
        codes = 2 * self.treated.astype(np.int64) + self.outcome
        return int(np.bincount(codes, minlength=4).min())

    def uplift(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much likelier the outcome is with the treatment than without [rows]."""
        arms = (self._outcomes(inputs, self.treated == arm) for arm in (True, False))
        with_it, without = arms
        return with_it - without

    def _outcomes(self, inputs: NDArray[np.float64], arm: NDArray[np.bool_]) -> NDArray[np.float64]:
        from sklearn.ensemble import HistGradientBoostingClassifier

        outcome = self.outcome[arm]
        if len(np.unique(outcome)) < 2:
            return np.full(len(inputs), float(outcome.mean()) if len(outcome) else 0.0)
        model = HistGradientBoostingClassifier(
            max_iter=100,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=_LEAST_IN_LEAF,
            early_stopping=False,
            random_state=0,
        )
        model.fit(trainable(self.inputs[arm]), outcome)
        return np.asarray(model.predict_proba(inputs)[:, 1])


def obstacle() -> str:
    """Why the library cannot be used; empty if it can."""
    try:
        import sklift.metrics  # noqa: F401
    except ModuleNotFoundError:
        return MISSING
    except ImportError as error:  # It uses names that scikit-learn deprecates.
        return f"scikit-uplift does not go with this scikit-learn: {error}"
    return ""


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Silence the library's warnings of names that scikit-learn deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def uplift_figures(task: UpliftTask, tables: TaskTables) -> Figures:
    """Qini coefficient and area under the uplift curve, or the reason why there is none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    reason = tables.missing(task) or obstacle()
    if not reason and tables.left_out is None:
        reason = "there are no left-out rows to test on"
    if reason:
        return dict.fromkeys(NAMES, reason)
    rows = _three(task, tables)
    for name, some in zip(("synthetic", "kept-in", "left-out"), rows, strict=True):
        if name != "synthetic" and some.fewest < LEAST:
            told = f"{LEAST} treated and {LEAST} untreated customers with and without the outcome"
            return dict.fromkeys(NAMES, f"needs {told}; the {name} table has fewer of some")
    with _silence():
        return _figures(*rows, tables.seed)


def _three(task: UpliftTask, tables: TaskTables) -> tuple[_Rows, _Rows, _Rows]:
    """Synthetic, kept-in and left-out rows, with a treatment and an outcome of yes and no."""
    assert task.treated is not None
    assert task.positive is not None
    assert tables.left_out is not None
    marked = tables.as_yes_or_no(task.treatment, task.treated)
    marked = marked.as_yes_or_no(task.outcome, task.positive)
    assert marked.left_out is not None
    names = marked.coder.names
    places = names.index(task.treatment), names.index(task.outcome)
    generator = stream(tables.seed, "utility.uplift", *places)
    made, real = (
        _Rows.of(table.sample(FIT_ROWS, generator), places)
        for table in (marked.synthetic, marked.kept_in)
    )
    return made, real, _Rows.of(marked.left_out.sample(TEST_ROWS, generator), places)


def _figures(made: _Rows, real: _Rows, test: _Rows, seed: int) -> Figures:
    from sklift.metrics import qini_auc_score, uplift_auc_score

    sides = [side.uplift(test.inputs) for side in (made, real)]
    generator = stream(seed, "utility.uplift: bootstrap")
    weights = bootstrap_weights(len(test.treated), REPETITIONS, generator, test.customers)
    samples = [np.repeat(np.arange(len(test.treated)), one.astype(np.int64)) for one in weights]
    usable = [rows for rows in samples if _tells(test, rows)]
    method = (
        "two models by gradient boosting, of treated and untreated rows, fitted on"
        f" {len(made.treated)} synthetic or {len(real.treated)} real rows, tested on"
        f" {len(test.treated)} left-out rows; {len(usable) - 1} paired bootstrap samples of their"
        " customers"
    )

    def figure(score: _Score, **details: Any) -> Figure:
        values = (
            np.array([score(test.outcome[rows], side[rows], test.treated[rows]) for rows in usable])
            for side in sides
        )
        synthetic, real_side = values
        return Figure(
            synthetic=synthetic,
            real=real_side,
            count=len(test.treated),
            method=method,
            details=details,
        )

    qini = figure(qini_auc_score, curve=_curve(test, sides))
    return {
        "qini": qini,
        "auuc": figure(uplift_auc_score),
        "qini_kept": qini.kept("the Qini coefficient"),
    }


def _tells(test: _Rows, rows: NDArray[np.int64]) -> bool:
    """Whether a sample has both arms and both outcomes."""
    return all(len(np.unique(part[rows])) == 2 for part in (test.treated, test.outcome))


def _curve(test: _Rows, sides: list[NDArray[np.float64]]) -> dict[str, Any]:
    """Outcomes gained by treating a share of the rows from the top, per 1,000 rows."""
    from sklift.metrics import qini_curve

    shares = np.arange(1, _POINTS + 1) / _POINTS
    total = len(test.treated)
    found: dict[str, Any] = {"share": shares.round(6).tolist()}
    for name, side in zip(("synthetic", "real"), sides, strict=True):
        treated, gained = qini_curve(test.outcome, side, test.treated)
        gains = np.interp(shares * total, treated, gained) / total * 1_000
        found[name] = [round(float(gain), 6) for gain in gains]
    return found
