"""What the two reports render: plain JSON-like values, computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GOOD_FOR = (
    "building and testing software, pipelines and dashboards against realistic rows",
    "exploring the shape of single columns and the common combinations of two or three",
    "trying out models and teaching, before a final fit on the real table",
)
BAD_FOR = (
    "decisions about any single person: no row belongs to one",
    "counts of rare groups and outliers, which the noise hides on purpose",
    "final statistics without a check against the real table, and joins with other tables",
)


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One step of the plan.

    Attributes:
        name: The step's name.
        what: What it looks at, in words.
        epsilon: Epsilon of the step alone.
        noise: Its noise, in words.
        expected_error: The error to expect, in words.
    """

    name: str
    what: str
    epsilon: float
    noise: str = ""
    expected_error: str = ""


@dataclass(frozen=True, kw_only=True)
class NoisyShape:
    """One column as it was measured with noise, beside the synthetic one.

    Attributes:
        column: The column's name.
        kind: The kind of its values, as in the schema.
        labels: One label per bin or category.
        noisy: Noisy shares or counts; negative ones are drawn as zero.
        synthetic: Synthetic shares or counts.
    """

    column: str
    kind: str
    labels: Sequence[str]
    noisy: Sequence[float]
    synthetic: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class RealShape:
    """INTERNAL: one column's real rows, beside the synthetic one.

    Attributes:
        column: The column's name.
        kind: The kind of its values, as in the schema.
        labels: One label per bin or category.
        real: Real shares or counts.
        synthetic: Synthetic shares or counts.
    """

    column: str
    kind: str
    labels: Sequence[str]
    real: Sequence[float]
    synthetic: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class ShareableReport:
    """The report that leaves with a release: nothing in it was computed from real rows without noise.

    Attributes:
        release: ``describe_release(...)``: the manifest without policy and files.
        policy: ``Verdict.to_public_json()``.
        schema: ``Schema.to_json()``: the data dictionary.
        steps: The plan's steps.
        shapes: Columns, noisy beside synthetic.
        rows: Rows of the synthetic table.
        groups: Steps of one kind together, for the picture.
        good_for: What the table is good for.
        bad_for: What it is bad for.
    """

    release: Mapping[str, Any]
    policy: Mapping[str, Any]
    schema: Mapping[str, Any]
    steps: Sequence[PlanStep]
    shapes: Sequence[NoisyShape]
    rows: int
    groups: Sequence[PlanStep] = ()
    good_for: Sequence[str] = GOOD_FOR
    bad_for: Sequence[str] = BAD_FOR


@dataclass(frozen=True, kw_only=True)
class InternalReport:
    """CONFIDENTIAL: the report for the people who decide; it holds figures computed from real rows.

    Attributes:
        release: ``describe_release(...)``: the manifest without policy and files.
        verdict: ``Verdict.to_json()``: all outcomes with explanations, whatever the status.
        schema: ``Schema.to_json()``: the data dictionary.
        steps: The plan's steps.
        shapes: Columns, real beside synthetic.
        rows: Rows of the synthetic table.
        audit: The audit; its ``metrics`` are a list of ``Metric.to_json()``.
        ledger: Ledger entries, flat mappings with the same keys.
        groups: Steps of one kind together, for the picture.
        good_for: What the table is good for.
        bad_for: What it is bad for.
    """

    release: Mapping[str, Any]
    verdict: Mapping[str, Any]
    schema: Mapping[str, Any]
    steps: Sequence[PlanStep]
    shapes: Sequence[RealShape]
    rows: int
    audit: Mapping[str, Any]
    ledger: Sequence[Mapping[str, Any]]
    groups: Sequence[PlanStep] = ()
    good_for: Sequence[str] = GOOD_FOR
    bad_for: Sequence[str] = BAD_FOR
