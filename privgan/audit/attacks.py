"""All attacks besides the deciding one: the three questions of WP216, copies, and diagnostics."""

from __future__ import annotations

from privgan.audit.copies import copies_metric, copy_test_metrics
from privgan.audit.inference import inference_metric
from privgan.audit.inputs import Prepared
from privgan.audit.linkability import linkability_metric
from privgan.audit.proxies import proxy_metrics
from privgan.audit.singling_out import singling_out_metric
from privgan.metric import Metric


def copy_metrics(prepared: Prepared) -> tuple[Metric, ...]:
    """Exact and near copies, the decision on both, and the diagnostics that others print."""
    coder, seed, claim = prepared.coder, prepared.seed, prepared.claim
    tables = (prepared.kept_in, prepared.left_out if len(prepared.left_out) else None, prepared.synthetic)
    return (
        copies_metric(*tables, seed),
        *copy_test_metrics(coder, *tables, claim, seed),
        *proxy_metrics(coder, *tables, seed),
    )


def wp216_metrics(prepared: Prepared) -> tuple[Metric, ...]:
    """Singling out, linkability and inference (Article 29 Working Party, Opinion 05/2014, WP216)."""
    coder, seed, claim = prepared.coder, prepared.seed, prepared.claim
    tables = (prepared.kept_in, prepared.left_out if len(prepared.left_out) else None, prepared.synthetic)
    return (
        singling_out_metric(coder, *tables, seed),
        linkability_metric(coder, *tables, claim, seed),
        inference_metric(coder, *tables, claim, seed),
    )
