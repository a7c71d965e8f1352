"""Hold the inputs and the result of a fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from privgan.domain.encoding import Encoder
from privgan.errors import InternalError
from privgan.generator.autoregressive import Autoregressive
from privgan.generator.chain import Chain
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.mixture import GeneratorModel
from privgan.generator.networks import Critic
from privgan.generator.private_phase import PrivatePhase
from privgan.ledger.ledger import RunLedger
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import Measurements
from privgan.measurement.noisy_counts import NoisyCounts
from privgan.owner.private_table import PrivateTable
from privgan.parts.part import step_of
from privgan.pipeline.canaries import Canaries
from privgan.planning.plan import Plan
from privgan.privacy import accountant
from privgan.privacy.budget import condition_text
from privgan.privacy.events import Composed, DpEvent
from privgan.privacy.randomness import SecretStream
from privgan.privacy.receipts import Receipt
from privgan.progress import Progress
from privgan.schema.columns import Source
from privgan.schema.schema import Schema

Keep = Callable[["Refining", bool], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """The result of a fit.

    Attributes:
        plan: The plan as it ran, with stage 2.
        schema: The schema, with every measured fact filled in.
        encoder: Rows to codes.
        measurements: Noisy marginals.
        model: The generator and its codebook; None where the parts have one each.
        run: The run's identity in the ledger.
        secret: Whether the coins were secret; if not, ε is infinite.
        canaries: INTERNAL.
        critic: INTERNAL: the critic, where the plan has one; a GAN's is a likelihood.
        network: The autoregressive network that gives the final distribution; None where that is
            the generator's mixture.
        parts: By name the result for each part of a table with histories; empty for any other.
        kept: The noisy counts that were paid for, as the mechanisms gave them out; of a table in
            parts each part has its own.
    """

    plan: Plan
    schema: Schema
    encoder: Encoder
    measurements: Measurements
    model: GeneratorModel | None
    run: str
    secret: bool
    canaries: Canaries
    critic: Critic | Autoregressive | None = None
    network: Autoregressive | None = None
    parts: Mapping[str, Fitted] = field(default_factory=dict)
    kept: tuple[NoisyCounts, ...] = ()

    @property
    def generator(self) -> GeneratorModel:
        """The generator; InternalError of a table in parts."""
        if self.model is None:
            raise InternalError("a table in parts has a generator for each of them")
        return self.model


@dataclass(frozen=True, kw_only=True, eq=False)
class Refining:
    """The state of a fit while DP-SGD trains, from which a checkpoint is made.

    Attributes:
        fitted: All that was measured and fitted so far.
        phase: What is trained, with its optimisers.
        ledger: Charges the run's steps.
    """

    fitted: Fitted
    phase: PrivatePhase
    ledger: RunLedger


@dataclass(frozen=True, kw_only=True, eq=False)
class FitSettings:
    """Settings of a fit; none of them changes what is charged.

    Attributes:
        seed: Moves initial weights and fake rows, nothing that the guarantee rests on.
        progress: Tells the owner.
        coins: Secret coins; by default a fresh stream from the operating system.
        on_canaries: Called with the canaries and the run's identity before the first look, to keep
            them safe inside.
        keep: Writes a checkpoint of DP-SGD; told whether no step will follow it.
        trainer: Makes the private trainer; another one than the usual only in the audit's test
            runs.
        attempts: Evaluations that the policy allows on the data set; None where no policy is at
            hand.
    """

    seed: int = 0
    progress: Progress = field(default_factory=lambda: Progress(quiet=True))
    coins: SecretStream = field(default_factory=lambda: SecretStream())
    on_canaries: Callable[[Canaries, str], None] | None = None
    keep: Keep | None = None
    trainer: Callable[..., PrivateTrainer] = PrivateTrainer
    attempts: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """The inputs of every stage of one fit, or of that of one part.

    Attributes:
        table: The rows, or the part's view of them.
        schema: Their schema.
        plan: Their plan.
        run: Charges the run's steps.
        settings: How the plan is run.
        part: The part's name; empty for the table itself.
        chain: The order in which a network draws its columns; None for the table's.
        kept: The noisy counts that histograms gave out so far, in order.
    """

    table: PrivateTable
    schema: Schema
    plan: Plan
    run: RunLedger
    settings: FitSettings
    part: str = ""
    chain: Chain | None = None
    kept: list[NoisyCounts] = field(default_factory=list)

    @property
    def coins(self) -> SecretStream:
        """The run's secret coins."""
        return self.settings.coins

    @property
    def progress(self) -> Progress:
        """The progress display."""
        return self.settings.progress

    @property
    def looks(self) -> Looks:
        """The table with its charger and the coins."""
        return Looks(table=self.table, ledger=self, coins=self.coins, kept=self.kept)

    def charge(self, step: str, event: DpEvent) -> Receipt:
        """Charge a step, a part's by its name among those of all parts."""
        receipt = self.run.charge(step_of(self.part, step) if self.part else step, event)
        self.tell_spent()
        return receipt

    def tell_spent(self) -> None:
        """Update the progress bar's ε."""
        charged, delta = Composed(list(self.run.charged.values())), self.plan.budget.delta
        epsilon = min(self.plan.budget.epsilon, accountant.epsilon_by_rdp(charged, delta))
        self.progress.spent(
            epsilon, delta, condition_text(len(self.schema.facts_from(Source.ASSUMED_PUBLIC)))
        )


def fitted_of(
    job: Job,
    encoder: Encoder,
    measurements: Measurements,
    model: GeneratorModel | None,
    canaries: Canaries,
) -> Fitted:
    """The result of a fit before DP-SGD."""
    return Fitted(
        plan=job.plan,
        schema=job.schema,
        encoder=encoder,
        measurements=measurements,
        model=model,
        run=job.run.identity,
        secret=job.coins.secret,
        canaries=canaries,
        kept=tuple(job.kept),
    )
