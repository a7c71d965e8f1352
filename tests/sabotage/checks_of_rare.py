"""Check that a rare outcome's first count is paid for and noisy; AssertionError on failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from privgan.errors import IncompleteError
from privgan.measurement.looks import Looks
from privgan.owner.private_table import PrivateTable
from privgan.pipeline import fitting
from privgan.planning.planner import make_plan
from privgan.privacy.budget import PrivacyBudget
from privgan.table.conform import conform
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


def _outcome(job: Any) -> object:
    """The counts, or the words with which the fit is given up."""
    try:
        return [part.counts.tolist() for part in fitting._counted_outcome(job)]
    except IncompleteError as error:
        return str(error)
