"""Compute the log-likelihood of whole customers under the model of their histories.

A customer's row counts once, and then each event given that row and the event before. Exchanges
between customers (``exchanges.py``) come after the model and do not count.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture
from privgan.generator.part_model import PartModel, chain_of


def history_log_likelihoods(
    parts: tuple[PartModel, ...], views: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Log-probability [customers], in nats, of all rows of each customer, as codes.

    Args:
        parts: The models of customers and events.
        views: By part the codes of its rows [rows, columns], and whose each is [rows]; customers
            are numbered from 0 without gaps, and each has a row of the first part.
    """
    _, customers = views[parts[0].part.name]
    total = np.zeros(len(customers))
    for model in parts:
        codes, owner = views[model.part.name]
        total += np.bincount(owner, weights=_given_context(model, codes), minlength=len(total))
    return total


def _given_context(model: PartModel, codes: np.ndarray) -> np.ndarray:
    """Log-probability [rows] of a view's own columns, given those that are its context."""
    found, names = model.distribution, model.encoder.names
    if isinstance(found, FrozenNetwork):
        chain = chain_of(model.part, names)
        return found.log_likelihood(chain.of(codes), chain.drawn)
    assert isinstance(found, Mixture)
    known = [place for place, name in enumerate(names) if name in model.part.context]
    whole = found.log_likelihood(codes)
    return whole - found.log_likelihood(codes, known) if known else whole
