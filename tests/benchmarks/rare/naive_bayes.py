"""The control: naive Bayes on noisy class counts, with the whole budget on the target's pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_LEAST = 0.5


def naive_bayes(
    train: np.ndarray,
    positive: np.ndarray,
    test: np.ndarray,
    sizes: Sequence[int],
    noise: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Log-odds of test rows [rows], up to a constant.

    Counts of each class by code are noisy, and 0.5 at least. The codes themselves are free to it,
    which flatters it.

    Args:
        train: Codes of the training rows [rows, columns].
        positive: Which of them are positive [rows].
        test: Codes of the test rows [rows, columns].
        sizes: Number of codes of each column.
        noise: Standard deviation of the noise on each count.
        rng: Draws it.
    """
    found = np.zeros(len(test))
    for column, size in enumerate(sizes):
        sides = []
        for of in (positive, ~positive):
            counts = np.bincount(train[of, column], minlength=size) + rng.normal(0, noise, size)
            counts = np.maximum(counts, _LEAST)
            sides.append(np.log(counts / counts.sum()))
        found += (sides[0] - sides[1])[test[:, column]]
    return found
