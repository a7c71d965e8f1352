"""Sample a mixture under a schema's constraints: by boxes, by rejection for orders.

Given a codebook entry, the columns are independent, so a box's probability is a product of column
masses. Entries are drawn by Bayes' rule from the probability of the constraints. Then a box of each
group is drawn, then values inside the box, however rare. Weights give codes that a box cuts their
own shares again (``kept_codes``).

Rows that break an ``at_most`` get other values inside their codes. Where the codes do not hold it,
all of entry, box and values are drawn again, up to ``ATTEMPTS`` times. A row that is still open
then keeps its entry and box. Its ordered columns are drawn one after another, the lower first. Each
follows the entry's distribution, cut to what the other columns leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from privgan.domain.encoding import Encoder
from privgan.domain.regions import Group
from privgan.domain.stratified import choose, spread
from privgan.generator.boxes import GroupBoxes, Positions, boxes_of, impossible_groups
from privgan.generator.importance import Weighted, accepted, resampled
from privgan.generator.kept_codes import log_weights, settled
from privgan.generator.mixture import Mixture
from privgan.generator.orders import Drawn, in_order

ATTEMPTS = 200


class GroupSampler(GroupBoxes):
    """Sample one group of constraints over a mixture.

    Args:
        group: The constraints.
        mixture: The model.
        encoder: Its codes.
    """

    def __init__(self, group: Group, mixture: Mixture, encoder: Encoder) -> None:
        super().__init__(group, encoder)
        # Probability of each run in each entry [entries, runs].
        self._weights = {
            name: [
                mixture.probabilities[encoder.names.index(name)][:, part.codes] * part.mass
                for part in parts
            ]
            for name, parts in self.pieces.items()
        }
        logs = self._box_logs(mixture.entries)
        highest = logs.max(1, keepdims=True, initial=-np.inf)
        self._boxes = np.exp(logs - np.where(np.isfinite(highest), highest, 0.0))
        with np.errstate(divide="ignore"):
            self.log_evidence: np.ndarray = (
                np.log(self._boxes.sum(1)) + np.where(np.isfinite(highest), highest, 0.0)[:, 0]
            )

    def _box_logs(self, entries: int) -> np.ndarray:
        """Log-probability of each box in each entry [entries, boxes]."""
        logs = np.zeros((entries, len(self.boxes)))
        with np.errstate(divide="ignore"):
            for name, parts in self._weights.items():
                masses = (
                    np.log(np.stack([part.sum(1) for part in parts], axis=1))
                    if parts
                    else np.zeros((entries, 0))
                )
                logs += masses[:, self.part_of[name]]
        return logs

    def draw(self, entries: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Positions]:
        """Draw boxes [rows], and each column's positions [rows] inside them.

        Entries [rows] must ascend.
        """
        boxes = choose(self._boxes, entries, rng)
        found = {}
        for name, parts in self.pieces.items():
            numbers = self.part_of[name][boxes]
            found[name] = np.empty(len(entries), dtype=np.int64)
            for number in np.unique(numbers):
                here = np.flatnonzero(numbers == number)
                chosen = choose(self._weights[name][number], entries[here], rng)
                found[name][here] = parts[number].inside(chosen, rng)
        return boxes, found

    def repair(
        self,
        entries: np.ndarray,
        boxes: np.ndarray,
        positions: Mapping[str, np.ndarray],
        rng: np.random.Generator,
    ) -> Positions:
        """Redraw the ordered columns from the rows' entries so that they hold the order."""
        return self.redrawn(
            boxes,
            positions,
            lambda name, number, rows, _: self._weights[name][number][entries[rows]],
            rng,
        )


class ConstrainedMixture:
    """A mixture under constraints and the conditions of ``where``.

    Args:
        groups: The schema's constraints under the conditions on their columns.
        rules: The schema's constraints alone.
        mixture: The model.
        encoder: Its codes.
        allowed: For other columns with a condition the share of each code [codes] that is allowed.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        rules: Sequence[Group],
        mixture: Mixture,
        encoder: Encoder,
        allowed: Mapping[int, np.ndarray],
    ) -> None:
        self.groups = [GroupSampler(group, mixture, encoder) for group in groups]
        self._ordered = [place for place, group in enumerate(self.groups) if group.ordered]
        self._rules = boxes_of(rules, self.groups, encoder)
        with np.errstate(divide="ignore"):
            logs = np.log(mixture.evidence(dict(allowed))) + sum(
                group.log_evidence for group in self.groups
            )
        self._weights = (
            np.exp(logs - logs.max()) if np.isfinite(logs.max()) else np.zeros(len(logs))
        )

    @property
    def impossible(self) -> tuple[Group, ...]:
        """The groups with probability zero in every entry.

        All groups, where each is possible alone but not with the others.
        """
        if self._weights.any():
            return ()
        alone = [bool(np.isfinite(sampler.log_evidence).any()) for sampler in self.groups]
        return impossible_groups(self.groups, alone)

    def draw(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, Positions, float]:
        """Draw ascending entries [rows], each constrained column's positions [rows] and a number.

        The number tells how many of the rows are effective.
        """
        weighted = partial(self._weighted, rng=rng)
        if any(group.cuts_codes for group in self._rules):
            drawn, told = resampled(weighted, rows, rng)
        else:
            drawn, told = weighted(rows).rows, float(rows)
        if self._ordered:
            ordered = [self.groups[place] for place in self._ordered]
            drawn = in_order(
                ordered,
                settled(ordered, drawn, rng),
                lambda tried: settled(ordered, accepted(weighted, tried, rng), rng),
                lambda left: _repaired(ordered, left, rng),
                ATTEMPTS,
            )
        drawn = drawn.at(np.argsort(drawn.origins, kind="stable"))
        return drawn.origins, drawn.positions, told

    def _weighted(self, rows: int, rng: np.random.Generator) -> Weighted:
        """Draw weighted rows in random order, whether or not they satisfy the orders."""
        entries = spread(self._weights, rows, rng)
        drawn = [group.draw(entries, rng) for group in self.groups]
        positions = {name: values for _, found in drawn for name, values in found.items()}
        made = Drawn(entries, [drawn[place][0] for place in self._ordered], positions)
        logs = np.zeros(rows) + log_weights(self._rules, positions)
        order = rng.permutation(rows)
        return Weighted(made.at(order), logs[order])


def _repaired(groups: Sequence[GroupSampler], left: Drawn, rng: np.random.Generator) -> Drawn:
    """Redraw until every group's at_most constraints hold."""
    positions = dict(left.positions)
    for group, boxes in zip(groups, left.boxes, strict=True):
        held = {name: left.positions[name] for name in group.group.columns}
        positions |= group.repair(left.origins, boxes, held, rng)
    return Drawn(left.origins, left.boxes, positions)
