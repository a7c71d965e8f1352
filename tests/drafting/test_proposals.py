"""Dependencies that a table shows are proposed.

What always holds, not by its bounds, and tells something.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from privgan.drafting.proposals import MOST_PROPOSALS, Proposal, proposals
from privgan.schema.constraints import AtMost
from privgan.table.schema_file import dump_schema, parse_schema
from privgan.table.violations import holds
from tests.drafting.reviewed import drafted, shop, typed, unrelated


def found(frame: pd.DataFrame) -> tuple[Proposal, ...]:
    schema = drafted(frame)
    return proposals(typed(frame, schema), schema)


def words(frame: pd.DataFrame) -> list[str]:
    return [str(part) for each in found(frame) for part in each.constraints]


def test_orders_of_dates_come_first_and_what_comes_together_is_found() -> None:
    told = words(shop())
    assert told[0] == "signed_up at most last_order_at"
    rest = set(told[1:])
    assert {"when orders = 0, then spend = 0", "when spend = 0, then orders = 0"} <= rest
    together = {
        frozenset(
            {
                "when orders = 0, then last_order_at is missing",
                "when last_order_at is missing, then orders = 0",
            }
        ),
        frozenset(
            {
                "when spend = 0, then last_order_at is missing",
                "when last_order_at is missing, then spend = 0",
            }
        ),
    }
    assert any(pair <= rest for pair in together)


def test_nothing_is_proposed_of_unrelated_columns_and_of_what_their_bounds_say() -> None:
    assert words(unrelated()) == []


def test_one_row_that_breaks_it_ends_a_proposal() -> None:
    frame = shop()
    frame.loc[len(frame) - 1, ["signed_up", "last_order_at"]] = ["2023-05-01", "2019-05-01"]
    assert "signed_up at most last_order_at" not in words(frame)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_proposed_holds_in_every_row_and_can_be_declared(seed: int) -> None:
    frame = shop(seed=seed)
    schema = drafted(frame)
    rows = typed(frame, schema)
    kept = proposals(rows, schema)
    parts = tuple(part for each in kept for part in each.constraints)
    assert all(holds(part, rows, schema).all() for part in parts)
    whole = replace(schema, constraints=parts)
    assert parse_schema(dump_schema(whole)).constraints == parts


def test_what_the_schema_says_already_is_not_proposed() -> None:
    frame = shop()
    schema = drafted(frame)
    known = replace(schema, constraints=(AtMost(low="signed_up", high="last_order_at"),))
    told = [str(each) for each in proposals(typed(frame, known), known)]
    assert "signed_up at most last_order_at" not in told
    assert told


def test_of_a_chain_only_the_links_are_told_and_of_twins_one_direction() -> None:
    rng = np.random.default_rng(4)
    first = rng.integers(0, 500, 400)
    second, third = first + rng.integers(0, 200, 400), first + rng.integers(200, 400, 400)
    frame = pd.DataFrame(
        {"a": first, "b": second, "c": third, "d": third, "z": rng.integers(0, 9, 400)}
    ).astype(str)
    told = words(frame)
    assert {"a at most b", "b at most c"} <= set(told)
    assert "a at most c" not in told
    assert len({"c at most d", "d at most c"} & set(told)) == 1


def test_values_that_are_missing_together_are_one_proposal() -> None:
    rng = np.random.default_rng(5)
    gone = rng.random(500) < 0.3
    frame = pd.DataFrame(
        {"lat it": rng.normal(50, 3, 500).round(2), "lon": rng.normal(8, 3, 500).round(2)}
    ).astype(str)
    frame[gone] = ""
    frame["kind"] = rng.choice(["a", "b"], 500)
    together = next(each for each in found(frame) if len(each.constraints) == 2)
    assert (
        str(together)
        == "when `lat it` is missing, then lon is missing; when lon is missing, then `lat it` is"
        " missing"
    )
    assert together.rows == gone.sum()
    assert "holds in all" in together.reason


def test_two_columns_of_categories_are_not_tied() -> None:
    rng = np.random.default_rng(6)
    place = rng.integers(0, 4, 500)
    cities, countries = (
        np.array(["Bern", "Graz", "Linz", "Wien"]),
        np.array(["CH", "AT", "AT", "AT"]),
    )
    frame = pd.DataFrame(
        {
            "city": cities[place],
            "country": countries[place],
            "age": rng.integers(18, 90, 500).astype(str),
        }
    )
    assert words(frame) == []


def test_never_more_than_twelve() -> None:
    rng = np.random.default_rng(7)
    gone = rng.random(800) < 0.4
    columns = {
        f"c{place:02d}": np.where(gone, "", rng.integers(0, 500, 800).astype(str))
        for place in range(25)
    }
    assert len(found(pd.DataFrame(columns))) == MOST_PROPOSALS


def test_rare_chance_is_no_dependency() -> None:
    """Nineteen rows say nothing: as many would happen to hold by chance."""
    frame = unrelated()
    frame["extra"] = ""
    frame.loc[:8, "extra"] = "1.5"
    frame.loc[:8, "kind"] = "a"
    assert words(frame) == []
