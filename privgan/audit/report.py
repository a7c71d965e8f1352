"""What the audit's figures say about the claimed (ε, δ), and the report that holds both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from privgan.audit.foreign.legibility import Legibility
from privgan.metric import Metric, facts_of
from privgan.naming import parameter
from privgan.notebook import card

FORMAT = "privgan.audit/1"


class Verdict(StrEnum):
    """What the audit says about the claimed (ε, δ)."""

    REFUTED = "REFUTED"
    NOT_REFUTED = "NOT_REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """The audit's figures and its verdict. INTERNAL.

    Attributes:
        metrics: All figures, the ones that were not run too.
        verdict: What they say about the claimed guarantee.
        seed: The seed of every draw.
        counts: Rows of each table, and canaries of each kind.
        epsilon: The claimed ε; None where nothing finite is claimed.
        delta: The claimed δ.
        reason: What the verdict rests on, in words; empty for a candidate, where the figures alone
            decide.
        legibility: How a foreign table was read, and what could not be; None for a candidate.
        format: Name and version of the report's format.

    >>> audited.verdict, audited.metric("fidelity.tvd1").value < 1
    (<Verdict.INCONCLUSIVE: 'INCONCLUSIVE'>, True)
    """

    metrics: tuple[Metric, ...]
    verdict: Verdict
    seed: int
    counts: Mapping[str, int]
    epsilon: float | None = None
    delta: float | None = None
    reason: str = ""
    legibility: Legibility | None = None
    format: str = FORMAT

    def __repr__(self) -> str:
        """The verdict and the number of figures; the figures themselves stay inside."""
        return f"AuditReport({self.verdict}, {len(self.metrics)} figures, INTERNAL)"

    def _repr_html_(self) -> str:
        facts = (
            [("reason", self.reason), *sorted(self.counts.items())]
            if self.reason
            else sorted(self.counts.items())
        )
        rows = [
            (metric.name, *map(_figure, (metric.value, metric.low, metric.high, metric.ceiling)))
            for metric in self.metrics
        ]
        header = ("figure", "value", "low", "high", "ceiling")
        return card(f"Audit: {self.verdict}", facts, header=header, rows=rows, internal=True)

    def metric(self, name: str) -> Metric:
        """The metric of a given name; KeyError where there is none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def with_metrics(self, more: Sequence[Metric]) -> AuditReport:
        """The report with figures that decide nothing added."""
        return replace(
            self, metrics=tuple(sorted((*self.metrics, *more), key=lambda metric: metric.name))
        )

    def facts(self) -> dict[str, float | str]:
        """All figures as dotted facts for a policy, and the verdict as ``audit.verdict``."""
        return {**facts_of(self.metrics), "audit.verdict": str(self.verdict)}

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values; ``privgan/formats/audit.schema.json`` describes them."""
        foreign: dict[str, Any] = {"reason": self.reason} if self.reason else {}
        if self.legibility is not None:
            foreign["legibility"] = self.legibility.to_json()
        return {
            "format": self.format,
            "verdict": str(self.verdict),
            **foreign,
            "claim": {"epsilon": self.epsilon, "delta": self.delta},
            "seed": self.seed,
            "counts": dict(self.counts),
            "metrics": [metric.to_json() for metric in self.metrics],
        }


def _figure(value: float | None) -> float | str:
    return "" if value is None else value


def verdict_of(bound: float | None, largest: float | None, claimed: float | None) -> Verdict:
    """The verdict of the one bound that decides.

    Args:
        bound: The lower bound on ε; None where there is none.
        largest: What the bound would have been had every guess been right; None where there is
            none.
        claimed: The claimed ε; None where nothing is claimed.

    Returns:
        REFUTED where the bound exceeds the claim; else NOT_REFUTED where it could have; else
        INCONCLUSIVE.
    """
    if bound is None or largest is None or claimed is None:
        return Verdict.INCONCLUSIVE
    if bound > claimed:
        return Verdict.REFUTED
    return Verdict.NOT_REFUTED if largest > claimed else Verdict.INCONCLUSIVE


def foreign_verdict(
    report: AuditReport, copies: str, legibility: Legibility, no_bound: str
) -> AuditReport:
    """The verdict on a table made by any tool.

    Copies refute it without a claim, and what was not read clears nothing.

    Args:
        report: The audit's figures, with the verdict of the one bound that decides.
        copies: Why the table counts as one with copies; empty where it does not.
        legibility: How the table was read.
        no_bound: Why there is no bound on ε; empty where there is one.
    """
    verdict, reason = report.verdict, ""
    if verdict is Verdict.REFUTED:
        reason = "the lower bound on ε exceeds the claim"
    if copies:
        verdict, reason = Verdict.REFUTED, copies
    elif verdict is not Verdict.REFUTED:
        verdict, reason = _uncleared(report, legibility, no_bound)
    return replace(report, verdict=verdict, reason=reason, legibility=legibility)


def _uncleared(report: AuditReport, legibility: Legibility, no_bound: str) -> tuple[Verdict, str]:
    if legibility.left_out:
        return Verdict.INCONCLUSIVE, legibility.reason
    if report.verdict is Verdict.NOT_REFUTED:
        return report.verdict, "the lower bound on ε, which could have exceeded the claim, does not"
    if report.epsilon is None:
        return report.verdict, f"nothing is claimed; give {parameter('epsilon')}"
    return (
        report.verdict,
        no_bound or "the lower bound on ε could not have exceeded the claim; give more rows",
    )
