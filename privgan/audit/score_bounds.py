"""One-run bounds of several scores at once, corrected by Holm's method: shown beside the one that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from privgan.audit.bounds import guesses_on_grid, largest_refuted, one_run_p_value
from privgan.audit.multiplicity import holm


def holm_bounds(
    scores: Mapping[str, NDArray[np.float64]], is_member: NDArray[np.bool_], delta: float, significance: float
) -> dict[str, float]:
    """A lower bound on ε by each score; with probability 1 − significance none of them exceeds the true ε.

    All bounds speak of one ε. At each ε, every score has a p-value for "the mechanism is (ε, δ)-private" over its whole
    grid (Bonferroni), and Holm's method says for which scores it is refuted; a score's bound is the supremum of the ε that
    it refutes. Where one score alone is given, it is the bound of :func:`privgan.audit.bounds.one_run_search`.

    Args:
        scores: Name to one score per canary.
        is_member: Each canary's coin.
        delta: The claimed δ.
        significance: Probability that any bound exceeds the true ε.
    """
    guesses = {name: guesses_on_grid(values, is_member) for name, values in scores.items()}

    def adjusted(epsilon: float) -> list[float]:
        return holm([_over_grid(made, len(is_member), epsilon, delta) for made in guesses.values()])

    def refuted_by(place: int, epsilon: float) -> bool:
        return adjusted(epsilon)[place] < significance

    return {name: largest_refuted(partial(refuted_by, place)) for place, name in enumerate(scores)}


def _over_grid(guesses: Sequence[tuple[int, int]], canaries: int, epsilon: float, delta: float) -> float:
    p_values = (one_run_p_value(canaries, made, correct, epsilon, delta) for made, correct in guesses)
    return min(1.0, len(guesses) * min(p_values, default=1.0))
