"""The whole audit: every figure in one report, and a verdict on the claimed guarantee.

One score and one bound decide, both named before any row is seen: the combined score of
:mod:`privgan.audit.membership` and the one-run bound of :mod:`privgan.audit.bounds` at 95 %. Everything else is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privgan.audit.bound_metrics import BOUND, LARGEST, bound_metrics, no_bounds
from privgan.audit.ceilings import Claim
from privgan.audit.coding import AuditCoder, CodedTable, require_columns
from privgan.audit.copies import copies_metric
from privgan.audit.fidelity import c2st_metric, tvd_metrics
from privgan.audit.membership import (
    Canaries,
    combined_scores,
    density_ratio_scores,
    membership_metrics,
    nearest_scores,
    not_run,
    obstacle,
)
from privgan.audit.quality import quality_metric
from privgan.audit.utility import utility_metrics
from privgan.audit.verdict import Verdict, verdict_of
from privgan.errors import TableError
from privgan.metric import Metric, facts_of
from privgan.privacy.contributions import numbered
from privgan.table.schema import Schema

FORMAT = "privgan.audit/1"
_UNFAIR = 1e-6

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditInputs:
    """What the audit of one run reads.

    Each customer was a canary with a public probability before the first look; a fair coin of its own decided whether
    a canary was left out.

    Attributes:
        schema: The schema.
        kept_in: The real rows that the run saw.
        canary_mask: Which of the kept-in rows belong to canaries.
        left_out: The real rows of the canaries that were left out.
        synthetic: The synthetic rows.
        epsilon: The claimed ε.
        delta: The claimed δ.
        target: The column to predict; None to let the schema decide.
        seed: Draws every sample, fold and split.
        kept_in_units: The customer of each kept-in row; None where each row is a customer of its own.
        left_out_units: The customer of each left-out row.
    """

    schema: Schema
    kept_in: pd.DataFrame
    canary_mask: NDArray[np.bool_]
    left_out: pd.DataFrame
    synthetic: pd.DataFrame
    epsilon: float
    delta: float
    target: str | None = None
    seed: int = 0
    kept_in_units: NDArray[Any] | None = None
    left_out_units: NDArray[Any] | None = None


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """The audit's figures and its verdict. INTERNAL.

    Attributes:
        metrics: All figures, the ones that were not run too.
        verdict: What they say about the claimed guarantee.
        seed: The seed of every draw.
        counts: Rows of each table, and canaries of each kind.
        epsilon: The claimed ε; None where nothing finite is claimed.
        delta: The claimed δ.
        format: Name and version of the report's format.
    """

    metrics: tuple[Metric, ...]
    verdict: Verdict
    seed: int
    counts: Mapping[str, int]
    epsilon: float | None = None
    delta: float | None = None
    format: str = FORMAT

    def metric(self, name: str) -> Metric:
        """The metric of a given name; KeyError where there is none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def facts(self) -> dict[str, float | str]:
        """All figures as dotted facts for a policy, and the verdict as ``audit.verdict``."""
        return {**facts_of(self.metrics), "audit.verdict": str(self.verdict)}

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; ``privgan/formats/audit.schema.json`` describes them."""
        return {
            "format": self.format,
            "verdict": str(self.verdict),
            "claim": {"epsilon": self.epsilon, "delta": self.delta},
            "seed": self.seed,
            "counts": dict(self.counts),
            "metrics": [metric.to_json() for metric in self.metrics],
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Prepared:
    """All tables as arrays, each in an order that depends on its contents alone."""

    coder: AuditCoder
    kept_in: CodedTable
    left_out: CodedTable
    synthetic: CodedTable
    canaries: Canaries | None
    claim: Claim | None
    seed: int
    target: str | None
    no_attack: str = ""
    no_bound: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


def run_audit(inputs: AuditInputs, *, progress: Progress | None = None) -> AuditReport:
    """Audit one run by its canaries.

    Args:
        inputs: The tables, the claim and the seed.
        progress: Called with each stage's name and the share done before it.

    Returns:
        The report.

    Raises:
        TableError: The tables do not fit the schema or each other, or the target is not a column to predict.
    """
    mask = np.asarray(inputs.canary_mask, dtype=bool)
    _require_lengths(inputs, mask)
    return _report(_prepared(inputs, mask, Claim(inputs.epsilon, inputs.delta), ""), progress)


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
        fair_coins: Whether a fair coin of its own decided for each customer on which side it is. Only then is there a
            lower bound on ε, and a verdict other than INCONCLUSIVE.
        real_units: The customer of each real row; None where each row is a customer of its own.
        holdout_units: The customer of each hold-out row.
        progress: Called with each stage's name and the share done before it.

    Returns:
        The report.

    Raises:
        TableError: The tables do not fit the schema or each other, or the target is not a column to predict.
    """
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
    )
    _require_lengths(inputs, inputs.canary_mask)
    claim = None if epsilon is None else Claim(inputs.epsilon, inputs.delta)
    no_bound = "" if fair_coins else "the split was not made by fair coins; give fair_coins if it was"
    return _report(_prepared(inputs, inputs.canary_mask, claim, no_bound), progress)


def _require_lengths(inputs: AuditInputs, mask: NDArray[np.bool_]) -> None:
    for name, table in {"kept-in": inputs.kept_in, "left-out": inputs.left_out, "synthetic": inputs.synthetic}.items():
        require_columns(inputs.schema, table, name)
        if name != "left-out" and table.empty:
            raise TableError(f"the {name} table has no rows; the audit needs some")
    if len(mask) != len(inputs.kept_in):
        raise TableError("canary_mask must have one entry per kept-in row")
    if (inputs.kept_in_units is None) != (inputs.left_out_units is None):
        raise TableError("give the customers of both the kept-in and the left-out rows, or of neither")
    if inputs.kept_in_units is not None and inputs.left_out_units is not None:
        pairs = ((inputs.kept_in_units, inputs.kept_in), (inputs.left_out_units, inputs.left_out))
        if any(len(units) != len(table) for units, table in pairs):
            raise TableError("kept_in_units and left_out_units must have one entry per row")
        if np.isin(_text(inputs.kept_in_units)[~mask], _text(inputs.kept_in_units)[mask]).any():
            raise TableError("a customer has both canary rows and other rows; a canary is a whole customer")


def _text(units: NDArray[Any]) -> NDArray[Any]:
    return np.asarray([str(unit) for unit in units], dtype=object)


def _prepared(inputs: AuditInputs, mask: NDArray[np.bool_], claim: Claim | None, no_bound: str) -> _Prepared:
    coder = AuditCoder.from_reference(inputs.schema, inputs.kept_in)
    kept_in, left_out = coder.code(inputs.kept_in), coder.code(inputs.left_out)
    if inputs.left_out_units is not None:
        left_out = replace(left_out, customers=numbered(inputs.left_out_units))
    synthetic = coder.code(inputs.synthetic)
    no_attack, canaries = _missing_units(inputs), None
    if not no_attack:
        units = None if inputs.kept_in_units is None else np.asarray(inputs.kept_in_units)[mask]
        canaries = Canaries.pool(kept_in.take(mask), left_out, units, inputs.left_out_units)
        no_attack = obstacle(canaries)
    counts = {"kept_in": len(kept_in), "left_out": len(left_out), "synthetic": len(synthetic)}
    if canaries is not None:
        members = int(canaries.is_member.sum())
        counts |= {"kept_in_canaries": members, "left_out_canaries": len(canaries) - members}
    return _Prepared(
        coder=coder,
        kept_in=_canonical(kept_in),
        left_out=_canonical(left_out),
        synthetic=_canonical(synthetic),
        canaries=canaries,
        claim=claim,
        seed=inputs.seed,
        target=inputs.target,
        no_attack=no_attack,
        no_bound=no_bound or no_attack or _unfair(canaries),
        counts=counts,
    )


def _canonical(table: CodedTable) -> CodedTable:
    return table.take(table.canonical_order())


def _missing_units(inputs: AuditInputs) -> str:
    """A row-level attack would understate what a customer with several rows loses."""
    if inputs.schema.unit.max_rows > 1 and inputs.kept_in_units is None:
        return "the schema's customers have several rows each: the audit needs to know whose each row is"
    return ""


def _unfair(canaries: Canaries | None) -> str:
    """Whether the canaries' coins were visibly not fair, by an exact binomial test."""
    from scipy.stats import binomtest

    if canaries is None or binomtest(int(canaries.is_member.sum()), len(canaries)).pvalue >= _UNFAIR:
        return ""
    return "far from half of the canaries were left out: their coins were not fair"


def _report(prepared: _Prepared, progress: Progress | None) -> AuditReport:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    coder, seed = prepared.coder, prepared.seed
    tables = (prepared.kept_in, prepared.left_out if len(prepared.left_out) else None, prepared.synthetic)
    stages: dict[str, Callable[[], tuple[Metric, ...]]] = {
        # Utility first: a wrong target is told before the long work.
        "utility": lambda: utility_metrics(coder, *tables, prepared.target, seed),
        "marginals": lambda: tvd_metrics(coder, *tables, seed),
        "two-sample classifier": lambda: (c2st_metric(coder, *tables, seed),),
        "quality report": lambda: (quality_metric(coder, *tables, seed),),
        "copies": lambda: (copies_metric(*tables, seed),),
        "membership": lambda: _attack(prepared),
    }
    metrics: list[Metric] = []
    for done, (stage, compute) in enumerate(stages.items()):
        if progress:
            progress(stage, done / len(stages))
        # One thread: sums in one order on every machine, and small trees do not wait for a busy core.
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


def _attack(prepared: _Prepared) -> tuple[Metric, ...]:
    canaries, claim = prepared.canaries, prepared.claim
    if canaries is None or prepared.no_attack:
        return (*not_run(prepared.no_attack), *no_bounds(prepared.no_bound))
    ratio = density_ratio_scores(canaries, prepared.synthetic, prepared.seed)
    nearest = nearest_scores(prepared.coder, canaries, prepared.synthetic, prepared.seed)
    figures = membership_metrics(canaries, ratio, nearest, claim, prepared.seed)
    if prepared.no_bound:
        return (*figures, *no_bounds(prepared.no_bound))
    parts = {"density_ratio": ratio, "nearest": nearest}
    return (*figures, *bound_metrics(canaries, combined_scores(ratio, nearest), parts, claim, prepared.seed))


def _verdict(metrics: tuple[Metric, ...], claim: Claim | None) -> Verdict:
    values = {metric.name: metric.value for metric in metrics}
    return verdict_of(values.get(BOUND), values.get(LARGEST), claim.epsilon if claim else None)
