"""Sample rows of a fitted model: codes, values, constraints, identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from privgan.domain.disjoint import disjoint_regions
from privgan.domain.encoding import Encoder
from privgan.domain.predicates import Predicate, columns_in
from privgan.domain.regions import groups_of, selection_of
from privgan.domain.value_sets import Axis, pieces_of
from privgan.errors import IncompleteError, InternalError
from privgan.generator.distribution import Conditions, Distribution, Sampler
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture
from privgan.generator.mixture_sampler import MixtureSampler
from privgan.generator.network_sampler import NetworkSampler
from privgan.naming import parameter
from privgan.schema.columns import PRESENCE
from privgan.schema.constraints import place
from privgan.schema.identifiers import SerialCustomers, invent
from privgan.schema.schema import Schema
from privgan.table.presenting import presented
from privgan.table.violations import broken

LEAST_PROBABILITY = 1e-7


class FittedModel(Protocol):
    """A fitted model, as far as sampling needs it."""

    @property
    def schema(self) -> Schema:
        """The public facts."""

    @property
    def encoder(self) -> Encoder:
        """Codes to values."""

    @property
    def distribution(self) -> Distribution:
        """The model's distribution over codes."""

    @property
    def rows_of_each(self) -> tuple[float, ...]:
        """Noisy share of the customers with 1, 2, … rows."""


class RowSampler:
    """Draws chunks; its state is public randomness.

    Args:
        synthesizer: The model.
        seed: Public randomness.
        where: Predicates that every row meets.
        balanced: Whether 3-way counts are brought near to the model's.
        least: The least probability of the predicates at which rows are drawn.

    Attributes:
        rows: Number of rows drawn so far.
        effective_rows: How many independent rows tell as much as these.
    """

    def __init__(
        self,
        synthesizer: FittedModel,
        seed: int,
        where: tuple[Predicate, ...],
        *,
        balanced: bool,
        least: float = LEAST_PROBABILITY,
    ) -> None:
        self.balanced = balanced
        self.of, self.where = synthesizer, columns_in(where)
        self.rng = np.random.default_rng([seed, 2])
        self.customers = SerialCustomers(synthesizer.rows_of_each, self.rng)
        self.rows, self.effective_rows = 0, 0.0
        schema, encoder = synthesizer.schema, synthesizer.encoder
        regions = disjoint_regions(where) if where else ()
        single = regions[0] if len(regions) == 1 else {}
        # The runs of values that each column with a condition of its own may hold.
        self._runs = {
            index: pieces_of(column, Axis(column.cells.column), single[column.name])
            for index, column in enumerate(encoder.columns)
            if column.name in single
        }
        joined = len(regions) > 1
        rules = groups_of(schema) if schema.constraints else ()
        tied = {name for group in rules for name in group.columns}
        self.groups = groups_of(schema, regions) if joined or tied & set(single) else rules
        conditions = Conditions(
            allowed={
                index: runs.shares(encoder.columns[index].size)
                for index, runs in self._runs.items()
            },
            groups=self.groups,
            rules=rules,
            selection=selection_of(schema, regions) if joined else None,
        )
        self.sampler = _sampler(synthesizer, conditions)
        self._check_possible(least)

    def _check_possible(self, least: float) -> None:
        if self.sampler.probability < least:
            names = ", ".join(self.where)
            raise IncompleteError(
                f"{parameter('where')}: the model gives these conditions on {names} next to no"
                " probability; widen one of them"
            )
        if not self.sampler.impossible:
            return
        told = "; ".join(
            group.told(self.of.schema.constraints)
            for group in self.sampler.impossible
            if group.members
        )
        what = f"the schema's {told}"
        advice = "fit again with a schema that leaves one out or allows more"
        if self.where:
            what = f"{parameter('where')} on {', '.join(self.where)} and {what}"
            advice = "widen a condition"
        raise IncompleteError(
            f"the model gives no probability to a row that holds {what}; {advice}"
        )

    def chunk(self, rows: int, first_serial: int) -> pd.DataFrame:
        """Draw the next rows, numbered from ``first_serial``, as a typed file holds them."""
        return presented(self.typed(rows, first_serial), self.of.schema)

    def typed(self, rows: int, first_serial: int) -> pd.DataFrame:
        """Draw the next rows, numbered from ``first_serial``, with the schema's types."""
        return self.finished(self.modelled(rows), rows, first_serial)

    def modelled(self, rows: int) -> dict[str, pd.Series]:
        """Draw the next rows: typed values [rows] of the modelled columns, by name."""
        drawn = self.sampler.draw(rows, self.rng, balanced=self.balanced)
        self.rows, self.effective_rows = (
            self.rows + rows,
            self.effective_rows + drawn.effective_rows,
        )
        columns = self.of.encoder.columns
        values = self._held(drawn.positions) if self.groups else {}
        return values | {
            columns[index].name: self._values(index, codes) for index, codes in drawn.codes.items()
        }

    def finished(
        self, values: Mapping[str, pd.Series], rows: int, first_serial: int
    ) -> pd.DataFrame:
        """Rows of modelled values with all that is invented, with the schema's types."""
        customers = self.customers.take(rows)
        invented = invent(
            self.of.schema, rows, first_serial=first_serial, customers=customers, rng=self.rng
        )
        # Where presence is modelled, so far a column says in which rows a value stands.
        whole = dict(values) | {
            name: made.where(values[name] == PRESENCE[1], None) if name in values else made
            for name, made in invented.items()
        }
        return pd.DataFrame({name: whole[name] for name in self.of.schema.names}, copy=False)

    def _held(self, positions: Mapping[str, np.ndarray]) -> dict[str, pd.Series]:
        """Values of the constrained columns, after a check that they hold every constraint."""
        axes = {name: axis for group in self.groups for name, axis in group.axes.items()}
        values = {name: axes[name].typed(found) for name, found in positions.items()}
        broken_by = broken(pd.DataFrame(values), self.of.schema)
        if broken_by:
            raise InternalError(
                f"{place(broken_by[0][0])} is broken by {broken_by[0][1]} synthetic rows"
            )
        return values

    def _values(self, index: int, codes: np.ndarray) -> pd.Series:
        column = self.of.encoder.columns[index]
        runs = self._runs.get(index)
        if runs is None:
            return column.decode(codes, self.rng)
        return Axis(column.cells.column).typed(runs.within(codes, self.rng))


def _sampler(synthesizer: FittedModel, conditions: Conditions) -> Sampler:
    """Draws rows of the model, of whatever kind it is."""
    distribution, encoder = synthesizer.distribution, synthesizer.encoder
    if isinstance(distribution, Mixture):
        return MixtureSampler(distribution, encoder, conditions)
    assert isinstance(distribution, FrozenNetwork)
    return NetworkSampler(distribution, encoder, conditions)
