"""Recommend by what goes together: item-to-item cosine similarity, with the library implicit.

A value's score for a customer is the sum of its similarities to what the customer has; values that
nothing speaks for follow by how often they occur. (Sarwar, Karypis, Konstan and Riedl 2001,
Item-based collaborative filtering recommendation algorithms.)
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MISSING = "needs the library implicit: pip install 'privgan[uses]'"
_NEIGHBOURS = 200
_TINY = 1e-9


def installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("implicit") is not None


def counted(
    owner: NDArray[np.int64], value: NDArray[np.int64], customers: int, values: int
) -> csr_matrix:
    """How often each customer has each value [customers, values].

    Args:
        owner: Each event's customer [events].
        value: Its value [events].
        customers: How many customers there are.
        values: How many values there are.
    """
    from scipy.sparse import csr_matrix

    ones = np.ones(len(owner))
    found = csr_matrix((ones, (owner, value)), shape=(customers, values), dtype=np.float64)
    found.sum_duplicates()
    return found


def scores(fitted: csr_matrix, past: csr_matrix) -> NDArray[np.float64]:
    """Score of every value for each customer of a past [customers, values].

    Args:
        fitted: Counts of the customers that the recommender is fitted on [others, values].
        past: Counts of the customers that it is asked about [customers, values].
    """
    often = np.asarray(fitted.sum(axis=0)).ravel()
    by_popularity = _TINY * often / max(1.0, often.max(initial=0.0))
    if not fitted.nnz:
        return np.tile(by_popularity, (past.shape[0], 1))
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=min(_NEIGHBOURS, fitted.shape[1]), num_threads=1)
    with warnings.catch_warnings():  # It tells that it sorts a matrix of its own.
        warnings.simplefilter("ignore")
        model.fit(fitted, show_progress=False)
    return np.asarray((past @ model.similarity).todense()) + by_popularity
