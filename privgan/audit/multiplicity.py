"""Several tests at once: Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> list[float]:
    """Adjusted p-values: rejecting those at most α errs in any of the tests with probability at most α.

    Valid whatever the tests' dependence. Ties get one value, so the order of the tests never matters.

    Args:
        p_values: One p-value per test, each in [0, 1].

    Returns:
        One adjusted p-value per test, in the same order (Holm 1979).

    Raises:
        ValueError: A p-value is not in [0, 1].
    """
    values = np.asarray(p_values, dtype=float)
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("a p-value is not in [0, 1]; leave out tests that could not be run")
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, steps)
    return [float(value) for value in adjusted]
