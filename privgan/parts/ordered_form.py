"""Derive from a related table with an order what its part and its parent's row tell of it.

Its rows are the events of its parent's, and the parent's own columns are constant in each history.
A customer without rows has no history, and its row says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from privgan.parts.history_form import HistoryForm
from privgan.parts.number_classes import NumberClasses
from privgan.parts.part import Part
from privgan.schema.columns import Column, Discrete, Numeric
from privgan.schema.constraints import AtMost, Constraint, WhenThen

# With more numbers of its own a child has means of those alone whose spread is modelled: pairs of
# the root would cost too much.
MOST_AVERAGED = 3
# Of rows at even chances one step in 400 is longer. Noise of longer ones would end histories early.
_LONGEST_STEP = 6.0


@dataclass(frozen=True, kw_only=True)
class OrderedForm(HistoryForm):
    """The histories of a related table, each of one row of its parent.

    Args:
        schema: The table's columns, the parent's as constant ones before them, and the numbers of
            rows of its own children after them.
        table: The table.
        parent: Its parent.
        above: By parent's column, as the events have it, its name in the parent's part.
        numbered: Names of the numbers of rows of its own children.
        taken: Names that no further column may have.
    """

    table: str
    parent: str
    above: Mapping[str, str]
    numbered: tuple[str, ...]
    taken: frozenset[str]

    @cached_property
    def counts(self) -> NumberClasses:
        """Classes of the number of rows, which may be none."""
        return replace(super().counts, least=0)

    @cached_property
    def classes(self) -> tuple[Discrete, ...]:
        """The discrete ones of an event's own columns, numbers of children's rows left out."""
        found = (part for part in self.own if isinstance(part, Discrete))
        return tuple(part for part in found if part.name not in self.numbered)

    @cached_property
    def averaged(self) -> tuple[Numeric, ...]:
        """The numbers of which the parent's row tells the mean: few, without special values."""
        found = [part for part in self.numbers if not part.special_values]
        return tuple(found) if len(found) <= MOST_AVERAGED else self.spreads

    @property
    def usuals(self) -> tuple[Discrete, ...]:
        """The event before tells enough of what is usual: more columns would cost pairs."""
        return ()

    @property
    def lent(self) -> tuple[Column, ...]:
        """The parent's own columns: means are kept by exchanges alone."""
        return self.constants

    @property
    def alike(self) -> tuple[str, ...]:
        """Classes and numbers of children's rows; means tell what goes with the parent."""
        return (*(part.name for part in self.classes), *self.numbered)

    @property
    def count(self) -> str:
        """Name of the number of rows."""
        return self._free(f"number of {self.table}")

    @property
    def first(self) -> str:
        """Name of the first row's place in time; missing where there is none."""
        return self._free(f"first of {self.table}")

    @property
    def last(self) -> str:
        """Name of the last row's place in time; missing where there are fewer than two."""
        return self._free(f"last of {self.table}")

    def mean(self, column: Column) -> str:
        """Name of a number's mean over the rows of one parent."""
        return self._free(f"mean {column.name} of {self.table}")

    def spread(self, column: Column) -> str:
        """Name of a number's standard deviation over the rows of one parent."""
        return self._free(f"spread {column.name} of {self.table}")

    @property
    def deals(self) -> bool:
        """Owners of many rows come near to their means by dealing alone."""
        return True

    @cached_property
    def step_column(self) -> Numeric:
        """The step; one beyond the longest counts as it."""
        return replace(super().step_column, upper=min(_LONGEST_STEP, float(self.facts.longest)))

    @cached_property
    def summaries(self) -> tuple[Column, ...]:
        """What the parent's row tells of its rows; missing where there are none."""
        count, *told = super().summaries
        return (count, *(replace(part, missing=True) for part in told))

    @property
    def rules(self) -> tuple[Constraint, ...]:
        """What the parent's row holds: nothing is told of no row, and no last one of one row."""
        count, first, last = f"'{self.count}'", f"'{self.first}'", f"'{self.last}'"
        means = [(part, f"'{self.mean(part)}'") for part in self.averaged]
        return (
            AtMost(low=self.first, high=self.last),
            WhenThen(when=f"{count} = 0", then=f"{first} is missing"),
            WhenThen(when=f"{count} >= 1", then=f"{first} is not missing"),
            WhenThen(when=f"{count} <= 1", then=f"{last} is missing"),
            WhenThen(when=f"{count} >= 2", then=f"{last} is not missing"),
            *(WhenThen(when=f"{count} = 0", then=f"{name} is missing") for _, name in means),
            *(
                WhenThen(when=f"{count} >= 1", then=f"{name} is not missing")
                for part, name in means
                if not part.missing
            ),
            *(
                WhenThen(when=f"{count} <= 1", then=f"'{self.spread(part)}' is missing")
                for part in self.spreads
            ),
        )

    @cached_property
    def events(self) -> Part:
        """The table's part, without its share."""
        lent = {name: (self.parent, column) for name, column in self.above.items()}
        part = self._events(self.table, self.parent, lent)
        # These, the number of rows and those left follow from the parent's model.
        return replace(part, derived=len(self.lent) + 2)

    def known(
        self, parents: pd.DataFrame, number: np.ndarray, rng: np.random.Generator
    ) -> pd.DataFrame:
        """What is known of a random row of each parent [parents, derived columns].

        Args:
            parents: The parents' columns, by the events' names [parents, columns].
            number: How many rows each has [parents].
            rng: Public randomness.
        """
        left = rng.integers(0, np.maximum(number, 1))
        told = {self.count: self.coarse_counts.of(number), self.left: self.lefts.of(left)}
        return parents[list(self.lent_by_customers)].assign(**told)

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "*"
        return name
