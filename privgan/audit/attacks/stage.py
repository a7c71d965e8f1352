"""Run all attacks besides the deciding one: WP216's questions, copies and diagnostics."""

from __future__ import annotations

from privgan.audit.attacks import inference, linkability, singling_out
from privgan.audit.attacks.copies import copies_metric, copy_test_metrics, copy_tests_not_run
from privgan.audit.attacks.proxies import proxy_metrics
from privgan.audit.prepared import Prepared
from privgan.metric import Metric, none_run


def copy_metrics(prepared: Prepared) -> tuple[Metric, ...]:
    """Metrics of exact and near copies, their decision, and similarity diagnostics."""
    coder, seed = prepared.coder, prepared.seed
    tables = prepared.attacked
    decided = (
        copy_tests_not_run(prepared.no_attack)
        if prepared.canaries is None
        else copy_test_metrics(coder, *tables, prepared.claim, seed)
    )
    # Equal rows are found by their hashes, among all that are counted.
    return (
        copies_metric(*prepared.counted, seed),
        *decided,
        *proxy_metrics(coder, *tables, seed),
    )


def wp216_metrics(prepared: Prepared) -> tuple[Metric, ...]:
    """Metrics of singling out, linkability and inference.

    The three questions of Article 29 Working Party, Opinion 05/2014 (WP216).
    """
    coder, seed, claim = prepared.coder, prepared.seed, prepared.claim
    if (
        prepared.canaries is None
    ):  # Customers are unknown: rows of one customer would count as several.
        names = (singling_out.NAME, linkability.NAME, inference.NAME)
        return none_run(names, prepared.no_attack)
    tables = prepared.attacked
    return (
        singling_out.singling_out_metric(coder, *tables, seed),
        linkability.linkability_metric(coder, *tables, claim, seed),
        inference.inference_metric(coder, *tables, claim, seed),
    )
