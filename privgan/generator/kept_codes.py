"""Keep the codes of rows under constraints, and draw only the values inside them again.

Noisy counts are of real rows, which hold every constraint. All of a code's share is then that of
values which hold them. Filtering rows would take the others away a second time: of rows with one
order, whose spend and basket have the same code, every second one. So a row keeps its codes where
some of their values hold the constraints, and its values follow inside the codes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from privgan.domain.distinct import distinct_rows
from privgan.generator.boxes import GroupBoxes, Positions
from privgan.generator.orders import Drawn

_TRIES = 50
# A code of which less is allowed counts as if this much were: bounds the weights of rows.
LEAST = 0.2
_CELLS = 4_000_000


def log_weights(rules: Sequence[GroupBoxes], positions: Positions) -> np.ndarray | float:
    """−log P(when/then rules and combinations | codes) of rows drawn by filtering [rows].

    With these weights the codes have the model's own shares again.

    Args:
        rules: The schema's groups, without conditions of ``where``.
        positions: The positions [rows] of the groups' columns.
    """
    cutting = [group for group in rules if group.cuts_codes]
    return -sum(np.log(_allowed(group, group.codes(positions))) for group in cutting)


def _allowed(group: GroupBoxes, codes: np.ndarray) -> np.ndarray:
    """Probability [rows] of a group's boxes given codes [rows, columns], from 0.2 to 1."""
    firsts, place = distinct_rows(codes)
    every = codes[firsts]
    size = max(1, _CELLS // max(1, len(group.boxes)))
    parts = [
        group.given(every[start : start + size]).sum(1) for start in range(0, len(every), size)
    ]
    return np.clip(np.concatenate(parts), LEAST, 1.0)[place]


def settled(groups: Sequence[GroupBoxes], drawn: Drawn, rng: np.random.Generator) -> Drawn:
    """Rows whose values are drawn again inside their codes until they hold the at_most constraints.

    Rows whose codes hardly hold them stay as they are.

    Args:
        groups: The ordered groups, in the order of ``drawn.boxes``.
        drawn: Rows, whether or not they satisfy the orders.
        rng: Public randomness.
    """
    boxes = [part.copy() for part in drawn.boxes]
    positions = {name: values.copy() for name, values in drawn.positions.items()}
    for group, own in zip(groups, boxes, strict=True):
        left = np.flatnonzero(~group.held(positions))
        codes = group.codes({name: positions[name][left] for name in group.group.columns})
        for _ in range(_TRIES):
            if not len(left):
                break
            tried, found = group.drawn_inside(codes, rng)
            good = group.held(found)
            own[left[good]] = tried[good]
            for name, values in found.items():
                positions[name][left[good]] = values[good]
            left, codes = left[~good], codes[~good]
    return Drawn(drawn.origins, boxes, positions)
