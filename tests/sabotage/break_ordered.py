"""Ways of ordering a related table's rows that count or compare more than one customer's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from privgan.owner import private_table
from privgan.parts import history_views, related_views
from privgan.parts.history_views import View
from privgan.planning import second_stage
from privgan.planning.plan import PlanStep
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L37", checks.ordered_views_hold_no_more_rows_than_their_steps_count, "rows of a customer")
def bound_forgotten_for_an_ordered_table(patch: Patch) -> None:
    """The steps of the ordered table's events are noised as if a customer had one of them."""
    plain = second_stage._DraftedPart.steps

    def steps(self: Any, scale: float) -> tuple[PlanStep, ...]:
        if self.part.name != "orders":
            return plain(self, scale)
        one = replace(self.plan, unit=replace(self.plan.unit, max_rows=1))
        return plain(replace(self, plan=one), scale)

    patch.setattr(second_stage._DraftedPart, "steps", steps)


@variant("L37", checks.ordered_views_hold_no_more_rows_than_their_steps_count, "were not bounded")
def each_event_bounded_in_place_of_its_customer(patch: Patch) -> None:
    """Events are bounded one by one, so that a customer of many has them all."""
    plain = private_table.bounded

    def by_row(customers: np.ndarray, most: int, coins: Any) -> np.ndarray:
        return plain(np.arange(len(customers)), most, coins)

    patch.setattr(private_table, "bounded", by_row)


@variant("L22, L37", checks.each_customers_ordered_rows_are_its_own, "in other company")
def row_before_of_another_customer(patch: Patch) -> None:
    """A customer's first row looks at the last one of another customer."""
    patch.setattr(
        history_views._Rows, "_before", lambda self, column: self.frame[column.name].shift(1)
    )


@variant("L2, L37", checks.each_customers_ordered_rows_are_its_own, "in other company")
def first_dates_filled_from_all_customers(patch: Patch) -> None:
    """A customer without rows gets the first date of all."""
    plain = related_views.summaries_of

    def filled(form: Any, *rows: Any) -> pd.DataFrame:
        found = plain(form, *rows)
        return found.assign(**{form.first: found[form.first].fillna(found[form.first].min())})

    patch.setattr(related_views, "summaries_of", filled)


@variant("L37", checks.each_customers_ordered_rows_are_its_own, "in other company")
def steps_measured_against_the_last_of_all(patch: Patch) -> None:
    """A step is a share of the time until anybody's last row."""
    plain = history_views.events_view

    def among_all(form: Any, frame: pd.DataFrame, customers: np.ndarray) -> View:
        found = plain(form, frame, customers)
        steps = found.frame[form.step]
        return View(found.frame.assign(**{form.step: steps / steps.max()}), found.customers)

    patch.setattr(related_views, "events_view", among_all)
