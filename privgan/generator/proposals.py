"""Propose rows for profiles: codes of a model's columns, each row under known codes of its own.

A mixture's proposals are exact: an entry is drawn by Bayes' rule from what it gives the known
codes, all other columns from the entry. A network's proposals are drawn column by column with the
known codes put in; each has a weight, the probability that the network gives these codes on the
way (likelihood weighting: Fung and Chang 1990, Weighing and Integrating Evidence).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from privgan.domain.distinct import distinct_rows
from privgan.domain.encoding import ColumnCode, Encoder
from privgan.domain.stratified import choose, choose_by_shares, cumulative_shares
from privgan.generator.ancestral import draw_block
from privgan.generator.distribution import Distribution
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture

# In place of a known code: any code, and any but that of the missing value.
ANY, PRESENT = -1, -2
_LEAST = 1e-30
_CELLS = 2_000_000


@dataclass(frozen=True, eq=False)
class Proposed:
    """Proposals for some profiles, those of one profile together.

    Attributes:
        origins: What their codes follow from: entries [proposals] or codes [proposals, columns].
        logs: Logarithm of each one's weight [proposals].
        log_evidence: Logarithm of the probability of each profile's known codes [profiles].
    """

    origins: np.ndarray
    logs: np.ndarray
    log_evidence: np.ndarray


class Proposal(Protocol):
    """A model that proposes rows for profiles."""

    exact: bool

    def propose(
        self, known: np.ndarray, times: int, until: int, rng: np.random.Generator
    ) -> Proposed:
        """Propose so many rows for each profile.

        Args:
            known: The known codes [profiles, columns], or ``ANY`` or ``PRESENT``.
            times: How many for each.
            until: How many columns have to be drawn now; the others may follow.
            rng: Public randomness.
        """

    def finished(
        self, origins: np.ndarray, known: np.ndarray, until: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Origins with the columns that have not been drawn yet."""

    def codes(
        self, column: int, origins: np.ndarray, known: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A column's codes [rows], where ``known`` [rows] does not say them."""


def missing_code(column: ColumnCode) -> int | None:
    """The code of a column's missing value, which no other value has; None where there is none."""
    cell = column.cells.missing_code
    return None if cell is None else int(column.code_of[cell])


def proposal_of(distribution: Distribution, encoder: Encoder) -> Proposal:
    """The proposals of a model of either kind."""
    missing = tuple(missing_code(column) for column in encoder.columns)
    if isinstance(distribution, Mixture):
        return MixtureProposal(distribution, missing)
    assert isinstance(distribution, FrozenNetwork)
    return NetworkProposal(distribution, missing)


class MixtureProposal:
    """Exact proposals.

    Args:
        mixture: The model.
        missing: The code of each column's missing value, or None.
    """

    exact = True

    def __init__(self, mixture: Mixture, missing: tuple[int | None, ...]) -> None:
        self._mixture = mixture
        self._logs = [
            _log_likelihoods(part, code)
            for part, code in zip(mixture.probabilities, missing, strict=True)
        ]
        self._shares = [cumulative_shares(part) for part in mixture.probabilities]
        self._missing = missing

    def propose(
        self, known: np.ndarray, times: int, until: int, rng: np.random.Generator
    ) -> Proposed:
        """Draw entries by Bayes' rule; profiles with the same known codes share the work."""
        firsts, of = distinct_rows(known)
        every, order = known[firsts], np.argsort(of, kind="stable")
        starts = np.searchsorted(of[order], np.arange(len(every) + 1))
        entries = np.empty((len(known), times), dtype=np.int64)
        evidence = np.empty(len(every))
        size = max(1, _CELLS // self._mixture.entries)
        for first in range(0, len(every), size):
            last = min(first + size, len(every))
            ends, evidence[first:last] = self._posterior(every[first:last])
            rows = order[starts[first] : starts[last]]
            places = of[rows] - first
            points = rng.random((len(rows), times)) + places[:, None]
            found = np.searchsorted(ends.ravel(), points, side="right")
            least = places[:, None] * self._mixture.entries
            entries[rows] = np.clip(found - least, 0, self._mixture.entries - 1)
        return Proposed(entries.ravel(), np.zeros(entries.size), evidence[of])

    def _posterior(self, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cumulative share of entries [profiles, entries], each row's from its own number on.

        And the logarithm of the probability of each profile's known codes [profiles].
        """
        found, highest = self._likelihoods(known)
        ends = np.cumsum(found, axis=1, dtype=np.float64)
        total = ends[:, -1:].copy()
        ends /= total
        ends += np.arange(len(known))[:, None]
        return ends, np.log(total[:, 0] / self._mixture.entries) + highest

    def shares(self, known: np.ndarray) -> np.ndarray:
        """Probability of each entry given each profile's known codes [profiles, entries]."""
        found = self._likelihoods(known)[0].astype(np.float64)
        shares: np.ndarray = found / found.sum(1, keepdims=True)
        return shares

    def _likelihoods(self, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each entry gives the known codes, relative to the largest [profiles, entries].

        And the logarithm of the largest [profiles].
        """
        logs = np.zeros((len(known), self._mixture.entries), dtype=np.float32)
        for column, table in enumerate(self._logs):
            if (known[:, column] != ANY).any():
                logs += table[known[:, column]]
        highest = logs.max(1, keepdims=True)
        logs -= highest
        np.exp(logs, out=logs)
        return logs, highest[:, 0]

    def finished(
        self, origins: np.ndarray, known: np.ndarray, until: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Entries as they are."""
        return origins

    def codes(
        self, column: int, origins: np.ndarray, known: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A column's codes [rows] from entries [rows], where ``known`` [rows] does not say them."""
        found = known.copy()
        for kind in (ANY, PRESENT):
            rows = np.flatnonzero(known == kind)
            rows = rows[np.argsort(origins[rows], kind="stable")]
            if not len(rows):
                continue
            code = self._missing[column]
            if kind == ANY or code is None:
                found[rows] = choose_by_shares(self._shares[column], origins[rows], rng)
            else:
                there = np.arange(self._shares[column].shape[1]) != code
                weights = np.maximum(self._mixture.probabilities[column], _LEAST) * there
                found[rows] = choose(weights, origins[rows], rng)
        return found


def _log_likelihoods(probabilities: np.ndarray, missing: int | None) -> np.ndarray:
    """Logarithm of each code's probability by entry [codes and two, entries], float32.

    The last row is for any code, the one before it for any but the missing value's, so that
    ``ANY`` and ``PRESENT`` are places from the end.
    """
    there = probabilities if missing is None else np.delete(probabilities, missing, axis=1)
    rows = [*probabilities.T, there.sum(1), np.ones(len(probabilities))]
    return np.log(np.maximum(rows, _LEAST)).astype(np.float32)


class NetworkProposal:
    """Weighted proposals.

    Args:
        network: The model.
        missing: The code of each column's missing value, or None.
    """

    exact = False

    def __init__(self, network: FrozenNetwork, missing: tuple[int | None, ...]) -> None:
        self._network, self._missing = network, missing

    def propose(
        self, known: np.ndarray, times: int, until: int, rng: np.random.Generator
    ) -> Proposed:
        """Draw codes up to a column, with the known ones put in; weights are their likelihoods."""
        repeated = np.repeat(known, times, axis=0)
        codes, logs = self._drawn(repeated, until, rng)
        by_profile = logs.reshape(len(known), times)
        highest = by_profile.max(1, initial=-np.inf)
        base = np.where(np.isfinite(highest), highest, 0.0)
        with np.errstate(divide="ignore"):
            evidence = np.log(np.exp(by_profile - base[:, None]).mean(1)) + base
        return Proposed(codes, logs, evidence)

    def _drawn(
        self, known: np.ndarray, until: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        size, made = self._network.rows_at_once, partial(_Known, self._network.sizes, self._missing)
        parts = [
            draw_block(
                self._network,
                len(part),
                rng,
                [made(part)],
                until=until,
                fixed=_fixed(part),
                even=False,
            )
            for part in np.split(known, range(size, len(known), size))
        ]
        return np.concatenate([part.codes for part in parts]), np.concatenate(
            [part.logs for part in parts]
        )

    def finished(
        self, origins: np.ndarray, known: np.ndarray, until: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Rows whose first columns are drawn, with the others: these follow them exactly."""
        if until == len(self._network.sizes):
            return origins
        fixed = known.copy()
        fixed[:, :until] = origins[:, :until]
        return self._drawn(fixed, len(self._network.sizes), rng)[0]

    def codes(
        self, column: int, origins: np.ndarray, known: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A column's codes [rows] as they are drawn."""
        found: np.ndarray = origins[:, column].astype(np.int64)
        return found


def _fixed(known: np.ndarray) -> dict[int, np.ndarray]:
    """The columns whose codes all rows [rows, columns] know, which need no choice."""
    return {int(column): known[:, column] for column in np.flatnonzero((known >= 0).all(0))}


class _Known:
    """Allows in each row its known codes alone.

    Args:
        sizes: Number of codes of each column.
        missing: The code of each column's missing value, or None.
        known: The known codes [rows, columns].
    """

    def __init__(
        self, sizes: tuple[int, ...], missing: tuple[int | None, ...], known: np.ndarray
    ) -> None:
        self._sizes, self._missing, self._known = sizes, missing, known
        self.columns = frozenset(np.flatnonzero((known != ANY).any(0)).tolist())

    def allowed(self, column: int) -> np.ndarray:
        """Which of a column's codes each row may have [codes, rows]."""
        known, codes = self._known[:, column], np.arange(self._sizes[column])[:, None]
        there = np.ones_like(codes, dtype=bool)
        if (missing := self._missing[column]) is not None:
            there = codes != missing
        return (np.where(known < 0, (known == ANY) | there, codes == known)).astype(np.float64)

    def take(self, column: int, codes: np.ndarray, rng: np.random.Generator) -> None:
        """Nothing follows from the codes."""
