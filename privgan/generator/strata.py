"""Sample rows in strata: as many of each as are wanted, mixed in random order.

Wanted shares of several columns are brought together by iterative proportional fitting (Deming and
Stephan 1940, On a Least Squares Adjustment of a Sampled Frequency Table): of all tables with these
margins, the nearest to the model's. A row's weight undoes it: the model's share of its stratum over
the stratum's share of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from privgan.domain.predicates import Predicate, met
from privgan.domain.quotas import Quota, Shares, cases_of
from privgan.errors import IncompleteError, UsageError
from privgan.generator.mixture import Mixture
from privgan.generator.row_sampler import FittedModel, RowSampler
from privgan.naming import parameter
from privgan.table.presenting import presented

_COUNTED = 200_000  # Rows that tell a stratum's share where it is not known exactly.
_REST = "(all others)"
_STEPS, _CLOSE = 2_000, 1e-7


@dataclass(frozen=True)
class Stratum:
    """Rows that meet predicates.

    Attributes:
        name: What it is called in messages.
        where: The predicates.
        rows: How many rows; at least 1.
        weight: What each row counts, so that all together follow the model.
    """

    name: str
    where: tuple[Predicate, ...]
    rows: int
    weight: float = 1.0


class StrataSampler:
    """Draws chunks of rows of several strata; its state is public randomness.

    Args:
        model: The model.
        seed: Public randomness.
        strata: The strata.
        balanced: As for rows.

    Attributes:
        rows: Number of rows drawn so far.
        weights: The weight of each row drawn so far, by chunk.

    Raises:
        UsageError: No row can be in a stratum.
        IncompleteError: The model gives a stratum next to no probability.
    """

    def __init__(
        self, model: FittedModel, seed: int, strata: Sequence[Stratum], *, balanced: bool
    ) -> None:
        self._model, self._strata = model, strata
        self._rng = np.random.default_rng([seed, 8])
        self._samplers = [self._sampler(stratum, balanced=balanced) for stratum in strata]
        self._left = np.array([stratum.rows for stratum in strata])
        self.rows = 0
        self.weights: list[np.ndarray] = []

    def _sampler(self, stratum: Stratum, *, balanced: bool) -> RowSampler:
        seed = int(self._rng.integers(2**62))
        try:
            return RowSampler(self._model, seed, stratum.where, balanced=balanced)
        except (UsageError, IncompleteError) as error:
            told = str(error).removeprefix(f"{parameter('where')}: ")
            raise type(error)(f"{stratum.name}: {told}") from error

    @property
    def effective_rows(self) -> float:
        """How many independent rows tell as much as these, as far as conditions go."""
        return sum(sampler.effective_rows for sampler in self._samplers)

    def chunk(self, rows: int, first_serial: int) -> pd.DataFrame:
        """Draw the next rows, numbered from ``first_serial``, as a typed file holds them."""
        counts = apportioned(self._left, rows)
        self._left = self._left - counts
        taken = [place for place, count in enumerate(counts) if count]
        parts = [pd.DataFrame(self._samplers[place].modelled(counts[place])) for place in taken]
        order = self._rng.permutation(rows)
        whole = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
        weights = np.array([stratum.weight for stratum in self._strata])
        self.weights.append(np.repeat(weights, counts)[order])
        self.rows += rows
        values = {str(name): whole[name] for name in whole}
        typed = self._samplers[0].finished(values, rows, first_serial)
        return presented(typed, self._model.schema)


def apportioned(shares: np.ndarray, rows: int) -> np.ndarray:
    """Whole numbers in proportion to shares that add up to so many rows: largest remainders."""
    exact = shares * (rows / shares.sum())
    counts = np.floor(exact + 1e-9).astype(np.int64)
    rest = np.argsort(counts - exact, kind="stable")[: rows - counts.sum()]
    counts[rest] += 1
    return counts


def quota_strata(quotas: Sequence[Quota], where: tuple[Predicate, ...]) -> list[Stratum]:
    """The strata of quotas, all under further predicates."""
    told = parameter("quota")
    return [
        Stratum(f"{told} {quota.text!r}", (*where, *quota.where), quota.rows) for quota in quotas
    ]


def share_strata(
    model: FittedModel, shares: Shares, where: tuple[Predicate, ...], rows: int, seed: int
) -> list[Stratum]:
    """The strata of wanted shares, with the weights that undo them.

    Args:
        model: The model.
        shares: By column and category; the rest of a column's values shares what is left.
        where: Predicates that all rows meet; shares are among these rows.
        rows: How many rows in all.
        seed: Public randomness.

    Raises:
        UsageError: Shares cannot hold together.
        IncompleteError: The model has no row of a wanted value.
    """
    cases = list(cases_of(shares, model.schema))
    own = _shares(model, [(*where, *case) for _, case in cases], where, seed)
    margins = [np.array([*part.values(), 0.0]) for part in shares.values()]
    for margin in margins:
        margin[-1] = max(0.0, 1.0 - margin.sum())
    shape = tuple(len(margin) for margin in margins)
    wanted = _fitted(own.reshape(shape), margins, shares).ravel()
    counts = apportioned(wanted, rows)
    told = parameter("shares")
    return [
        Stratum(
            f"{told} {_told(shares, places)}",
            (*where, *case),
            int(count),
            weight=float(share * rows / count),
        )
        for (places, case), count, share in zip(cases, counts, own, strict=True)
        if count
    ]


def _told(shares: Shares, places: tuple[int, ...]) -> str:
    """A case as words."""
    words = []
    for place, (name, part) in zip(places, shares.items(), strict=True):
        values = [*part, _REST]
        words.append(f"{name}: {values[place]}")
    return ", ".join(words)


def _shares(
    model: FittedModel,
    cases: Sequence[tuple[Predicate, ...]],
    where: tuple[Predicate, ...],
    seed: int,
) -> np.ndarray:
    """The model's share of each case [cases] among the rows that meet predicates; they sum to 1.

    Exact where the model is a mixture and no constraint holds; else counted in drawn rows.
    """
    if isinstance(model.distribution, Mixture) and not model.schema.constraints:
        found = np.array([_probability(model, case, seed) for case in cases])
    else:
        drawn = RowSampler(model, seed, where, balanced=False).modelled(_COUNTED)
        rows = pd.DataFrame(drawn)
        found = np.array(
            [np.logical_and.reduce([met(part, rows) for part in case]).mean() for case in cases]
        )
    if not found.sum():
        raise IncompleteError(f"{parameter('where')}: the model gives it next to no probability")
    return found / found.sum()


def _probability(model: FittedModel, case: tuple[Predicate, ...], seed: int) -> float:
    """The exact probability of predicates; 0 where no row can meet them."""
    try:
        return RowSampler(model, seed, case, balanced=False, least=0.0).sampler.probability
    except UsageError:
        return 0.0


def _fitted(own: np.ndarray, margins: Sequence[np.ndarray], shares: Shares) -> np.ndarray:
    """The table nearest to the model's shares with these margins, by proportional fitting."""
    found = own.copy()
    for _ in range(_STEPS):
        for axis, margin in enumerate(margins):
            others = tuple(other for other in range(own.ndim) if other != axis)
            now = found.sum(others)
            for place in np.flatnonzero((margin > 0) & (now <= 0)):
                name, part = list(shares.items())[axis]
                raise IncompleteError(
                    f"{parameter('shares')}: the model has no row of {name}:"
                    f" {[*part, _REST][place]} beside the other shares; change these shares"
                )
            factor = np.divide(margin, now, out=np.zeros_like(margin), where=now > 0)
            found *= factor.reshape([-1 if other == axis else 1 for other in range(own.ndim)])
        first = found.sum(tuple(range(1, own.ndim)))
        if np.abs(first - margins[0]).max() < _CLOSE:
            return found
    raise UsageError(
        f"{parameter('shares')}: the shares of {', '.join(shares)} cannot hold together in this"
        " model; give fewer of them"
    )
