"""Complete profiles: draw what is not given from the model's distribution given what is.

Each profile gets some proposals, with weights where the model or a constraint needs them, and one
of them in proportion to its weight. Of a mixture without constraints the first one is exact. Where
too few have a weight more are tried. What is then still open is drawn as rows under a condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from privgan.domain.cells import as_numbers
from privgan.domain.conditions import ColumnCondition
from privgan.domain.disjoint import disjoint_regions
from privgan.domain.distinct import distinct_rows
from privgan.domain.regions import groups_of
from privgan.domain.value_sets import MISSING, Axis, pieces_of
from privgan.errors import IncompleteError, InternalError, UsageError
from privgan.generator.boxes import Positions
from privgan.generator.proposals import ANY, PRESENT, proposal_of
from privgan.generator.row_sampler import FittedModel, RowSampler
from privgan.generator.ties import Ties
from privgan.naming import parameter
from privgan.schema.columns import PRESENCE, Discrete
from privgan.schema.identifiers import SerialCustomers, invent
from privgan.table.presenting import presented
from privgan.table.profiles import Profiles
from privgan.table.violations import broken

CHUNK = 100_000
_AT_ONCE = 400_000  # Proposals.
_TIMES = (4, 16, 64, 256, 1_024)  # Proposals of a row, until enough of them have a weight.
_MOST_PROPOSALS = 8_000_000  # Of further rounds.
_ENOUGH = 3.0  # Effective proposals of a profile, and at least one for each of its rows.
_SHARED = 64  # Rows of one profile that share their proposals.
_MOST_ALONE = 200  # Profiles that are drawn one by one at most.
_PILOT = 20_000
_NOT_GIVEN = MISSING - 1
GIVEN_WARNING = (
    "profiles made from real customers bring these people in: the guarantee is of the model, not of"
    " given values; keep what is made of them inside"
)


def worth_note(worth: np.ndarray) -> str | None:
    """What to say of completed rows [rows]; None where each tells as much as an exact draw."""
    rows, found = len(worth), int(worth.sum())
    if found >= rows:
        return None
    return (
        f"some profiles are rare in the model: they are drawn by few weighted proposals, and the"
        f" {rows:,} rows tell as much as {found:,} independent ones"
    )


@dataclass(frozen=True, eq=False)
class Completed:
    """Completed profiles, in their order.

    Attributes:
        rows: All columns, as a typed file holds them [rows, columns].
        probability: The model's probability of each profile's given values [rows], constraints left
            out.
        worth: What each row's draw is worth of an exact one [rows], 0 to 1.
    """

    rows: pd.DataFrame
    probability: np.ndarray
    worth: np.ndarray


@dataclass(eq=False)
class _Rows:
    """Profiles while they are completed.

    Attributes:
        known: Known codes [rows, columns of the encoder], ``ANY`` or ``PRESENT``.
        given: By column the given positions [rows]; ``_NOT_GIVEN`` where none is given.
        origins: What the rows' codes follow from, once some are proposed.
        drawn: By constrained column the positions [rows].
        profile: The number of each row's profile [rows]: rows with one number are given the same.
        logs: Logarithm of the probability of the known codes [rows].
        worth: As in ``Completed``; 0 where a row is open.
    """

    known: np.ndarray
    given: dict[str, np.ndarray]
    origins: np.ndarray
    drawn: dict[str, np.ndarray]
    profile: np.ndarray
    logs: np.ndarray
    worth: np.ndarray


class Completer:
    """Completes profiles by one model; its state is public randomness.

    Args:
        model: The model.
        seed: Public randomness: the same seed draws the same rows.
    """

    def __init__(self, model: FittedModel, seed: int) -> None:
        self._model, self._encoder = model, model.encoder
        self._rng = np.random.default_rng([seed, 7])
        self._customers = SerialCustomers(model.rows_of_each, self._rng)
        self._proposal = proposal_of(model.distribution, model.encoder)
        self._axes = {part.name: Axis(part.cells.column) for part in self._encoder.columns}
        self._runs = {
            part.name: pieces_of(part, self._axes[part.name], self._axes[part.name].full)
            for part in self._encoder.columns
        }
        schema = model.schema
        groups = groups_of(schema) if schema.constraints else ()
        self._ties = Ties(groups, model.encoder, self._pilot(), self._rng)
        self._exact = self._proposal.exact and not self._ties

    def _pilot(self) -> Callable[[int], np.ndarray]:
        """Codes [rows] of a column, drawn without any profile."""
        columns = len(self._encoder.sizes)
        known = np.full((_PILOT, columns), ANY)

        @cache
        def origins() -> np.ndarray:
            return self._proposal.propose(known, 1, columns, self._rng).origins

        return lambda column: self._proposal.codes(column, origins(), known[:, column], self._rng)

    def chunks(self, profiles: Profiles) -> Iterator[Completed]:
        """Complete profiles in their order, in bounded memory.

        Raises:
            UsageError: A profile cannot exist under the constraints.
            IncompleteError: The model gives profiles next to no probability.
        """
        for first in range(0, profiles.rows, CHUNK):
            yield self._chunk(profiles.part(first, CHUNK), first)

    def _chunk(self, profiles: Profiles, first: int) -> Completed:
        rows = self._begun(profiles)
        self._fill(rows)
        alone = np.flatnonzero(rows.worth <= 0)
        self._check_few(alone, first)
        positions = self._positions(rows)
        for place in alone:
            for name, found in self._by_itself(profiles, int(place), first).items():
                positions[name][place] = found
            rows.worth[place] = 1.0
        typed = self._typed(positions, first)
        if self._ties and (found_broken := broken(typed, self._model.schema)):
            raise InternalError(f"a constraint is broken by {found_broken[0][1]} completed rows")
        probability = np.exp(rows.logs) * self._inside(profiles)
        return Completed(presented(typed, self._model.schema), probability, rows.worth)

    def _begun(self, profiles: Profiles) -> _Rows:
        known = np.full((profiles.rows, len(self._encoder.columns)), ANY, dtype=np.int64)
        given = {}
        for place, column in enumerate(self._encoder.columns):
            given[column.name] = np.full(profiles.rows, _NOT_GIVEN, dtype=np.int64)
            if (part := profiles.cells.get(column.name)) is not None:
                here = np.flatnonzero(part.given)
                known[:, place] = PRESENT
                known[here, place] = column.encode(part.values.iloc[here])
                found = self._axes[column.name].positions(part.values.iloc[here])
                given[column.name][here] = found
        told = [known, *(given[name][:, None] for name in self._ties.names)]
        _, profile = distinct_rows(np.concatenate(told, axis=1))
        return _Rows(
            known=known,
            given=given,
            origins=np.zeros(0),
            drawn={name: np.full(profiles.rows, MISSING) for name in self._ties.names},
            profile=profile,
            logs=np.zeros(profiles.rows),
            worth=np.zeros(profiles.rows),
        )

    def _fill(self, rows: _Rows) -> None:
        """Choose proposals for all rows that get one.

        Where no value of a cell to impute goes with the constraints, it may be missing after all.
        """
        until = self._until(rows.known)
        self._rounds(rows, np.arange(len(rows.known)), until)
        left = np.flatnonzero((rows.worth <= 0) & (rows.known == PRESENT).any(1))
        if len(left):
            rows.known[left] = np.where(rows.known[left] == PRESENT, ANY, rows.known[left])
            self._rounds(rows, left, until)
        rows.origins = self._proposal.finished(rows.origins, rows.known, until, self._rng)

    def _rounds(self, rows: _Rows, left: np.ndarray, until: int) -> None:
        """Choose proposals for some rows, more and more of them where few have a weight."""
        left = left[np.argsort(rows.profile[left], kind="stable")]
        for number, times in enumerate((1,) if self._exact else _TIMES):
            if not len(left) or (number and len(left) * times > _MOST_PROPOSALS):
                return
            size = max(1, _AT_ONCE // times)
            parts = [left[begin : begin + size] for begin in range(0, len(left), size)]
            left = np.concatenate([some[~self._chosen(rows, some, times, until)] for some in parts])

    def _until(self, known: np.ndarray) -> int:
        """Columns up to the last that is known or constrained."""
        asked = np.flatnonzero((known != ANY).any(0)).tolist()
        return int(max([*self._ties.columns, *asked], default=0)) + 1

    def _chosen(self, rows: _Rows, some: np.ndarray, times: int, until: int) -> np.ndarray:
        """Choose proposals for some rows, and say for which there were enough [some].

        Neighbours with the same profile share their proposals.
        """
        made = self._proposal.propose(rows.known[some], times, until, self._rng)
        logs, which = made.logs, np.repeat(some, times)
        drawn: Positions = {}
        if self._ties:
            drawn, change = self._ties.weighed(
                lambda column: self._proposal.codes(
                    column, made.origins, rows.known[which, column], self._rng
                ),
                {name: rows.given[name][which] for name in self._ties.names},
                self._rng,
            )
            logs = logs + change
        firsts = _blocks(rows.profile[some])
        places, effective = _picked(logs, firsts, times, self._rng)
        if not len(rows.origins):
            shape = (len(rows.known), *made.origins.shape[1:])
            rows.origins = np.zeros(shape, made.origins.dtype)
        alive = effective > 0
        here, kept = some[alive], places[alive]
        rows.origins[here] = made.origins[kept]
        for name, found in drawn.items():
            rows.drawn[name][here] = found[kept]
        rows.logs[some] = made.log_evidence
        counts = np.diff(np.append(firsts, len(some)))
        wanted = np.repeat(np.minimum(np.maximum(_ENOUGH / counts, 1.0), times), counts)
        rows.worth[here] = np.minimum((effective / wanted)[alive], 1.0)
        enough: np.ndarray = effective >= wanted
        return enough

    def _check_few(self, alone: np.ndarray, first: int) -> None:
        if len(alone) > _MOST_ALONE:
            raise IncompleteError(
                f"{parameter('given')}: the model gives {len(alone):,} of the profiles next to no"
                " probability, or they cannot exist beside the schema's constraints; the first is"
                f" row {first + alone[0] + 1:,}; leave cells of such rows empty"
            )

    def _positions(self, rows: _Rows) -> dict[str, np.ndarray]:
        """Positions [rows] of all columns, the given ones as they are."""
        found = {}
        for place, column in enumerate(self._encoder.columns):
            given, drawn = rows.given[column.name], rows.drawn.get(column.name)
            if drawn is None:
                codes = self._proposal.codes(place, rows.origins, rows.known[:, place], self._rng)
                drawn = self._runs[column.name].within(codes, self._rng)
            found[column.name] = np.where(given == _NOT_GIVEN, drawn, given)
        return found

    def _typed(self, positions: dict[str, np.ndarray], first: int) -> pd.DataFrame:
        """All columns with the schema's types, the invented ones too [rows, columns]."""
        schema, rows = self._model.schema, len(next(iter(positions.values())))
        values = {name: self._axes[name].typed(found) for name, found in positions.items()}
        invented = invent(
            schema,
            rows,
            first_serial=first + 1,
            customers=self._customers.take(rows),
            rng=self._rng,
        )
        # Where presence is modelled, so far a column says in which rows a value stands.
        values |= {
            name: made.where(values[name] == PRESENCE[1], None) if name in values else made
            for name, made in invented.items()
        }
        return pd.DataFrame({name: values[name] for name in schema.names}, copy=False)

    def _inside(self, profiles: Profiles) -> np.ndarray:
        """Probability of the given values inside their codes [rows]."""
        found = np.ones(profiles.rows)
        for column in self._encoder.columns:
            part = profiles.cells.get(column.name)
            if part is None:
                continue
            here = np.flatnonzero(part.given)
            cells = column.cells
            lengths = np.ones(cells.size)
            lengths[cells.first_interval : cells.first_interval + len(cells.lengths)] = (
                cells.lengths
            )
            found[here] *= (column.within / lengths)[cells.encode(part.values.iloc[here])]
        return found

    def _by_itself(self, profiles: Profiles, place: int, first: int) -> dict[str, int]:
        """Positions of one row by column, drawn as rows under a condition are."""
        where = tuple(
            condition
            for name, part in profiles.cells.items()
            if (condition := self._condition(name, part.values.iloc[[place]], part.given[place]))
        )
        given = tuple(part for part in where if profiles.cells[part.column.name].given[place])
        schema = self._model.schema
        for asked in (where, given):
            bad = [group for group in groups_of(schema, disjoint_regions(asked)) if not group.boxes]
            if not bad:
                break
        else:
            raise UsageError(
                f"{parameter('given')}: row {first + place + 1:,} cannot exist beside"
                f" {bad[0].told(schema.constraints)}; change its values, or leave cells empty"
            )
        seed = int(self._rng.integers(2**62))
        try:
            sampler = RowSampler(self._model, seed, asked, balanced=False, least=0.0)
            drawn = sampler.typed(1, 1)
        except IncompleteError as error:
            raise IncompleteError(
                f"{parameter('given')}: the model gives row {first + place + 1:,} no probability;"
                " leave some of its cells empty"
            ) from error
        return {name: int(axis.positions(drawn[name])[0]) for name, axis in self._axes.items()}

    def _condition(self, name: str, value: pd.Series, given: np.bool_) -> ColumnCondition | None:
        """The condition that a cell [1] states; None where it states nothing."""
        column = self._axes[name].column
        if not given:
            return ColumnCondition(column=column, missing=False) if column.missing else None
        if value.isna().all():
            return ColumnCondition(column=column, missing=True)
        if isinstance(column, Discrete):
            return ColumnCondition(column=column, texts=frozenset(value), missing=False)
        number = float(as_numbers(value, column)[0])
        return ColumnCondition(column=column, lower=number, upper=number, missing=False)


def _blocks(profile: np.ndarray) -> np.ndarray:
    """First rows of the runs of rows with one profile, each cut to at most ``_SHARED`` rows."""
    begins = np.flatnonzero(np.append(True, profile[1:] != profile[:-1]))
    lengths = np.diff(np.append(begins, len(profile)))
    places = np.arange(len(profile)) - np.repeat(begins, lengths)
    return np.flatnonzero(places % _SHARED == 0)


def _picked(
    logs: np.ndarray, firsts: np.ndarray, times: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pick a proposal for each row in proportion to its weight among those of the row's block.

    Rows of a block pick at even steps, in random order (systematic resampling: Kitagawa 1996), so
    that a proposal of an even share is picked once.

    Args:
        logs: Logarithm of each proposal's weight [rows · times].
        firsts: The first row of each block [blocks].
        times: Proposals of a row.
        rng: Public randomness.

    Returns:
        The place of each row's proposal [rows], and how many effective ones there are for each row
        [rows]; 0 where none has a weight.
    """
    rows = len(logs) // times
    counts = np.diff(np.append(firsts, rows))
    highest = np.maximum.reduceat(logs, firsts * times)
    base = np.where(np.isfinite(highest), highest, 0.0)
    weights = np.exp(logs - np.repeat(base, counts * times))
    total = np.add.reduceat(weights, firsts * times)
    squares = np.maximum(np.add.reduceat(weights**2, firsts * times), np.finfo(float).tiny)
    ends = np.cumsum(weights)
    begun = np.repeat(ends[(firsts + counts) * times - 1] - total, counts)
    starts = np.repeat(firsts, counts)
    steps = (np.arange(rows) - starts + np.repeat(rng.random(len(firsts)), counts)) / np.repeat(
        counts, counts
    )
    steps = steps[np.lexsort((rng.random(rows), starts))]
    points = begun + steps * np.repeat(total, counts)
    least, most = np.repeat(firsts, counts), np.repeat(firsts + counts, counts)
    places = np.clip(np.searchsorted(ends, points, side="right"), least * times, most * times - 1)
    return places, np.repeat(total**2 / squares / counts, counts)
