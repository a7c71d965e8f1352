"""Draw the rows of a related table with an order, given their parents: a history of each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.errors import IncompleteError
from privgan.generator.child_draws import Children
from privgan.generator.history_draws import HistoryDraws
from privgan.generator.part_model import PartModel
from privgan.parts.ordered_form import OrderedForm


class OrderedDraws:
    """Draws rows of a child with an order.

    Args:
        form: The form of its histories.
        model: The model of its part.
    """

    def __init__(self, form: OrderedForm, model: PartModel) -> None:
        self._form, self._draws = form, HistoryDraws(form, model)
        self._names = {column: name for name, column in form.above.items()}
        own = {part.name for part in (form.order, *form.own)}
        self._own = [name for name in form.schema.names if name in own]

    def of(self, parents: pd.DataFrame, rng: np.random.Generator) -> Children:
        """The rows of some parents, in order; one that breaks a constraint is left out.

        Args:
            parents: Typed rows of the parent's part [parents, its columns].
            rng: Public randomness.

        Raises:
            IncompleteError: when no drawn row holds the table's constraints.
        """
        found = self._draws.of(parents.rename(columns=self._names), rng, whole=False)
        if not len(found.frame) and not found.whole.all():
            raise IncompleteError(
                f"table {self._form.table}: the model gives no row that holds its constraints;"
                " leave one out, or allow more"
            )
        return Children(found.frame[self._own], found.customers)
