"""Judge what is recommended: all values are ranked for left-out customers, none is sampled.

Of histories each customer's last event is to be found from those before (leave-last-out); of rows
the column from the others. Sampled negatives would change the order of recommenders (Krichene and
Rendle 2020). A recommender of real popularity stands beside both.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import CodedTable
from privgan.audit.histories.histories import Histories
from privgan.audit.histories.tables import HistoryTables
from privgan.audit.intervals import bootstrap_weights
from privgan.audit.randomness import stream
from privgan.audit.tasks.figures import REPETITIONS, Figure, Figures
from privgan.audit.tasks.recommender import MISSING, counted, installed, scores
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.tasks import BOOSTING
from privgan.schema.columns import Discrete
from privgan.schema.schema import next_by_name
from privgan.schema.tasks import RecommendationTask

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NAMES = ("ndcg", "hit_rate", "over_popularity", "ndcg_kept")
TOP = 10
FIT_CUSTOMERS, TEST_CUSTOMERS, LEAST = 20_000, 10_000, 20
_LENGTHS = (1, 2, 3, 5, 10, 15, 20)
_MOST_CLASSES = 20  # Of gradient boosting, whose time grows with them.


@dataclass(frozen=True, eq=False, repr=False)
class Asked:
    """What left-out customers took, and where recommenders rank it.

    Attributes:
        ranks: By recommender the rank of what was taken, from 0; of ties the middle [asked].
        weights: The customers themselves, then bootstrap samples of them [weightings, asked].
        values: How many values are ranked.
        method: The method in a few words.
    """

    ranks: dict[str, NDArray[np.float64]]
    weights: NDArray[np.float64]
    values: int
    method: str


def recommendation_figures(task: RecommendationTask, tables: TaskTables) -> Figures:
    """NDCG and hit rate at 10, and what is gained over popularity; or the reason for none.

    Args:
        task: The task.
        tables: The audit's tables.
    """
    reason = tables.missing(task)
    found = reason or _asked(task, tables)
    if isinstance(found, str):
        return dict.fromkeys(NAMES, found)
    mean = {side: _mean(found, _gain(ranks)) for side, ranks in found.ranks.items()}
    hits = {side: _mean(found, (ranks < TOP).astype(float)) for side, ranks in found.ranks.items()}

    def figure(made: NDArray[np.float64], real: NDArray[np.float64], **details: Any) -> Figure:
        return Figure(
            synthetic=made,
            real=real,
            count=found.weights.shape[1],
            method=found.method,
            details=details,
        )

    popular = mean["popularity"]
    ndcg = figure(
        mean["synthetic"],
        mean["real"],
        popularity=round(float(popular[0]), 6),
        values=found.values,
    )
    return {
        "ndcg": ndcg,
        "hit_rate": figure(hits["synthetic"], hits["real"], hits=_curves(found)),
        "over_popularity": figure(mean["synthetic"] - popular, mean["real"] - popular),
        "ndcg_kept": ndcg.kept(f"NDCG at {TOP}"),
    }


def _gain(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Discounted gain of one relevant value at a rank from 0 [asked]; its ideal is 1."""
    return np.where(ranks < TOP, 1.0 / np.log2(ranks + 2.0), 0.0)


def _mean(asked: Asked, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(asked.weights @ values / asked.weights.sum(axis=1))


def _curves(asked: Asked) -> dict[str, Any]:
    """Hit rates by how many values are recommended."""
    lengths = [length for length in _LENGTHS if length <= asked.values]
    curves = {
        side: [round(float((ranks < length).mean()), 6) for length in lengths]
        for side, ranks in asked.ranks.items()
    }
    return {"length": lengths, **curves}


def ranks_of(scored: NDArray[np.float64], taken: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank from 0 of what each one took, the middle of its ties [asked].

    Args:
        scored: A score of every value [asked, values].
        taken: What was taken [asked].
    """
    own = scored[np.arange(len(taken)), taken][:, None]
    return np.asarray((scored > own).sum(axis=1) + ((scored == own).sum(axis=1) - 1) / 2.0)


def _asked(task: RecommendationTask, tables: TaskTables) -> Asked | str:
    if tables.histories is None:
        return _of_rows(task, tables)
    if isinstance(tables.histories, str):
        return tables.histories
    if not installed():
        return MISSING
    return _of_histories(task, tables, tables.histories)


def _of_histories(
    task: RecommendationTask, tables: TaskTables, histories: HistoryTables
) -> Asked | str:
    place = tables.coder.names.index(task.column)
    values = _values_of(tables, task.column)
    generator = stream(tables.seed, "utility.recommendation", place)
    made, real = (
        _Events.of(part, place, values).sampled(FIT_CUSTOMERS, generator)
        for part in (histories.synthetic, histories.kept_in)
    )
    test = _Events.of(histories.left_out, place, values).sampled(TEST_CUSTOMERS, generator)
    past, taken = test.last()
    had = past.counts
    often = np.asarray(real.counts.sum(axis=0), dtype=float).ravel()
    scored: dict[str, NDArray[np.float64]] = {
        "synthetic": scores(made.counts, had),
        "real": scores(real.counts, had),
        "popularity": np.tile(often, (len(past), 1)),
    }
    if task.new:
        before = np.asarray((had > 0).todense())
        asked = ~before[np.arange(len(taken)), taken]
        scored = {side: np.where(before, -np.inf, found)[asked] for side, found in scored.items()}
        taken = taken[asked]
    if len(taken) < LEAST:
        what = " the last of which is new" * task.new
        return f"needs {LEAST} left-out customers with two events or more{what}"
    how = f"item-to-item cosine similarity{', values of the past left out,' * task.new}"
    return Asked(
        ranks={side: ranks_of(found, taken) for side, found in scored.items()},
        weights=bootstrap_weights(len(taken), REPETITIONS, generator),
        values=values,
        method=_told(how, "customers", (made, real), len(taken), values),
    )


def _of_rows(task: RecommendationTask, tables: TaskTables) -> Asked | str:
    """Of rows by gradient boosting, as all predictions are; of many values by similarity."""
    values = _values_of(tables, task.column)
    if values > _MOST_CLASSES:
        return _by_codes(task, tables, values) if installed() else MISSING
    prediction, trial = tables.trial(task.column)
    if isinstance(trial, str):
        return trial
    known = np.isin(trial.truth, prediction.classes)
    taken = np.searchsorted(prediction.classes, trial.truth[known])
    made, real = (side[known] for side in trial.predictions[BOOSTING])
    often = np.array(
        [(prediction.target(tables.kept_in) == value).sum() for value in prediction.classes],
        dtype=float,
    )
    scored = {"synthetic": made, "real": real, "popularity": np.tile(often, (len(taken), 1))}
    return Asked(
        ranks={side: ranks_of(found, taken) for side, found in scored.items()},
        weights=trial.weights[:, known],
        values=len(prediction.classes),
        method=_told("gradient boosting", "rows", trial.fits, len(taken), len(prediction.classes)),
    )


def _by_codes(task: RecommendationTask, tables: TaskTables, values: int) -> Asked | str:
    """Values by their similarity to the codes that stand in the other columns."""
    place = tables.coder.names.index(task.column)
    generator = stream(tables.seed, "utility.recommendation: rows", place)
    assert tables.left_out is not None
    made, real, test = (
        _complete(table, place).sample(most, generator)
        for table, most in (
            (tables.synthetic, FIT_CUSTOMERS),
            (tables.kept_in, FIT_CUSTOMERS),
            (tables.left_out, TEST_CUSTOMERS),
        )
    )
    if min(map(len, (made, real, test))) < LEAST:
        return f"needs {LEAST} rows of each table in which the column is known"
    starts = np.concatenate([[0], np.cumsum(tables.coder.sizes)])
    own = slice(starts[place], starts[place] + values)
    past = _as_counts(test, starts, without=place)
    taken = test.codes[:, place]
    often = np.bincount(real.codes[:, place], minlength=values).astype(float)
    scored = {
        "synthetic": scores(_as_counts(made, starts), past)[:, own],
        "real": scores(_as_counts(real, starts), past)[:, own],
        "popularity": np.tile(often, (len(test), 1)),
    }
    return Asked(
        ranks={side: ranks_of(found, taken) for side, found in scored.items()},
        weights=bootstrap_weights(len(test), REPETITIONS, generator, test.customers),
        values=values,
        method=_told("cosine similarity of codes", "rows", (made, real), len(test), values),
    )


def _complete(table: CodedTable, place: int) -> CodedTable:
    return table.take(~np.isnan(table.values[:, place]))


def _as_counts(table: CodedTable, starts: NDArray[np.int64], without: int = -1) -> csr_matrix:
    """Which codes stand in each row [rows, all codes], but for those of a column."""
    kept = [column for column in range(table.codes.shape[1]) if column != without]
    codes = table.codes[:, kept] + starts[kept]
    rows = np.repeat(np.arange(len(table)), len(kept))
    return counted(rows, codes.ravel(), len(table), int(starts[-1]))


def _told(how: str, what: str, fits: Sequence[Sized], asked: int, values: int) -> str:
    return (
        f"{how} fitted on {len(fits[0])} synthetic or {len(fits[1])} real {what}; {asked} left-out"
        f" {what} among all {values} values; {REPETITIONS} paired bootstrap samples of customers"
    )


def _values_of(tables: TaskTables, name: str) -> int:
    column = next_by_name(tables.coder.columns, name)
    assert isinstance(column, Discrete)
    return len(column.categories)


@dataclass(frozen=True, eq=False, repr=False)
class _Events:
    """The values of customers' events, by customer and time; unknown ones are left out.

    Attributes:
        owner: Place of each event's customer, ascending [events].
        value: Its value [events].
        customers: How many customers there are.
        values: How many values there are.
    """

    owner: NDArray[np.int64]
    value: NDArray[np.int64]
    customers: int
    values: int

    @classmethod
    def of(cls, histories: Histories, place: int, values: int) -> _Events:
        """The events of whole customers."""
        found = histories.values[:, place]
        known = ~np.isnan(found)
        return cls(histories.owner[known], found[known].astype(np.int64), len(histories), values)

    def __len__(self) -> int:
        """Number of customers."""
        return self.customers

    @property
    def counts(self) -> csr_matrix:
        """How often each customer has each value [customers, values]."""
        return counted(self.owner, self.value, self.customers, self.values)

    def sampled(self, most: int, generator: np.random.Generator) -> _Events:
        """At most so many customers, drawn without replacement."""
        chosen = np.zeros(self.customers, dtype=bool)
        chosen[generator.permutation(self.customers)[:most]] = True
        return self._taken(chosen, chosen[self.owner])

    def last(self) -> tuple[_Events, NDArray[np.int64]]:
        """The events before the last of each customer who has several, and the last's values."""
        ends = np.append(np.diff(self.owner) > 0, True)
        several = np.bincount(self.owner, minlength=self.customers) > 1
        events = several[self.owner]
        return self._taken(several, events & ~ends), self.value[events & ends]

    def _taken(self, customers: NDArray[np.bool_], events: NDArray[np.bool_]) -> _Events:
        place = np.cumsum(customers) - 1
        return _Events(
            place[self.owner[events]], self.value[events], int(customers.sum()), self.values
        )
