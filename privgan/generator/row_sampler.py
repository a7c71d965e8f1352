"""Sample rows of a fitted model: codes, values, constraints, identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from privgan.domain.conditions import ColumnCondition
from privgan.domain.encoding import ColumnCode, Encoder
from privgan.domain.regions import Group, groups_of
from privgan.errors import IncompleteError, InternalError
from privgan.generator.distribution import Distribution, Sampler
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

_SMALLEST_PROBABILITY = 1e-7


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

    Attributes:
        rows: Number of rows drawn so far.
        effective_rows: How many independent rows tell as much as these.
    """

    def __init__(
        self,
        synthesizer: FittedModel,
        seed: int,
        where: tuple[ColumnCondition, ...],
        *,
        balanced: bool,
    ) -> None:
        self.balanced = balanced
        self.of, self.where = synthesizer, {condition.column.name: condition for condition in where}
        self.rng = np.random.default_rng([seed, 2])
        self.customers = SerialCustomers(synthesizer.rows_of_each, self.rng)
        self.rows, self.effective_rows = 0, 0.0
        allowed = {
            index: self._allowed(column)
            for index, column in enumerate(synthesizer.encoder.columns)
            if column.name in self.where
        }
        schema = synthesizer.schema
        self.groups = groups_of(schema, where) if schema.constraints else ()
        tied = {name for group in self.groups for name in group.columns}
        rules = groups_of(schema) if tied & set(self.where) else self.groups
        self.sampler = _sampler(synthesizer, allowed, self.groups, rules)
        self._check_possible()

    def _check_possible(self) -> None:
        if self.sampler.probability < _SMALLEST_PROBABILITY:
            names = ", ".join(self.where)
            raise IncompleteError(
                f"{parameter('where')}: the model gives these conditions on {names} next to no"
                " probability; widen one of them"
            )
        if not self.sampler.impossible:
            return
        told = "; ".join(
            group.told(self.of.schema.constraints) for group in self.sampler.impossible
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
        drawn = self.sampler.draw(rows, self.rng, balanced=self.balanced)
        self.rows, self.effective_rows = (
            self.rows + rows,
            self.effective_rows + drawn.effective_rows,
        )
        columns = self.of.encoder.columns
        values = self._held(drawn.positions) if self.groups else {}
        values |= {
            columns[index].name: self._values(columns[index], codes)
            for index, codes in drawn.codes.items()
        }
        customers = self.customers.take(rows)
        invented = invent(
            self.of.schema, rows, first_serial=first_serial, customers=customers, rng=self.rng
        )
        # Where presence is modelled, so far a column says in which rows a value stands.
        values |= {
            name: made.where(values[name] == PRESENCE[1], None) if name in values else made
            for name, made in invented.items()
        }
        return pd.DataFrame({name: values[name] for name in self.of.schema.names}, copy=False)

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

    def _values(self, column: ColumnCode, codes: np.ndarray) -> pd.Series:
        condition = self.where.get(column.name)
        if condition is None:
            return column.decode(codes, self.rng)
        return column.decode(
            codes,
            self.rng,
            allowed=condition.cells(column.cells),
            weight=condition.shares(column.cells),
        )

    def _allowed(self, column: ColumnCode) -> np.ndarray:
        """Share of each code [codes] that the column's condition allows."""
        return np.bincount(
            column.code_of, weights=column.within * self.where[column.name].shares(column.cells)
        )


def _sampler(
    synthesizer: FittedModel,
    allowed: Mapping[int, np.ndarray],
    groups: tuple[Group, ...],
    rules: tuple[Group, ...],
) -> Sampler:
    """Draws rows of the model, of whatever kind it is."""
    distribution, encoder = synthesizer.distribution, synthesizer.encoder
    if isinstance(distribution, Mixture):
        return MixtureSampler(distribution, encoder, allowed, groups, rules)
    assert isinstance(distribution, FrozenNetwork)
    return NetworkSampler(distribution, encoder, allowed, groups, rules)
