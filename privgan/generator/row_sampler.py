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
from privgan.generator.constrained import ConstrainedMixture
from privgan.generator.mixture import Mixture
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
    def mixture(self) -> Mixture:
        """The model as a mixture of product distributions over codes."""

    @property
    def rows_of_each(self) -> tuple[float, ...]:
        """Noisy share of the customers with 1, 2, … rows."""


class RowSampler:
    """Draws chunks; its state is public randomness."""

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
        self.mixture = synthesizer.mixture
        self.allowed = {
            index: self._allowed(column)
            for index, column in enumerate(synthesizer.encoder.columns)
            if column.name in self.where
        }
        if self.mixture.evidence(self.allowed).mean() < _SMALLEST_PROBABILITY:
            names = ", ".join(self.where)
            raise IncompleteError(
                f"{parameter('where')}: the model gives these conditions on {names} next to no"
                " probability; widen one of them"
            )
        self.constrained = (
            self._constrained(groups_of(synthesizer.schema, where))
            if synthesizer.schema.constraints
            else None
        )

    def _constrained(self, groups: tuple[Group, ...]) -> ConstrainedMixture:
        bound = {name for group in groups for name in group.columns}
        free = {
            index: shares
            for index, shares in self.allowed.items()
            if self.of.encoder.names[index] not in bound
        }
        constrained = ConstrainedMixture(groups, self.mixture, self.of.encoder, free)
        if constrained.impossible:
            told = "; ".join(
                group.told(self.of.schema.constraints) for group in constrained.impossible
            )
            what = (
                f"{parameter('where')} on {', '.join(self.where)} and the schema's {told}"
                if self.where
                else f"the schema's {told}"
            )
            advice = (
                "widen a condition"
                if self.where
                else "fit again with a schema that leaves one out or allows more"
            )
            raise IncompleteError(
                f"the model gives no probability to a row that holds {what}; {advice}"
            )
        return constrained

    def chunk(self, rows: int, first_serial: int) -> pd.DataFrame:
        """Draw the next rows, numbered from ``first_serial``."""
        values = (
            self._values_of(rows)
            if self.constrained is None
            else self._constrained_values(self.constrained, rows)
        )
        customers = self.customers.take(rows)
        invented = invent(
            self.of.schema, rows, first_serial=first_serial, customers=customers, rng=self.rng
        )
        # Where presence is modelled, so far a column says in which rows a value stands.
        values |= {
            name: made.where(values[name] == PRESENCE[1], None) if name in values else made
            for name, made in invented.items()
        }
        return presented(
            pd.DataFrame({name: values[name] for name in self.of.schema.names}, copy=False),
            self.of.schema,
        )

    def _values_of(self, rows: int) -> dict[str, pd.Series]:
        codes = self.mixture.sample(rows, self.rng, self.allowed, balanced=self.balanced)
        return {
            column.name: self._values(column, codes[:, index])
            for index, column in enumerate(self.of.encoder.columns)
        }

    def _constrained_values(
        self, constrained: ConstrainedMixture, rows: int
    ) -> dict[str, pd.Series]:
        entries, positions = constrained.draw(rows, self.rng)
        order = self.rng.permutation(rows)
        values = self._held(constrained, positions, order)
        columns = self.of.encoder.columns
        free = [index for index, column in enumerate(columns) if column.name not in values]
        codes = {
            index: self.mixture.codes(index, entries, self.rng, self.allowed.get(index))
            for index in free
        }
        if self.balanced and free:
            codes = self.mixture.balance(codes, entries, self.rng, self.allowed)
        return values | {
            columns[index].name: self._values(columns[index], found[order])
            for index, found in codes.items()
        }

    def _held(
        self,
        constrained: ConstrainedMixture,
        positions: Mapping[str, np.ndarray],
        order: np.ndarray,
    ) -> dict[str, pd.Series]:
        """Values of the constrained columns, after a check that they hold every constraint."""
        axes = {
            name: axis
            for sampler in constrained.groups
            for name, axis in sampler.group.axes.items()
        }
        values = {name: axes[name].typed(found[order]) for name, found in positions.items()}
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
