"""A plan's looks at codes by a rare outcome: paid for, kept whole, and followed by the codes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from privgan.domain.encoding import Encoder
from privgan.measurement.looks import Looks
from privgan.measurement.marginals import exact_counts
from privgan.measurement.measure import measure_encoder
from privgan.measurement.noisy_counts import Counted, NoisyCounts
from privgan.measurement.outcome_look import split_by_outcome
from privgan.owner.private_table import PrivateTable
from privgan.planning.plan import Plan, StepKind
from privgan.planning.planner import make_plan
from privgan.planning.rare_outcome import SHARE_OF_LOOK
from privgan.privacy.budget import PrivacyBudget
from privgan.table.conform import conform
from tests.coins import RepeatableStream
from tests.rare.cards import SCHEMA, draw
from tests.sabotage.world import Charges

ROWS = 8_000
PLACE, BALANCE = 3, 1


def _plan(epsilon: float = 3.0) -> Plan:
    return make_plan(SCHEMA, PrivacyBudget(epsilon=epsilon), public_rows=ROWS)


class _Still(RepeatableStream):
    """Coins whose noise is 0."""

    def discrete_gaussian(self, counts: np.ndarray, standard_deviation: float) -> np.ndarray:
        return np.asarray(counts)


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """The codes before and after the looks, what was charged and kept, and the rows."""

    before: Encoder
    after: Encoder
    charges: Charges
    kept: list[NoisyCounts]
    rows: pd.DataFrame

    @property
    def codes(self) -> np.ndarray:
        return self.after.encode(self.rows)


@pytest.fixture(scope="module")
def looked() -> _Looked:
    """Looks whose noise is 0."""
    plan, rows, charges = _plan(), conform(draw(ROWS, 1), SCHEMA), Charges()
    table = PrivateTable("many", SCHEMA.unit, rows)
    looks = Looks(table=table, ledger=charges, coins=_Still(1))
    before = measure_encoder(looks, SCHEMA, plan)
    after = split_by_outcome(looks, before, plan, (PLACE, 1), 250.0)
    return _Looked(before=before, after=after, charges=charges, kept=looks.kept, rows=rows)


def test_looks_are_planned_for_merged_columns_with_an_order_at_the_same_cost() -> None:
    plan = _plan()
    looks = plan.of_kind(StepKind.OUTCOME_HISTOGRAM)
    assert [step.name for step in looks] == ["outcome:balance", "outcome:income"]
    fine = plan.of_kind(StepKind.CELL_HISTOGRAM)
    paid = [sum(step.noise**-2 for step in steps) for steps in (looks, fine)]
    assert paid[0] / sum(paid) == pytest.approx(SHARE_OF_LOOK, rel=1e-4)
    assert plan.cost is not None
    assert 0.97 * 3 < plan.cost.epsilon <= 3
    plain = replace(SCHEMA, rare=None)
    made = make_plan(plain, PrivacyBudget(epsilon=3.0), public_rows=ROWS)
    assert not made.of_kind(StepKind.OUTCOME_HISTOGRAM)


def test_each_look_is_charged_once(looked: _Looked) -> None:
    paid = [name for name in looked.charges.steps if name.startswith("outcome:")]
    assert paid == ["outcome:balance", "outcome:income"]


def test_the_counts_are_kept_as_groups_of_the_finer_codes(looked: _Looked) -> None:
    (kept, _) = (part for part in looked.kept if part.counted is Counted.GROUPS)
    assert kept.columns == ("balance", "bad")
    assert kept.groups is not None
    assert kept.sizes(looked.after) == (looked.before.sizes[BALANCE], 2)
    exact = exact_counts(looked.codes, (BALANCE, PLACE), looked.after.sizes).reshape(-1, 2)
    grouped = [np.bincount(kept.groups[0], exact[:, value]) for value in (0, 1)]
    assert np.array_equal(kept.figures.reshape(-1, 2), np.stack(grouped, axis=1))


def test_codes_are_cut_where_the_noisy_positives_lie(looked: _Looked) -> None:
    """The last twentieth of balances holds most of them."""
    added = np.array(looked.after.sizes) - looked.before.sizes
    assert 3 <= added[BALANCE] <= 10
    assert not added[[0, 3]].any()
    balance, bad = looked.codes[:, BALANCE], looked.rows["bad"] == "yes"
    top = balance >= looked.before.sizes[BALANCE] - 1
    shares = bad[top].groupby(balance[top]).mean()
    assert shares.iloc[-1] > 2 * shares.iloc[0], "the pieces tell apart what one code could not"
