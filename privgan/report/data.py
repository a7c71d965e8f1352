"""Define the data of the two reports: JSON-like values, computed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from privgan.files.json_types import JsonMapping
from privgan.privacy.guarantee import ReleasedGuarantee

# Label of a bin or category: its text, None for missing, or the number of rarer values.
Label: TypeAlias = str | int | None
Intervals: TypeAlias = Sequence[Sequence[float] | None]


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One step of the plan, or all steps of one kind together.

    Attributes:
        name: The step's name; of several, their kind.
        kind: The kind of step, as in the plan.
        count: Number of steps.
        epsilon: Epsilon of the step alone, or of all these together.
        mechanism: Its noise: ``gaussian``, ``laplace``, ``gumbel`` or ``dp-sgd``; None for several
            steps.
        noise: Standard deviation or scale in rows; for ``dp-sgd`` the noise multiplier. None for
            several steps.
        repeats: Number of batches of ``dp-sgd``.
        rate: Sampling rate of ``dp-sgd``.
        expected_error: Expected error of a cell, as a share of the rows; None if there is none.
    """

    name: str
    kind: str
    count: int = 1
    epsilon: float
    mechanism: str | None = None
    noise: float | None = None
    repeats: int | None = None
    rate: float | None = None
    expected_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class NoisyShape:
    """One column's noisy distribution, beside the synthetic one.

    Attributes:
        column: The column's name.
        kind: The kind of its values, as in the schema.
        labels: One label per bin or category.
        noisy: Noisy shares or counts; negative ones are drawn as zero.
        synthetic: Synthetic shares or counts.
        intervals: Each bin's interval, from its lowest value to the end of its highest; moments
            in seconds since 1970. None for special and missing values, and for a column of
            categories.
    """

    column: str
    kind: str
    labels: Sequence[Label]
    noisy: Sequence[float]
    synthetic: Sequence[float]
    intervals: Intervals | None = None


@dataclass(frozen=True, kw_only=True)
class RealShape:
    """INTERNAL: one column's real distribution, beside the synthetic one.

    Attributes:
        column: The column's name.
        kind: The kind of its values, as in the schema.
        labels: One label per bin or category.
        real: Real shares or counts.
        synthetic: Synthetic shares or counts.
        intervals: Each bin's interval, from its lowest value to the end of its highest; moments
            in seconds since 1970. None for special and missing values, and for a column of
            categories.
    """

    column: str
    kind: str
    labels: Sequence[Label]
    real: Sequence[float]
    synthetic: Sequence[float]
    intervals: Intervals | None = None


@dataclass(frozen=True, kw_only=True)
class Trends:
    """Associations of column pairs in the synthetic table.

    Attributes:
        columns: The columns, in their order.
        synthetic: Associations in [-1, 1], one row a column: of the second column with the first,
            of the third with the first two, and so on; None if a column is constant.
        corrected: Whether correlation ratios are corrected for chance (ω²); before 0.4.0 they were
            not.
    """

    columns: Sequence[str]
    synthetic: Sequence[Sequence[float | None]]
    corrected: bool = False


@dataclass(frozen=True, kw_only=True)
class RealTrends:
    """INTERNAL: associations of column pairs in the synthetic and in the real table.

    Attributes:
        columns: The columns, in their order.
        synthetic: Associations of the synthetic table, as in ``Trends``.
        real: Associations of the real rows, in the same order.
        corrected: As in ``Trends``.
    """

    columns: Sequence[str]
    synthetic: Sequence[Sequence[float | None]]
    real: Sequence[Sequence[float | None]]
    corrected: bool = False


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Limits of any attacker, by the plan's own trade-off curve.

    Attributes:
        certainty: Largest chance of a right guess about a fair coin that put somebody into the
            table or left them out, in [0.5, 1].
        advantage: Largest true- minus false-positive rate.
        hits: Largest true-positive rate at 1 % false positives.
        curve: Largest true-positive rate at each rate of ``odds.RATES``.
    """

    certainty: float
    advantage: float
    hits: float
    curve: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class MeasuredKind:
    """Noisy marginals of one kind of step, which leave with the release.

    Attributes:
        kind: The kind of step, as in the plan.
        number: How many there are.
        cells: Their counts together.
        least_noise: Smallest standard deviation of the noise on one count.
        most_noise: Largest one.
    """

    kind: str
    number: int
    cells: int
    least_noise: float
    most_noise: float


@dataclass(frozen=True, kw_only=True)
class ColumnNoise:
    """How much of one column's figures is noise.

    Attributes:
        column: The column's name.
        noise: Standard deviation of the noise on the share of one code.
        codes: The number of codes.
        weak: How many codes have a share below two standard deviations of its noise.
    """

    column: str
    noise: float
    codes: int
    weak: int


@dataclass(frozen=True, kw_only=True)
class PairSignal:
    """How two columns go together, as far as noise lets see.

    Attributes:
        first: A column.
        second: Another column.
        noise: Standard deviation of the noise on one share of both.
        strength: Root mean square distance from independence, relative to it, beyond the noise.
        noise_share: Which share of the squared distance noise alone makes, in [0, 1].
        told: Whether the relation is told from noise.
    """

    first: str
    second: str
    noise: float
    strength: float
    noise_share: float
    told: bool


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """How often a target's value occurs with each code of one column.

    Attributes:
        column: The column's name.
        labels: One label per code.
        noisy: The noisy shares; None of too few rows.
        noise: Their standard deviations.
        synthetic: The shares among the synthetic rows; None without a row.
        generator: The generator's partial dependence: the share where synthetic rows get this code
            and keep all else; none of a report that does not tell it.
    """

    column: str
    labels: Sequence[Label]
    noisy: Sequence[float | None]
    noise: Sequence[float | None]
    synthetic: Sequence[float | None]
    generator: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class NoisyRelations:
    """What the noisy marginals tell of columns and pairs, and how much of it is noise.

    Attributes:
        columns: The first columns.
        pairs: Their measured pairs.
        target: The column that the table mainly predicts; None for none, or a number.
        value: The value of it that the curves count.
        curves: How often it occurs, by the columns that go with the target most.
        part: The part of the table that they are of; empty for a table without parts.
    """

    columns: Sequence[ColumnNoise]
    pairs: Sequence[PairSignal]
    target: str | None = None
    value: str | None = None
    curves: Sequence[Dependence] = ()
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class ShareableReport:
    """The report that leaves with a release.

    Nothing in it was computed from real rows without noise.

    Attributes:
        release: ``describe_release(...)``: the manifest without policy and files.
        policy: ``Verdict.to_public_json()``.
        schema: ``Schema.to_json()``: the data dictionary.
        steps: The plan's steps.
        shapes: Columns, noisy beside synthetic.
        rows: Rows of the synthetic table.
        groups: Steps of one kind together, for the picture.
        trends: Associations of the synthetic columns; None if they were not computed.
        reach: The attacker's limits by the plan's own curve; None if only (ε, δ) bound them.
        marginals: The noisy marginals that leave beside it; none of before 0.6.0.
        relations: What they tell of pairs; None where none leave, and of a table in parts.
        relations_of_parts: The same of each part of a table in parts; none of any other.
    """

    release: JsonMapping
    policy: JsonMapping
    schema: JsonMapping
    steps: Sequence[PlanStep]
    shapes: Sequence[NoisyShape]
    rows: int
    groups: Sequence[PlanStep] = ()
    trends: Trends | None = None
    reach: Reach | None = None
    marginals: Sequence[MeasuredKind] = ()
    relations: NoisyRelations | None = None
    relations_of_parts: Sequence[NoisyRelations] = ()


@dataclass(frozen=True, kw_only=True)
class InternalReport:
    """CONFIDENTIAL: the report for decision-makers, with figures from real rows.

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
        trends: Associations, real beside synthetic where the table was at hand; None if they
            were not computed.
        lifetime: The ε that may be spent on the data set in all; None if no person has set it.
        reach: As in ``ShareableReport``.
    """

    release: JsonMapping
    verdict: JsonMapping
    schema: JsonMapping
    steps: Sequence[PlanStep]
    shapes: Sequence[RealShape]
    rows: int
    audit: JsonMapping
    ledger: Sequence[JsonMapping]
    groups: Sequence[PlanStep] = ()
    trends: Trends | RealTrends | None = None
    lifetime: float | None = None
    reach: Reach | None = None


def guarantee_of(release: JsonMapping) -> ReleasedGuarantee:
    """The guarantee stated in a report's ``release``.

    Raises:
        ValueError: naming the field that is missing or of another kind.
    """
    return ReleasedGuarantee.from_json(release["guarantee"])
