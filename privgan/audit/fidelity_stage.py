"""Everything about fidelity beside the plain marginals and the two-sample classifier, as one stage of the audit."""

from __future__ import annotations

from privgan.audit.associations import correlation_metric
from privgan.audit.coding import AuditCoder, CodedTable
from privgan.audit.constraints import BrokenRules, constraint_metric
from privgan.audit.coverage import coverage_metrics
from privgan.audit.kmarginal import k_marginal_metric
from privgan.audit.propensity import pmse_metrics
from privgan.audit.shapes import shapes_metric
from privgan.audit.subgroups import subgroup_metric
from privgan.metric import Metric


def fidelity_metrics(
    coder: AuditCoder,
    kept_in: CodedTable,
    left_out: CodedTable | None,
    synthetic: CodedTable,
    broken: tuple[BrokenRules, BrokenRules | None],
    seed: int,
) -> tuple[Metric, ...]:
    """All metrics of the modules that this one imports.

    Args:
        coder: Made from the kept-in rows.
        kept_in: The training rows.
        left_out: The hold-out rows, or None.
        synthetic: The synthetic rows.
        broken: What the synthetic and the hold-out rows break of the schema.
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
