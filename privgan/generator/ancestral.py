"""Draw codes column by column from an autoregressive network: ancestral sampling.

Some columns may be guided: only some of their codes are allowed, or a tilt favours some. A row then
gets a weight, the network's probability over the probability that it was drawn with: sequential
importance sampling (Doucet, de Freitas and Gordon 2001, Sequential Monte Carlo Methods in Practice,
section 1.3.2).

Uniform numbers are spread evenly over rows with like shares, so that the sample's shares lie nearer
to the network's; each row by itself still follows the network exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from privgan.domain.stratified import shuffled
from privgan.generator.frozen_network import FrozenNetwork, Walk

_GOLDEN = (5**0.5 - 1) / 2
_BINS = 256


class Guide(Protocol):
    """What is allowed of some columns' codes in rows that are being drawn."""

    @property
    def columns(self) -> frozenset[int]:
        """The columns that it guides."""

    def allowed(self, column: int) -> np.ndarray:
        """The share of each of a column's codes that is allowed [codes, rows] or [codes, 1]."""

    def take(self, column: int, codes: np.ndarray, rng: np.random.Generator) -> None:
        """Learn the column's codes [rows]."""


@dataclass(frozen=True, eq=False)
class Allowed:
    """The same shares in all rows.

    Attributes:
        shares: For some columns the share of each code [codes] that is allowed.
    """

    shares: Mapping[int, np.ndarray]

    @property
    def columns(self) -> frozenset[int]:
        """The columns that it guides."""
        return frozenset(self.shares)

    def allowed(self, column: int) -> np.ndarray:
        """The share of each of a column's codes that is allowed [codes, 1]."""
        return self.shares[column][:, None]

    def take(self, column: int, codes: np.ndarray, rng: np.random.Generator) -> None:
        """Nothing follows from the codes."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows.

    Attributes:
        codes: Their codes [rows, columns].
        logs: Logarithm of each row's weight [rows]; -inf where no code was allowed.
        guides: The guides, which know what they drew.
    """

    codes: np.ndarray
    logs: np.ndarray
    guides: Sequence[Guide]


# Told each tilted column and the shares that its codes are drawn with [codes, rows].
Watch = Callable[[int, np.ndarray], None]


def draw_block(
    network: FrozenNetwork,
    rows: int,
    rng: np.random.Generator,
    guides: Sequence[Guide] = (),
    tilts: Mapping[int, np.ndarray] | None = None,
    watch: Watch | None = None,
    given: Mapping[int, np.ndarray] | None = None,
    until: int | None = None,
    fixed: Mapping[int, np.ndarray] | None = None,
    even: bool = True,
) -> Block:
    """Draw the codes of some rows, exchangeable.

    Args:
        network: The distribution.
        rows: How many; best ``network.rows_at_once``.
        rng: Public randomness.
        guides: What is allowed, each of other columns.
        tilts: For some columns by what factor each code [codes] is favoured; above 0.
        watch: Told the shares of tilted columns.
        given: Codes [rows] of the columns that are known and not drawn.
        until: How many columns to draw; None for all. The others have code 0.
        fixed: Codes [rows] of columns that count in the weights as if nothing else were allowed.
        even: Whether uniform numbers are spread evenly over rows with like shares.
    """
    walk, tilts = Walk(network, rows), tilts or {}
    known = {**(given or {}), **(fixed or {})}
    guide_of = {column: guide for guide in guides for column in guide.columns}
    codes = np.zeros((len(network.sizes), rows), dtype=np.min_scalar_type(max(network.sizes)))
    logs = np.zeros(rows)
    for column in range(len(network.sizes) if until is None else until):
        shares, guide = walk.shares(column), guide_of.get(column)
        if column in known:
            there = known[column].astype(np.int64)
            if fixed and column in fixed:
                logs += np.log(shares[there, walk.rows]) - np.log(shares.sum(0, dtype=np.float64))
            codes[column] = there
            walk.put(column, there)
            continue
        if guide is not None or column in tilts:
            likely = None if guide is None else guide.allowed(column)
            shares, change = _guided(shares, likely, tilts.get(column))
            logs += change
        if watch is not None and column in tilts:
            watch(column, shares / np.maximum(shares.sum(0), np.finfo(np.float32).tiny))
        chosen = _choose(shares, rng, even=even)
        if column in tilts:
            logs -= np.log(tilts[column])[chosen]
        if guide is not None:
            guide.take(column, chosen, rng)
        walk.put(column, chosen)
        codes[column] = chosen
    return Block(codes.T, logs, guides)


def _guided(
    shares: np.ndarray, allowed: np.ndarray | None, tilt: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Shares under guide and tilt [codes, rows], and the logarithm of what they add up to [rows].

    In double precision, so that rare codes keep their shares.
    """
    made = shares.astype(np.float64)
    whole = made.sum(0)
    if allowed is not None:
        made *= allowed
    if tilt is not None:
        made *= tilt[:, None]
    with np.errstate(divide="ignore"):
        return made, np.log(made.sum(0) / whole)


def _choose(shares: np.ndarray, rng: np.random.Generator, *, even: bool) -> np.ndarray:
    """Draw a code [rows] from each row's shares [codes, rows], which are overwritten."""
    size, rows = shares.shape
    for code in range(1, size):
        shares[code] += shares[code - 1]
    total = shares[-1]
    uniform = _points(shares, rng) if even else np.asarray(rng.random(rows))
    points = np.minimum(uniform.astype(shares.dtype) * total, np.nextafter(total, 0))
    chosen = np.zeros(rows, dtype=np.int64)
    for code in range(size - 1):
        chosen += shares[code] <= points
    return chosen


def _points(cumulative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A uniform number for each row [rows], even over rows with like shares.

    Rows are ordered by their mean code, those with nearly the same at random. The numbers follow
    that order by steps of the golden ratio, which are even in each run of rows (Niederreiter 1992,
    Random Number Generation and Quasi-Monte Carlo Methods, section 3.1).

    Args:
        cumulative: Cumulative shares [codes, rows].
        rng: Public randomness.
    """
    size, rows = cumulative.shape
    total = np.maximum(cumulative[-1], np.finfo(np.float32).tiny)
    like = (cumulative.sum(0) / total * (_BINS / (size + 1))).astype(np.int64)
    order = shuffled(like, np.arange(rows), _BINS, rows, rng)
    points = np.empty(rows)
    points[order] = (np.arange(rows) * _GOLDEN + rng.random()) % 1.0
    return points
