"""Fields of a JSON object are read by kind, and numbers are such as a float can hold."""

from __future__ import annotations

import math

import pytest

from privgan.json_object import JsonObject


def test_numbers_that_no_float_holds_are_refused_by_name() -> None:
    for value in (10**400, -(10**400), math.inf, -math.inf, math.nan):
        with pytest.raises(ValueError, match=r"^guarantee\.epsilon is no finite number$"):
            JsonObject({"epsilon": value}, "guarantee").number("epsilon")
    assert JsonObject({"epsilon": 3}).number("epsilon") == 3


def test_whole_numbers_are_such_as_a_float_can_hold() -> None:
    with pytest.raises(ValueError, match=r"^rows is no finite number$"):
        JsonObject({"rows": 10**400}).whole("rows")
    for value in (True, 2.0, "2"):
        with pytest.raises(ValueError, match=r"^rows is no whole number$"):
            JsonObject({"rows": value}).whole("rows")
    assert JsonObject({"rows": 2**60}).whole("rows") == 2**60
