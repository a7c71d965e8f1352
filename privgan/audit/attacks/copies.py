"""Test whether synthetic rows equal or nearly equal training rows more often than hold-out rows.

``attack.copies.excess`` counts synthetic rows. ``attack.copies.flagged`` decides, by counting the
real customers that have a copy.

Without copying, chance alone decides who is a training customer and who is in the hold-out. So for
every score that ignores the difference, the number of training customers among the best-scored is
hypergeometric. This holds for all table sizes.

The scores cover equal rows, and rows equal in all but one column where that is rare. They cover the
same after coarse rounding. They cover rows at a small distance, and rows far nearer to one
synthetic row than to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.attacks.contrasts import SIGNIFICANCE
from privgan.audit.coding import AuditCoder, CodedTable, FeatureMap, stacked
from privgan.audit.intervals import difference_interval, fisher_p_value, holm
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.nearest import Neighbours, affordable, nearest
from privgan.audit.randomness import stream
from privgan.metric import Metric, none_run
from privgan.schema.columns import Discrete

NAME, FLAGGED, NEAR = "attack.copies.excess", "attack.copies.flagged", "attack.copies.near_excess"
TAILS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
COARSENESS = (0.05, 0.2)
LEAST_CUSTOMERS = 20
_MIX, _WORD = 0x9E3779B97F4A7C15, 2**64


def copies_metric(
    kept_in: CodedTable, left_out: CodedTable | None, synthetic: CodedTable, seed: int
) -> Metric:
    """Metric ``attack.copies.excess``: share of copied training rows less that of left-out rows.

    In a table of few categories rows are equal by chance. The left-out rows show how often; both
    sides have equally many rows. A row equal to both sides counts for neither, so ties neither hide
    copies nor make any.

    Args:
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        seed: Draws the equal-size sample of training rows.
    """
    if left_out is None or not len(left_out):
        return Metric.not_run(NAME, "there are no left-out rows to compare with")
    size, generator = min(len(kept_in), len(left_out)), stream(seed, "attack.copies.excess")
    keys, rows = synthetic.keys(), len(synthetic)
    in_training = np.isin(keys, kept_in.sample(size, generator).keys())
    in_left_out = np.isin(keys, left_out.sample(size, generator).keys())
    only_training, only_left_out = (
        int((in_training & ~in_left_out).sum()),
        int((in_left_out & ~in_training).sum()),
    )
    low, high = difference_interval((only_training, rows), (only_left_out, rows))
    return Metric(
        name=NAME,
        value=(only_training - only_left_out) / rows,
        low=low,
        high=high,
        confidence=0.95,
        baseline=0.0,
        n=rows,
        method=(
            f"all columns equal after the schema's rounding; {size} training and {size} left-out"
            " rows; Clopper-Pearson limits of both shares, Bonferroni"
        ),
        details={
            "share_in_training": float(in_training.mean()),
            "share_in_left_out": float(in_left_out.mean()),
            "share_in_all_training_rows": float(np.isin(keys, kept_in.keys()).mean()),
        },
    )


@dataclass(frozen=True, eq=False)
class CopyScores:
    """Copy scores of each real row; they ignore which table the row is from.

    Attributes:
        owner: The customer of each row [rows], numbered from 0.
        equal: Whether a synthetic row equals it in all columns [rows].
        all_but_one: Whether a synthetic row, and no other real row, equals it in all columns but
            one [rows].
        rounded: The same for all columns, with rounded numbers [rows]; for each share of their
            standard deviation in ``COARSENESS``.
        distance: Squared distance to the nearest synthetic row [rows].
        ratio: That distance over the one to the second nearest; 1 if both are 0 [rows].
    """

    owner: NDArray[np.int64]
    equal: NDArray[np.bool_]
    all_but_one: NDArray[np.bool_]
    rounded: tuple[NDArray[np.bool_], ...]
    distance: NDArray[np.float64]
    ratio: NDArray[np.float64]

    @property
    def customers(self) -> int:
        """Number of customers."""
        return int(self.owner.max(initial=-1)) + 1


def copy_scores(coder: AuditCoder, real: CodedTable, synthetic: CodedTable) -> CopyScores:
    """Copy scores of all real rows, training and hold-out together.

    Args:
        coder: Names the columns.
        real: All real rows; its customers are those that the labels are drawn for.
        synthetic: The synthetic rows.
    """
    features = FeatureMap.from_reference(coder.columns, real)
    found = nearest(features(real), features(synthetic), 2)
    return CopyScores(
        owner=np.unique(_owners(real), return_inverse=True)[1],
        equal=np.isin(real.keys(), synthetic.keys()),
        all_but_one=all_but_one(real, synthetic),
        rounded=tuple(_rounded(coder, real, synthetic, coarseness) for coarseness in COARSENESS),
        distance=found.distances[:, 0],
        ratio=_ratio(found),
    )


def _ratio(found: Neighbours) -> NDArray[np.float64]:
    first, last = found.distances[:, 0], found.distances[:, -1]
    return np.where(last > 0, first / np.maximum(last, 1e-300), 1.0)


def all_but_one(real: CodedTable, synthetic: CodedTable) -> NDArray[np.bool_]:
    """Real rows that equal a synthetic row in all columns but one [rows].

    A row counts only if no other real row equals it in those columns.
    """
    found = np.zeros(len(real), dtype=bool)
    if real.values.shape[1] < 3:
        return found
    for keys, made in zip(_keys_without_each(real), _keys_without_each(synthetic), strict=True):
        found |= alone(keys) & np.isin(keys, made)
    return found


def _rounded(
    coder: AuditCoder, real: CodedTable, synthetic: CodedTable, coarseness: float
) -> NDArray[np.bool_]:
    spread = _spread(real.values) * coarseness
    units = [
        0.0 if isinstance(column, Discrete) else unit
        for column, unit in zip(coder.columns, spread, strict=True)
    ]
    keys, made = (_coarse(table, units).keys() for table in (real, synthetic))
    return alone(keys) & np.isin(keys, made)


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    present = ~np.isnan(values)
    count = np.maximum(1, present.sum(axis=0))
    mean = np.where(present, values, 0.0).sum(axis=0) / count
    return np.sqrt(np.where(present, (values - mean) ** 2, 0.0).sum(axis=0) / count)


def _coarse(table: CodedTable, units: list[float]) -> CodedTable:
    """Numbers as multiples of their column's unit; unchanged if the unit is 0."""
    columns = [
        np.round(values / unit) + 0.0 if unit else values
        for values, unit in zip(table.values.T, units, strict=True)
    ]
    return CodedTable(table.codes, np.column_stack(columns))


def alone(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Mask of the keys that occur once."""
    _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
    return count[place] == 1


def _keys_without_each(table: CodedTable) -> Iterator[NDArray[np.uint64]]:
    """One key per row and left-out column.

    Each key is a weighted sum of the other columns' hashes.
    """
    hashes = [
        pd.util.hash_array(np.nan_to_num(column, nan=np.inf) + 0.0)
        * np.uint64(_MIX * (2 * place + 1) % _WORD)
        for place, column in enumerate(table.values.T)
    ]
    total = np.sum(hashes, axis=0, dtype=np.uint64)
    for column in hashes:
        yield total - column


def copy_tests(scores: CopyScores) -> dict[str, NDArray[np.bool_]]:
    """The customers that each test counts.

    One test counts the customers with a copy. The others count fixed shares of the best-scored
    customers, ties included.
    """
    tests = {
        "equal": _any(scores, scores.equal),
        "all but one column": _any(scores, scores.all_but_one),
    }
    for coarseness, flags in zip(COARSENESS, scores.rounded, strict=True):
        tests[f"rounded to {coarseness:g} of the spread"] = _any(scores, flags)
    for name, values in {"distance": scores.distance, "distance ratio": scores.ratio}.items():
        best = np.full(scores.customers, np.inf)
        np.minimum.at(best, scores.owner, values)
        ordered = np.sort(best)
        tests |= {
            f"{name}, best {share:g}": best <= ordered[max(1, int(share * len(best))) - 1]
            for share in TAILS
        }
    return tests


def copy_p_values(
    tests: Mapping[str, NDArray[np.bool_]], in_training: NDArray[np.bool_]
) -> dict[str, float]:
    """One-sided exact p-value of each test, Holm-adjusted over all tests.

    Args:
        tests: Mask of the customers that each test counts [customers].
        in_training: Mask of the training customers [customers].
    """
    members, others = int(in_training.sum()), int((~in_training).sum())
    hits = np.array([(chosen & in_training).sum() for chosen in tests.values()])
    control = np.array([(chosen & ~in_training).sum() for chosen in tests.values()])
    found = holm(np.asarray(fisher_p_value(hits, members, control, others)))
    return dict(zip(tests, found, strict=True))


def _any(scores: CopyScores, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.bincount(scores.owner, weights=flags, minlength=scores.customers) > 0


def copy_test_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    claim: Claim | None,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics ``attack.copies.flagged`` (the decision) and ``attack.copies.near_excess``.

    Args:
        coder: Names the columns.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        claim: The claimed guarantee for the excess's ceiling, or None.
        seed: Draws the compared rows if the tables are too large for all.

    Returns:
        Flagged is 1 if a test is significant at 5 % after Holm's correction, else 0, with the
        p-value among the details. The excess is that of training over hold-out customers with a
        synthetic row equal in all columns but at most one.
    """
    if left_out is None:
        return copy_tests_not_run("there are no left-out rows to compare with")
    generator = stream(seed, "attack.copies.flagged")
    real, in_training = _pooled(kept_in, left_out)
    width = sum(FeatureMap.from_reference(coder.columns, real).widths)
    customers, most = affordable(len(in_training), len(synthetic), width, passes=2)
    drawn = np.sort(generator.permutation(len(in_training))[:customers])
    real, in_training = real.take(np.isin(_owners(real), drawn)), in_training[drawn]
    if min(in_training.sum(), (~in_training).sum()) < LEAST_CUSTOMERS:
        return copy_tests_not_run(
            f"needs at least {LEAST_CUSTOMERS} training and {LEAST_CUSTOMERS} left-out customers"
        )
    made = synthetic.sample(most, generator)
    scores = copy_scores(coder, real, made)
    return _flagged(scores, in_training, len(made)), _near(scores, in_training, claim)


def copy_tests_not_run(reason: str) -> tuple[Metric, ...]:
    """The metrics of :func:`copy_test_metrics` as NOT_RUN."""
    return none_run((FLAGGED, NEAR), reason)


def _owners(table: CodedTable) -> NDArray[np.int64]:
    return np.arange(len(table)) if table.customers is None else table.customers


def _pooled(kept_in: CodedTable, left_out: CodedTable) -> tuple[CodedTable, NDArray[np.bool_]]:
    """All rows in content order, their customers' numbers, and the training mask."""
    sides = [np.unique(_owners(table), return_inverse=True)[1] for table in (kept_in, left_out)]
    members = int(sides[0].max(initial=-1)) + 1
    owner = np.append(sides[0], sides[1] + members)
    pooled = stacked(kept_in, left_out)
    order = pooled.canonical_order()
    _, first, numbers = np.unique(owner[order], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    in_training = np.zeros(len(rank), dtype=bool)
    in_training[rank[:members]] = True
    return CodedTable(pooled.codes[order], pooled.values[order], rank[numbers]), in_training


def _flagged(scores: CopyScores, in_training: NDArray[np.bool_], made: int) -> Metric:
    tests = copy_tests(scores)
    p_values, members = copy_p_values(tests, in_training), int(in_training.sum())
    p_value = min(p_values.values())
    return Metric(
        name=FLAGGED,
        value=float(p_value < SIGNIFICANCE),
        baseline=0.0,
        n=len(in_training),
        method=(
            f"{members} training and {len(in_training) - members} left-out customers against {made}"
            f" synthetic rows; {len(tests)} exact tests of who has a copy or near-copy, Holm at"
            f" {SIGNIFICANCE:.0%}"
        ),
        details={
            "p_value": p_value,
            "tests": {
                name: {
                    "p_value": p_values[name],
                    "training_rate": float(chosen[in_training].mean()),
                    "left_out_rate": float(chosen[~in_training].mean()),
                }
                for name, chosen in tests.items()
            },
        },
    )


def _near(scores: CopyScores, in_training: NDArray[np.bool_], claim: Claim | None) -> Metric:
    copied = _any(scores, scores.equal | scores.all_but_one)
    training, holdout = (
        (int(copied[side].sum()), int(side.sum())) for side in (in_training, ~in_training)
    )
    low, high = difference_interval(training, holdout)
    rates = training[0] / training[1], holdout[0] / holdout[1]
    return Metric(
        name=NEAR,
        value=rates[0] - rates[1],
        low=low,
        high=high,
        confidence=0.95,
        baseline=0.0,
        ceiling=claim.advantage() if claim else None,
        n=len(in_training),
        method=(
            "share of customers with a synthetic row equal in all columns, or in all but one in"
            " which no other real row is equal; training less left-out; Clopper-Pearson limits of"
            " both shares, Bonferroni"
        ),
        details={"true_positive_rate": rates[0], "false_positive_rate": rates[1]},
    )
