"""Draw the rows of a related table, given their parents: one after another, all parents at once.

A parent's row says how many there are. Each row is drawn given its parent's columns, that number
and the row drawn before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from privgan.domain.encoding import Encoder
from privgan.errors import IncompleteError, InternalError
from privgan.generator.conditional import ConditionalMixture
from privgan.generator.distribution import Distribution
from privgan.generator.exchanges import Exchange, exchanged
from privgan.generator.mixture import Mixture
from privgan.parts.related_form import RelatedForm
from privgan.schema.columns import Discrete
from privgan.schema.constraints import place
from privgan.schema.schema import Schema
from privgan.schema.tables import TableFacts
from privgan.table.violations import broken, holds

# Rows that are drawn at once, and times that a row that breaks a constraint is drawn again.
_BLOCK, _ATTEMPTS = 4_096, 50


class ChildModel(Protocol):
    """A fitted model of a child's part, as far as drawing needs it."""

    @property
    def encoder(self) -> Encoder:
        """Codes to values."""

    @property
    def distribution(self) -> Distribution:
        """The distribution over codes."""


@dataclass(frozen=True, eq=False)
class Children:
    """Drawn rows of a child.

    Attributes:
        frame: Typed rows [rows, own columns and numbers of their own children's rows], those of one
            parent together.
        parents: Place of each row's parent among those that were given [rows], ascending.
    """

    frame: pd.DataFrame
    parents: np.ndarray


class ChildDraws:
    """Draws rows of a child.

    Args:
        form: The form of the parts.
        child: The child.
        model: The model of its part.
    """

    def __init__(self, form: RelatedForm, child: TableFacts, model: ChildModel) -> None:
        self._form, self._child, self._encoder = form, child, model.encoder
        mixture = model.distribution
        if not isinstance(mixture, Mixture):
            raise InternalError(f"the model of {child.name} is no mixture")
        self._mixture = ConditionalMixture(mixture)
        self._index = {name: place for place, name in enumerate(model.encoder.names)}
        context = form.context(child)
        self._own = [name for name in model.encoder.names if name not in context]
        self._table: Schema = form.schema.alone(child.name)
        self._exchange = _exchange(form, child)

    def of(self, parents: pd.DataFrame, rng: np.random.Generator) -> Children:
        """The rows of some parents.

        Args:
            parents: Typed rows of the parent's part [parents, its columns].
            rng: Public randomness.

        Raises:
            IncompleteError: when no drawn row holds the table's constraints.
        """
        number = self._form.numbers(self._child, parents[self._form.count(self._child)], rng)
        order = np.argsort(-number, kind="stable")
        order = order[: int((number > 0).sum())]
        blocks = (order[start : start + _BLOCK] for start in range(0, len(order), _BLOCK))
        drawn = [part for block in blocks for part in self._block(parents, number, block, rng)]
        if not drawn:
            return Children(self._nothing(rng), np.zeros(0, dtype=np.int64))
        frame = pd.concat([part for part, _ in drawn], ignore_index=True)
        owner = np.concatenate([part for _, part in drawn])
        by_parent = np.argsort(owner, kind="stable")
        frame = frame.iloc[by_parent].reset_index(drop=True)
        owner, frame = owner[by_parent], self._held(frame, rng)
        return Children(exchanged(frame, owner, self._exchange, parents, rng), owner)

    def _nothing(self, rng: np.random.Generator) -> pd.DataFrame:
        return self._decoded({name: np.zeros(0, dtype=np.int64) for name in self._own}, rng)

    def _block(
        self,
        parents: pd.DataFrame,
        number: np.ndarray,
        block: np.ndarray,
        rng: np.random.Generator,
    ) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Rows of some parents, those with most rows first, place by place."""
        known = self._mixture.weights(self._above(parents.iloc[block].reset_index(drop=True)))
        before: dict[str, np.ndarray] = {}
        for row in range(int(number[block[0]])):
            active = int((number[block] > row).sum())
            coded = self._before({name: codes[:active] for name, codes in before.items()}, active)
            weights = self._mixture.weights(coded, known[:active].copy())
            frame, before = self._rows(weights, rng)
            yield frame, block[:active]

    def _above(self, parents: pd.DataFrame) -> Iterator[tuple[int, np.ndarray]]:
        """Codes of what is known of the parents, each with its column's index."""
        form, child = self._form, self._child
        names = {form.above(column): column.name for column in form.own(child.parent.table)}
        for name, column in {**names, form.count(child): form.count(child)}.items():
            index = self._index[name]
            yield index, self._encoder.columns[index].encode(parents[column])

    def _before(self, before: dict[str, np.ndarray], rows: int) -> Iterator[tuple[int, np.ndarray]]:
        """Codes of the rows before; the last code is that of missing ones, as at the first."""
        for column in self._form.remembered(self._child):
            index = self._index[self._form.before(column)]
            missing = self._encoder.columns[index].size - 1
            yield index, before.get(column.name, np.full(rows, missing))

    def _rows(
        self, weights: np.ndarray, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """A row for each weight of the entries, drawn again where it breaks a constraint."""
        frame, codes = self._drawn(weights, rng)
        for _ in range(_ATTEMPTS if self._table.constraints else 0):
            wrong = np.flatnonzero(~self._holds(frame))
            if not len(wrong):
                break
            again, changed = self._drawn(weights[wrong], rng)
            for name in self._own:
                codes[name][wrong] = changed[name]
                frame[name] = _placed(frame[name], wrong, again[name])
        return frame, codes

    def _drawn(
        self, weights: np.ndarray, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        entries = self._mixture.drawn(weights, rng)
        codes = {name: self._mixture.codes(self._index[name], entries, rng) for name in self._own}
        return self._decoded(codes, rng), codes

    def _decoded(self, codes: dict[str, np.ndarray], rng: np.random.Generator) -> pd.DataFrame:
        columns = self._encoder.columns
        return pd.DataFrame(
            {name: columns[self._index[name]].decode(found, rng) for name, found in codes.items()}
        )

    def _holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Whether each row [rows] holds all constraints of its table."""
        rules = (holds(rule, frame, self._table) for rule in self._table.constraints)
        return np.logical_and.reduce([np.ones(len(frame), dtype=bool), *rules])

    def _held(self, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """The rows, with another drawn row that holds the constraints for each that does not."""
        held = self._holds(frame)
        if held.all():
            return frame
        good = np.flatnonzero(held)
        if not len(good):
            first = broken(frame, self._table)[0][0]
            raise IncompleteError(
                f"table {self._child.name}: the model gives no row that holds {place(first)}; leave"
                " it out, or allow more"
            )
        taken = np.arange(len(frame))
        taken[~held] = rng.choice(good, int((~held).sum()))
        return frame.iloc[taken].reset_index(drop=True)


def _exchange(form: RelatedForm, child: TableFacts) -> Exchange:
    """What rows of a child exchange: their numbers, where they are alike in all classes."""
    classes = (part.name for part in form.own(child.name) if isinstance(part, Discrete))
    means = tuple((part, form.mean(child, part)) for part in form.averaged(child))
    known = {part.name for part, _ in means}
    return Exchange(
        means=means,
        alike=(*classes, *(form.count(table) for table in form.children(child.name))),
        carried=tuple(part.name for part in form.numbers_of(child) if part.name not in known),
        schema=form.schema.alone(child.name),
        dealt=True,
    )


def _placed(values: pd.Series, rows: np.ndarray, new: pd.Series) -> pd.Series:
    """Values with some rows replaced."""
    found = values.copy()
    found.iloc[rows] = new.to_numpy()
    return found
