"""Ways of making histories that count or compare more than one customer's rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from privgan.owner import private_table
from privgan.parts import history_views
from privgan.planning import second_stage
from privgan.planning.plan import PlanStep
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L25, L37", checks.views_hold_no_more_rows_than_their_steps_count, "rows of a customer")
def rows_of_a_customer_forgotten_in_a_view(patch: Patch) -> None:
    """The events' steps are noised as if a customer had one row there."""
    plain = second_stage._DraftedPart.steps

    def steps(self: Any, scale: float) -> tuple[PlanStep, ...]:
        one = replace(self.plan, unit=replace(self.plan.unit, max_rows=1))
        return plain(replace(self, plan=one), scale)

    patch.setattr(second_stage._DraftedPart, "steps", steps)


@variant("L37", checks.views_hold_no_more_rows_than_their_steps_count, "were not bounded")
def all_rows_of_a_customer_in_a_view(patch: Patch) -> None:
    """A view holds all rows of a customer, however many there are."""
    patch.setattr(
        private_table, "bounded", lambda customers, *_: np.ones(len(customers), dtype=bool)
    )


@variant("L2, L37", checks.each_customers_views_are_its_own, "in other company")
def means_filled_from_all_customers(patch: Patch) -> None:
    """A customer without a value gets the mean of all customers."""
    plain = history_views._Rows._means

    def filled(self: Any, column: Any) -> np.ndarray:
        found = plain(self, column)
        return np.where(np.isnan(found), np.nanmean(found), found)

    patch.setattr(history_views._Rows, "_means", filled)


@variant("L37", checks.each_customers_views_are_its_own, "in other company")
def numbers_of_events_ranked(patch: Patch) -> None:
    """The number of a customer's events is its rank among all customers."""
    plain = history_views._Rows.__init__

    def ranked(self: Any, *rows: Any) -> None:
        plain(self, *rows)
        form = self.form
        shown = self.summaries
        ranks = pd.Series(self.number).rank(method="min").to_numpy(dtype=int)
        shown[form.count] = form.counts.of(ranks)

    patch.setattr(history_views._Rows, "__init__", ranked)


@variant("L22, L37", checks.each_customers_views_are_its_own, "in other company")
def event_before_of_another_customer(patch: Patch) -> None:
    """A customer's first event looks at the last event of the customer before."""
    patch.setattr(
        history_views._Rows, "_before", lambda self, column: self.frame[column.name].shift(1)
    )


@variant("L24, L37", checks.a_customers_events_are_one_sample, r"\d+ samples of \d+ customers")
def events_clipped_one_by_one(patch: Patch) -> None:
    """Each event of a view is a customer of its own, and is clipped alone."""
    plain = private_table.PrivateTable.view

    def view(self: Any, *args: Any) -> private_table.PrivateTable:
        found = plain(self, *args)
        rows = np.arange(len(found._customers))
        return private_table.PrivateTable(found.dataset, found.unit, found._frame, rows)

    patch.setattr(private_table.PrivateTable, "view", view)
