"""Answer random range and count queries, and express distances as equivalent random samples.

Nested random samples of the real rows, each half the one before, are compared with all real rows.
With the sampled share q, the distance of a sample without replacement falls as √((1 − q)/q). As a
function of that number it is nearly a line through the origin, so the equivalent size is read from
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.subgroups import LEAST_ROWS, Subgroup, named_subgroups
from privgan.audit.intervals import Replicates, normal_interval
from privgan.audit.randomness import stream
from privgan.metric import Metric
from privgan.schema.columns import Discrete

LEAST_COMPARED_ROWS = 25


@dataclass(frozen=True, eq=False)
class NestedSamples:
    """Distances of nested random samples of one table.

    Attributes:
        replicates: The table, a half of its rows, a quarter, and so on.
        shares: The share of the rows that each sample holds, from 1 downwards [samples].
    """

    replicates: Replicates
    shares: NDArray[np.float64]

    def equivalent(
        self, distance: float, distances: NDArray[np.float64]
    ) -> dict[str, float | bool]:
        """Size of the random sample at the synthetic rows' distance from the real rows.

        Args:
            distance: The synthetic rows' distance; 0 is perfect.
            distances: Each sample's distance [samples], 0 or nearly so for the first one.

        Returns:
            ``percent``, and ``at_most``: whether even the smallest sample is nearer.
        """
        rising = np.maximum.accumulate(distances)
        if distance >= rising[-1]:
            return {
                "percent": 100.0 * float(self.shares[-1]),
                "at_most": bool(distance > rising[-1]),
            }
        places = np.sqrt((1.0 - self.shares) / self.shares)
        return {
            "percent": 100.0 / (1.0 + _inverse(distance, rising, places) ** 2),
            "at_most": False,
        }


def nested_samples(rows: int, seed: int) -> NestedSamples:
    """Draw samples of a half, a quarter, … of the rows, down to 25 rows.

    The rows must be in an order of their contents alone.
    """
    sizes = [rows]
    while sizes[-1] // 2 >= LEAST_COMPARED_ROWS:
        sizes.append(sizes[-1] // 2)
    place = stream(seed, "nested samples").permutation(rows)
    level = (place[:, None] < np.array(sizes[1:], dtype=np.int64)[None, :]).sum(axis=1)
    members = np.triu(
        np.ones((len(sizes), len(sizes)))
    )  # A sample holds its own level and all smaller samples.
    return NestedSamples(
        Replicates(level.astype(np.int64), members), np.array(sizes) / max(1, rows)
    )


def _inverse(value: float, rising: NDArray[np.float64], places: NDArray[np.float64]) -> float:
    """Place where a rising broken line first reaches a value below its last one."""
    after = int(np.searchsorted(rising, value, side="left"))
    if after == 0:
        return float(places[0])
    part = (value - rising[after - 1]) / (rising[after] - rising[after - 1])
    return float(places[after - 1] + part * (places[after] - places[after - 1]))


NAME = "utility.query_error"
QUERIES = 500
MOST_CONDITIONS = 3
SANITY_BOUND = 0.001
WORST = 10
_CHUNK_ROWS = 16_384


@dataclass(frozen=True, eq=False)
class Query:
    """Conjunction of conditions: a range of a number, one category of a discrete column.

    Attributes:
        columns: The columns.
        allowed: For each of them, which codes meet the condition [codes].
    """

    columns: tuple[int, ...]
    allowed: tuple[NDArray[np.bool_], ...]

    def met(self, table: CodedTable) -> NDArray[np.bool_]:
        """Mask of the rows that meet all conditions [rows]."""
        pairs = zip(self.columns, self.allowed, strict=True)
        return np.logical_and.reduce([allowed[table.codes[:, column]] for column, allowed in pairs])


def random_queries(coder: AuditCoder, kept_in: CodedTable, seed: int) -> tuple[Query, ...]:
    """Draw 500 queries of one to three conditions each.

    A range lies between two random cuts of the coder. A category is that of a random training row,
    so that most queries count somebody.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows, in an order of their contents alone.
        seed: Draws the queries.
    """
    generator = stream(seed, "utility.query_error")
    most = min(MOST_CONDITIONS, len(coder.columns))
    queries = []
    for number in range(QUERIES):
        columns = tuple(
            int(place)
            for place in np.sort(generator.permutation(len(coder.columns))[: 1 + number % most])
        )
        row = int(generator.integers(len(kept_in)))
        queries.append(
            Query(
                columns,
                tuple(_condition(coder, kept_in, row, place, generator) for place in columns),
            )
        )
    return tuple(queries)


def _condition(
    coder: AuditCoder, kept_in: CodedTable, row: int, place: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    codes = np.arange(coder.sizes[place])
    if isinstance(coder.columns[place], Discrete):
        return np.asarray(codes == kept_in.codes[row, place])
    low, high = np.sort(
        generator.integers(0, len(codes) - 1, 2)
    )  # The last code is missing; it is in no range.
    return np.asarray((codes >= low) & (codes <= high))


def query_metric(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    seed: int,
) -> Metric:
    """Metric ``utility.query_error``: mean absolute error of the queries' shares of rows.

    Errors are against the training rows; 0 is perfect. Details have the error inside each named
    subgroup with at least 20 training and 20 left-out rows.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows for the baseline, or None.
        synthetic: The synthetic rows.
        seed: Draws the queries and the random samples.
    """
    queries, samples = random_queries(coder, kept_in, seed), nested_samples(len(kept_in), seed)
    groups, levels = named_subgroups(coder), len(samples.shares)
    counts = _counts(
        queries, groups, kept_in, np.eye(levels, dtype=np.float32)[samples.replicates.block]
    )
    by_sample = counts[:, -levels:] @ samples.replicates.members.T
    sampled = by_sample / np.maximum(1.0, samples.replicates.totals())
    real = counts[:, :-levels] / _sizes(groups, kept_in)
    made = _counts(queries, groups, synthetic) / _sizes(groups, synthetic)
    held = (
        None if left_out is None else _counts(queries, groups, left_out) / _sizes(groups, left_out)
    )
    errors = np.abs(made - real)
    value, error = float(errors[:, 0].mean()), float(errors[:, 0].std(ddof=1)) / len(queries) ** 0.5
    low, high = normal_interval(value, error, least=0.0)
    relative = errors[:, 0] / np.maximum(real[:, 0], SANITY_BOUND)
    baseline = None if held is None else np.abs(held - real)
    return Metric(
        name=NAME,
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        baseline=None if baseline is None else float(baseline[:, 0].mean()),
        n=len(queries),
        method=(
            f"{len(queries)} random queries of 1 to {MOST_CONDITIONS} conditions, error in share of"
            " rows; interval: over the draw of queries"
        ),
        details={
            "median": float(np.median(errors[:, 0])),
            "upper_5_percent": float(np.quantile(errors[:, 0], 0.95)),
            "largest": float(errors[:, 0].max()),
            "mean_relative": float(relative.mean()),
            "sample_equivalent": samples.equivalent(
                value, np.abs(sampled - sampled[:, :1]).mean(axis=0)
            ),
            **_by_subgroup(groups, (kept_in, left_out, synthetic), errors, baseline),
        },
    )


def _counts(
    queries: tuple[Query, ...],
    groups: tuple[Subgroup, ...],
    table: CodedTable,
    more: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Rows that meet each query: in all, by subgroup, by column of ``more`` [queries, columns]."""
    counts: list[NDArray[np.float64]] = []
    for start in range(0, len(table), _CHUNK_ROWS):
        place = np.arange(start, min(start + _CHUNK_ROWS, len(table)))
        rows = table.take(place)
        members = np.column_stack(
            [np.ones(len(rows)), *(group.rows(rows) for group in groups)]
        ).astype(np.float32)
        met = np.array([query.met(rows) for query in queries], dtype=np.float32)
        counts.append(
            (met @ (members if more is None else np.hstack([members, more[place]]))).astype(float)
        )
    return np.sum(counts, axis=0)


def _sizes(groups: tuple[Subgroup, ...], table: CodedTable) -> NDArray[np.float64]:
    """Number of rows of the table and of each subgroup, at least one."""
    return np.array(
        [len(table), *(max(1, int(group.rows(table).sum())) for group in groups)], dtype=float
    )


def _by_subgroup(
    groups: tuple[Subgroup, ...],
    tables: tuple[CodedTable, CodedTable | None, CodedTable],
    errors: NDArray[np.float64],
    baseline: NDArray[np.float64] | None,
) -> dict[str, object]:
    kept_in, left_out, synthetic = tables
    if left_out is None or baseline is None:
        return {"subgroups": []}
    found: list[tuple[float, str, dict[str, object]]] = []
    for place, group in enumerate(groups, start=1):
        real, held = int(group.rows(kept_in).sum()), int(group.rows(left_out).sum())
        if min(real, held) >= LEAST_ROWS:
            error, usual = float(errors[:, place].mean()), float(baseline[:, place].mean())
            sizes = {
                "n_training": real,
                "n_synthetic": int(group.rows(synthetic).sum()),
                "n_left_out": held,
            }
            found.append(
                (
                    -error,
                    group.name,
                    {"subgroup": group.name, "error": error, "left_out": usual} | sizes,
                )
            )
    return {
        "subgroups": [entry for _, _, entry in sorted(found, key=lambda item: item[:2])[:WORST]]
    }
