"""Draw the events of given customers, one event after another, all customers at once.

A customer's row says how many events there are, when the first and the last are, and what their
means and usual values are. Each event is drawn given these and the event before it. Then customers
exchange values until their means agree (``exchanges.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers, from_numbers, step_of
from privgan.domain.encoding import ColumnCode
from privgan.domain.frames import with_columns
from privgan.generator.conditional import conditional
from privgan.generator.exchanges import Exchange, exchanged
from privgan.generator.part_model import PartModel
from privgan.parts.history_form import HistoryForm
from privgan.table.violations import holds

# Histories that are drawn at once.
_BLOCK = 4_096
# Times that an event that breaks a constraint is drawn again.
_ATTEMPTS = 50


@dataclass(frozen=True, eq=False)
class Histories:
    """Drawn events.

    Attributes:
        frame: Typed rows [rows, modelled columns], of each customer together and in order.
        customers: Place of each row's customer among those that were given [rows], ascending.
        whole: Of which given customers all drawn events hold the constraints [customers], bool.
    """

    frame: pd.DataFrame
    customers: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True, eq=False)
class _Strands:
    """Histories to draw, those with most events first.

    Attributes:
        customer: Place of each one's customer [strands].
        number: How many events it has [strands].
        first: When the first one is [strands].
        last: When the last one is [strands].
    """

    customer: np.ndarray
    number: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, form: HistoryForm, customers: pd.DataFrame, rng: np.random.Generator) -> _Strands:
        """The strands of customers [customers, columns of their part]."""
        number = form.counts.drawn(customers[form.count], rng)
        first, last = (as_numbers(customers[name], form.order) for name in (form.first, form.last))
        order = np.argsort(-number, kind="stable")[: int((number > 0).sum())]
        ends = np.where(np.isnan(last), first, last)
        return cls(order, number[order], first[order], ends[order])

    def at(self, rows: slice) -> _Strands:
        """Some of the strands."""
        return _Strands(self.customer[rows], self.number[rows], self.first[rows], self.last[rows])


@dataclass(eq=False)
class _Before:
    """What is known of the events before: their moments [strands], and codes by column."""

    times: np.ndarray
    codes: dict[str, np.ndarray]


class HistoryDraws:
    """Draws events of customers.

    Args:
        form: The form of the histories.
        events: The model of the events.
    """

    def __init__(self, form: HistoryForm, events: PartModel) -> None:
        self._form, self._encoder = form, events.encoder
        self._index = {name: place for place, name in enumerate(events.encoder.names)}
        self._model = conditional(events)
        self._takes_step = _present(events.encoder.columns[self._index[form.step]])
        self._exchange = exchange_of(form)

    def of(
        self, customers: pd.DataFrame, rng: np.random.Generator, *, whole: bool = True
    ) -> Histories:
        """The events of some customers.

        Args:
            customers: Typed rows of the customers' part [customers, its columns].
            rng: Public randomness.
            whole: Whether a customer with an event that breaks a constraint has no row drawn; else
                such an event alone is left out.
        """
        frame, owner, held = self._drawn(customers, rng)
        holding = ~np.isin(np.arange(len(customers)), owner[~held])
        kept = holding[owner] if whole else held
        frame, owner = frame[kept].reset_index(drop=True), owner[kept]
        return Histories(exchanged(frame, owner, self._exchange, customers, rng), owner, holding)

    def _drawn(
        self, customers: pd.DataFrame, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        """Events by customer, whose each is [rows], and whether it holds the constraints [rows]."""
        strands = _Strands.of(self._form, customers, rng)
        starts = range(0, max(len(strands.customer), 1), _BLOCK)
        drawn = [
            part
            for start in starts
            for part in self._block(strands.at(slice(start, start + _BLOCK)), start, customers, rng)
        ]
        frame = pd.concat([part for part, _, _ in drawn], ignore_index=True)
        owner = strands.customer[np.concatenate([part for _, part, _ in drawn])]
        order = np.argsort(owner, kind="stable")
        held = np.concatenate([part for _, _, part in drawn])
        return frame.iloc[order], owner[order], held[order]

    def _block(
        self, strands: _Strands, start: int, customers: pd.DataFrame, rng: np.random.Generator
    ) -> Iterator[tuple[pd.DataFrame, np.ndarray, np.ndarray]]:
        """Events of some strands, place by place, with their strands and whether they hold."""
        own = customers.iloc[strands.customer].reset_index(drop=True)
        own[self._form.count] = self._form.coarse_counts.of(strands.number)
        context = [*self._form.lent_by_customers, self._form.count]
        known = self._model.known(self._coded(own, context))
        before = _Before(strands.first, {})
        # Without any strand one place is drawn, of no row.
        for place in range(int(strands.number[0]) if len(own) else 1):
            active = slice(int((strands.number > place).sum()))
            event = _Event(
                strands.at(active), place, own.iloc[active], known[active], _first(before, active)
            )
            frame, held = self._event(event, rng)
            before = event.before
            yield frame, start + np.arange(len(frame)), held

    def _coded(
        self, frame: pd.DataFrame, columns: Iterable[str]
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Codes [rows] of known columns, each with its index."""
        for name in columns:
            yield self._index[name], self._encoder.columns[self._index[name]].encode(frame[name])

    def _event(self, event: _Event, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
        """One event of each strand, and whether it holds the constraints [strands]."""
        form = self._form
        known = self._model.known(self._context(event), event.known)
        step = self._step(event, known, rng)
        moments = from_numbers(event.before.times, form.order)
        found = {part.name: event.own[part.name].to_numpy() for part in form.constants}
        frame = pd.DataFrame(found | {form.order.name: moments})
        coded = [*self._coded(frame, [form.order.name]), (self._index[form.step], step)]
        known = self._model.known(coded, known)
        drawn, event.before.codes = self._own(known, rng)
        frame = pd.concat([frame, drawn], axis=1)
        if event.place == 0:
            frame = self._alone(event, frame)
        return self._held(frame, event, known, rng)

    def _context(self, event: _Event) -> Iterator[tuple[int, np.ndarray]]:
        """Codes of what an event looks at beside its customer."""
        form, left = self._form, event.strands.number - event.place - 1
        yield from self._coded(pd.DataFrame({form.left: form.lefts.of(left)}), [form.left])
        for part in form.remembered:
            index = self._index[form.before(part)]
            missing = self._encoder.columns[index].size - 1
            yield index, event.before.codes.get(part.name, np.full(len(left), missing))

    def _step(self, event: _Event, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Code of each event's step [strands]; the moments before become the event's own."""
        column, strands = self._encoder.columns[self._index[self._form.step]], event.strands
        codes = np.full(len(known), column.size - 1)
        if event.place == 0:
            return codes
        times = np.where(strands.number == event.place + 1, strands.last, event.before.times)
        free = np.flatnonzero(
            (strands.number > event.place + 1) & (strands.last > event.before.times)
        )
        if len(free):
            index, allowed = self._index[self._form.step], self._takes_step
            (codes[free],) = self._model.sampled(known[free], [index], rng, allowed)
            left = (strands.number[free] - event.place - 1) + 1
            steps = column.decode(codes[free], rng).to_numpy(dtype=float)
            shares = np.minimum(1.0, steps / left)
            unit, begun = step_of(self._form.order), event.before.times[free]
            times[free] = begun + unit * np.rint(shares * (strands.last[free] - begun) / unit)
        event.before.times = times
        return codes

    def _own(
        self, known: np.ndarray, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """Own columns of events [rows, own columns], and their codes."""
        names = [part.name for part in self._form.own]
        drawn = self._model.sampled(known, [self._index[name] for name in names], rng)
        codes = dict(zip(names, drawn, strict=True))
        columns = self._encoder.columns
        values = {name: columns[self._index[name]].decode(codes[name], rng) for name in names}
        return pd.DataFrame(values, index=range(len(known))), codes

    def _alone(self, event: _Event, frame: pd.DataFrame) -> pd.DataFrame:
        """The events with means and usual values where these are the one event's own."""
        form, one = self._form, event.strands.number == 1
        changed: dict[str, pd.Series] = {}
        for part in form.averaged:
            means = event.own[form.mean(part)].to_numpy(dtype=float)
            value = from_numbers(np.round(means, part.decimals), part).clip(part.lower, part.upper)
            changed[part.name] = frame[part.name].mask(one & ~np.isnan(means), value)
        for kind in form.usuals:
            usual = event.own[form.usual(kind)].reset_index(drop=True)
            changed[kind.name] = frame[kind.name].mask(one & usual.notna().to_numpy(), usual)
        return with_columns(frame, changed)

    def _held(
        self,
        frame: pd.DataFrame,
        event: _Event,
        known: np.ndarray,
        rng: np.random.Generator,
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """The events, drawn again where they break a constraint, and which hold all of them."""
        names = [part.name for part in self._form.own]
        for _ in range(_ATTEMPTS):
            broken = np.flatnonzero(~self._holds(frame))
            if not len(broken):
                break
            values, codes = self._own(known[broken], rng)
            for name in names:
                frame[name] = _placed(frame[name], broken, values[name])
                event.before.codes[name][broken] = codes[name]
        return frame, self._holds(frame)

    def _holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Whether each event [rows] holds all constraints."""
        rules = self._form.schema.constraints
        held = (holds(rule, frame, self._form.schema) for rule in rules)
        return np.logical_and.reduce([np.ones(len(frame), dtype=bool), *held])


@dataclass(eq=False)
class _Event:
    """One event of each of some strands.

    Attributes:
        strands: The strands.
        place: How many events stand before it.
        own: Their customers' rows [strands, columns of the customers' part].
        known: What the model knows by these [strands, …].
        before: What is known of the event before.
    """

    strands: _Strands
    place: int
    own: pd.DataFrame
    known: np.ndarray
    before: _Before


def exchange_of(form: HistoryForm) -> Exchange:
    """What events of customers exchange: their numbers, where they are alike in all classes."""
    return Exchange(
        means=tuple((part, form.mean(part)) for part in form.averaged),
        spreads=tuple((part, form.mean(part), form.spread(part)) for part in form.spreads),
        alike=form.alike,
        carried=tuple(part.name for part in form.numbers if part not in form.averaged),
        schema=form.schema,
        dealt=form.deals,
    )


def _first(before: _Before, rows: slice) -> _Before:
    """What is known of the first strands."""
    codes = {name: found[rows] for name, found in before.codes.items()}
    return _Before(before.times[rows], codes)


def _present(column: ColumnCode) -> np.ndarray:
    """Which codes [codes] are of a value that is there; the last code is that of missing ones."""
    return np.arange(column.size) < column.size - 1


def _placed(values: pd.Series, rows: np.ndarray, new: pd.Series) -> pd.Series:
    """Values with some rows replaced."""
    found = values.copy()
    found.iloc[rows] = new.to_numpy()
    return found
