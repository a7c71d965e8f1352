"""Train a TEST run with white-box canaries to check this machine's DP-SGD against its claim.

It has a ledger of its own in a folder that is removed, so nobody's budget is charged. No candidate
is written, so nothing can be released. What it prints is INTERNAL.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.lower_bounds.twin import GradientAttack, TwinReport, judge_game
from privgan.errors import InternalError, UsageError
from privgan.generator.dpsgd import PrivateTrainer
from privgan.generator.probes import ProbedTrainer
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import OwnersTable
from privgan.pipeline.fitting import fit
from privgan.pipeline.job import FitSettings
from privgan.planning import plan as planning
from privgan.planning.dpsgd_settings import DpSgdSettings
from privgan.planning.planner import PlanOptions, make_plan
from privgan.privacy import accountant
from privgan.privacy.budget import PrivacyBudget, PrivacyUnit
from privgan.privacy.randomness import SecretStream
from privgan.progress import Progress
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.schema import Schema, check_one_table
from privgan.table.conform import conform

CANARIES = 4_000
ROWS = 2_000
_EFFORT = "quick"
_MARGINAL_SHARE = 0.05
# What a test run trains, and the kind of generator that has it.
TRAINED = {
    "network": planning.GeneratorKind.NETWORK,
    "critic": planning.GeneratorKind.MIXTURE,
    "gan": planning.GeneratorKind.GAN,
}
_REGIONS = ("north", "south", "west")


def run_twin(
    budget: PrivacyBudget,
    progress: Progress,
    *,
    trained: str = "network",
    table: OwnersTable | None = None,
    canaries: int = CANARIES,
    coins: SecretStream | None = None,
) -> TwinReport:
    """Train once with canaries included by fair coins, and test the claim on the noisy gradients.

    Nearly the whole budget goes to DP-SGD, which is tested.

    Args:
        budget: The test run's (ε, δ).
        progress: Tells the owner.
        trained: What DP-SGD trains: the ``network``, the mixture's ``critic``, or that of the
            ``gan``.
        table: A conforming table; None for a simulated one.
        canaries: How many gradients are planted.
        coins: Secret coins; None for a fresh stream from the operating system.

    Raises:
        UsageError: The table is too small for DP-SGD, or something else is to be trained.
    """
    if trained not in TRAINED:
        raise UsageError(f"the test run trains {trained!r}; allowed: {', '.join(TRAINED)}")
    coins, table = coins or SecretStream(), table or simulated()
    check_one_table(table.schema, "the test run")
    plan = make_plan(
        table.schema,
        budget,
        public_rows=table.row_count(),
        effort=_EFFORT,
        kind=TRAINED[trained],
        marginal_share=_MARGINAL_SHARE,
        options=PlanOptions(canary_probability=0.0),
    )
    inside = coins.bernoulli(0.5, canaries)
    played: list[tuple[GradientAttack, DpSgdSettings]] = []
    with tempfile.TemporaryDirectory(prefix="privgan-twin-") as folder:
        ledger = PrivacyLedger.open(str(Path(folder) / "ledger.sqlite"))
        trainer = partial(_probed, inside, played)
        fit(table, plan, ledger, FitSettings(progress=progress, coins=coins, trainer=trainer))
    if not played:
        raise UsageError(
            "the plan has no DP-SGD to test; give a table with more rows or a larger epsilon"
        )
    game, settings = played[0]
    if game.steps != settings.steps:
        raise InternalError(
            f"{game.steps} noisy steps were seen of {settings.steps} that were planned"
        )
    claim = Claim(accountant.spent([settings.event], budget.delta).epsilon, budget.delta)
    return judge_game(game.scores, inside, claim, game.steps)


def _probed(
    inside: np.ndarray,
    played: list[tuple[GradientAttack, DpSgdSettings]],
    network: Any,
    settings: DpSgdSettings,
    *rest: Any,
) -> PrivateTrainer:
    """The trainer of a test run, and the game that observes it."""
    game = GradientAttack(
        len(inside), sample_rate=settings.sample_rate, noise_multiplier=settings.noise_multiplier
    )
    played.append((game, settings))
    return ProbedTrainer(network, settings, *rest, inside=inside, observe=game.see)


def simulated() -> OwnersTable:
    """A small simulated table of customers; always the same."""
    rng = np.random.default_rng(0)
    age = rng.normal(45, 14, ROWS).clip(18, 90).round()
    left = rng.random(ROWS) < 1 / (1 + np.exp((age - 45) / 8))
    frame = pd.DataFrame(
        {"age": age, "region": rng.choice(_REGIONS, ROWS, p=[0.5, 0.3, 0.2]), "left": left}
    )
    columns = (
        Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=90),
        Discrete(name="region", kind=Kind.CATEGORICAL, categories=_REGIONS),
        Discrete(name="left", kind=Kind.BOOLEAN, categories=("False", "True")),
    )
    schema = Schema(dataset="twin", unit=PrivacyUnit(), columns=columns)
    return OwnersTable(conform(frame, schema), schema)
