"""List a run's stages in order with their expected time, a function of public sizes.

The seconds are fitted to runs of 1,000 to 30,000 rows and 6 to 40 columns on a reference machine. A
short measurement tells how much slower this machine is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from privgan.planning.model_stage import number_of_rounds
from privgan.planning.plan import Plan, StepKind
from privgan.planning.workload import planned_sizes
from privgan.progress import Progress, Stage
from privgan.schema.columns import Discrete
from privgan.schema.schema import Schema, choose_target


class StageName(StrEnum):
    """A stage's name, in plain words."""

    READ = "reading the table and checking it against its schema"
    PREPARE = "setting the audit's canaries aside and opening the ledger"
    MEASURE = "measuring columns, pairs and triples with noise"
    NETWORK = "fitting the generator to the noisy counts"
    ROUNDS = "choosing and measuring what it fits worst"
    OFFSETS = "fitting the generator closely"
    CRITIC = "training the private critic (DP-SGD)"
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


def audit_teller(progress: Progress) -> Callable[[str, float], None]:
    """Print each of the audit's stages in plain words, as the one before ends."""

    def tell(stage: str, share: float) -> None:
        if share < 1:
            progress.stage(AUDIT_STAGES[stage])

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
        critic_steps: Steps of the critic; 0 where the plan has none.
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
    critic_steps: int
    critic_batch: float

    @classmethod
    def of(cls, plan: Plan, schema: Schema, rows: int | None, made: int | None) -> Size:
        """The sizes of a plan for so many rows.

        ``made`` rows are drawn; None for as many.
        """
        settings, critic = plan.generator, plan.critic
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
        expected = seconds_of(Size.of(plan, schema, rows, made))
        names = [name for name in expected if judged or name in _FIT]
        return [Stage(name, slower * expected[name]) for name in names]

    return stages


_FIT = frozenset(
    {
        StageName.READ,
        StageName.PREPARE,
        StageName.MEASURE,
        StageName.NETWORK,
        StageName.ROUNDS,
        StageName.OFFSETS,
        StageName.CRITIC,
        StageName.SAMPLE,
    }
)
_TRIES, _PRODUCTS = 3, 5
_REFERENCE_SECONDS = 0.026
_USUAL_CODES = 12  # For a column whose categories are not measured yet.


def seconds_of(size: Size) -> dict[str, float]:
    """Expected seconds of each stage on the reference machine, in order.

    Fitted by non-negative least squares to the processor's time of whole runs.
    """
    cells, pairs = size.rows * size.columns, size.columns * (size.columns - 1) / 2
    logits, drawn, predicted = (
        size.entries * size.codes,
        size.made * size.columns,
        size.columns * size.classes,
    )
    found: dict[str, float] = {
        StageName.READ: 0.96 + 0.0007 * cells,
        StageName.PREPARE: 0.35 + 0.003 * size.rows,
        StageName.MEASURE: 0.36 + 0.0004 * size.rows * pairs,
        StageName.NETWORK: size.network * (0.008 + 0.000065 * logits),
        StageName.ROUNDS: 0.05 * size.rounds + size.round_steps * (0.001 + 0.000066 * logits),
        StageName.OFFSETS: size.final * (0.003 + 0.00005 * logits),
        StageName.CRITIC: size.critic_steps * (0.01 + 0.000025 * size.critic_batch),
        StageName.SAMPLE: 0.01 + 0.0026 * drawn,
        StageName.SCAN: 0.07 + 0.0032 * drawn,
    }
    audit = (
        1.5 + 0.04 * predicted,
        0.02 + 0.00005 * size.rows * pairs,
        0.09 + 0.0008 * cells,
        0.08 + 0.0009 * pairs + 0.0014 * cells,
        0.13 + 0.0038 * pairs + 0.0003 * cells,
        0.02 + 0.023 * size.rows + 0.0012 * cells,
        0.3 + 0.03 * predicted + 0.02 * size.rows,
        0.58 + 0.04 * size.rows,
        0.02 + 0.0001 * size.rows,
    )
    told = found | dict(zip(AUDIT_STAGES.values(), audit, strict=True))
    told[StageName.REPORT] = 0.36 + 0.0044 * cells + 0.0018 * pairs
    return {name: seconds for name, seconds in told.items() if seconds > 0}


def slowness() -> float:
    """How many times slower this machine is than the reference machine.

    It measures sorting, counting and matrix products, of which a run consists. Where more processes
    than processors want to run, a run gets its share of them only.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rng = np.random.default_rng(0)
    numbers, matrix = rng.random(200_000), rng.random((300, 300))
    taken = []
    with threadpool_limits(1):
        for _ in range(_TRIES):
            begun = time.perf_counter()
            np.bincount((np.sort(numbers) * 1_000).astype(np.int64))
            for _ in range(_PRODUCTS):
                matrix @ matrix
            taken.append(time.perf_counter() - begun)
    busy = max(1.0, (os.getloadavg()[0] + 1) / (os.cpu_count() or 1))
    return busy * min(taken) / _REFERENCE_SECONDS
