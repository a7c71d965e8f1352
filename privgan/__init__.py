"""Synthetic customer tables with a differential-privacy guarantee, an audit, a policy verdict and a checkable release.

The package reads as one sentence: a *table* held against a *schema* is looked at as a *plan* says,
each look charged to a *ledger*; noisy *measurements* and a private critic train a *gan*; the
*synthesizer* samples; the *audit* attacks; the *policy* decides; the *release* leaves, with a
*report*.

    >>> import privgan
    >>> schema = privgan.load_schema("schema.yaml")                        # doctest: +SKIP
    >>> request = privgan.RunRequest(table="customers.csv", schema="schema.yaml",
    ...                              budget=privgan.PrivacyBudget(epsilon=3))  # doctest: +SKIP

Everything heavy is imported when it is first used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# A second thread that spins while it waits makes small tensor operations thirty times slower on a
# busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from privgan.audit.suite import AuditReport, run_table_audit
    from privgan.errors import PrivganError
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.metric import Metric
    from privgan.pipeline.candidate import Candidate
    from privgan.pipeline.judging import audit_candidate, judge
    from privgan.pipeline.releasing import release_candidate
    from privgan.pipeline.request import RunRequest
    from privgan.pipeline.run import fit_table
    from privgan.planning.planner import make_plan
    from privgan.policy.context import Context
    from privgan.policy.policy_file import load_policy
    from privgan.privacy.budget import PrivacyBudget
    from privgan.release.verification.verify import verify_release
    from privgan.synthesizer import Synthesizer, load_synthesizer
    from privgan.table.files import read_table
    from privgan.table.schema_file import load_schema

_HOMES = {
    "AuditReport": "privgan.audit.suite",
    "Candidate": "privgan.pipeline.candidate",
    "Context": "privgan.policy.context",
    "Metric": "privgan.metric",
    "PrivacyBudget": "privgan.privacy.budget",
    "PrivacyLedger": "privgan.ledger.ledger",
    "PrivganError": "privgan.errors",
    "RunRequest": "privgan.pipeline.run",
    "Synthesizer": "privgan.synthesizer",
    "audit_candidate": "privgan.pipeline.judging",
    "fit_table": "privgan.pipeline.run",
    "judge": "privgan.pipeline.judging",
    "load_policy": "privgan.policy.policy_file",
    "load_schema": "privgan.table.schema_file",
    "load_synthesizer": "privgan.synthesizer",
    "make_plan": "privgan.planning.planner",
    "read_table": "privgan.table.files",
    "release_candidate": "privgan.pipeline.releasing",
    "run_table_audit": "privgan.audit.suite",
    "verify_release": "privgan.release.verification.verify",
}

__all__ = [
    "AuditReport",
    "Candidate",
    "Context",
    "Metric",
    "PrivacyBudget",
    "PrivacyLedger",
    "PrivganError",
    "RunRequest",
    "Synthesizer",
    "audit_candidate",
    "fit_table",
    "judge",
    "load_policy",
    "load_schema",
    "load_synthesizer",
    "make_plan",
    "read_table",
    "release_candidate",
    "run_table_audit",
    "verify_release",
]


def __getattr__(name: str) -> Any:
    """Import a public name where it lives, on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'privgan' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
