"""Draw rows of a mixture under conditions and constraints."""

from __future__ import annotations

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.generator.constrained import ConstrainedMixture, GroupSampler
from privgan.generator.distribution import Conditions, Sample
from privgan.generator.mixture import Mixture


class MixtureSampler:
    """Draws rows of a mixture; conditions on free columns are exact.

    Args:
        mixture: The model.
        encoder: Its codes.
        conditions: What every row has to hold.
    """

    def __init__(self, mixture: Mixture, encoder: Encoder, conditions: Conditions) -> None:
        self._mixture, self._allowed = mixture, conditions.allowed
        self._selection = conditions.selection and GroupSampler(
            conditions.selection, mixture, encoder
        )
        allowed, groups = conditions.allowed, conditions.groups
        bound = {encoder.names.index(name) for group in groups for name in group.columns}
        self._free = [index for index in range(len(encoder.sizes)) if index not in bound]
        free = {index: shares for index, shares in allowed.items() if index not in bound}
        self._constrained = (
            ConstrainedMixture(groups, conditions.rules, mixture, encoder, free) if groups else None
        )

    @property
    def probability(self) -> float:
        """The conditions' exact probability."""
        evidence = self._mixture.evidence(self._allowed)
        if self._selection:
            evidence = evidence * np.exp(self._selection.log_evidence)
        return float(evidence.mean())

    @property
    def impossible(self) -> tuple[Group, ...]:
        """The groups to name where no row can hold all conditions and constraints."""
        return self._constrained.impossible if self._constrained else ()

    def draw(self, rows: int, rng: np.random.Generator, *, balanced: bool) -> Sample:
        """Draw rows, each of which holds all conditions and constraints.

        Args:
            rows: How many.
            rng: Public randomness.
            balanced: Whether rows exchange values within entries until 3-way counts are near to
                the mixture's.
        """
        if self._constrained is None:
            codes = self._mixture.sample(rows, rng, self._allowed, balanced=balanced)
            return Sample(dict(enumerate(codes.T)), {}, rows)
        entries, positions, told = self._constrained.draw(rows, rng)
        order = rng.permutation(rows)
        free = {
            index: self._mixture.codes(index, entries, rng, self._allowed.get(index))
            for index in self._free
        }
        if balanced and free:
            free = self._mixture.balance(free, entries, rng, self._allowed)
        return Sample(
            {index: codes[order] for index, codes in free.items()},
            {name: found[order] for name, found in positions.items()},
            told,
        )
