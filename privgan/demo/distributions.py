"""Small families of discrete distributions that the demo's tables are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from privgan.demo.network import Table


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
    """Negative binomial counts 0 to ``largest`` on a new last axis, cut there and renormalised.

    The variance is ``mean + mean² / shape``.
    """
    from scipy.special import gammaln

    count = numpy.arange(largest + 1)
    success = shape / (shape + numpy.asarray(mean, dtype=float)[..., None])
    coefficient = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1)
    return normalised(numpy.exp(coefficient + shape * numpy.log(success)) * (1.0 - success) ** count)


def binomial(trials: int, probability: Table) -> Table:
    """Binomial counts for 0 to ``trials`` trials: axes (trials, *probability's, count)."""
    from scipy.special import comb

    tried = numpy.arange(trials + 1).reshape(-1, *[1] * probability.ndim, 1)
    count = numpy.arange(trials + 1)
    chance = probability[None, ..., None]
    result: Table = comb(tried, count) * chance**count * (1.0 - chance) ** numpy.maximum(tried - count, 0)
    return result


def ordered_logistic(score: Table, cuts: Sequence[float]) -> Table:
    """An ordinal variable on a new last axis: P(code <= k) = sigmoid(cuts[k] - score)."""
    below = sigmoid(numpy.asarray(cuts) - score[..., None])
    edge = numpy.ones((*score.shape, 1))
    return numpy.diff(numpy.concatenate([0.0 * edge, below, edge], axis=-1), axis=-1)


def rounded_normal(mean: Table, *, spread: float, size: int) -> Table:
    """A normal variable rounded to 0 to ``size - 1`` on a new last axis, the tails falling on the ends."""
    from scipy.special import ndtr

    edges = numpy.concatenate([[-numpy.inf], numpy.arange(size - 1) + 0.5, [numpy.inf]])
    return numpy.diff(ndtr((edges - mean[..., None]) / spread), axis=-1)
