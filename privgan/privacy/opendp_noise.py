"""Exact noise for counts and choices: the only file that imports OpenDP."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np


@lru_cache(maxsize=1)
def _library() -> Any:
    import opendp.prelude as opendp

    opendp.enable_features("contrib")
    return opendp


def discrete_gaussian(counts: np.ndarray, standard_deviation: float) -> np.ndarray:
    """Counts [cells] plus discrete Gaussian noise, int64 (Canonne, Kamath, Steinke 2020)."""
    opendp = _library()
    domain = opendp.vector_domain(opendp.atom_domain(T="i64"))
    mechanism = opendp.m.make_gaussian(domain, opendp.l2_distance(T="i64"), float(standard_deviation))
    return np.asarray(mechanism([int(count) for count in counts]), dtype=np.int64)


def discrete_laplace(count: int, scale: float) -> int:
    """One count plus discrete Laplace noise (Ghosh, Roughgarden, Sundararajan 2009)."""
    opendp = _library()
    domain = opendp.atom_domain(T="i64")
    mechanism = opendp.m.make_laplace(domain, opendp.absolute_distance(T="i64"), float(scale))
    return int(mechanism(int(count)))


def gumbel_choice(scores: np.ndarray, scale: float) -> int:
    """The index of the largest of scores [candidates] plus Gumbel noise: the exponential mechanism.

    Under zero-concentrated divergence OpenDP's noisy max draws Gumbel noise; its map is then ε²/8 with ε = 2/scale for
    scores of sensitivity 1, the bounded-range bound that we account for.
    """
    opendp = _library()
    domain = opendp.vector_domain(opendp.atom_domain(T="f64", nan=False))
    measure = opendp.zero_concentrated_divergence()
    mechanism = opendp.m.make_noisy_max(domain, opendp.linf_distance(T="f64"), measure, float(scale))
    return int(mechanism([float(score) for score in scores]))
