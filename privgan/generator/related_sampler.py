"""Sample customers with their rows in all related tables: values, constraints, keys that match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from privgan.generator.child_draws import ChildDraws
from privgan.generator.row_sampler import RowSampler
from privgan.parts.related_form import RelatedForm
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import PRESENCE
from privgan.schema.identifiers import invent
from privgan.schema.schema import Schema
from privgan.table.conform import typed_columns
from privgan.table.presenting import presented

_STREAM = 6


class RelatedModel(Protocol):
    """A fitted model of related tables, as far as sampling needs it."""

    @property
    def schema(self) -> Schema:
        """The public facts."""

    @property
    def parts(self) -> Mapping[str, Any]:
        """By table the model of its part."""


class RelatedSampler:
    """Draws chunks of customers; its state is public randomness.

    Attributes:
        rows: By table the number of rows drawn so far.

    Args:
        model: The model.
        seed: Public randomness.
    """

    def __init__(self, model: RelatedModel, seed: int) -> None:
        self._schema, self._form = model.schema, RelatedForm(model.schema)
        self.rng = np.random.default_rng([seed, _STREAM])
        root = model.parts[model.schema.root]
        self._view = replace(root.schema, unit=PrivacyUnit())
        self._root = RowSampler(replace(root, schema=self._view), seed, (), balanced=True)
        self._draws = {
            table.name: ChildDraws(self._form, table, model.parts[table.name])
            for table in model.schema.tables
        }
        self.rows = dict.fromkeys((model.schema.root, *self._draws), 0)

    def chunk(self, customers: int) -> dict[str, pd.DataFrame]:
        """Rows of the next customers: by table presented rows [rows, columns], parents together."""
        views = {self._schema.root: self._customers(customers)}
        serials = {self._schema.root: self._numbered(self._schema.root, customers)}
        found = {self._schema.root: self._finished(self._schema.root, views, serials, None)}
        for table in self._schema.tables:
            drawn = self._draws[table.name].of(views[table.parent.table], self.rng)
            views[table.name] = drawn.frame
            serials[table.name] = self._numbered(table.name, len(drawn.frame))
            above = serials[table.parent.table][drawn.parents]
            found[table.name] = self._finished(table.name, views, serials, above)
        return found

    def _customers(self, customers: int) -> pd.DataFrame:
        """Typed rows of the root's part."""
        drawn = self._root.chunk(customers, self.rows[self._schema.root] + 1)
        return typed_columns(drawn, self._view)

    def _numbered(self, table: str, rows: int) -> np.ndarray:
        """Serial numbers of a table's next rows [rows]."""
        first = self.rows[table] + 1
        self.rows[table] += rows
        return np.arange(first, first + rows)

    def _finished(
        self,
        name: str,
        views: Mapping[str, pd.DataFrame],
        serials: Mapping[str, np.ndarray],
        above: np.ndarray | None,
    ) -> pd.DataFrame:
        """Rows with their keys and all that is invented.

        Args:
            name: The table.
            views: By table typed rows of its part.
            serials: By table the serial number of each row, of which keys are made.
            above: The serial number of each row's parent [rows]; None of the root.
        """
        schema, own = self._schema.alone(name), serials[name]
        invented = invent(
            schema,
            len(own),
            first_serial=int(own[0]) if len(own) else 1,
            customers=own if above is None else above,
            rng=self.rng,
        )
        values = {column.name: views[name][column.name] for column in schema.modelled}
        # Where presence is modelled, so far a column says in which rows a value stands.
        values |= {
            column: made.where(values[column] == PRESENCE[1], None) if column in values else made
            for column, made in invented.items()
        }
        return presented(pd.DataFrame({column: values[column] for column in schema.names}), schema)
