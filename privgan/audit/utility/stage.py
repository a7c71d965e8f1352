"""Compute all utility metrics: prediction tasks, importances, subgroups and queries."""

from __future__ import annotations

from dataclasses import replace

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.queries import query_metric
from privgan.audit.utility.folds import folds_metric
from privgan.audit.utility.importance import importance_metric
from privgan.audit.utility.subgroup_gap import subgroup_gap_metric
from privgan.audit.utility.tasks import PredictionTask
from privgan.audit.utility.utility import Trial, trial_metrics, trial_of
from privgan.metric import Metric, none_run
from privgan.schema.columns import Discrete
from privgan.schema.schema import check_target, choose_class, choose_number, choose_target

_NO_TARGET = "the schema has no Discrete or Numeric column to predict"
_GAPS = {"auc": "gap_auc", "r2": "gap_r2"}


def all_utility_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    target: str | None,
    seed: int,
) -> tuple[Metric, ...]:
    """Metrics of training on synthetic and testing on real rows, and of queries.

    ``utility.gap`` is that of the target. ``utility.gap_auc`` and ``utility.gap_r2`` are those of a
    category and of a number. Folds, importances and subgroups are those of the target.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The real rows to train on.
        left_out: The real rows to test on, or None.
        synthetic: The synthetic rows to train on.
        target: The column to predict; None to let :func:`~privgan.schema.schema.choose_target`
            choose.
        seed: Draws samples and bootstrap.

    Raises:
        TableError: The target is not a modelled Discrete or Numeric column.
    """
    tables = (kept_in, left_out, synthetic)
    name = target or choose_target(coder.columns)
    if name is None:
        kinds = (metric for score in _GAPS for metric in _no_task(score, _NO_TARGET))
        gap = Metric.not_run("utility.gap", _NO_TARGET)
        return (
            *kinds,
            gap,
            *_of_target(coder, _NO_TARGET, seed),
            query_metric(coder, *tables, seed),
        )
    classification = isinstance(check_target(coder.columns, name), Discrete)
    second = choose_number(coder.columns) if classification else choose_class(coder.columns)
    task, trial = trial_of(coder, *tables, name, seed)
    return (
        *_first(task, trial),
        *_second(coder, tables, second, "r2" if classification else "auc", seed),
        *_of_target(coder, trial, seed),
        query_metric(coder, *tables, seed),
    )


def _first(task: PredictionTask, trial: Trial | str) -> tuple[Metric, ...]:
    found = trial_metrics(task, trial)
    return (*found, replace(found[-1], name=f"utility.{_GAPS[task.score]}"))


def _second(
    coder: AuditCoder,
    tables: tuple[CodedTable, CodedTable | None, CodedTable],
    name: str | None,
    score: str,
    seed: int,
) -> tuple[Metric, ...]:
    if name is None:
        return _no_task(score, f"the schema has no other column to predict for {score}")
    return trial_metrics(*trial_of(coder, *tables, name, seed), gap=_GAPS[score])


def _no_task(score: str, reason: str) -> tuple[Metric, ...]:
    names = (f"tstr_{score}", f"trtr_{score}", _GAPS[score])
    return none_run((f"utility.{name}" for name in names), reason)


def _of_target(coder: AuditCoder, trial: Trial | str, seed: int) -> tuple[Metric, ...]:
    return (
        folds_metric(trial, seed),
        importance_metric(trial, seed),
        subgroup_gap_metric(coder, trial),
    )
