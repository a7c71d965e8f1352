"""Draw rows of an autoregressive network under conditions and constraints.

Codes are drawn column by column among those that can still be completed. Rows get weights, and rows
of equal weight are drawn from them: the network's conditional distribution, exact up to the number
of weighted rows. Every row holds every condition and constraint.

Weights give codes that a constraint cuts their own shares again (``kept_codes``).

Rows that break an ``at_most`` get other values inside their codes. Where the codes do not hold it,
rows are drawn again, up to ``ATTEMPTS`` times. The ordered columns of a row that is still open are
drawn one after another, the lower first: each from the network's distribution given the row's other
columns, cut to what these leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.generator.ancestral import Allowed, Guide, draw_block
from privgan.generator.box_states import BoxColumns, BoxStates
from privgan.generator.boxes import GroupBoxes, Positions, boxes_of, impossible_groups
from privgan.generator.distribution import Conditions, Sample
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.importance import Weighted, accepted, resampled
from privgan.generator.kept_codes import log_weights, settled
from privgan.generator.orders import Drawn, in_order
from privgan.generator.tilts import Guides, fitted_tilts, probability

ATTEMPTS = 100


class NetworkSampler:
    """Draws rows of a network.

    Args:
        network: The model.
        encoder: Its codes.
        conditions: What every row has to hold.

    Attributes:
        probability: The conditions' probability, estimated from rows that are always the same.
        impossible: The groups to name where no row can hold all conditions and constraints.
    """

    def __init__(self, network: FrozenNetwork, encoder: Encoder, conditions: Conditions) -> None:
        self._network, self._encoder = network, encoder
        allowed, groups = conditions.allowed, conditions.groups
        self._groups = [BoxColumns(group, encoder) for group in groups]
        self._rules = boxes_of(conditions.rules, [group.of for group in self._groups], encoder)
        self._ordered = [place for place, group in enumerate(self._groups) if group.of.ordered]
        bound = {column for group in self._groups for column in group.columns}
        self._free = [index for index in range(len(encoder.sizes)) if index not in bound]
        joined = [BoxColumns(conditions.selection, encoder)] if conditions.selection else []
        self._guides: Guides = partial(_guides, joined, allowed)
        self._tilts = fitted_tilts(network, self._guides)
        self.probability = probability(network, self._guides, self._tilts)
        self.impossible = self._without_boxes()
        if groups and self.probability and not self.impossible:
            free = {index: shares for index, shares in allowed.items() if index not in bound}
            self._guides = partial(_guides, self._groups, free)
            self._tilts = fitted_tilts(network, self._guides)
            if not probability(network, self._guides, self._tilts):
                self.impossible = self._without_rows()
        self._is_free = not (allowed or groups)

    def _without_boxes(self) -> tuple[Group, ...]:
        """The groups with no box that the codes can fill."""
        return tuple(group.of.group for group in self._groups if not len(group.of.boxes))

    def _without_rows(self) -> tuple[Group, ...]:
        """The groups of which no row was found; all, where each has one alone."""
        alone = [
            probability(self._network, partial(_guides, [group], {}), {}) > 0
            for group in self._groups
        ]
        return impossible_groups([group.of for group in self._groups], alone)

    def draw(self, rows: int, rng: np.random.Generator, *, balanced: bool) -> Sample:
        """Draw rows, each of which holds all conditions and constraints.

        Args:
            rows: How many.
            rng: Public randomness.
            balanced: Nothing more is done for it: uniform numbers are always spread evenly.

        Raises:
            IncompleteError: No row with any probability was found.
        """
        weighted = partial(self._weighted, rng=rng)
        if self._is_free:
            drawn, told = weighted(rows).rows, float(rows)
        else:
            drawn, told = resampled(weighted, rows, rng)
        if self._ordered:
            ordered = [self._groups[place].of for place in self._ordered]
            drawn = in_order(
                ordered,
                settled(ordered, drawn, rng),
                lambda tried: settled(ordered, accepted(weighted, tried, rng), rng),
                partial(self._repaired, rng=rng),
                ATTEMPTS,
            )
            drawn = drawn.at(rng.permutation(rows))
        codes = {index: drawn.origins[:, index] for index in self._free}
        return Sample(codes, drawn.positions, told)

    def _weighted(self, rows: int, rng: np.random.Generator) -> Weighted:
        """Draw weighted rows in blocks."""
        size = self._network.rows_at_once
        parts = [self._block(min(size, rows - at), rng) for at in range(0, rows, size)]
        return Weighted(
            Drawn.joined([part.rows for part in parts]),
            np.concatenate([part.logs for part in parts]),
        )

    def _block(self, rows: int, rng: np.random.Generator) -> Weighted:
        guides = self._guides(rows)
        block = draw_block(self._network, rows, rng, guides, self._tilts)
        states = [guide for guide in guides if isinstance(guide, BoxStates)]
        positions = {name: found for state in states for name, found in state.positions.items()}
        boxes = [states[place].boxes() for place in self._ordered]
        living = np.isfinite(block.logs)
        if self._rules and not living.all():
            some = {name: found[living] for name, found in positions.items()}
            logs = np.full(rows, -np.inf)
            logs[living] = block.logs[living] + log_weights(self._rules, some)
        else:
            logs = block.logs + log_weights(self._rules, positions)
        return Weighted(Drawn(block.codes, boxes, positions), logs)

    def _repaired(self, left: Drawn, rng: np.random.Generator) -> Drawn:
        """Redraw until every group's at_most constraints hold."""
        codes, positions = left.origins.copy(), dict(left.positions)
        for place, boxes in zip(self._ordered, left.boxes, strict=True):
            group = self._groups[place].of
            held = {name: left.positions[name] for name in group.group.columns}
            found = group.redrawn(boxes, held, partial(self._given_others, group, codes), rng)
            self._recode(codes, group, found)
            positions |= found
        return Drawn(codes, left.boxes, positions)

    def _given_others(
        self,
        group: GroupBoxes,
        codes: np.ndarray,
        name: str,
        number: int,
        rows: np.ndarray,
        found: Positions,
    ) -> np.ndarray:
        """Probability of each run [rows, runs] of a column's set, given the rows' other columns."""
        now, pieces = codes[rows], group.pieces[name][number]
        self._recode(now, group, {column: found[column][rows] for column in found})
        shares = self._network.given_others(now, self._encoder.names.index(name))
        likely: np.ndarray = shares[:, pieces.codes] * pieces.mass
        return likely

    def _recode(self, codes: np.ndarray, group: GroupBoxes, positions: Positions) -> None:
        """Set the codes [rows, columns] of ordered columns to those of positions [rows]."""
        for name in group.group.order.columns:
            index = self._encoder.names.index(name)
            values = group.group.axes[name].typed(positions[name])
            codes[:, index] = self._encoder.columns[index].encode(values)


def _guides(
    groups: Sequence[BoxColumns], allowed: Mapping[int, np.ndarray], rows: int
) -> list[Guide]:
    """Fresh guides of so many rows."""
    states = [BoxStates(group, rows) for group in groups]
    return [*states, Allowed(allowed)] if allowed else [*states]
