"""Ways of relating tables that count or compare more than one customer's rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from privgan.owner import private_table
from privgan.parts import related_views
from privgan.planning import second_stage
from privgan.planning.plan import PlanStep
from privgan.related import keys
from tests.sabotage import checks, doors
from tests.sabotage.registry import Patch, variant


@variant("L37", checks.related_views_hold_no_more_rows_than_their_steps_count, "rows of a customer")
def rows_of_a_customer_forgotten_in_a_related_table(patch: Patch) -> None:
    """The steps of orders are noised as if a customer had one of them."""
    plain = second_stage._DraftedPart.steps

    def steps(self: Any, scale: float) -> tuple[PlanStep, ...]:
        one = replace(self.plan, unit=replace(self.plan.unit, max_rows=1))
        return plain(replace(self, plan=one), scale)

    patch.setattr(second_stage._DraftedPart, "steps", steps)


@variant("L37", checks.related_views_hold_no_more_rows_than_their_steps_count, "were not bounded")
def each_order_bounded_in_place_of_its_customer(patch: Patch) -> None:
    """Rows are bounded by parent's row, so that a customer of many orders has them all."""
    plain = private_table.bounded

    def by_row(customers: np.ndarray, most: int, coins: Any) -> np.ndarray:
        return plain(np.arange(len(customers)), most, coins)

    patch.setattr(private_table, "bounded", by_row)


@variant("L22, L37", checks.each_customers_rows_are_its_own_in_every_table, "in other company")
def order_before_of_another_customer(patch: Patch) -> None:
    """A customer's first order looks at the last one of another customer."""
    plain = related_views._another

    def shifted(child: Any, form: Any, rows: Any, shuffle: np.ndarray) -> dict[str, pd.Series]:
        found = plain(child, form, rows, shuffle)
        frame = rows.frames[child.name]
        return {
            name: frame[column.name].shift(1).reset_index(drop=True)
            for name, column in zip(found, form.remembered(child), strict=True)
        }

    patch.setattr(related_views, "_another", shifted)


@variant("L2, L37", checks.each_customers_rows_are_its_own_in_every_table, "in other company")
def orders_counted_against_the_most_of_all(patch: Patch) -> None:
    """The number of a customer's orders is told as a difference from the largest of all."""
    plain = related_views.children_of_each

    def from_most(child: Any, rows: Any) -> np.ndarray:
        found = plain(child, rows)
        return found.max(initial=0) - found

    patch.setattr(related_views, "children_of_each", from_most)


@variant("L2, L37", checks.each_customers_rows_are_its_own_in_every_table, "in other company")
def means_of_orders_filled_from_all_customers(patch: Patch) -> None:
    """A customer without orders gets the mean of everybody's."""
    plain = related_views.means

    def filled(*rows: Any) -> np.ndarray:
        found = plain(*rows)
        known = found[~np.isnan(found)]
        return np.where(np.isnan(found), known.mean() if len(known) else 0.0, found)

    patch.setattr(related_views, "means", filled)


@variant("L13, L31", checks.the_source_reads_rows_by_its_doors_only, "fitting.py.*related_sides")
def rows_of_the_audit_taken_by_the_fit(patch: Patch) -> None:
    """The fit takes the further tables' rows that are the audit's."""
    module, code = "pipeline/fitting.py", "def more(rows):\n    return rows.related_sides"
    patch.setitem(doors.SOURCES, module, f"{doors.SOURCES[module]}\n\n{code}\n")


@variant("L37", checks.rows_that_belong_to_nobody_are_refused, "DID NOT RAISE")
def orphans_given_to_the_first_customer(patch: Patch) -> None:
    """A row that names no customer becomes the first one's."""
    plain = keys._places

    def first(named: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.maximum(plain(named, known), 0)

    patch.setattr(keys, "_places", first)
