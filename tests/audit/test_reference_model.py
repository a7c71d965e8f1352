"""The reference-model attack finds a generator that memorises, and no other one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privgan.audit.attacks.reference_model import (
    Game,
    calibrated,
    most_exposed,
    reference_model_metrics,
)
from privgan.audit.coding import AuditCoder
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.errors import UsageError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.schema import Schema

GAME = Game(runs=8, records=10, rows=150)
CLAIM = Claim(1.0, 1e-5)


def _remembers(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A generator that returns the rows it was fitted on."""
    return rows.sample(frac=1, random_state=seed)


def test_a_generator_that_remembers_is_found(schema, draw_rows):
    frame = draw_rows(300, 1)
    before = frame.copy()
    area, bound = reference_model_metrics(schema, frame, _remembers, CLAIM, GAME)
    assert area.low > area.ceiling
    assert bound.value > CLAIM.epsilon
    assert (area.n, bound.n) == (40, 40)
    pd.testing.assert_frame_equal(frame, before)


def test_a_generator_that_never_saw_the_rows_is_not(schema, draw_rows):
    """The interval holds one half, and the bound is 0 with 95 %; the seed is fixed."""
    area, bound = reference_model_metrics(
        schema, draw_rows(300, 1), lambda rows, seed: draw_rows(300, 100 + seed), CLAIM, GAME
    )
    assert area.low < 0.5 < area.high
    assert bound.value == 0


def test_two_attacks_are_one_whatever_the_order_of_rows(schema, draw_rows):
    frame = draw_rows(200, 1)

    def blurs(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
        return rows.assign(age=rows["age"].mean().round().astype(int))

    first = reference_model_metrics(schema, frame, blurs, CLAIM, GAME)
    second = reference_model_metrics(
        schema, frame.sample(frac=1, random_state=2), blurs, CLAIM, GAME
    )
    assert [metric.to_json() for metric in first] == [metric.to_json() for metric in second]


def test_the_most_exposed_records_stand_apart_and_are_different(schema, draw_rows):
    frame = draw_rows(200, 1)
    odd = frame.iloc[:1].assign(age=90, income=999_999.0, region="west", grade=4, churned=False)
    coder = AuditCoder.from_reference(schema, frame)
    frame = pd.concat([frame, odd, odd], ignore_index=True)
    table = coder.code(frame)
    chosen = most_exposed(coder, table, 30)
    assert len(set(table.keys()[chosen])) == len(chosen) == 30
    apart = (
        coder.code(frame.iloc[[5]]),
        most_exposed(coder, coder.code(pd.concat([frame.iloc[:200], odd])), 200),
    )
    assert len(apart[1]) == 200


def test_calibration_uses_the_first_half_without_the_record_alone():
    scores = np.array([[1.0, 5.0], [3.0, 7.0], [2.0, 9.0], [4.0, 6.0]])
    coins = np.array([[0, 1], [0, 0], [1, 0], [0, 1]], bool)
    found, kept = calibrated(scores, coins)
    spread = (2 / 3) ** 0.5  # 1 and 3 around 2, 7 around itself
    assert found == pytest.approx([0, 2 / spread, 2 / spread, -1 / spread])
    assert kept.tolist() == [True, False, False, True]
    other, _ = calibrated(scores, np.where([[True], [True], [False], [False]], coins, ~coins))
    assert np.array_equal(found, other)


def test_what_cannot_be_played_is_told(schema, draw_rows):
    customers = Schema(
        dataset="d", unit=PrivacyUnit(column="u", max_rows=3), columns=schema.columns
    )
    found = reference_model_metrics(customers, draw_rows(50, 1), _remembers, None, GAME)
    assert all("several rows" in metric.reason for metric in found)
    few = reference_model_metrics(schema, draw_rows(12, 1), _remembers, None, GAME)
    assert all("different records" in metric.reason for metric in few)
    with pytest.raises(UsageError, match="at least 4 runs"):
        Game(runs=2)
