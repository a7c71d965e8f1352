"""Facts and columns of a sound run, which every shipped policy passes; policy files for tests."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from privgan.policy import ColumnFact, Policy, fact_vocabulary, load_policy

SHIPPED = (
    "eu-ai-act-10",
    "hipaa-expert",
    "internal-analytics",
    "iso-27559",
    "nist-sp-800-226",
    "partner-share",
    "pipl",
    "public-release",
    "wp216",
)
PACKS = tuple(
    name
    for name in SHIPPED
    if name not in {"internal-analytics", "partner-share", "public-release"}
)
SOUND: dict[str, Any] = {
    **{
        name: "Stated."
        for name, fact in fact_vocabulary().items()
        if name.startswith("context.") and fact.type == "string"
    },
    "guarantee.epsilon": 3.0,
    "guarantee.delta": 1e-6,
    "guarantee.unit_declared": True,
    "guarantee.max_rows_per_unit": 1,
    "accounting.complete": True,
    "ledger.total_epsilon": 3.0,
    "ledger.total_delta": 1e-6,
    "ledger.initialised": True,
    "ledger.budget_set": True,
    "ledger.remaining_epsilon": 3.0,
    "ledger.attempts": 1,
    "schema.assumed_public_facts": 0,
    "schema.unmodelled_pii": 1,
    "schema.identifiers": 1,
    "schema.quasi_identifiers": 2,
    "schema.sensitive_columns": 0,
    "synthetic.rows": 10_000,
    "noisy.tvd1": 0.03,
    "context.expiry": "2030-01-01",
    "context.review_date": "2026-01-01",
    "context.next_review": "2027-01-01",
    "context.not_expired": True,
    "context.review_not_due": True,
    "fidelity.tvd1.high": 0.05,
    "fidelity.tvd2.high": 0.08,
    "fidelity.worst_subgroup_tvd1.high": 0.12,
    "fidelity.category_coverage.low": 0.98,
    "fidelity.constraint_violations.high": 0.0,
    "utility.gap.high": 0.09,
    "attack.membership.advantage.high": 0.09,
    "attack.membership.tpr_at_fpr_0.01.high": 0.03,
    "attack.membership.record_max.high": 0.7,
    "attack.membership.record_mean.high": 0.53,
    "attack.singling_out.excess.high": 0.1,
    "attack.linkability.excess.high": 0.02,
    "attack.inference.excess.high": 0.1,
    "attack.copies.excess.high": 0.03,
    "attack.copies.flagged": 0.0,
    "artefacts.findings": 0,
    "audit.epsilon_lb_max": 5.8,
    "audit.epsilon_lower_bound": 0.0,
    "audit.epsilon_detectable": 0.2,
    "audit.verdict": "NOT_REFUTED",
}
COLUMNS = (
    ColumnFact(
        name="customer_id", kind="identifier", role="identifier", invented=True, values=None
    ),
    ColumnFact(name="age", kind="integer", role="quasi-identifier", invented=False, values=78),
    ColumnFact(name="town", kind="categorical", role="quasi-identifier", invented=False, values=40),
    ColumnFact(name="spend", kind="float", role="other", invented=False, values=2_000_001),
)
HEAD = (
    'format: privgan.policy/1\nname: own\nversion: "1.0"\npurpose:'
    " Tests.\nattempts_per_dataset: 3\n"
)


def gate(fact: str, rule: str, scope: str = "public") -> str:
    """One entry under ``gates:``, six lines."""
    return (
        f"  - fact: {fact}\n    {rule}\n    scope: {scope}\n    reason: Because.\n    advice:"
        " Change it.\n"
    )


def columns(selection: str, rule: str) -> str:
    """One entry under ``columns:``."""
    return textwrap.indent(
        f"- {selection}\n  {rule}\n  reason: Because.\n  advice: Change it.\n", "  "
    )


def write_policy(folder: Path, *gates: str, more: str = "", head: str = "") -> str:
    """Write a policy file of the given entries; its path."""
    path = folder / "own.yaml"
    path.write_text(HEAD + head + "gates:\n" + "".join(gates) + more, encoding="utf-8")
    return str(path)


def make_policy(folder: Path, *gates: str, more: str = "") -> Policy:
    """Write a policy file of the given entries and load it."""
    return load_policy(write_policy(folder, *gates, more=more))
