"""Predict a repeat purchase: train on synthetic customers, test on left-out real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import trainable
from privgan.audit.histories.histories import Histories, Layout
from privgan.audit.intervals import bootstrap_interval, bootstrap_weights, weighted_areas
from privgan.audit.randomness import stream
from privgan.metric import Metric, none_run

AREA, GAP = "utility.history.repeat_auc", "utility.history.repeat_gap"
FIT_CUSTOMERS, TEST_CUSTOMERS = 20_000, 10_000
REPETITIONS = 200
LEAST_CUSTOMERS = 20


@dataclass(frozen=True, eq=False, repr=False)
class RepeatTask:
    """What is known of customers up to a moment, and whether they came again.

    Attributes:
        features: Numbers of events and days, times, means and last values [customers, features].
        again: Whether the customer has an event after the moment [customers].
    """

    features: NDArray[np.float64]
    again: NDArray[np.bool_]

    @classmethod
    def of(cls, layout: Layout, histories: Histories, moment: float) -> RepeatTask:
        """The task for all customers with an event up to a moment."""
        past = histories.until(moment)
        latest = past.values[past.starts + past.lengths - 1]
        columns = [past.lengths, past.occasions, moment - past.first, moment - past.last]
        columns += [past.means(past.values[:, place]) for place in layout.numeric]
        columns += [latest[:, place] for place in (*layout.numeric, *layout.categorical)]
        again = histories.last[histories.first <= moment] > moment
        return cls(np.column_stack([*columns, past.last - past.first]).astype(float), again)

    def __len__(self) -> int:
        """Number of customers."""
        return len(self.again)

    @property
    def rarer(self) -> int:
        """Number of customers who came again, or who did not, whichever is smaller."""
        return int(min(self.again.sum(), (~self.again).sum()))

    def sample(self, most: int, generator: np.random.Generator) -> RepeatTask:
        """At most so many customers, drawn without replacement."""
        chosen = generator.permutation(len(self))[:most]
        return RepeatTask(self.features[chosen], self.again[chosen])

    def predicted(self, others: RepeatTask) -> NDArray[np.float64]:
        """Log-odds of coming again for other customers, by gradient boosting [others]."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        if not self.rarer:
            return np.zeros(len(others))
        model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
        model.fit(trainable(self.features), self.again)
        return np.asarray(model.decision_function(trainable(others.features)))


def repeat_metrics(
    layout: Layout,
    kept_in: Histories,
    left_out: Histories,
    synthetic: Histories,
    moment: float,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics of predicting, at a moment, whether a customer comes again.

    Args:
        layout: The columns.
        kept_in: The real customers to train on.
        left_out: The real customers to test on.
        synthetic: The synthetic customers to train on.
        moment: What is known ends here; what is predicted begins.
        seed: Draws samples and bootstrap.

    Returns:
        The area under the curve of a model fitted on synthetic customers, and what it lacks to one
        fitted on real ones.
    """
    tasks = [RepeatTask.of(layout, part, moment) for part in (synthetic, kept_in, left_out)]
    if len(tasks[0]) < LEAST_CUSTOMERS or min(task.rarer for task in tasks[1:]) < LEAST_CUSTOMERS:
        reason = (
            f"needs {LEAST_CUSTOMERS} synthetic customers before the middle of the time, and as"
            " many kept-in and left-out ones who came again after it, and who did not"
        )
        return none_run((AREA, GAP), reason)
    generator = stream(seed, "utility.history.repeat")
    made, real = (task.sample(FIT_CUSTOMERS, generator) for task in tasks[:2])
    test = tasks[2].sample(TEST_CUSTOMERS, generator)
    weights = bootstrap_weights(len(test), REPETITIONS, generator)
    areas = [weighted_areas(test.again, task.predicted(test), weights) for task in (made, real)]
    method = (
        f"gradient boosting fitted on {len(made)} synthetic or {len(real)} real customers, tested"
        f" on {len(test)} left-out ones; known: events up to the middle of the time;"
        f" {REPETITIONS} paired bootstrap samples of customers"
    )
    return (
        _metric(AREA, areas[0], float(areas[1][0]), len(test), method),
        _metric(GAP, areas[1] - areas[0], 0.0, len(test), method),
    )


def _metric(
    name: str, values: NDArray[np.float64], baseline: float, count: int, method: str
) -> Metric:
    low, high = bootstrap_interval(values)
    return Metric(
        name=name,
        value=float(values[0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=baseline,
        n=count,
        method=method,
    )
