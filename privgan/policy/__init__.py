"""What must hold before a table may leave: policies, facts and verdicts. Names and numbers only."""

from privgan.policy.context import Context, load_context
from privgan.policy.document import load_policy, shipped_policies
from privgan.policy.facts import Fact, FactType, FactValue, fact_vocabulary
from privgan.policy.policy import Comparison, Gate, Policy, Scope
from privgan.policy.verdict import GateStatus, Outcome, Verdict, VerdictStatus, evaluate, explain

__all__ = [
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
    "evaluate",
    "explain",
    "fact_vocabulary",
    "load_context",
    "load_policy",
    "shipped_policies",
]
