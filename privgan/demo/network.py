"""A discrete Bayesian network: draw rows and compute exact joint distributions.

>>> import numpy
>>> coin = Node(name="coin", values=("heads", "tails"), parents=(), table=numpy.array([0.25, 0.75]))
>>> Network([coin]).joint("coin").tolist()
[0.25, 0.75]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy


def normalised(weights: Table) -> Table:
    """Weights scaled so that the last axis adds up to 1."""
    result: Table = weights / weights.sum(axis=-1, keepdims=True)
    return result


def sigmoid(logit: Table) -> Table:
    """Probability of a log-odds value."""
    result: Table = 1.0 / (1.0 + numpy.exp(-logit))
    return result


def yes_no(probability: Table) -> Table:
    """A false/true distribution on a new last axis."""
    return numpy.stack([1.0 - probability, probability], axis=-1)


def negative_binomial(mean: Table, *, shape: float, largest: int) -> Table:
    """Negative binomial counts 0 to ``largest`` on a new last axis, truncated and renormalised.

    The variance is ``mean + mean² / shape``.
    """
    from scipy.special import gammaln

    count = numpy.arange(largest + 1)
    success = shape / (shape + numpy.asarray(mean, dtype=float)[..., None])
    coefficient = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1)
    return normalised(
        numpy.exp(coefficient + shape * numpy.log(success)) * (1.0 - success) ** count
    )


def binomial(trials: int, probability: Table) -> Table:
    """Binomial counts for 0 to ``trials`` trials: axes (trials, *probability's, count)."""
    from scipy.special import comb

    tried = numpy.arange(trials + 1).reshape(-1, *[1] * probability.ndim, 1)
    count = numpy.arange(trials + 1)
    chance = probability[None, ..., None]
    result: Table = (
        comb(tried, count) * chance**count * (1.0 - chance) ** numpy.maximum(tried - count, 0)
    )
    return result


def ordered_logistic(score: Table, cuts: Sequence[float]) -> Table:
    """An ordinal variable on a new last axis: P(code <= k) = sigmoid(cuts[k] - score)."""
    below = sigmoid(numpy.asarray(cuts) - score[..., None])
    edge = numpy.ones((*score.shape, 1))
    return numpy.diff(numpy.concatenate([0.0 * edge, below, edge], axis=-1), axis=-1)


def rounded_normal(mean: Table, *, spread: float, size: int) -> Table:
    """Rounded normal variable, 0 to ``size - 1``, on a new last axis, tails at the ends."""
    from scipy.special import ndtr

    edges = numpy.concatenate([[-numpy.inf], numpy.arange(size - 1) + 0.5, [numpy.inf]])
    return numpy.diff(ndtr((edges - mean[..., None]) / spread), axis=-1)


Codes = numpy.ndarray[Any, numpy.dtype[Any]]  # of int64
Table = numpy.ndarray[Any, numpy.dtype[Any]]  # of float64

_RESOLUTION = (
    2**32
)  # coins are multiples of 2^-32, so that parent index + coin is exact in a float64


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One variable and its distribution given its parents.

    Attributes:
        name: The variable's name.
        values: Its values as text; a code is a position in here.
        parents: Names of the variables it depends on.
        table: Probabilities with one axis per parent, in order, and the variable's own values on
            the last axis.
    """

    name: str
    values: tuple[str, ...]
    parents: tuple[str, ...]
    table: Table

    def draw(self, codes: Mapping[str, Codes], rows: int, rng: numpy.random.Generator) -> Codes:
        """One value per row given the parents' codes, by inverting the cumulative distribution."""
        flat = self.table.reshape(-1, len(self.values))
        cumulative = numpy.cumsum(flat, axis=1)
        cumulative[:, -1] = 1.0
        ladder = (cumulative + numpy.arange(len(flat))[:, None]).ravel()
        setting = self._setting(codes, rows)
        coins = rng.integers(0, _RESOLUTION, rows) / _RESOLUTION
        drawn: Codes = numpy.searchsorted(ladder, setting + coins, side="right") - setting * len(
            self.values
        )
        return drawn

    def _setting(self, codes: Mapping[str, Codes], rows: int) -> Codes:
        """Index of each row's combination of parent values."""
        setting = numpy.zeros(rows, dtype=numpy.int64)
        for parent, size in zip(
            self.parents, self.table.shape, strict=False
        ):  # the table's last axis is the node
            setting = setting * size + codes[parent]
        return setting


class Network:
    """Nodes in an order in which parents come before their children.

    Attributes:
        nodes: The nodes by name.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Store the nodes, parents first."""
        self.nodes = {node.name: node for node in nodes}
        self._axis = {name: position for position, name in enumerate(self.nodes)}

    def joint(self, *names: str) -> Table:
        """The exact joint distribution of some variables, one axis each, in the order given."""
        operands: list[Any] = []
        for node in self._with_ancestors(names):
            operands += [node.table, [self._axis[name] for name in (*node.parents, node.name)]]
        result: Table = numpy.einsum(
            *operands, [self._axis[name] for name in names], optimize="greedy"
        )
        return result

    def _with_ancestors(self, names: Iterable[str]) -> list[Node]:
        wanted = set(names)
        for node in reversed(self.nodes.values()):
            if node.name in wanted:
                wanted.update(node.parents)
        return [node for node in self.nodes.values() if node.name in wanted]
