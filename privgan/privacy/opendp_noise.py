"""Draw exact noise for counts and choices; the only file that imports OpenDP."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


@lru_cache(maxsize=1)
def _library() -> Any:
    import opendp.prelude as opendp

    opendp.enable_features("contrib")
    return opendp


def _gaussian(standard_deviation: float) -> Any:
    opendp = _library()
    domain = opendp.vector_domain(opendp.atom_domain(T="i64"))
    return opendp.m.make_gaussian(domain, opendp.l2_distance(T="i64"), float(standard_deviation))


def discrete_gaussian(counts: np.ndarray, standard_deviation: float) -> np.ndarray:
    """Counts [cells] plus discrete Gaussian noise, int64 (Canonne, Kamath, Steinke 2020)."""
    noisy = _gaussian(standard_deviation)([int(count) for count in counts])
    return np.asarray(noisy, dtype=np.int64)


def discrete_gaussian_rho(standard_deviation: float, sensitivity: int) -> float:
    """The ρ (zCDP) that OpenDP states for counts of a given L2 sensitivity."""
    return float(_gaussian(standard_deviation).map(sensitivity))


def _laplace(scale: float) -> Any:
    opendp = _library()
    distance = opendp.absolute_distance(T="i64")
    return opendp.m.make_laplace(opendp.atom_domain(T="i64"), distance, float(scale))


def discrete_laplace(count: int, scale: float) -> int:
    """One count plus discrete Laplace noise (Ghosh, Roughgarden, Sundararajan 2009)."""
    return int(_laplace(scale)(int(count)))


def discrete_laplace_epsilon(scale: float, sensitivity: int) -> float:
    """The pure ε that OpenDP states for a count of a given sensitivity."""
    return float(_laplace(scale).map(sensitivity))


def _noisy_max(scale: float) -> Any:
    opendp = _library()
    domain = opendp.vector_domain(opendp.atom_domain(T="f64", nan=False))
    measure, distance = opendp.zero_concentrated_divergence(), opendp.linf_distance(T="f64")
    return opendp.m.make_noisy_max(domain, distance, measure, float(scale))


def gumbel_choice(scores: np.ndarray, scale: float) -> int:
    """Exponential mechanism: index of the largest of scores [candidates] plus Gumbel noise.

    Under zero-concentrated divergence OpenDP's noisy max draws Gumbel noise. Its map is ε²/8 with ε
    = 2/scale for scores of sensitivity 1. This is the bounded-range bound that privgan accounts
    for.
    """
    return int(_noisy_max(scale)([float(score) for score in scores]))


def gumbel_choice_rho(scale: float) -> float:
    """The ρ (zCDP) that OpenDP states for a choice among scores of sensitivity 1."""
    return float(_noisy_max(scale).map(1.0))
