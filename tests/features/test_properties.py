"""Features equal those of a plain reference, for any small table of events."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.purchases import built, schema
from tests.features.reference import RULES, reference

NUMBER = "kind: float, lower: -1000, upper: 1000, decimals: 2, missing: true"
FACTS = schema(
    f"""\
format: privgan.schema/1
dataset: purchases
unit: customer
events:
  time: moment
  cutoff: 2024-07-01
  without_customer: left_out
  columns:
    - {{name: customer, kind: identifier}}
    - {{name: moment, kind: datetime}}
    - {{name: amount, kind: float, decimals: 2, missing: true}}
    - {{name: channel, kind: categorical, missing: true}}
features:
  - {{name: purchases, count: events}}
  - {{name: days, distinct_days: moment}}
  - {{name: spend, sum: amount}}
  - {{name: average, mean: amount}}
  - {{name: least, min: amount}}
  - {{name: most, max: amount}}
  - {{name: first_amount, first: amount}}
  - {{name: last_amount, last: amount}}
  - {{name: recency, days_between: [last, cutoff]}}
  - {{name: tenure, days_between: [first, cutoff]}}
  - {{name: large, share: amount > 1}}
  - {{name: favourite, top: channel}}
  - {{name: returns_60, count: events, where: amount < 0, days_before: 60}}
  - {{name: spend_next, sum: amount, days_after: 45}}
  - {{name: came_back, any: events, days_after: 45}}
columns:
  - {{name: customer, kind: identifier}}
  - {{name: purchases, kind: integer, lower: 0, upper: 100}}
  - {{name: days, kind: integer, lower: 0, upper: 100}}
  - {{name: spend, {NUMBER}}}
  - {{name: average, kind: float, lower: -1000, upper: 1000, decimals: 9, missing: true}}
  - {{name: least, {NUMBER}}}
  - {{name: most, {NUMBER}}}
  - {{name: first_amount, {NUMBER}}}
  - {{name: last_amount, {NUMBER}}}
  - {{name: recency, kind: integer, lower: 0, upper: 1000}}
  - {{name: tenure, kind: integer, lower: 0, upper: 1000}}
  - {{name: large, kind: float, lower: 0, upper: 1, decimals: 9}}
  - {{name: favourite, kind: categorical, categories: [web, shop], missing: true}}
  - {{name: returns_60, kind: integer, lower: 0, upper: 100}}
  - {{name: spend_next, {NUMBER}}}
  - {{name: came_back, kind: boolean}}
"""
)
# Few values, so that customers, moments and categories tie; the cut-off's own second among them.
SECONDS = st.sampled_from(
    [
        pd.Timestamp("2024-07-01") + pd.Timedelta(seconds=step * 43_200 - 1)
        for step in range(-150, 110)
    ]
    + [pd.Timestamp("2024-07-01"), pd.Timestamp("2024-08-15"), pd.Timestamp("2024-05-02")]
)
EVENT = st.tuples(
    st.sampled_from(["a", "b", "B", " b", "ä", "1", None]),
    SECONDS,
    st.none() | st.integers(-300, 300).map(lambda steps: Decimal(steps) / 100),
    st.sampled_from(["web", "shop", "fax", None]),
)
COLUMNS = ["customer", "moment", "amount", "channel"]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=25))
def test_features_are_those_of_the_reference(rows: list[tuple[object, ...]]) -> None:
    events = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    events["moment"] = events["moment"].astype("datetime64[s]")
    wanted = reference(events)
    given_events = events.assign(
        amount=events["amount"].map(float, na_action="ignore").astype(float)
    )
    if wanted.empty:
        return
    found = built(given_events, FACTS).source.frame()
    assert list(found["customer"]) == sorted(wanted["customer"], key=str.encode)
    _assert_alike(found.set_index("customer"), wanted.set_index("customer"))


def _assert_alike(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    for name in RULES:
        one, other = found[name], wanted[name].reindex(found.index)
        if one.dtype == object and name in {"favourite", "came_back"}:
            assert (
                one.where(one.notna(), None).tolist() == other.where(other.notna(), None).tolist()
            )
        else:
            np.testing.assert_allclose(
                one.astype(float), other.astype(float), atol=6e-10, rtol=0, err_msg=name
            )


@settings(max_examples=20, deadline=None)
@given(st.lists(EVENT, min_size=2, max_size=25), st.randoms(use_true_random=False))
def test_one_customer_more_or_less_changes_one_row(
    rows: list[tuple[object, ...]], random: object
) -> None:
    """Whatever the others do, and in whatever order all come."""
    events = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    events["moment"] = events["moment"].astype("datetime64[s]")
    events["amount"] = events["amount"].map(float, na_action="ignore").astype(float)
    if reference(events.assign(amount=None)).empty:
        return
    whole = built(events, FACTS).source.frame().set_index("customer")
    gone = whole.index[0]
    rest = events[events["customer"] != gone].sample(frac=1, random_state=random.randrange(2**31))  # type: ignore[attr-defined]
    if len(whole) == 1:
        return
    found = built(rest, FACTS).source.frame().set_index("customer")
    pd.testing.assert_frame_equal(found, whole.drop(index=gone), check_exact=True)
