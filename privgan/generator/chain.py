"""Say in which order a network draws columns, and which of them are known before.

An event of a history is drawn after its step in time is known, and its moment follows from the
step. So a network's columns stand in another order than the view's, and some are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Chain:
    """The order of a network's columns, and which of them it does not draw.

    Attributes:
        order: Place in the table of each of the network's columns.
        given: Which of the network's columns are known before: their likelihood does not count.
    """

    order: tuple[int, ...]
    given: frozenset[int] = frozenset()

    @classmethod
    def plain(cls, columns: int) -> Chain:
        """All columns drawn, in the table's order."""
        return cls(tuple(range(columns)))

    @cached_property
    def place(self) -> tuple[int, ...]:
        """Place in the network of each of the table's columns."""
        return tuple(np.argsort(self.order).tolist())

    @property
    def drawn(self) -> tuple[int, ...]:
        """The network's columns that it draws, in order."""
        return tuple(at for at in range(len(self.order)) if at not in self.given)

    def sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Number of codes of each of the network's columns, from the table's."""
        return tuple(sizes[column] for column in self.order)

    def of(self, codes: np.ndarray) -> np.ndarray:
        """Codes [rows, columns] in the network's order, from the table's."""
        return codes[:, self.order]

    def back(self, codes: np.ndarray) -> np.ndarray:
        """Codes [rows, columns] in the table's order, from the network's."""
        return codes[:, self.place]
