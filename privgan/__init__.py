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
    "Answer": "privgan.answers.answer",
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
    "Events": "privgan.api.features",
    "Feature": "privgan.api.features",
    "Float": "privgan.api.columns",
    "ForecastTask": "privgan.schema.tasks",
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
    "RareOutcome": "privgan.schema.rare",
    "RecommendationTask": "privgan.schema.tasks",
    "RegressionTask": "privgan.schema.tasks",
    "ReleaseExistsError": "privgan.errors",
    "ResponseTask": "privgan.schema.tasks",
    "RunResult": "privgan.api.running",
    "Schema": "privgan.api.schema",
    "ScorecardTask": "privgan.schema.tasks",
    "SegmentsTask": "privgan.schema.tasks",
    "Synthesizer": "privgan.api.synthesizer",
    "TableError": "privgan.errors",
    "UpliftTask": "privgan.schema.tasks",
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
    "what_if": "privgan.api.planning",
    "write_features": "privgan.api.features",
}

if TYPE_CHECKING:
    from privgan.answers.answer import Answer as Answer
    from privgan.api.auditing import audit as audit
    from privgan.api.auditing import audit_twin as audit_twin
    from privgan.api.checking import Conformity as Conformity
    from privgan.api.columns import Boolean as Boolean
    from privgan.api.columns import Categorical as Categorical
    from privgan.api.columns import Date as Date
    from privgan.api.columns import Datetime as Datetime
    from privgan.api.columns import Float as Float
    from privgan.api.columns import Identifier as Identifier
    from privgan.api.columns import Integer as Integer
    from privgan.api.columns import Ordinal as Ordinal
    from privgan.api.columns import PersonalData as PersonalData
    from privgan.api.features import Events as Events
    from privgan.api.features import Feature as Feature
    from privgan.api.features import write_features as write_features
    from privgan.api.interchange import export_schema as export_schema
    from privgan.api.interchange import import_schema as import_schema
    from privgan.api.keys import create_keys as create_keys
    from privgan.api.loading import load as load
    from privgan.api.planning import plan as plan
    from privgan.api.planning import what_if as what_if
    from privgan.api.releases import check as check
    from privgan.api.releases import decrypt as decrypt
    from privgan.api.releases import encrypt as encrypt
    from privgan.api.releases import judge_and_report as judge_and_report
    from privgan.api.releases import pack as pack
    from privgan.api.releases import purge as purge
    from privgan.api.releases import release as release
    from privgan.api.releases import report as report
    from privgan.api.releases import sign as sign
    from privgan.api.releases import verify as verify
    from privgan.api.running import RunResult as RunResult
    from privgan.api.running import resume as resume
    from privgan.api.running import run as run
    from privgan.api.schema import Draft as Draft
    from privgan.api.schema import Schema as Schema
    from privgan.api.schema import draft_schema as draft_schema
    from privgan.api.schema import load_schema as load_schema
    from privgan.api.synthesizer import Synthesizer as Synthesizer
    from privgan.audit.report import AuditReport as AuditReport
    from privgan.errors import BudgetExceededError as BudgetExceededError
    from privgan.errors import DocumentError as DocumentError
    from privgan.errors import IncompleteError as IncompleteError
    from privgan.errors import InternalError as InternalError
    from privgan.errors import LibraryError as LibraryError
    from privgan.errors import NoLedgerError as NoLedgerError
    from privgan.errors import NotFittedError as NotFittedError
    from privgan.errors import PolicyFailedError as PolicyFailedError
    from privgan.errors import PrivganError as PrivganError
    from privgan.errors import ReleaseExistsError as ReleaseExistsError
    from privgan.errors import TableError as TableError
    from privgan.errors import UsageError as UsageError
    from privgan.errors import VerificationError as VerificationError
    from privgan.ledger.ledger import PrivacyLedger as PrivacyLedger
    from privgan.metric import Metric as Metric
    from privgan.planning.plan import Plan as Plan
    from privgan.policy.context import Context as Context
    from privgan.policy.policy import Policy as Policy
    from privgan.policy.policy_file import load_policy as load_policy
    from privgan.policy.verdict import Verdict as Verdict
    from privgan.privacy.budget import PrivacyBudget as PrivacyBudget
    from privgan.privacy.budget import PrivacyUnit as PrivacyUnit
    from privgan.release.verification.verify import Verification as Verification
    from privgan.schema.constraints import AtMost as AtMost
    from privgan.schema.constraints import Combinations as Combinations
    from privgan.schema.constraints import WhenThen as WhenThen
    from privgan.schema.rare import RareOutcome as RareOutcome
    from privgan.schema.tasks import ForecastTask as ForecastTask
    from privgan.schema.tasks import RecommendationTask as RecommendationTask
    from privgan.schema.tasks import RegressionTask as RegressionTask
    from privgan.schema.tasks import ResponseTask as ResponseTask
    from privgan.schema.tasks import ScorecardTask as ScorecardTask
    from privgan.schema.tasks import SegmentsTask as SegmentsTask
    from privgan.schema.tasks import UpliftTask as UpliftTask
    from privgan.table.files import read_table as read_table

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
