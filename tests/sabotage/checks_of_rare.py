"""Check that looks at a rare outcome are paid for and noisy; AssertionError on failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from privgan.errors import IncompleteError
from privgan.measurement import outcome_look
from privgan.measurement.looks import Looks
from privgan.measurement.measure import measure_encoder
from privgan.owner.private_table import PrivateTable
from privgan.pipeline import fitting
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.table.conform import conform
from tests.rare.cards import SCHEMA as CARDS
from tests.rare.cards import draw as cards
from tests.rare.fraud import UNKNOWN, draw
from tests.sabotage.world import Charges, Deaf

_ROWS = 1_000


def a_rare_outcomes_first_count_is_charged_and_noisy_alone() -> None:
    """Two tables, coins that hide all outcomes: the same count, and the same giving up."""
    plan = make_plan(UNKNOWN, PrivacyBudget(epsilon=3.0), public_rows=_ROWS)
    found = []
    for positives in (3, 300):
        charges, rows = Charges(), conform(draw(_ROWS, positives, 0), UNKNOWN)
        table = PrivateTable("many", UNKNOWN.unit, rows)
        looks = Looks(table=table, ledger=charges, coins=Deaf(1))
        found.append(_outcome(SimpleNamespace(looks=looks, schema=UNKNOWN, plan=plan)))
        assert charges.steps == ["marginal:fraud"], f"{charges.steps} are charged for the count"
    assert found[0] == found[1], "the count of positives comes past its mechanism"


def codes_follow_a_rare_outcome_by_noisy_counts_alone() -> None:
    """The same rows with other outcomes, and coins that hide all counts: the same codes."""
    plan = make_plan(CARDS, PrivacyBudget(epsilon=3.0), public_rows=_ROWS)
    rows, found = cards(_ROWS, 0), []
    for bad in ("balance", "income"):
        most = rows[bad].rank(ascending=False) <= 40
        charges = Charges()
        frame = conform(rows.assign(bad=np.where(most, "yes", "no")), CARDS)
        table = PrivateTable("many", CARDS.unit, frame)
        looks = Looks(table=table, ledger=charges, coins=Deaf(1))
        encoder = measure_encoder(looks, CARDS, plan)
        charges.steps.clear()
        encoder = outcome_look.split_by_outcome(looks, encoder, plan, (3, 1), 40.0)
        assert charges.steps == ["outcome:balance", "outcome:income"], (
            f"{charges.steps} are charged for the looks by the outcome"
        )
        kept = [part.figures.tolist() for part in looks.kept]
        found.append(([column.code_of.tolist() for column in encoder.columns], kept))
    assert found[0] == found[1], "the codes follow the outcome past its mechanism"


def _outcome(job: Any) -> object:
    """The counts, or the words with which the fit is given up."""
    try:
        return [part.counts.tolist() for part in fitting._counted_outcome(job)]
    except IncompleteError as error:
        return str(error)
