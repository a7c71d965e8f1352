"""Weigh proposals by a group of constraints, so that given values and constraints go together.

Rows without given values keep their codes under constraints: values follow inside the codes
(``kept_codes``). A proposal with given values has the weight that makes it a draw of the same rows:
the share of its codes over the share of their values that hold the constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from privgan.domain.distinct import distinct_rows
from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.domain.value_sets import MISSING, PositionSet
from privgan.generator.boxes import GroupBoxes, Positions
from privgan.generator.kept_codes import LEAST, log_weights, settled
from privgan.generator.orders import Drawn
from privgan.generator.proposals import missing_code

_TRIES = 64  # Draws that tell how often values inside codes hold an order.
_MANY_TRIES, _MOST_TRIES = 4_096, 600_000  # Of codes where some do: each, and together.
_CELLS = 4_000_000


class Tie:
    """One group of constraints over proposals.

    Args:
        group: The constraints.
        encoder: Values to codes.

    Attributes:
        names: The group's columns.
        columns: Their places in the encoder.
    """

    def __init__(self, group: Group, encoder: Encoder) -> None:
        self.boxes = GroupBoxes(group, encoder)
        self.names = group.columns
        self.columns = tuple(encoder.names.index(name) for name in self.names)
        self._sets: dict[str, list[PositionSet]] = {}
        columns = [encoder.columns[place] for place in self.columns]
        self._missing = [missing_code(column) for column in columns]
        self._cuts: dict[str, np.ndarray] = {}
        self._set_of: dict[str, np.ndarray] = {}
        for place, name in enumerate(self.names):
            sets = [group.boxes[box][place] for box in self.boxes.boxes]
            different = list(dict.fromkeys(sets))
            numbers = {values: number for number, values in enumerate(different)}
            self._sets[name] = different
            runs = [run for values in different for run in values.intervals]
            ends = {end for first, last in runs for end in (first, last + 1)}
            self._cuts[name] = np.array(sorted(ends), dtype=np.int64)
            self._set_of[name] = np.array([numbers[values] for values in sets], dtype=np.int64)
        self._held_shares: dict[bytes, float] = {}

    def ruled(self, codes: np.ndarray) -> np.ndarray:
        """Logarithm of the weight [rows] of codes [rows, columns] without given values or orders.

        0 but where codes lose a part of their share, as in ``kept_codes``.
        """
        with np.errstate(divide="ignore"):
            found: np.ndarray = np.log(np.minimum(1.0, self._mass(codes) / LEAST))
        return found

    def free(self, codes: np.ndarray, rng: np.random.Generator) -> tuple[Positions, np.ndarray]:
        """Draw values inside the codes [rows, columns] of rows that give none.

        Returns:
            Positions [rows] by column, and the logarithm of each row's weight [rows].
        """
        logs = self.ruled(codes)
        alive = np.flatnonzero(np.isfinite(logs))
        positions = {name: np.full(len(codes), MISSING, dtype=np.int64) for name in self.names}
        if not len(alive):
            return positions, logs
        boxes, found = self.boxes.drawn_inside(codes[alive], rng)
        if self.boxes.ordered:
            found = settled([self.boxes], Drawn(codes[alive], [boxes], found), rng).positions
            logs[alive[~self.boxes.held(found)]] = -np.inf
        for name, part in found.items():
            positions[name][alive] = part
        return positions, logs

    def bound(
        self, codes: np.ndarray, given: Mapping[str, np.ndarray], rng: np.random.Generator
    ) -> tuple[Positions, np.ndarray]:
        """Draw the values that are not given inside codes [rows, columns], and weigh them.

        Args:
            codes: Codes of the group's columns, the given values' among them.
            given: By column the given positions [rows]; below ``MISSING`` where none is given.
            rng: Public randomness.

        Returns:
            Positions [rows] by column, and the logarithm of each row's weight [rows].
        """
        positions = {}
        for place, name in enumerate(self.names):
            drawn = self.boxes.whole[name].within(codes[:, place], rng)
            positions[name] = np.where(given[name] < MISSING, drawn, given[name])
        logs = np.full(len(codes), -np.inf)
        alive = np.flatnonzero(self._inside(positions))
        if self.boxes.ordered:
            alive = alive[self.boxes.held({n: part[alive] for n, part in positions.items()})]
        if len(alive):
            some = {name: part[alive] for name, part in positions.items()}
            logs[alive] = log_weights([self.boxes], some)
            if self.boxes.ordered:
                logs[alive] -= np.log(self._held_share(codes[alive], rng))
        return positions, logs

    def _mass(self, codes: np.ndarray) -> np.ndarray:
        """Probability [rows] of the boxes given codes [rows, columns]."""
        firsts, of = distinct_rows(codes)
        every = codes[firsts]
        size = max(1, _CELLS // max(1, len(self.boxes.boxes)))
        parts = [
            self.boxes.given(every[first : first + size]).sum(1)
            for first in range(0, len(every), size)
        ]
        found: np.ndarray = np.concatenate(parts)[of]
        return found

    def _inside(self, positions: Positions) -> np.ndarray:
        """Which rows lie in a box [rows]; rows alike in all sets are looked at once."""
        kinds = [
            # Positions between two cuts lie in the same sets; missing ones are a kind of their own.
            np.where(
                positions[name] == MISSING,
                0,
                np.searchsorted(self._cuts[name], positions[name], side="right") + 1,
            )
            for name in self.names
        ]
        first, of = distinct_rows(np.stack(kinds, axis=1))
        inside = np.ones((len(first), len(self.boxes.boxes)), dtype=bool)
        for name in self.names:
            held = _in_sets(self._sets[name], positions[name][first])
            inside &= held[:, self._set_of[name]]
        held_somewhere: np.ndarray = np.logical_or.reduce(inside, axis=1)
        found: np.ndarray = held_somewhere[of]
        return found

    def _held_share(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Share [rows] of the values inside codes and boxes that hold the orders, estimated."""
        firsts, of = distinct_rows(codes)
        every = np.ascontiguousarray(codes[firsts])
        keys = [part.tobytes() for part in every]
        new = [place for place, key in enumerate(keys) if key not in self._held_shares]
        if new:
            shares = self._tried(every[new], _TRIES, rng)
            # Where some are held and some are not, more draws tell the share closely.
            unsure = np.flatnonzero((shares > 0) & (shares < 1))
            more = int(np.clip(_MOST_TRIES // max(1, len(unsure)), _TRIES, _MANY_TRIES))
            shares[unsure] = self._tried(every[new][unsure], more, rng)
            least = 1 / _TRIES
            self._held_shares |= {
                keys[place]: max(float(share), least)
                for place, share in zip(new, shares, strict=True)
            }
        found: np.ndarray = np.array([self._held_shares[key] for key in keys])[of]
        return found

    def lacking(self, codes: np.ndarray) -> np.ndarray:
        """Which ordered columns each row of codes lacks [rows, ordered columns that may be]."""
        ordered = [
            codes[:, place] == self._missing[place]
            for place, name in enumerate(self.names)
            if self._missing[place] is not None and name in self.boxes.group.order.columns
        ]
        return np.stack([np.zeros(len(codes), dtype=bool), *ordered], axis=1)

    def _tried(self, codes: np.ndarray, times: int, rng: np.random.Generator) -> np.ndarray:
        """Share [rows] of so many draws inside codes [rows, columns] that hold the orders."""
        shares, size = np.zeros(len(codes)), max(1, _CELLS // (8 * times))
        for first in range(0, len(codes), size):
            tried = np.repeat(codes[first : first + size], times, axis=0)
            held = self.boxes.held(self.boxes.drawn_inside(tried, rng)[1])
            shares[first : first + size] = held.reshape(-1, times).mean(1)
        return shares


class Ties:
    """All groups of constraints over proposals.

    An order takes rows away whose codes cannot hold it, and a row without the value never. So rows
    with the same missing values weigh more by as much as such rows lose (``orders``).

    Args:
        groups: The schema's constraints.
        encoder: Values to codes.
        pilot: Codes [rows] of a column by its place, of rows without any given value.
        rng: Public randomness.

    Attributes:
        names: The constrained columns.
        columns: Their places in the encoder.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        encoder: Encoder,
        pilot: Callable[[int], np.ndarray],
        rng: np.random.Generator,
    ) -> None:
        self._ties = [Tie(group, encoder) for group in groups]
        self.names = tuple(name for tie in self._ties for name in tie.names)
        self.columns = tuple(column for tie in self._ties for column in tie.columns)
        ordered = any(tie.boxes.ordered for tie in self._ties)
        self._lost = self._losses(pilot, rng) if ordered else {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._ties)

    def weighed(
        self,
        codes: Callable[[int], np.ndarray],
        given: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> tuple[Positions, np.ndarray]:
        """Draw the constrained values that are not given, and weigh the rows.

        Args:
            codes: The codes [rows] of a column by its place, the given values' among them.
            given: By column the given positions [rows]; below ``MISSING`` where none is given.
            rng: Public randomness.

        Returns:
            Positions [rows] by column, and the logarithm of each row's weight [rows].
        """
        rows = len(next(iter(given.values())))
        drawn: Positions = {name: np.full(rows, MISSING, dtype=np.int64) for name in self.names}
        logs, lacking = np.zeros(rows), []
        for tie in self._ties:
            own = np.stack([codes(column) for column in tie.columns], axis=1)
            lacking.append(tie.lacking(own))
            asked = np.logical_or.reduce([given[name] >= MISSING for name in tie.names])
            for bound in (True, False):
                here = np.flatnonzero((asked == bound) & np.isfinite(logs))
                if not len(here):
                    continue
                known = {name: given[name][here] for name in tie.names}
                found, change = (
                    tie.bound(own[here], known, rng) if bound else tie.free(own[here], rng)
                )
                logs[here] += change
                for name, part in found.items():
                    drawn[name][here] = part
        return drawn, logs + (self._made_up(lacking) if self._lost else 0.0)

    def _made_up(self, lacking: Sequence[np.ndarray]) -> np.ndarray:
        """Logarithm of what rows gain for those lost beside them [rows]."""
        kinds, of = _kinds(lacking)
        found: np.ndarray = np.array([self._lost.get(kind, 0.0) for kind in kinds])[of]
        return found

    def _losses(
        self, pilot: Callable[[int], np.ndarray], rng: np.random.Generator
    ) -> dict[bytes, float]:
        """By kind of missing values, the logarithm of rows before over rows after the orders."""
        codes = [np.stack([pilot(column) for column in tie.columns], 1) for tie in self._ties]
        pairs = list(zip(self._ties, codes, strict=True))
        before = np.sum([tie.ruled(own) for tie, own in pairs], axis=0)
        after = np.sum([tie.free(own, rng)[1] for tie, own in pairs], axis=0)
        kinds, of = _kinds([tie.lacking(own) for tie, own in pairs])
        whole, kept = (np.bincount(of, np.exp(logs), len(kinds)) for logs in (before, after))
        return {
            kind: float(np.log(every / held))
            for kind, every, held in zip(kinds, whole, kept, strict=True)
            if held > 0
        }


def _kinds(lacking: Sequence[np.ndarray]) -> tuple[list[bytes], np.ndarray]:
    """The different rows of flags [rows, flags] as bytes, and the number of each row's [rows]."""
    packed = np.packbits(np.concatenate(lacking, axis=1), axis=1)
    firsts, of = distinct_rows(packed)
    return [kind.tobytes() for kind in packed[firsts]], of


def _in_sets(sets: list[PositionSet], positions: np.ndarray) -> np.ndarray:
    """Which of some sets each position lies in [rows, sets], bool."""
    found = np.zeros((len(positions), len(sets)), dtype=bool)
    for place, values in enumerate(sets):
        if values.missing:
            found[:, place] |= positions == MISSING
        for first, last in values.intervals:
            found[:, place] |= (positions >= first) & (positions <= last)
    return found
