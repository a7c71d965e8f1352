"""Run the whole audit: all figures in one report, and a verdict on the claimed guarantee.

One score and one bound decide, both named before any row is seen. They are the combined score of
:mod:`privgan.audit.attacks.membership` and the one-run bound of
:mod:`privgan.audit.lower_bounds.bounds` at 95 %. Everything else is a diagnostic.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from privgan.audit.attacks.copied import copied
from privgan.audit.attacks.diagnostics import shown_metrics, shown_not_run
from privgan.audit.attacks.membership import (
    Scores,
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
from privgan.audit.histories.stage import all_history_metrics
from privgan.audit.inputs import (
    AuditInputs,
    AuditTables,
    MadeTable,
    check_lengths,
)
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.metrics import BOUND, LARGEST, bound_metrics, no_bounds
from privgan.audit.prepared import Prepared, prepare
from privgan.audit.related.stage import all_related_metrics
from privgan.audit.report import AuditReport, Verdict, foreign_verdict, verdict_of
from privgan.audit.settings import AuditSettings
from privgan.audit.tasks.stage import all_task_metrics
from privgan.audit.tasks.tables import TaskTables
from privgan.audit.utility.stage import all_utility_metrics
from privgan.metric import Metric

__all__ = [
    "AuditInputs",
    "AuditReport",
    "AuditSettings",
    "AuditTables",
    "MadeTable",
    "Verdict",
    "run_audit",
    "run_table_audit",
]

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
    check_lengths(inputs, mask)
    return _report(prepare(inputs, mask, Claim(inputs.epsilon, inputs.delta), ""), progress)


def run_table_audit(
    tables: AuditTables, settings: AuditSettings | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Audit a table made by any tool, given rows it saw and rows it never saw.

    Args:
        tables: The three tables and their schema.
        settings: Claim and settings of the audit; None for no claim.
        progress: Called with each stage's name and the share done before it.

    Returns:
        The report.

    Raises:
        TableError: The tables do not fit the schema or each other, or the target is not a column to
            predict.
    """
    settings = settings or AuditSettings()
    tables, legibility = tables.made_legible()
    inputs = AuditInputs.of_tables(tables, settings)
    check_lengths(inputs, inputs.canary_mask)
    prepared = prepare(inputs, inputs.canary_mask, settings.claim, settings.no_bound)
    copies = copied(prepared.kept_in, prepared.left_out, prepared.synthetic)
    return foreign_verdict(_report(prepared, progress), copies, legibility, prepared.no_bound)


def _report(prepared: Prepared, progress: Progress | None) -> AuditReport:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    stages, metrics = _stages(prepared), [prepared.sample]
    for done, (stage, compute) in enumerate(stages.items()):
        if progress:
            progress(stage, done / len(stages))
        # One thread: sums have one order on every machine, and small trees wait for no core.
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
        seed=prepared.seed,
        counts=prepared.counts,
        epsilon=claim.epsilon if claim and finite else None,
        delta=claim.delta if claim and finite else None,
    )


def _stages(prepared: Prepared) -> dict[str, Callable[[], tuple[Metric, ...]]]:
    """The audit's stages by name.

    Utility comes first, so that a wrong target is reported before the long work.
    """
    coder, seed = prepared.coder, prepared.seed
    counted, attacked = prepared.counted, prepared.attacked
    stages: dict[str, Callable[[], tuple[Metric, ...]]] = {
        "utility": lambda: all_utility_metrics(coder, *attacked, prepared.target, seed),
        "marginals": lambda: tvd_metrics(coder, *counted, seed),
        "two-sample classifier": lambda: (c2st_metric(coder, *attacked, seed),),
        "fidelity": lambda: fidelity_metrics(coder, *counted, prepared.broken, seed),
        "quality report": lambda: (quality_metric(coder, *attacked, seed),),
        "copies": lambda: copy_metrics(prepared),
        "singling out, linkability, inference": lambda: wp216_metrics(prepared),
        "membership": lambda: _attack(prepared),
        "white-box membership": lambda: white_box_metrics(
            prepared.canaries, prepared.white_box, prepared.no_attack, prepared.claim, seed
        ),
    }
    histories, canaries = prepared.histories, prepared.canaries
    if prepared.tasks:
        stages["tasks"] = lambda: all_task_metrics(
            prepared.tasks, TaskTables(coder, *attacked, seed, histories)
        )
    if histories is not None:
        stages["histories"] = lambda: all_history_metrics(
            histories, canaries, prepared.no_attack, prepared.claim, seed
        )
    related = prepared.related
    if related is not None:
        stages["related tables"] = lambda: all_related_metrics(
            related, prepared.no_attack, prepared.claim, seed, ordered=prepared.ordered
        )
    return stages


def _attack(prepared: Prepared) -> tuple[Metric, ...]:
    canaries, claim = prepared.canaries, prepared.claim
    if canaries is None or prepared.no_attack:
        return (
            *membership_not_run(prepared.no_attack),
            *shown_not_run(prepared.no_attack),
            *no_bounds(prepared.no_bound),
        )
    synthetic = prepared.attacked[2]
    ratio = density_ratio_scores(canaries, synthetic, prepared.seed)
    nearest = nearest_scores(prepared.coder, canaries, synthetic, prepared.seed)
    scores = Scores(ratio=ratio, nearest=nearest)
    figures = (
        *membership_metrics(canaries, ratio, nearest, claim, prepared.seed),
        *shown_metrics(prepared.coder, canaries, synthetic, scores, claim, prepared.seed),
    )
    if prepared.no_bound:
        return (*figures, *no_bounds(prepared.no_bound))
    parts = {"density_ratio": ratio, "nearest": nearest}
    return (*figures, *bound_metrics(canaries, scores.combined, parts, claim, prepared.seed))


def _verdict(metrics: tuple[Metric, ...], claim: Claim | None) -> Verdict:
    values = {metric.name: metric.value for metric in metrics}
    return verdict_of(values.get(BOUND), values.get(LARGEST), claim.epsilon if claim else None)
