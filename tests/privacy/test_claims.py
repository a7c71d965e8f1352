"""A claim that no run can make is refused where it is read."""

from __future__ import annotations

import math
from typing import Any

import pytest

from privgan.privacy.guarantee import Guarantee

CLAIM: dict[str, Any] = {
    "epsilon": 3,
    "delta": 1e-6,
    "unit": "one row",
    "max_rows_per_unit": 1,
    "neighbouring_relation": "add or remove one privacy unit",
    "conditional_facts": [],
    "statement": "ε = 3",
}


def test_a_possible_claim_is_read_as_it_was_written() -> None:
    for claim in (CLAIM, CLAIM | {"epsilon": None}, CLAIM | {"delta": 0}):
        assert Guarantee.from_json(claim).to_json() == claim


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("epsilon", -1, "guarantee.epsilon is not above 0"),
        ("epsilon", 0, "guarantee.epsilon is not above 0"),
        ("epsilon", math.nan, "guarantee.epsilon is no finite number"),
        ("epsilon", math.inf, "guarantee.epsilon is no finite number"),
        ("epsilon", 10**400, "guarantee.epsilon is no finite number"),
        ("epsilon", "3", "guarantee.epsilon is no number"),
        ("delta", -1e-6, "guarantee.delta is not in [0, 1)"),
        ("delta", 1, "guarantee.delta is not in [0, 1)"),
        ("delta", math.nan, "guarantee.delta is no finite number"),
        ("max_rows_per_unit", 0, "guarantee.max_rows_per_unit is below 1"),
        ("max_rows_per_unit", 10**400, "guarantee.max_rows_per_unit is no finite number"),
    ],
)
def test_an_impossible_claim_is_refused_by_name(field: str, value: object, told: str) -> None:
    with pytest.raises(ValueError) as found:  # noqa: PT011
        Guarantee.from_json(CLAIM | {field: value})
    assert str(found.value) == told
