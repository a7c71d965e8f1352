"""Compute all fidelity metrics except TVD and C2ST."""

from __future__ import annotations

from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.fidelity.associations import correlation_metric
from privgan.audit.fidelity.coverage import BrokenRules, constraint_metric, coverage_metrics
from privgan.audit.fidelity.marginals import k_marginal_metric
from privgan.audit.fidelity.propensity import pmse_metrics
from privgan.audit.fidelity.shapes import shapes_metric
from privgan.audit.fidelity.subgroups import subgroup_metric
from privgan.metric import Metric


def fidelity_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    broken: tuple[BrokenRules, BrokenRules | None],
    seed: int,
) -> tuple[Metric, ...]:
    """All fidelity metrics except TVD and C2ST.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        broken: Violations of the schema, of synthetic and of hold-out rows.
        seed: Draws samples and blocks.
    """
    tables = (kept_in, left_out, synthetic)
    return (
        k_marginal_metric(coder, *tables, seed),
        shapes_metric(coder, *tables, seed),
        correlation_metric(coder, *tables, seed),
        *coverage_metrics(coder, *tables, seed),
        *pmse_metrics(coder, *tables, seed),
        subgroup_metric(coder, *tables, seed),
        constraint_metric(*broken),
    )
