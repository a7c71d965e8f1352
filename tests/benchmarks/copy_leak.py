"""Test which tools notice a known share of copied training rows.

The table without copies is drawn from a Gaussian copula of *all* rows, so it knows nothing about
who is a training row. Copies of p % of the training rows are put in, in four kinds. They are
verbatim; jittered (every number moved by up to 1 % of its standard deviation); rank-swapped (every
number exchanged with one at most 1 % of the ranks away, Moore 1996); or with one column's value
taken from another row.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from privgan.audit.attacks.contrasts import SIGNIFICANCE
from privgan.audit.attacks.copies import (
    FLAGGED,
    copy_p_values,
    copy_scores,
    copy_test_metrics,
    copy_tests,
)
from privgan.audit.coding import AuditCoder, CodedTable, stacked
from privgan.schema.columns import Discrete, Numeric
from privgan.schema.schema import Schema

SHARES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
NULL_SPLITS = 1000
PEER_ROWS = 1000
_JITTER = _SWAP = 0.01


def without_copies(
    frame: pd.DataFrame, schema: Schema, rows: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Rows from a Gaussian copula with the frame's own marginals.

    Like the frame, and copied from none of its rows.
    """
    codes = pd.DataFrame({c.name: _order(frame[c.name], c) for c in schema.modelled})
    ranks = codes.rank(method="average", na_option="bottom").to_numpy()
    scores = ndtri((ranks - 0.5) / len(frame))
    drawn = generator.multivariate_normal(np.zeros(scores.shape[1]), np.corrcoef(scores.T), rows)
    places = np.minimum(len(frame) - 1, (ndtr(drawn) * len(frame)).astype(int))
    sorted_ = {
        name: frame[name].iloc[np.argsort(codes[name].fillna(np.inf), kind="stable")]
        for name in codes
    }
    return pd.DataFrame(
        {name: values.iloc[places[:, i]].array for i, (name, values) in enumerate(sorted_.items())}
    )


def _order(series: pd.Series, column: Any) -> pd.Series:
    if isinstance(column, Discrete):
        return (
            series.astype(str)
            .map({value: place for place, value in enumerate(column.categories)})
            .astype(float)
        )
    return pd.to_numeric(series).astype(float)


def verbatim(rows: pd.DataFrame, schema: Schema, generator: np.random.Generator) -> pd.DataFrame:
    """The rows themselves."""
    return rows


def jittered(rows: pd.DataFrame, schema: Schema, generator: np.random.Generator) -> pd.DataFrame:
    """Rows with every number moved by up to 1 % of its column's standard deviation.

    It moves by a unit of its last digit at least.
    """

    def moved(values: NDArray[np.float64], column: Numeric) -> NDArray[np.float64]:
        most = max(_JITTER * float(np.nanstd(values)), 10.0**-column.decimals)
        return np.clip(
            values + generator.uniform(-most, most, len(values)), column.lower, column.upper
        )

    return _numbers(rows, schema, moved)


def rank_swapped(
    rows: pd.DataFrame, schema: Schema, generator: np.random.Generator
) -> pd.DataFrame:
    """Every number exchanged with another row's, at most 1 % of the ranks away (Moore 1996)."""
    far = max(1, round(_SWAP * len(rows)))

    def swapped(values: NDArray[np.float64], column: Numeric) -> NDArray[np.float64]:
        order = np.argsort(values, kind="stable")
        shifted = np.argsort(
            np.arange(len(values)) + generator.uniform(0, far, len(values)), kind="stable"
        )
        found = values.copy()
        found[order] = values[order[shifted]]
        return found

    return _numbers(rows, schema, swapped)


def one_column_changed(
    rows: pd.DataFrame, schema: Schema, generator: np.random.Generator
) -> pd.DataFrame:
    """One column of each row, a random one, takes the value of another random row."""
    names = [column.name for column in schema.modelled]
    changed, place = rows.copy(), generator.integers(len(names), size=len(rows))
    for i, name in enumerate(names):
        chosen = np.flatnonzero(place == i)
        donors = generator.integers(len(rows), size=len(chosen))
        changed[name] = changed[name].iloc[_replaced(len(rows), chosen, donors)].array
    return changed


def _replaced(rows: int, chosen: NDArray[np.int64], donors: NDArray[np.int64]) -> NDArray[np.int64]:
    places = np.arange(rows)
    places[chosen] = donors
    return places


def _numbers(
    rows: pd.DataFrame,
    schema: Schema,
    change: Callable[[NDArray[np.float64], Numeric], NDArray[np.float64]],
) -> pd.DataFrame:
    changed = rows.copy()
    for column in schema.modelled:
        if isinstance(column, Numeric):
            values = pd.to_numeric(rows[column.name]).to_numpy(dtype=float, na_value=np.nan)
            changed[column.name] = pd.array(
                np.round(change(values, column), column.decimals)
            ).astype(rows[column.name].dtype)
    return changed


KINDS: Mapping[str, Callable[[pd.DataFrame, Schema, np.random.Generator], pd.DataFrame]] = {
    "verbatim": verbatim,
    "jittered": jittered,
    "rank-swapped": rank_swapped,
    "one column changed": one_column_changed,
}


def with_copies(
    base: pd.DataFrame,
    training: pd.DataFrame,
    schema: Schema,
    kind: str,
    share: float,
    generator: np.random.Generator,
) -> pd.DataFrame:
    """The base table with a share of rows replaced by copies of different training rows."""
    count = round(share * len(base))
    # All training rows are changed before some are taken: a swap by ranks has partners all over the
    # table.
    copies = KINDS[kind](training, schema, generator).iloc[
        generator.permutation(len(training))[:count]
    ]
    return pd.concat(
        [base.iloc[generator.permutation(len(base))[count:]], copies[base.columns]],
        ignore_index=True,
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Findings in one table.

    Attributes:
        kind: The kind of copy.
        share: The share of copied rows.
        copies: Number of copies.
        flagged: Whether privgan's decision is that there are copies.
        p_value: Its p-value.
        strongest: The test with the smallest p-value.
        peer: SDMetrics' DCROverfittingProtection score, 1 is its best; NaN where it was not
            computed.
        seconds: Seconds of privgan's decision.
        peer_seconds: Seconds of SDMetrics' score.
    """

    kind: str
    share: float
    copies: int
    flagged: bool
    p_value: float
    strongest: str
    peer: float
    seconds: float
    peer_seconds: float


@dataclass(frozen=True, eq=False)
class Tables:
    """Training rows, hold-out rows and a table without copies."""

    schema: Schema
    training: pd.DataFrame
    holdout: pd.DataFrame
    base: pd.DataFrame


def make_tables(
    frame: pd.DataFrame, schema: Schema, generator: np.random.Generator, holdout_share: float = 0.2
) -> Tables:
    """A fresh split, and a synthetic table as long as the training table."""
    order = generator.permutation(len(frame))
    size = round(holdout_share * len(frame))
    parts = (frame.iloc[np.sort(order[size:])], frame.iloc[np.sort(order[:size])])
    training, holdout = (part.reset_index(drop=True) for part in parts)
    return Tables(
        schema, training, holdout, without_copies(frame, schema, len(training), generator)
    )


def outcomes(tables: Tables, seed: int, peer: bool = True) -> Iterator[Outcome]:
    """Every kind at every share."""
    for place, kind in enumerate(KINDS):
        for step, share in enumerate(SHARES):
            generator = np.random.default_rng((seed, place, step))
            made = with_copies(tables.base, tables.training, tables.schema, kind, share, generator)
            yield outcome(tables, made, kind, share, seed, peer)


def outcome(
    tables: Tables, made: pd.DataFrame, kind: str, share: float, seed: int, peer: bool = True
) -> Outcome:
    """Findings in one table."""
    started = time.process_time()
    coder = AuditCoder.from_reference(tables.schema, tables.training)
    coded = [_canonical(coder.code(table)) for table in (tables.training, tables.holdout, made)]
    metric = {m.name: m for m in copy_test_metrics(coder, *coded, None, 0)}[FLAGGED]
    seconds = time.process_time() - started
    started = time.process_time()
    score = peer_score(tables, made, seed) if peer else float("nan")
    tests = metric.details["tests"]
    return Outcome(
        kind=kind,
        share=share,
        copies=round(share * len(made)),
        flagged=metric.value == 1.0,
        p_value=metric.details["p_value"],
        strongest=min(tests, key=lambda name: tests[name]["p_value"]),
        peer=score,
        seconds=seconds,
        peer_seconds=time.process_time() - started,
    )


def _canonical(table: CodedTable) -> CodedTable:
    return table.take(table.canonical_order())


def null_p_values(tables: Tables, splits: int, seed: int) -> NDArray[np.float64]:
    """P-values of the decision for many random splits, independent of the base table.

    The scores ignore who is in training. So they are computed once, and the labels are drawn again
    and again.
    """
    coder = AuditCoder.from_reference(tables.schema, tables.training)
    real = _canonical(stacked(coder.code(tables.training), coder.code(tables.holdout)))
    tests = copy_tests(copy_scores(coder, real, _canonical(coder.code(tables.base))))
    generator, members = np.random.default_rng((seed, 67)), len(tables.training)
    found = np.empty(splits)
    for split in range(splits):
        in_training = np.zeros(len(real), dtype=bool)
        in_training[generator.permutation(len(real))[:members]] = True
        found[split] = min(copy_p_values(tests, in_training).values())
    return found


def false_alarms(p_values: NDArray[np.float64]) -> float:
    """The share of splits whose table without copies is flagged."""
    return float((p_values < SIGNIFICANCE).mean())


def peer_score(tables: Tables, made: pd.DataFrame, seed: int) -> float:
    """SDMetrics' DCROverfittingProtection on 1,000 rows of each table.

    It joins all pairs, which bars more.
    """
    from sdmetrics.single_table import DCROverfittingProtection

    kinds = {
        c.name: "categorical" if isinstance(c, Discrete) else "numerical"
        for c in tables.schema.modelled
    }
    columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
    metadata = {"tables": {"table": {"columns": columns}}}
    frames = [
        _plain(table, kinds).sample(min(PEER_ROWS, len(table)), random_state=seed)
        for table in (tables.training, made, tables.holdout)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = DCROverfittingProtection.compute_breakdown(*frames, metadata, "table")
    return float(found["score"])


def _plain(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: (
                table[name].astype(str)
                if kind == "categorical"
                else pd.to_numeric(table[name]).astype(float)
            )
            for name, kind in kinds.items()
        }
    )


def run(
    frame: pd.DataFrame, schema: Schema, path: Path, say: Callable[[str], None], seed: int = 0
) -> None:
    """The whole suite on one table; it writes the result as Markdown."""
    tables = make_tables(frame, schema, np.random.default_rng(seed))
    nulls = null_p_values(tables, NULL_SPLITS, seed)
    null = outcome(tables, tables.base, "none", 0.0, seed)
    say(
        f"without copies: flagged in {false_alarms(nulls):.1%} of {NULL_SPLITS:,} splits; SDMetrics"
        f" {null.peer:.3f}"
    )
    found = []
    for one in outcomes(tables, seed):
        say(f"{one.kind}, {one.share:.1%}: p-value {one.p_value:.1e}, SDMetrics {one.peer:.3f}")
        found.append(one)
        write_markdown(path, found, nulls, null, tables)


def write_markdown(
    path: Path, found: list[Outcome], nulls: NDArray[np.float64], null: Outcome, tables: Tables
) -> None:
    """Write the table: a line per kind and share, and the false alarms."""
    lines = [
        "# Copied rows: who notices?\n",
        "Made by `python -m tests.benchmarks copies`, on Adult with one thread.\n",
        (
            f"A table of {len(tables.base):,} rows from a Gaussian copula, with a share of copied"
            f" training rows put into it; {len(tables.training):,} training and"
            f" {len(tables.holdout):,} hold-out rows. privgan: `attack.copies.flagged` with its"
            " p-value, corrected for all its tests. SDMetrics: `DCROverfittingProtection`, where"
            f" 1.000 is the best score, on {PEER_ROWS:,} rows of each table, since it joins all"
            " pairs of rows.\n"
        ),
        (
            f"Without copies privgan flags {false_alarms(nulls):.1%} of {len(nulls):,} random"
            f" splits (at most {SIGNIFICANCE:.0%} is promised), and SDMetrics scores"
            f" {null.peer:.3f}. One decision takes privgan {null.seconds:.0f} s of one core on all"
            f" rows, SDMetrics {null.peer_seconds:.0f} s on its samples.\n"
        ),
        "| copies | share | rows | privgan | p-value | strongest test | SDMetrics |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.kind} | {one.share:.1%} | {one.copies:,} |"
        f" {'flagged' if one.flagged else 'not flagged'} | {one.p_value:.1e} | {one.strongest} |"
        f" {one.peer:.3f} |"
        for one in found
    ]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
