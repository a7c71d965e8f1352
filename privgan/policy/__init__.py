"""Decide whether a table may leave: policies, waivers, facts and verdicts.

This package uses names and figures only.
"""

from privgan.policy.column_gates import ColumnComparison, ColumnFact, ColumnGate
from privgan.policy.context import Context, load_context
from privgan.policy.facts import Fact, FactType, FactValue, fact_vocabulary
from privgan.policy.gates import Comparison, Gate, Scope
from privgan.policy.policy import Policy, Waiver
from privgan.policy.policy_file import load_policy, shipped_policies
from privgan.policy.verdict import GateStatus, Outcome, Verdict, VerdictStatus, evaluate, explain
from privgan.policy.waivers import load_waivers, waived

__all__ = [
    "ColumnComparison",
    "ColumnFact",
    "ColumnGate",
    "Comparison",
    "Context",
    "Fact",
    "FactType",
    "FactValue",
    "Gate",
    "GateStatus",
    "Outcome",
    "Policy",
    "Scope",
    "Verdict",
    "VerdictStatus",
    "Waiver",
    "evaluate",
    "explain",
    "fact_vocabulary",
    "load_context",
    "load_policy",
    "load_waivers",
    "shipped_policies",
    "waived",
]
