"""Ways of breaking how a table becomes typed rows."""

from __future__ import annotations

import pandas as pd

from privgan.schema.columns import Numeric, OpenNumeric
from privgan.table import conform, typed_values
from privgan.table.presenting import presence_of
from tests.sabotage import checks
from tests.sabotage.registry import Patch, variant


@variant("L25", checks.each_row_is_typed_alone, "in other company")
def presence_told_by_others(patch: Patch) -> None:
    """Whether a row holds an e-mail depends on who else has the same."""
    patch.setattr(
        typed_values, "presence_of", lambda values: presence_of(values.mask(values.duplicated()))
    )


@variant("L25", checks.each_row_is_typed_alone, "in other company")
def numbers_told_by_others(patch: Patch) -> None:
    """A number is told as its distance from the table's mean."""
    read = typed_values.numbers_of

    def centred(values: pd.Series, column: Numeric | OpenNumeric) -> pd.Series:
        numbers = read(values, column)
        return (numbers - numbers.mean()).round(2).clip(0, 99)

    patch.setattr(typed_values, "numbers_of", centred)


@variant("L37", checks.an_id_that_repeats_is_no_row_of_its_own, "went unseen")
def repeats_not_looked_for(patch: Patch) -> None:
    """An id that repeats passes beside rows that are customers of their own."""
    patch.setattr(conform, "_repeated_identifiers", lambda *_: iter(()))
