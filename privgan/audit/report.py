"""Judge the claimed (ε, δ) from the audit's figures, and hold both in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from privgan.audit.foreign.legibility import Legibility
from privgan.files.json_types import JsonDict
from privgan.metric import Metric, facts_of
from privgan.naming import parameter
from privgan.notebook import card

FORMAT = "privgan.audit/1"


class Verdict(StrEnum):
    """The audit's verdict on the claimed (ε, δ)."""

    REFUTED = "REFUTED"
    NOT_REFUTED = "NOT_REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """Figures and verdict of an audit. INTERNAL.

    Attributes:
        metrics: All figures, the ones that were not run too.
        verdict: The verdict on the claimed guarantee.
        seed: The seed of every draw.
        counts: Rows of each table, and canaries of each kind.
        epsilon: The claimed ε; None if nothing finite is claimed.
        delta: The claimed δ.
        reason: Reason for the verdict; empty for a candidate, for which the figures alone decide.
        legibility: Readings and lost values of a foreign table; None for a candidate.
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
        """The verdict and the number of figures, without the figures."""
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
        """The metric of a given name; KeyError if there is none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def with_metrics(self, more: Sequence[Metric]) -> AuditReport:
        """The report with additional diagnostic figures."""
        return replace(
            self, metrics=tuple(sorted((*self.metrics, *more), key=lambda metric: metric.name))
        )

    def facts(self) -> dict[str, float | str]:
        """All figures as dotted facts for a policy, and the verdict as ``audit.verdict``."""
        return {**facts_of(self.metrics), "audit.verdict": str(self.verdict)}

    def to_json(self) -> JsonDict:
        """The report as JSON values; ``privgan/formats/audit.schema.json`` describes them."""
        foreign: JsonDict = {"reason": self.reason} if self.reason else {}
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
    """Verdict of the one bound that decides.

    Args:
        bound: The lower bound on ε; None if there is none.
        largest: The bound if every guess were right; None if there is none.
        claimed: The claimed ε; None if nothing is claimed.

    Returns:
        REFUTED if the bound exceeds the claim; else NOT_REFUTED if it could have; else
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
    """Verdict on a table made by any tool.

    Copies refute it without a claim. Unread values keep it from being cleared.

    Args:
        report: The audit's figures, with the verdict of the one bound that decides.
        copies: The reason why the table counts as copied; empty if it does not.
        legibility: Readings and lost values of the table.
        no_bound: The reason for no bound on ε; empty if there is one.
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
