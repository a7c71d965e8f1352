"""The whole audit: every figure in one report, and a verdict on the claimed guarantee.

One score and one bound decide, both named before any row is seen: the combined score of
:mod:`privgan.audit.attacks.membership` and the one-run bound of
:mod:`privgan.audit.lower_bounds.bounds` at 95 %. Everything else is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.attacks.copied import copied
from privgan.audit.attacks.diagnostics import shown_metrics, shown_not_run
from privgan.audit.attacks.membership import (
    combined_scores,
    density_ratio_scores,
    membership_metrics,
    membership_not_run,
    nearest_scores,
)
from privgan.audit.attacks.stage import copy_metrics, wp216_metrics
from privgan.audit.attacks.white_box import white_box_metrics
from privgan.audit.fidelity.marginals import c2st_metric, tvd_metrics
from privgan.audit.fidelity.quality import quality_metric
from privgan.audit.fidelity.stage import fidelity_metrics
from privgan.audit.foreign.harmonise import legible
from privgan.audit.foreign.legibility import Legibility
from privgan.audit.inputs import AuditInputs, Prepared, prepare, require_lengths
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.metrics import BOUND, LARGEST, bound_metrics, no_bounds
from privgan.audit.report import AuditReport, Verdict, foreign_verdict, verdict_of
from privgan.audit.utility.stage import all_utility_metrics
from privgan.metric import Metric
from privgan.naming import parameter
from privgan.schema.schema import Schema

__all__ = ["AuditInputs", "AuditReport", "Verdict", "run_audit", "run_table_audit"]

Progress = Callable[[str, float], None]


def run_audit(inputs: AuditInputs, *, progress: Progress | None = None) -> AuditReport:
    """Audit one run by its canaries.

    Args:
        inputs: The tables, the claim and the seed.
        progress: Called with each stage's name and the share done before it.

    Returns:
        The report.

    Raises:
        TableError: The tables do not fit the schema or each other, or the target is not a column to
            predict.
    """
    mask = np.asarray(inputs.canary_mask, dtype=bool)
    require_lengths(inputs, mask)
    return _report(prepare(inputs, mask, Claim(inputs.epsilon, inputs.delta), ""), progress)


def run_table_audit(
    schema: Schema,
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    target: str | None = None,
    epsilon: float | None = None,
    delta: float | None = None,
    seed: int = 0,
    fair_coins: bool = False,
    real_units: NDArray[Any] | None = None,
    holdout_units: NDArray[Any] | None = None,
    as_read: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    legibility: Legibility | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a synthetic table made by any tool, given the rows it saw and rows it never saw.

    Args:
        schema: The schema.
        real: The rows that the tool saw: the attack's members.
        holdout: Rows of the same kind that it never saw: the attack's non-members.
        synthetic: The synthetic rows.
        target: The column to predict; None to let the schema decide.
        epsilon: The claimed ε, or None.
        delta: The claimed δ; 0 where an ε is claimed without one.
        seed: Draws every sample, fold and split.
        fair_coins: Whether a fair coin of its own decided for each customer on which side it is.
            Only then is there a lower bound on ε. Without one the verdict is REFUTED where the
            table holds copies, else INCONCLUSIVE.
        real_units: The customer of each real row; None where each row is a customer of its own.
        holdout_units: The customer of each hold-out row.
        as_read: The hold-out and the synthetic rows before values were mapped into the schema,
            where they were: what broke the schema is counted there.
        legibility: How the tables were read, where they were read from files; None to look at them
            as they are.
        progress: Called with each stage's name and the share done before it.

    Returns:
        The report.

    Raises:
        TableError: The tables do not fit the schema or each other, or the target is not a column to
            predict.
    """
    if legibility is None:
        schema, (real, holdout, synthetic), legibility = legible(schema, real, holdout, synthetic)
    inputs = AuditInputs(
        schema=schema,
        kept_in=real,
        canary_mask=np.ones(len(real), dtype=bool),
        left_out=holdout,
        synthetic=synthetic,
        epsilon=math.inf if epsilon is None else epsilon,
        delta=0.0 if delta is None else delta,
        target=target,
        seed=seed,
        kept_in_units=real_units,
        left_out_units=holdout_units,
        as_read=as_read,
    )
    require_lengths(inputs, inputs.canary_mask)
    claim = None if epsilon is None else Claim(inputs.epsilon, inputs.delta)
    no_bound = (
        ""
        if fair_coins
        else f"the split was not made by fair coins; give {parameter('fair_coins')} if it was"
    )
    prepared = prepare(inputs, inputs.canary_mask, claim, no_bound)
    copies = copied(prepared.kept_in, prepared.left_out, prepared.synthetic)
    return foreign_verdict(_report(prepared, progress), copies, legibility, prepared.no_bound)


def _report(prepared: Prepared, progress: Progress | None) -> AuditReport:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    coder, seed = prepared.coder, prepared.seed
    tables = (
        prepared.kept_in,
        prepared.left_out if len(prepared.left_out) else None,
        prepared.synthetic,
    )
    stages: dict[str, Callable[[], tuple[Metric, ...]]] = {
        # Utility first: a wrong target is told before the long work.
        "utility": lambda: all_utility_metrics(coder, *tables, prepared.target, seed),
        "marginals": lambda: tvd_metrics(coder, *tables, seed),
        "two-sample classifier": lambda: (c2st_metric(coder, *tables, seed),),
        "fidelity": lambda: fidelity_metrics(coder, *tables, prepared.broken, seed),
        "quality report": lambda: (quality_metric(coder, *tables, seed),),
        "copies": lambda: copy_metrics(prepared),
        "singling out, linkability, inference": lambda: wp216_metrics(prepared),
        "membership": lambda: _attack(prepared),
        "white-box membership": lambda: white_box_metrics(
            prepared.canaries, prepared.white_box, prepared.no_attack, prepared.claim, seed
        ),
    }
    metrics: list[Metric] = []
    for done, (stage, compute) in enumerate(stages.items()):
        if progress:
            progress(stage, done / len(stages))
        # One thread: sums in one order on every machine, and small trees do not wait for a busy
        # core.
        with threadpool_limits(1, user_api="openmp"):
            metrics.extend(compute())
    if progress:
        progress("done", 1.0)
    found = tuple(sorted(metrics, key=lambda metric: metric.name))
    claim = prepared.claim
    finite = claim is not None and math.isfinite(claim.epsilon)
    return AuditReport(
        metrics=found,
        verdict=_verdict(found, claim),
        seed=seed,
        counts=prepared.counts,
        epsilon=claim.epsilon if claim and finite else None,
        delta=claim.delta if claim and finite else None,
    )


def _attack(prepared: Prepared) -> tuple[Metric, ...]:
    canaries, claim = prepared.canaries, prepared.claim
    if canaries is None or prepared.no_attack:
        return (
            *membership_not_run(prepared.no_attack),
            *shown_not_run(prepared.no_attack),
            *no_bounds(prepared.no_bound),
        )
    ratio = density_ratio_scores(canaries, prepared.synthetic, prepared.seed)
    nearest = nearest_scores(prepared.coder, canaries, prepared.synthetic, prepared.seed)
    figures = (
        *membership_metrics(canaries, ratio, nearest, claim, prepared.seed),
        *shown_metrics(
            prepared.coder, canaries, prepared.synthetic, ratio, nearest, claim, prepared.seed
        ),
    )
    if prepared.no_bound:
        return (*figures, *no_bounds(prepared.no_bound))
    parts = {"density_ratio": ratio, "nearest": nearest}
    return (
        *figures,
        *bound_metrics(canaries, combined_scores(ratio, nearest), parts, claim, prepared.seed),
    )


def _verdict(metrics: tuple[Metric, ...], claim: Claim | None) -> Verdict:
    values = {metric.name: metric.value for metric in metrics}
    return verdict_of(values.get(BOUND), values.get(LARGEST), claim.epsilon if claim else None)
