"""Small fits for the audit's reference models.

Like the audited run, charged to nobody, never released. INTERNAL.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from privgan.audit.attacks.reference_model import Fit, Game, reference_model_metrics
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.ledger.ledger import PrivacyLedger
from privgan.metric import Metric
from privgan.pipeline.fitting import fit
from privgan.pipeline.writing import synthesizer_of
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.schema.schema import Schema

_EFFORT = "quick"


def audit_by_reference_fits(
    schema: Schema, frame: pd.DataFrame, budget: PrivacyBudget, game: Game
) -> tuple[Metric, ...]:
    """Attack the most exposed customers through many small fits at a run's (ε, δ).

    Args:
        schema: The public facts, with every measured one filled in.
        frame: Real rows, typed [rows, modelled columns].
        budget: The (ε, δ) that each small fit claims.
        game: How many fits, and on how many rows.
    """
    claim = Claim(budget.epsilon, budget.delta)
    return reference_model_metrics(schema, frame, small_fit(schema, budget), claim, game)


def small_fit(schema: Schema, budget: PrivacyBudget) -> Fit:
    """A function that fits a generator to some rows and samples as many.

    Its ledger is its own and is removed.
    """

    def fitted_sample(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
        plan = make_plan(
            schema, budget, public_rows=len(frame), effort=_EFFORT, canary_probability=0.0
        )
        with tempfile.TemporaryDirectory(prefix="privgan-reference-") as folder:
            ledger = PrivacyLedger.open(str(Path(folder) / "ledger.sqlite"))
            fitted = fit(frame, schema, plan, ledger, seed=seed, progress=Progress(quiet=True))
            return synthesizer_of(fitted).sample(len(frame), seed=seed, balanced=True)

    return fitted_sample
