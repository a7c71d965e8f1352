"""List a run's stages in order with their expected time, a function of public sizes.

The seconds are fitted to runs of 600 to 30,000 rows and 5 to 40 columns on a reference machine. A
short measurement tells how much slower this machine is.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from privgan.audit.attacks.inference import FIT_ROWS, SECRETS
from privgan.audit.fidelity.quality import MOST_COLUMNS, MOST_ROWS
from privgan.audit.related.measures import MOST_CUSTOMERS
from privgan.parts.forms import parts_of
from privgan.planning.dpsgd_settings import CriticSettings, RatioCriticSettings
from privgan.planning.model_stage import number_of_rounds
from privgan.planning.plan import Plan, StepKind
from privgan.planning.workload import planned_sizes
from privgan.progress import Progress, Stage
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema, choose_target
from privgan.schema.tasks import TaskKind


class StageName(StrEnum):
    """A stage's name, in plain words."""

    READ = "reading the table and checking it against its schema"
    PREPARE = "setting the audit's canaries aside and opening the ledger"
    MEASURE = "measuring columns, pairs and triples with noise"
    NETWORK = "fitting the generator to the noisy counts"
    ROUNDS = "choosing and measuring what it fits worst"
    OFFSETS = "fitting the generator closely"
    DISTIL = "fitting the network to the generator's rows"
    NETWORK_STEPS = "training the network on customers (DP-SGD)"
    RAKING = "bringing the network back to the noisy counts"
    CRITIC = "training the private critic (DP-SGD)"
    GENERATOR = "training the generator against the critic"
    SAMPLE = "drawing the synthetic rows"
    SCAN = "searching all files for real values"
    REPORT = "judging by the policy and writing the reports"


# The audit's own stages, by the names that it reports.
AUDIT_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "utility": "audit: models trained on synthetic rows",
        "marginals": "audit: counts of one, two and three columns",
        "two-sample classifier": "audit: telling synthetic rows from real ones",
        "fidelity": "audit: shapes and associations of columns",
        "quality report": "audit: SDMetrics quality report",
        "copies": "audit: copies of real rows",
        "singling out, linkability, inference": "audit: singling out, linkability, inference",
        "membership": "audit: membership inference",
        "white-box membership": "audit: membership inference with the model at hand",
    }
)

# Stages of schemas with a history, or with several tables, by the audit's name.
HISTORY_STAGE = "audit: whole customers and their histories"
RELATED_STAGE = "audit: further tables and whole customers"
TASK_STAGE = "audit: what the schema's tasks want the table for"
_MORE_STAGES = MappingProxyType(
    {"histories": HISTORY_STAGE, "related tables": RELATED_STAGE, "tasks": TASK_STAGE}
)


def audit_teller(progress: Progress) -> Callable[[str, float], None]:
    """Print each of the audit's stages in plain words, as the one before ends."""

    def tell(stage: str, share: float) -> None:
        if share < 1:
            progress.stage((AUDIT_STAGES | _MORE_STAGES)[stage])

    return tell


@dataclass(frozen=True, kw_only=True)
class Size:
    """The sizes that a run's time grows with.

    Attributes:
        rows: Planned rows, in thousands; 0 where they are not known yet.
        made: Rows to make, in thousands.
        columns: Modelled columns.
        codes: Planned codes of all columns.
        classes: Classes of the target, 1 where it is a number.
        entries: Entries of the codebook, in thousands.
        network: Fitting steps of the network.
        rounds: Rounds of choice.
        round_steps: Fitting steps after some of them.
        final: Fitting steps of the offsets at the end.
        distil_steps: Free steps of what learns a likelihood; 0 where the plan has none.
        likelihood_steps: Private steps of the network.
        ratio_steps: Private steps of a GAN's critic.
        likelihood_batch: The expected batch of either.
        raking_rounds: The network's rounds back to the noisy marginals.
        generator_steps: Steps of a GAN's generator against its critic.
        generator_rows: Its fake rows a step, in thousands.
        critic_steps: Steps of the mixture's critic; 0 where the plan has none.
        critic_batch: Its expected batch.
    """

    rows: float
    made: float
    columns: int
    codes: int
    classes: int
    entries: float
    network: int
    rounds: int
    round_steps: float
    final: int
    distil_steps: int
    likelihood_steps: int
    ratio_steps: int
    likelihood_batch: float
    raking_rounds: int
    generator_steps: int
    generator_rows: float
    critic_steps: int
    critic_batch: float

    @classmethod
    def of(cls, plan: Plan, schema: Schema, rows: int | None, made: int | None) -> Size:
        """The sizes of a plan for so many rows.

        ``made`` rows are drawn; None for as many.
        """
        settings, network = plan.generator, plan.network
        critic = plan.critic if isinstance(plan.critic, CriticSettings) else None
        ratio = plan.critic if isinstance(plan.critic, RatioCriticSettings) else None
        likely = network or ratio
        columns = schema.modelled
        rounds = len(plan.of_kind(StepKind.SELECTION)) or number_of_rounds(len(columns))
        codes = (
            _USUAL_CODES * len(columns)
            if schema.open_columns
            else sum(planned_sizes(columns, plan.marginals))
        )
        return cls(
            rows=(rows or 0) / 1e3,
            made=(made or rows or 0) / 1e3,
            columns=len(columns),
            codes=codes,
            classes=_classes(schema),
            entries=settings.entries / 1e3,
            network=settings.network_steps,
            rounds=rounds,
            round_steps=settings.round_steps
            * (1 + rounds / max(1, plan.marginals.choices_per_fit)),
            final=settings.final_steps,
            distil_steps=likely.distil_steps if likely else 0,
            likelihood_steps=network.steps if network else 0,
            ratio_steps=ratio.steps if ratio else 0,
            likelihood_batch=likely.expected_batch_size if likely else 0.0,
            raking_rounds=network.raking_rounds if network else 0,
            generator_steps=ratio.generator_steps if ratio else 0,
            generator_rows=ratio.generator_rows / 1e3 if ratio else 0.0,
            critic_steps=critic.steps if critic else 0,
            critic_batch=critic.expected_batch_size if critic else 0.0,
        )


def _classes(schema: Schema) -> int:
    name = schema.target or choose_target(schema.modelled)
    target = next((column for column in schema.modelled if column.name == name), None)
    return len(target.categories) if isinstance(target, Discrete) else 1


def stages_of(
    plan: Plan, schema: Schema, *, made: int | None = None, judged: bool = True
) -> Callable[[int | None], Sequence[Stage]]:
    """All stages of a run with their expected seconds, for any row count.

    Args:
        plan: The plan.
        schema: The schema.
        made: Rows to make; None for as many as the table has.
        judged: Whether the candidate is audited, judged and reported.
    """
    slower = slowness()

    def stages(rows: int | None) -> Sequence[Stage]:
        expected = _expected(plan, schema, rows, made)
        if schema.tasks:
            expected = _before_report(expected, TASK_STAGE, _task_seconds(schema, rows))
        if schema.history is not None:
            seconds = 1.5 + 0.00002 * (rows or 0)
            expected = _before_report(expected, HISTORY_STAGE, seconds)
        if schema.tables:
            customers = min(rows or 0, MOST_CUSTOMERS)
            expected = _before_report(expected, RELATED_STAGE, 3.0 + 0.0003 * customers)
        names = [name for name in expected if judged or name in _FIT]
        return [Stage(name, slower * expected[name]) for name in names]

    return stages


def _before_report(expected: dict[str, float], stage: str, seconds: float) -> dict[str, float]:
    """The stages with one of the audit's, which is the last before the report."""
    report = expected.pop(StageName.REPORT)
    return expected | {stage: seconds, StageName.REPORT: report}


# Seconds of a task's audit: alone, and for a million cells of the rows that are fitted.
_TASK_SECONDS = {
    TaskKind.RESPONSE: (5.0, 12.0),
    TaskKind.SCORECARD: (1.0, 12.0),
    TaskKind.UPLIFT: (4.0, 4.0),
    TaskKind.SEGMENTS: (0.5, 6.0),
    TaskKind.REGRESSION: (0.3, 4.0),
    TaskKind.RECOMMENDATION: (1.0, 6.0),
    TaskKind.FORECAST: (0.3, 0.5),
}


def _task_seconds(schema: Schema, rows: int | None) -> float:
    """Expected seconds of the audit of all tasks."""
    cells = min(rows or 0, FIT_ROWS) * len(schema.modelled) / 1e6
    each = (_TASK_SECONDS[task.kind] for task in schema.tasks)
    return sum(alone + by_cell * cells for alone, by_cell in each)


def _expected(plan: Plan, schema: Schema, rows: int | None, made: int | None) -> dict[str, float]:
    """Expected seconds of each stage; what each part of histories has is added up."""
    whole = seconds_of(Size.of(plan, schema, rows, made))
    if schema.open_columns or schema.history is None:
        return whole
    sizes = [Size.of(plan, part.schema, rows, made) for part in parts_of(schema)]
    parts = [seconds_of(size) for size in sizes]
    sums: dict[str, float] = {
        name: sum(found.get(name, 0.0) for found in parts) for name in _OF_PARTS
    }
    return {name: sums.get(name, seconds) for name, seconds in whole.items()}


_OF_PARTS = frozenset(
    {
        StageName.MEASURE,
        StageName.NETWORK,
        StageName.ROUNDS,
        StageName.OFFSETS,
        StageName.SAMPLE,
    }
)
_FIT = frozenset(
    {
        StageName.READ,
        StageName.PREPARE,
        StageName.MEASURE,
        StageName.NETWORK,
        StageName.ROUNDS,
        StageName.OFFSETS,
        StageName.DISTIL,
        StageName.NETWORK_STEPS,
        StageName.RAKING,
        StageName.CRITIC,
        StageName.GENERATOR,
        StageName.SAMPLE,
    }
)
_TRIES, _TWO = 9, 2
_USUAL_CODES = 12  # For a column whose categories are not measured yet.


def seconds_of(size: Size) -> dict[str, float]:
    """Expected seconds of each stage on the reference machine, in order.

    Fitted by non-negative least squares to the processor's time of whole runs.
    """
    rows, columns, codes = size.rows, size.columns, size.codes
    cells, pairs, logits = rows * columns, _pairs(columns), size.entries * codes
    joint = pairs * (codes / columns) ** 2  # Cells of all tables of two columns.
    drawn = size.made * columns
    private = 6.5e-8 * size.likelihood_batch * codes  # One step on a likelihood.
    fakes = 0.0125 * size.entries + 0.000046 * logits  # A thousand of one generator step.
    found: dict[str, float] = {
        StageName.READ: 1.0 + 0.0007 * cells,
        StageName.PREPARE: 0.53 + 0.0037 * rows,
        StageName.MEASURE: 0.09 + 0.000014 * joint + 0.0018 * math.sqrt(rows * joint),
        StageName.NETWORK: size.network * (0.0048 + 0.000073 * logits),
        StageName.ROUNDS: 0.025 * size.rounds + size.round_steps * (0.0012 + 0.000055 * logits),
        StageName.OFFSETS: size.final * (0.0016 + 0.000053 * logits),
        StageName.DISTIL: size.distil_steps * 0.000046 * codes,
        StageName.NETWORK_STEPS: size.likelihood_steps * private,
        StageName.RAKING: size.raking_rounds * 0.032 * codes,
        StageName.CRITIC: size.critic_steps * (0.003 + 0.000019 * size.critic_batch)
        + size.ratio_steps * private,
        StageName.GENERATOR: size.generator_steps
        * (0.003 + 0.000074 * logits + size.generator_rows * fakes),
        StageName.SAMPLE: 0.05 + 0.00003 * drawn * codes,
        StageName.SCAN: 0.12 + 0.006 * drawn + 0.00026 * pairs,
    }
    # Boosting grows a tree for each class; of two classes and of numbers one.
    trees = size.classes if size.classes > _TWO else 1
    # These stages look at a sample of rows and columns.
    guessed = columns * min(columns, SECRETS) * min(rows, FIT_ROWS / 1e3)
    compared, seen = min(columns, MOST_COLUMNS), min(rows, MOST_ROWS / 1e3)
    audit = (
        0.32 + trees * (0.14 + 0.0061 * cells),
        0.009 + 0.00038 * cells + 0.00012 * pairs,
        0.03 + 0.0069 * rows + 0.0023 * math.sqrt(rows) * columns,
        0.04 + 0.0017 * cells + 0.0045 * columns,
        0.11 + 0.0026 * _pairs(compared) + 0.0035 * seen * compared,
        0.001 + 0.0009 * rows**2 + 0.001 * cells,
        0.1 + 0.0025 * guessed + 0.0074 * cells,
        0.4 + 0.0026 * cells + 0.011 * columns,
        0.01 + 0.000014 * cells,
    )
    told = found | dict(zip(AUDIT_STAGES.values(), audit, strict=True))
    told[StageName.REPORT] = 0.86 + 0.0041 * cells + 0.0009 * pairs
    return {name: seconds for name, seconds in told.items() if seconds > 0}


def _pairs(columns: int) -> float:
    return columns * (columns - 1) / 2


def slowness() -> float:
    """How many times slower this machine is than the reference machine.

    It is the mean of three kinds of work of which a run consists: Python, arrays in memory and
    matrix products. No single kind will do: newer processors gain far more in one than in another.
    Where more processes than processors want to run, a run gets its share of them only.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        found = [_least_seconds(work) / seconds for work, seconds in _works().items()]
    busy = max(1.0, (os.getloadavg()[0] + 1) / (os.cpu_count() or 1))
    return busy * sum(found) / len(found)


def _works() -> Mapping[Callable[[], object], float]:
    """Kinds of work, with their seconds on the reference machine."""
    rng = np.random.default_rng(0)
    words = [str(number % 97) for number in range(20_000)]
    places, keys = rng.permutation(10_000), rng.integers(0, 1_000, 10_000)
    matrix = rng.random((300, 300), dtype=np.float32)
    return {
        lambda: [len(word) for word in sorted(words)]: 0.00084,
        lambda: [np.bincount(keys[places], np.exp(-0.01 * keys)) for _ in range(10)]: 0.00027,
        lambda: matrix @ matrix: 0.00042,
    }


def _least_seconds(work: Callable[[], object]) -> float:
    """The shortest of several tries, which nothing else interrupted."""
    taken = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)
