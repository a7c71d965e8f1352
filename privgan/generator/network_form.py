"""State the form of models in files: their formats, and which weights of a network count.

Germain, Gregor, Murray and Larochelle 2015, MADE, section 3: a hidden unit reads the columns up to
one; a column's codes read the units and columns before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MIXTURE_FORMAT, NETWORK_FORMAT = "privgan.model/1", "privgan.model/2"
PARTS_FORMAT = "privgan.model/3"  # Of a table in parts, each of either kind.
FORMATS = (MIXTURE_FORMAT, NETWORK_FORMAT, PARTS_FORMAT)
NETWORK_KIND = "network"  # What a file of that format calls its generator.
MOST_WIDTH = 1 << 20  # Units of a hidden layer, and dimensions of the latent space.

MOST_WEIGHT = 1e6  # A network's largest number: sums of any codes stay finite.


def last_read(width: int, columns: int) -> np.ndarray:
    """The last column that each hidden unit reads [width], int64."""
    return np.arange(width) % max(1, columns - 1)


def weight_counts(sizes: Sequence[int], width: int) -> dict[str, int]:
    """Number of weights that count in each layer: ``first``, ``second`` and ``direct``.

    Args:
        sizes: Number of codes of each column.
        width: Units of the hidden layer.
    """
    wide = np.asarray(sizes, dtype=np.int64)
    ends, reading = np.cumsum(wide), max(1, len(wide) - 1)
    # Units in turn read the columns up to each but the last.
    units = np.where(np.arange(len(wide)) < reading, width // reading, 0)
    units[: width % reading] += 1
    return {
        "first": int(units @ ends),
        "second": int(wide @ (np.cumsum(units) - units)),
        "direct": int(wide @ (ends - wide)),
    }
