"""Fit small synthesizers for the audit's reference models. INTERNAL.

They are like the audited run, charged to nobody, and never released.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from privgan.audit.attacks.reference_model import Fit, Game, reference_model_metrics
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.ledger.ledger import PrivacyLedger
from privgan.metric import Metric
from privgan.owner.owners_table import OwnersTable, RealRows
from privgan.pipeline.fitting import fit
from privgan.pipeline.job import FitSettings
from privgan.pipeline.writing import synthesizer_of
from privgan.planning.planner import PlanOptions, make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema

_EFFORT = "quick"


def audit_by_reference_fits(
    rows: RealRows, budget: PrivacyBudget, game: Game
) -> tuple[Metric, ...]:
    """Attack the most exposed customers through many small fits at a run's (ε, δ).

    Args:
        rows: Real rows that conform to a schema with every measured fact filled in.
        budget: The (ε, δ) that each small fit claims.
        game: How many fits, and on how many rows.
    """
    claim = Claim(budget.epsilon, budget.delta)
    return reference_model_metrics(
        rows.schema, rows.kept_in_frame, small_fit(rows.schema, budget), claim, game
    )


def small_fit(schema: Schema, budget: PrivacyBudget) -> Fit:
    """A function that fits a generator to some rows and samples as many.

    Its ledger is its own and is removed.
    """

    def fitted_sample(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
        table = OwnersTable(frame, schema)
        options = PlanOptions(canary_probability=0.0)
        plan = make_plan(schema, budget, public_rows=len(frame), effort=_EFFORT, options=options)
        with tempfile.TemporaryDirectory(prefix="privgan-reference-") as folder:
            ledger = PrivacyLedger.open(str(Path(folder) / "ledger.sqlite"))
            fitted = fit(table, plan, ledger, FitSettings(seed=seed))
            return synthesizer_of(fitted).sample(len(frame), seed=seed, balanced=True)

    return fitted_sample
