"""Synthetic customer tables with a differential-privacy guarantee that can be checked.

    >>> import privgan
    >>> synthesizer = privgan.Synthesizer("schema.yaml", epsilon=3, public_rows=600, effort="quick")
    >>> synthesizer.fit(customers).sample(1000, where="segment = gold").shape
    (1000, 5)

Everything heavy is imported when it is first used. ``privgan/api/README.md`` shows a whole session.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from privgan.namespace import give_calls

# A thread that spins while it waits makes small tensor operations slow on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The public names and where each lives: the one list, which all others follow.
_HOMES = {
    "AtMost": "privgan.schema.constraints",
    "AuditReport": "privgan.audit.report",
    "Boolean": "privgan.api.columns",
    "BudgetExceededError": "privgan.errors",
    "Categorical": "privgan.api.columns",
    "Combinations": "privgan.schema.constraints",
    "Conformity": "privgan.api.checking",
    "Context": "privgan.policy.context",
    "Date": "privgan.api.columns",
    "Datetime": "privgan.api.columns",
    "DocumentError": "privgan.errors",
    "Draft": "privgan.api.schema",
    "Float": "privgan.api.columns",
    "Identifier": "privgan.api.columns",
    "IncompleteError": "privgan.errors",
    "Integer": "privgan.api.columns",
    "InternalError": "privgan.errors",
    "LibraryError": "privgan.errors",
    "Metric": "privgan.metric",
    "NoLedgerError": "privgan.errors",
    "NotFittedError": "privgan.errors",
    "Ordinal": "privgan.api.columns",
    "PersonalData": "privgan.api.columns",
    "Plan": "privgan.planning.plan",
    "Policy": "privgan.policy.policy",
    "PolicyFailedError": "privgan.errors",
    "PrivacyBudget": "privgan.privacy.budget",
    "PrivacyLedger": "privgan.ledger.ledger",
    "PrivacyUnit": "privgan.privacy.budget",
    "PrivganError": "privgan.errors",
    "ReleaseExistsError": "privgan.errors",
    "RunResult": "privgan.api.running",
    "Schema": "privgan.api.schema",
    "Synthesizer": "privgan.api.synthesizer",
    "TableError": "privgan.errors",
    "UsageError": "privgan.errors",
    "Verdict": "privgan.policy.verdict",
    "Verification": "privgan.release.verification.verify",
    "VerificationError": "privgan.errors",
    "WhenThen": "privgan.schema.constraints",
    "audit": "privgan.api.auditing",
    "audit_twin": "privgan.api.auditing",
    "check": "privgan.api.releases",
    "create_keys": "privgan.api.keys",
    "decrypt": "privgan.api.releases",
    "draft_schema": "privgan.api.schema",
    "encrypt": "privgan.api.releases",
    "export_schema": "privgan.api.interchange",
    "import_schema": "privgan.api.interchange",
    "judge_and_report": "privgan.api.releases",
    "load": "privgan.api.loading",
    "load_policy": "privgan.policy.policy_file",
    "load_schema": "privgan.api.schema",
    "pack": "privgan.api.releases",
    "plan": "privgan.api.planning",
    "purge": "privgan.api.releases",
    "read_table": "privgan.table.files",
    "release": "privgan.api.releases",
    "report": "privgan.api.releases",
    "resume": "privgan.api.running",
    "run": "privgan.api.running",
    "sign": "privgan.api.releases",
    "verify": "privgan.api.releases",
}

if TYPE_CHECKING:
    from privgan.api.auditing import audit, audit_twin
    from privgan.api.checking import Conformity
    from privgan.api.columns import (
        Boolean,
        Categorical,
        Date,
        Datetime,
        Float,
        Identifier,
        Integer,
        Ordinal,
        PersonalData,
    )
    from privgan.api.interchange import export_schema, import_schema
    from privgan.api.keys import create_keys
    from privgan.api.loading import load
    from privgan.api.planning import plan
    from privgan.api.releases import (
        check,
        decrypt,
        encrypt,
        judge_and_report,
        pack,
        purge,
        release,
        report,
        sign,
        verify,
    )
    from privgan.api.running import RunResult, resume, run
    from privgan.api.schema import Draft, Schema, draft_schema, load_schema
    from privgan.api.synthesizer import Synthesizer
    from privgan.audit.report import AuditReport
    from privgan.errors import (
        BudgetExceededError,
        DocumentError,
        IncompleteError,
        InternalError,
        LibraryError,
        NoLedgerError,
        NotFittedError,
        PolicyFailedError,
        PrivganError,
        ReleaseExistsError,
        TableError,
        UsageError,
        VerificationError,
    )
    from privgan.ledger.ledger import PrivacyLedger
    from privgan.metric import Metric
    from privgan.planning.plan import Plan
    from privgan.policy.context import Context
    from privgan.policy.policy import Policy
    from privgan.policy.policy_file import load_policy
    from privgan.policy.verdict import Verdict
    from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
    from privgan.release.verification.verify import Verification
    from privgan.schema.constraints import AtMost, Combinations, WhenThen
    from privgan.table.files import read_table

    __version__: str

give_calls(__name__, _HOMES)

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name where it lives, on first use."""
    if name == "__version__":
        from importlib.metadata import version

        return version("privgan")
    if name not in _HOMES:
        raise AttributeError(f"module 'privgan' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    part = globals().get(
        name
    )  # By now the import may have set a part of the same name, which calls the function.
    if not isinstance(part, ModuleType):
        globals()[name] = part = found
    return part


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
