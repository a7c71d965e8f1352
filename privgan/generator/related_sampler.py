"""Sample customers with their rows in all related tables: values, constraints, keys that match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from privgan.domain.encoding import Encoder
from privgan.domain.predicates import Predicate
from privgan.generator.child_draws import ChildDraws
from privgan.generator.distribution import Distribution
from privgan.generator.ordered_draws import OrderedDraws
from privgan.generator.part_model import PartModel
from privgan.generator.row_sampler import RowSampler
from privgan.parts.related_form import RelatedForm
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import PRESENCE
from privgan.schema.identifiers import invent
from privgan.schema.schema import Schema
from privgan.schema.tables import TableFacts
from privgan.table.presenting import presented

_STREAM = 6


@dataclass(frozen=True, eq=False)
class _RootModel:
    """The root's part as the model of its rows alone, with all that is invented."""

    schema: Schema
    encoder: Encoder
    distribution: Distribution
    rows_of_each: tuple[float, ...] = (1.0,)


class RelatedSampler:
    """Draws chunks of customers; its state is public randomness.

    Attributes:
        rows: By table the number of rows drawn so far.

    Args:
        schema: The public facts, with related tables.
        parts: The models of the tables' parts, the root's first.
        seed: Public randomness.
        where: Conditions that every customer's row in the root meets.
        balanced: As for rows; of the customers.
    """

    def __init__(
        self,
        schema: Schema,
        parts: tuple[PartModel, ...],
        seed: int,
        where: tuple[Predicate, ...],
        *,
        balanced: bool,
    ) -> None:
        self._schema = schema
        self._form = RelatedForm.with_root(schema, parts[0].schema.names)
        self._sampling = partial(RowSampler, seed=seed, where=where, balanced=balanced)
        self.rng = np.random.default_rng([seed, _STREAM])
        self._part = parts[0]
        self._view = replace(self._part.schema, unit=PrivacyUnit())
        self._customers = self._sampler(self._view)
        self._draws = {
            table.name: self._drawing(table, part)
            for table, part in zip(schema.tables, parts[1:], strict=True)
        }
        self.rows = dict.fromkeys((schema.root, *self._draws), 0)

    def _drawing(self, table: TableFacts, part: PartModel) -> ChildDraws | OrderedDraws:
        """What draws a table's rows."""
        if table.name in self._form.histories:
            return OrderedDraws(self._form.histories[table.name], part)
        return ChildDraws(self._form, table, part)

    @property
    def root(self) -> RowSampler:
        """Draws rows of the root alone."""
        return self._sampler(self._schema.alone(self._schema.root))

    def _sampler(self, schema: Schema) -> RowSampler:
        part = self._part
        return self._sampling(_RootModel(schema, part.encoder, part.distribution))

    def chunk(self, customers: int) -> dict[str, pd.DataFrame]:
        """Rows of the next customers: by table presented rows [rows, columns], parents together."""
        views = {self._schema.root: self._drawn(customers)}
        serials = {self._schema.root: self._numbered(self._schema.root, customers)}
        found = {self._schema.root: self._finished(self._schema.root, views, serials, None)}
        for table in self._schema.tables:
            drawn = self._draws[table.name].of(views[table.parent.table], self.rng)
            views[table.name] = drawn.frame
            serials[table.name] = self._numbered(table.name, len(drawn.frame))
            above = serials[table.parent.table][drawn.parents]
            found[table.name] = self._finished(table.name, views, serials, above)
        return found

    def _drawn(self, customers: int) -> pd.DataFrame:
        """Typed rows of the root's part."""
        return self._customers.typed(customers, self.rows[self._schema.root] + 1)

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
