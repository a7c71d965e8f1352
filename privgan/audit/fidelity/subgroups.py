"""Compare synthetic and real rows inside each named subgroup, the worst first.

A subgroup is one category of one discrete column. Subgroups with fewer than 20 training or left-out
rows are left out. So few rows give no reliable figure, and a figure about a few people describes
each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.intervals import Replicates, jackknife, jackknife_error, normal_interval, whole
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Discrete

NAME = "fidelity.worst_subgroup_tvd1"
LEAST_ROWS = 20
MOST_CATEGORIES = 20
MOST_GROUPS = 200
MOST_OTHERS = 40
WORST = 10
_DENSE_CELLS = 2**18


@dataclass(frozen=True)
class Subgroup:
    """Rows with one category of one column.

    Attributes:
        place: The column.
        code: The category.
        name: ``column=category``.
    """

    place: int
    code: int
    name: str

    def rows(self, table: CodedTable) -> NDArray[np.bool_]:
        """Mask of the table's rows in the subgroup."""
        return np.asarray(table.codes[:, self.place] == self.code)


def named_subgroups(coder: AuditCoder) -> tuple[Subgroup, ...]:
    """Categories, and missing values, of discrete columns with at most 20 of them.

    The schema's first 200.
    """
    every = (group for place in range(len(coder.columns)) for group in _of_column(coder, place))
    return tuple(itertools.islice(every, MOST_GROUPS))


def _of_column(coder: AuditCoder, place: int) -> Iterator[Subgroup]:
    column = coder.columns[place]
    if isinstance(column, Discrete) and len(column.categories) <= MOST_CATEGORIES:
        for code, value in enumerate(column.categories):
            yield Subgroup(place, code, f"{column.name}={value}")
        yield Subgroup(place, coder.sizes[place] - 1, f"{column.name} is missing")


def subgroup_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``fidelity.worst_subgroup_tvd1``: largest mean total variation in a subgroup.

    0 is perfect. The mean is over the 1-way marginals of the other columns, at most the first 40.
    The interval is the worst subgroup's own. It holds for all subgroups at once (Bonferroni), since
    the worst one was picked.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the jackknife's blocks.
    """
    if left_out is None:
        return Metric.not_run(NAME, "there are no left-out rows to compare with")
    groups = named_subgroups(coder)
    sizes = {
        group: [int(group.rows(table).sum()) for table in (kept_in, synthetic, left_out)]
        for group in groups
    }
    kept = [group for group in groups if min(sizes[group][0], sizes[group][2]) >= LEAST_ROWS]
    if not kept or len(coder.columns) < 2:
        reason = (
            f"no category of a discrete column has {LEAST_ROWS} training and {LEAST_ROWS} left-out"
            " rows"
        )
        return Metric.not_run(NAME, reason)
    parts = jackknife(len(synthetic), stream(seed, "fidelity.worst_subgroup_tvd1"))
    made = _distances(coder, kept, kept_in, synthetic, parts)
    held = _distances(coder, kept, kept_in, left_out, whole(len(left_out)))[:, 0]
    order = np.argsort(-made[:, 0], kind="stable")
    worst = made[order[0]]
    low, high = normal_interval(
        float(worst[0]), jackknife_error(worst), tests=len(kept), least=0.0, most=1.0
    )
    return Metric(
        name=NAME,
        value=float(made[order[0], 0]),
        low=low,
        high=high,
        confidence=0.95,
        baseline=float(held[order[0]]),
        n=sizes[kept[order[0]]][1],
        method=(
            f"worst of {len(kept)} subgroups with at least {LEAST_ROWS} training and left-out rows:"
            " mean over the other columns' 1-way marginals; interval: jackknife over blocks of"
            " synthetic rows, Bonferroni"
        ),
        details={
            "subgroups": [
                {"subgroup": kept[i].name, "tvd1": float(made[i, 0]), "left_out": float(held[i])}
                | dict(
                    zip(("n_training", "n_synthetic", "n_left_out"), sizes[kept[i]], strict=True)
                )
                for i in order[:WORST]
            ],
            "subgroups_suppressed": sum(sizes[group][0] > 0 for group in groups) - len(kept),
        },
    )


def _distances(
    coder: AuditCoder,
    groups: list[Subgroup],
    real: CodedTable,
    other: CodedTable,
    parts: Replicates,
) -> NDArray[np.float64]:
    """Mean total variation distance inside each subgroup [subgroups, parts].

    1 if the other table has no row of it.
    """
    places = sorted({group.place for group in groups})
    found = {place: _by_category(coder, place, real, other, parts) for place in places}
    return np.array([found[group.place][:, group.code] for group in groups])


def _by_category(
    coder: AuditCoder, place: int, real: CodedTable, other: CodedTable, parts: Replicates
) -> NDArray[np.float64]:
    """Mean total variation distance for all categories of one column [parts, codes]."""
    others = [column for column in range(len(coder.columns)) if column != place][:MOST_OTHERS]
    size, total = coder.sizes[place], np.zeros((len(parts.members), coder.sizes[place]))
    for column in others:
        cells, levels = _cells(coder, place, column, real, other)
        group, count = levels // coder.sizes[column], len(levels)
        first = whole(len(real)).sums(cells[: len(real)], count)
        second = parts.sums(cells[len(real) :], count)
        gaps = np.abs(_within(first, group, size) - _within(second, group, size))
        total += 0.5 * np.array([np.bincount(group, weights=line, minlength=size) for line in gaps])
    empty = parts.sums(other.codes[:, place], size) == 0
    return np.where(empty, 1.0, total / len(others))


def _cells(
    coder: AuditCoder, place: int, column: int, real: CodedTable, other: CodedTable
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cell of each row of both tables, and each cell's number.

    In a large marginal only the cells that occur are numbered.
    """
    width = coder.sizes[column]
    pairs = [table.codes[:, place] * width + table.codes[:, column] for table in (real, other)]
    numbers = np.concatenate(pairs)
    if coder.sizes[place] * width <= _DENSE_CELLS:
        return numbers, np.arange(coder.sizes[place] * width)
    levels, cells = np.unique(numbers, return_inverse=True)
    return cells, levels


def _within(
    counts: NDArray[np.float64], group: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """Share of each cell in its subgroup's rows [parts, cells]."""
    totals = np.array([np.bincount(group, weights=line, minlength=size) for line in counts])
    return np.asarray(counts / np.maximum(1.0, totals)[:, group])
