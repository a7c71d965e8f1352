"""Numbers are exchanged until owners' means are as asked; what single rows hold stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.audit.histories.statistics import intraclass_correlation
from privgan.generator.exchanges import Exchange, exchanged
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Kind, Numeric
from privgan.schema.constraints import AtMost
from privgan.schema.schema import Schema

AMOUNT = Numeric(name="amount", kind=Kind.FLOAT, lower=0, upper=10_000, decimals=2)
TAX = Numeric(name="tax", kind=Kind.FLOAT, lower=0, upper=10_000, decimals=2)
CHANNEL = Discrete(name="channel", kind=Kind.CATEGORICAL, categories=("web", "shop"))
SCHEMA = Schema(dataset="d", unit=PrivacyUnit(), columns=(AMOUNT, TAX, CHANNEL))
NUMBERS = ["amount", "tax"]


def _exchange(schema: Schema = SCHEMA, *, dealt: bool = True) -> Exchange:
    return Exchange(
        means=((AMOUNT, "asked"),),
        alike=("channel",),
        carried=("tax",),
        schema=schema,
        dealt=dealt,
    )


def _drawn(owners: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Rows that know nothing of their owners, and the means that owners ask."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(owners), rng.geometric(0.25, owners))
    amount = np.exp(rng.normal(3, 1, len(owner))).clip(0, 9_000).round(2)
    frame = pd.DataFrame(
        {
            "amount": amount,
            "tax": (amount / 5).round(2),
            "channel": rng.choice(["web", "shop"], len(owner)),
        }
    )
    asked = np.exp(rng.normal(3.2, 0.8, owners)).round(2)
    return frame, owner, pd.DataFrame({"asked": asked})


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 30), st.integers(0, 99), st.booleans())
def test_rows_change_owners_and_nothing_else(owners: int, seed: int, dealt: bool) -> None:
    frame, owner, asked = _drawn(owners, seed)
    found = exchanged(frame, owner, _exchange(dealt=dealt), asked, np.random.default_rng(seed))
    assert found["channel"].equals(frame["channel"])
    for channel in CHANNEL.categories:
        rows = frame["channel"] == channel
        before, after = (
            part.loc[rows, NUMBERS].sort_values(NUMBERS).to_numpy() for part in (frame, found)
        )
        assert np.array_equal(before, after)


def test_means_come_near_to_what_is_asked_for_owners_of_many_rows_and_of_one() -> None:
    frame, owner, asked = _drawn(1_500, 0)
    found = exchanged(frame, owner, _exchange(), asked, np.random.default_rng(0))
    number = np.bincount(owner)

    def away(rows: pd.DataFrame, few: np.ndarray) -> float:
        means = np.bincount(owner, weights=rows["amount"]) / number
        return float(np.abs(np.log(means / asked["asked"]))[few].mean())

    for few in (number == 1, (number > 1) & (number < 6), number > 10):
        assert away(found, few) < 0.5 * away(frame, few)
    assert abs(intraclass_correlation(np.log(frame["amount"].to_numpy()), owner)) < 0.05
    assert intraclass_correlation(np.log(found["amount"].to_numpy()), owner) > 0.3


def test_constraints_hold_after_an_exchange() -> None:
    frame, owner, asked = _drawn(200, 1)
    rng = np.random.default_rng(1)
    own = _with_limits(frame, rng)
    limit = Numeric(name="limit", kind=Kind.FLOAT, lower=0, upper=20_000, decimals=2)
    schema = Schema(
        dataset="d",
        unit=PrivacyUnit(),
        columns=(AMOUNT, TAX, CHANNEL, limit),
        constraints=(AtMost(low="amount", high="limit"),),
    )
    found = exchanged(own, owner, _exchange(schema), asked, rng)
    assert (found["amount"] <= found["limit"]).all()
    assert not found["amount"].equals(own["amount"])


def _with_limits(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The rows with a limit of their own above each amount."""
    return frame.assign(limit=(frame["amount"] * (1 + rng.random(len(frame)))).round(2) + 0.01)


def test_an_owner_that_asks_nothing_is_left_as_it_is_drawn() -> None:
    frame, owner, asked = _drawn(300, 2)
    nothing = asked.assign(asked=np.nan)
    found = exchanged(frame, owner, _exchange(), nothing, np.random.default_rng(2))
    assert np.allclose(found["amount"], frame["amount"])
