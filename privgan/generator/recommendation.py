"""Give the model's distribution of a categorical column, given what is known of a row.

Of a mixture it is exact: entries by Bayes' rule from the known codes, and the column's codes from
the entries. A network gives its columns in one order, so what is unknown is drawn by likelihood
weighting, and the column is judged exactly beside each draw: all its codes are tried in the row
(Rao-Blackwell). A code's share goes to its values as noisy counts say. Constraints hold as in
sampling: a row keeps its codes, and values are those that go together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
import pandas as pd

from privgan.domain.distinct import distinct_rows
from privgan.domain.encoding import ColumnCode, Encoder
from privgan.domain.regions import columns_of
from privgan.generator.distribution import Distribution
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture
from privgan.generator.proposals import ANY, MixtureProposal, NetworkProposal, missing_code
from privgan.schema.columns import Discrete
from privgan.schema.constraints import Combinations, Constraint
from privgan.schema.schema import Schema
from privgan.table.profiles import Cells
from privgan.table.violations import holds

_CELLS = 4_000_000  # Numbers that are held at once.
_MOST_JOINT = 50_000  # Joint codes of a column and those that a constraint ties to it.
_PROPOSALS, _MOST_DRAWS, _TRIED = 1_024, 64, 20_000  # Of a network.


class ModelOfRows(Protocol):
    """A fitted model of rows of codes."""

    @property
    def encoder(self) -> Encoder:
        """Codes to values."""

    @property
    def distribution(self) -> Distribution:
        """The model's distribution over codes."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of some rows.

    Attributes:
        codes: Codes of the model's columns [rows, columns]; ``ANY`` or ``PRESENT`` where unknown.
        cells: Given values by column of the table; columns that are not among them are unknown.
    """

    codes: np.ndarray
    cells: Mapping[str, Cells]

    def take(self, rows: np.ndarray) -> Known:
        """Some of the rows."""
        cells = {
            name: Cells(part.values.iloc[rows].reset_index(drop=True), part.given[rows])
            for name, part in self.cells.items()
        }
        return Known(self.codes[rows], cells)

    def given(self, name: str) -> np.ndarray:
        """In which rows a column is given [rows], bool."""
        part = self.cells.get(name)
        return np.zeros(len(self.codes), dtype=bool) if part is None else part.given


class Conditionals(Protocol):
    """A model that gives columns their joint distribution, given known codes."""

    exact: bool

    def joint(self, known: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        """Probability of the joint codes of some unknown columns [rows, joint codes].

        Args:
            known: Known codes [rows, columns of the model].
            columns: The columns; the codes of the last one vary fastest.
        """


def conditionals_of(model: ModelOfRows, seed: int) -> Conditionals:
    """The conditional distributions of a model of either kind."""
    missing = tuple(missing_code(column) for column in model.encoder.columns)
    if isinstance(model.distribution, Mixture):
        return MixtureConditionals(model.distribution, missing)
    assert isinstance(model.distribution, FrozenNetwork)
    return NetworkConditionals(model.distribution, missing, seed)


class MixtureConditionals:
    """Exact conditional distributions."""

    exact = True

    def __init__(self, mixture: Mixture, missing: tuple[int | None, ...]) -> None:
        self._mixture, self._proposal = mixture, MixtureProposal(mixture, missing)

    def joint(self, known: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        """Entries by Bayes' rule, and in each the columns are independent."""
        tables = (self._mixture.probabilities[column] for column in columns)
        each = reduce(_products, tables)
        found: np.ndarray = self._proposal.shares(known) @ each
        return found


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """All products of two columns' probabilities by entry [entries, codes · codes]."""
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)


class NetworkConditionals:
    """Conditional distributions by draws of what is unknown; exact where nothing else is.

    Args:
        network: The model.
        missing: The code of each column's missing value, or None.
        seed: Public randomness. Each profile's draws begin anew, so that its answer does not
            depend on the others.
    """

    exact = False

    def __init__(self, network: FrozenNetwork, missing: tuple[int | None, ...], seed: int) -> None:
        self._network, self._seed = network, seed
        self._proposal = NetworkProposal(network, missing)

    def joint(self, known: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        """The mean over draws of what is unknown, each judged beside all codes of the columns."""
        firsts, of = distinct_rows(known)
        found: np.ndarray = np.stack([self._of(known[place], columns) for place in firsts])[of]
        return found

    def _of(self, known: np.ndarray, columns: Sequence[int]) -> np.ndarray:
        rng = np.random.default_rng([self._seed, 11])
        sizes = [self._network.sizes[column] for column in columns]
        cells = math.prod(sizes)
        others = np.delete(known, columns)
        draws = 1 if (others >= 0).all() else int(np.clip(_TRIED // cells, 4, _MOST_DRAWS))
        rows = self._drawn(known, draws, rng)
        tried = np.repeat(rows, cells, axis=0)
        for column, codes in zip(columns, np.unravel_index(np.arange(cells), sizes), strict=True):
            tried[:, column] = np.tile(codes, len(rows))
        logs = self._network.log_likelihood(tried).reshape(len(rows), cells)
        likely = np.exp(logs - logs.max(1, keepdims=True))
        shares: np.ndarray = (likely / likely.sum(1, keepdims=True)).mean(0)
        return shares

    def _drawn(self, known: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Rows with the known codes, drawn from the model given these [draws, columns]."""
        until = len(known)
        made = self._proposal.propose(known[None], _PROPOSALS if draws > 1 else 1, until, rng)
        highest = made.logs.max()
        weights = np.exp(made.logs - (highest if np.isfinite(highest) else 0.0))
        weights = weights if weights.sum() > 0 else np.ones(len(weights))
        points = (np.arange(draws) + rng.random()) / draws  # Systematic resampling.
        places = np.searchsorted(np.cumsum(weights) / weights.sum(), points)
        codes: np.ndarray = made.origins[np.minimum(places, len(weights) - 1)]
        return codes


class Recommender:
    """Gives a categorical column's distribution.

    Args:
        model: The model; its columns hold those of the table by their names.
        schema: The table's public facts.
        column: The column.
        seed: Public randomness, of a network alone.

    Attributes:
        exact: Whether probabilities are exact, or estimated by draws.
        left_out: Constraints on the column that are not held where their columns are unknown.
    """

    def __init__(self, model: ModelOfRows, schema: Schema, column: Discrete, seed: int) -> None:
        self._columns = {part.name: part for part in model.encoder.columns}
        self._places = {name: place for place, name in enumerate(model.encoder.names)}
        self._conditionals = conditionals_of(model, seed)
        self._schema, self._column = schema, column
        self.exact = self._conditionals.exact
        rules = [rule for rule in schema.constraints if column.name in columns_of(rule, schema)]
        ties = [rule for rule in rules if isinstance(rule, Combinations)]
        self._ties = _Ties.of(column, ties, self._columns)
        self.left_out: tuple[Constraint, ...] = tuple(
            rule for rule in rules if rule not in ties or self._ties.partners == ()
        )

    def shares(self, known: Known) -> np.ndarray:
        """Probability of each of the column's categories [rows, categories].

        A row to which no category is left has zeros.
        """
        wanted = max(1, _CELLS // max(1, self._ties.size))
        parts = [
            self._some(known.take(np.arange(first, min(first + wanted, len(known.codes)))))
            for first in range(0, len(known.codes), wanted)
        ]
        return np.concatenate(parts)

    def _some(self, known: Known) -> np.ndarray:
        found = np.empty((len(known.codes), len(self._column.categories)))
        partners = self._ties.partners
        given = np.zeros((len(known.codes), len(partners)), dtype=bool)
        for place, name in enumerate(partners):
            given[:, place] = known.given(name)
        for pattern in np.unique(given, axis=0):
            rows = np.flatnonzero((given == pattern).all(1))
            found[rows] = self._alike(known.take(rows), pattern)
        found *= self._held(known)
        total = found.sum(1, keepdims=True)
        return found / np.where(total > 0, total, 1.0)

    def _alike(self, known: Known, pattern: np.ndarray) -> np.ndarray:
        """The distribution of rows of which the same partners are given."""
        partners = self._ties.partners
        free = [name for name, here in zip(partners, pattern, strict=True) if not here]
        asked = [*free, self._column.name]
        codes = known.codes.copy()
        for name in asked:
            codes[:, self._places[name]] = ANY
        joint = self._conditionals.joint(codes, [self._places[name] for name in asked])
        return self._ties.spread(joint, free, known)

    def _held(self, known: Known) -> np.ndarray:
        """Which categories hold constraints whose other columns are given [rows, categories]."""
        rows, texts = len(known.codes), self._column.categories
        found = np.ones((rows, len(texts)), dtype=bool)
        for rule in self.left_out:
            others = [name for name in columns_of(rule, self._schema) if name != self._column.name]
            whole = np.logical_and.reduce([known.given(name) for name in others])
            if not whole.any():
                continue
            here = np.flatnonzero(whole)
            each = np.repeat(here, len(texts))
            typed = pd.DataFrame(
                {name: known.cells[name].values.iloc[each] for name in others}
            ).reset_index(drop=True)
            typed[self._column.name] = np.tile(np.array(texts, dtype=object), len(here))
            found[here] = holds(rule, typed, self._schema).reshape(len(here), len(texts))
        return found


@dataclass(frozen=True, eq=False)
class _Ties:
    """Which categories go with which values of columns that fixed combinations tie to theirs.

    Attributes:
        column: The code of the column.
        partners: The columns that are tied to it.
        codes: By partner its codes.
        cells: Fine cells of the allowed combinations, of the partners and then of the column
            [combinations, partners and one].
    """

    column: ColumnCode
    partners: tuple[str, ...]
    codes: Mapping[str, ColumnCode]
    cells: np.ndarray

    @classmethod
    def of(
        cls, column: Discrete, rules: Sequence[Combinations], codes: Mapping[str, ColumnCode]
    ) -> _Ties:
        """The combinations that some constraints allow together."""
        alone = pd.DataFrame({column.name: list(column.categories)})
        frame = alone
        for rule in rules:
            allowed = pd.DataFrame(list(rule.allowed), columns=list(rule.columns), dtype=object)
            frame = frame.merge(allowed, on=[name for name in rule.columns if name in frame])
        partners = tuple(str(name) for name in frame.columns if name != column.name)
        size = math.prod(codes[name].size for name in (*partners, column.name))
        if size > _MOST_JOINT:
            frame, partners = alone, ()
        own = {name: codes[name].cells for name in (*partners, column.name)}
        cells = [part.encode(frame[name]) for name, part in own.items()]
        return cls(codes[column.name], partners, codes, np.stack(cells, axis=1))

    @property
    def size(self) -> int:
        """Numbers that a row takes at most."""
        columns = [*(self.codes[name] for name in self.partners), self.column]
        return max(len(self.cells), math.prod(part.size for part in columns))

    def spread(self, joint: np.ndarray, free: Sequence[str], known: Known) -> np.ndarray:
        """Give the share of each joint code to the categories of its combinations.

        Args:
            joint: Probability of joint codes of the free partners and the column [rows, codes].
            free: The partners that are unknown in all rows.
            known: What is known of the rows.

        Returns:
            The shares of the categories [rows, categories].
        """
        rows, possible = len(joint), np.ones((len(joint), len(self.cells)))
        place, weights, size = (
            np.zeros(len(self.cells), dtype=np.int64),
            np.ones(len(self.cells)),
            1,
        )
        for index, name in enumerate((*self.partners, self.column.name)):
            column, own = self.codes[name], self.cells[:, index]
            if name in free or name == self.column.name:
                place = place * column.size + column.code_of[own]
                weights, size = weights * column.within[own], size * column.size
            else:
                cells = column.cells.encode(known.cells[name].values)
                possible *= cells[:, None] == own
        weighted = possible * weights
        each = np.zeros((rows, size))
        np.add.at(each.T, place, weighted.T)
        told = np.where(each > 0, joint / np.where(each > 0, each, 1.0), 0.0)[:, place] * weighted
        found = np.zeros((rows, len(self.column.cells.texts)))
        np.add.at(found.T, self.cells[:, -1], told.T)
        return found
