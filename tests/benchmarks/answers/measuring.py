"""Fit a table as a run does, with the least of free fitting, and keep what was measured."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import pandas as pd

from privgan.answers.knowledge import Knowledge
from privgan.ledger.ledger import PrivacyLedger
from privgan.owner.owners_table import OwnersTable
from privgan.pipeline import fitting
from privgan.planning.plan import EFFORTS, Effort, GeneratorKind
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema

# What is measured does not depend on it, but for what the rounds choose.
_LEAST = Effort(
    entries=100, batch=100, network_steps=20, round_steps=3, final_steps=5, critic_steps=4
)
_DELTA = 1e-6


def measured(frame: pd.DataFrame, schema: Schema, epsilon: float) -> Knowledge:
    """What a fit's noisy marginals tell of a table; every coin is drawn afresh.

    Its whole budget goes to marginals. Where something was not measured, independent codes stand
    in place of a model's rows.
    """
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(EFFORTS, {"least": _LEAST}):
        plan = make_plan(
            schema,
            PrivacyBudget(epsilon=epsilon, delta=_DELTA),
            public_rows=len(frame),
            effort="least",
            kind=GeneratorKind.MIXTURE,
            marginal_share=1.0,
        )
        ledger = PrivacyLedger.open(str(Path(folder) / "ledger.sqlite"))
        fitted = fitting.fit(OwnersTable(frame, schema), plan, ledger, fitting.FitSettings())
    from privgan.pipeline.writing import synthesizer_of

    synthesizer = synthesizer_of(fitted)
    return Knowledge(
        fitted.encoder,
        fitted.kept,
        1 - plan.canary_probability / 2,
        schema.unit.max_rows,
        float(len(frame)),
        lambda: fitted.encoder.encode(synthesizer.sample(20_000)),
    )
