"""Compute the demo table's true distribution by summing over the graph, never by simulation.

>>> round(true_marginal("gender")["female"], 2)
0.52
>>> round(true_conditional("converted", given="acquisition_channel")["search"]["true"], 3)
0.125
"""

from __future__ import annotations

import numpy

from privgan.demo import parameters as p
from privgan.demo.graph import LATENT, average_basket_log_mean, customer_network
from privgan.demo.network import Table
from privgan.errors import UsageError


def discrete_columns() -> tuple[str, ...]:
    """Columns whose true distribution is known exactly."""
    return tuple(name for name in customer_network().nodes if name not in LATENT)


def true_marginal(column: str) -> dict[str, float]:
    """Probability of each value of a discrete column; the empty text is a missing value.

    Raises:
        UsageError: where the column is not one of `discrete_columns`.
    """
    _check_discrete(column)
    network = customer_network()
    return _named(network.nodes[column].values, network.joint(column))


def true_conditional(column: str, *, given: str) -> dict[str, dict[str, float]]:
    """P(column | given) for two different discrete columns, by value of ``given``.

    Raises:
        UsageError: where one is not of `discrete_columns`, or both are the same.
    """
    _check_discrete(column)
    _check_discrete(given)
    if column == given:
        raise UsageError(
            f"true_conditional: column and given are both {column!r}; name two different columns"
        )
    network = customer_network()
    joint = network.joint(given, column)
    values = network.nodes[column].values
    rows = zip(network.nodes[given].values, joint, strict=True)
    return {value: _named(values, row / row.sum()) for value, row in rows if row.sum() > 0.0}


def true_mean_spend() -> dict[str, float]:
    """Mean of ``spend_12m`` for each membership tier, in currency units.

    Exact up to the rounding of cents.
    """
    names = ("orders_12m", "category_group", "membership_tier", "income")
    joint = customer_network().joint(*names)
    orders = numpy.arange(joint.shape[0])
    spend = numpy.einsum("ogti,gti,o->t", joint, _mean_basket(average_basket_log_mean()), orders)
    return _named(p.TIERS, spend / joint.sum(axis=(0, 1, 3)))


def _mean_basket(log_mean: Table) -> Table:
    """Mean of exp(N(log_mean, spread²)) clipped to the basket's bounds, in currency units.

    E[clip(e^X, a, b)] = a Φ(z_a) + e^(m + s²/2) (Φ(z_b - s) - Φ(z_a - s)) + b (1 - Φ(z_b)), z_c =
    (ln c - m) / s.
    """
    from scipy.special import ndtr

    spread = p.BASKET_LOG_SPREAD
    low, high = p.SMALLEST_BASKET_CENTS / 100, p.LARGEST_BASKET_CENTS / 100
    z_low, z_high = (numpy.log(low) - log_mean) / spread, (numpy.log(high) - log_mean) / spread
    inside = numpy.exp(log_mean + spread**2 / 2) * (ndtr(z_high - spread) - ndtr(z_low - spread))
    result: Table = low * ndtr(z_low) + inside + high * ndtr(-z_high)
    return result


def _named(values: tuple[str, ...], probabilities: Table) -> dict[str, float]:
    return dict(zip(values, probabilities.tolist(), strict=True))


def _check_discrete(column: str) -> None:
    if column not in discrete_columns():
        allowed = ", ".join(discrete_columns())
        raise UsageError(
            f"the demo has no exact distribution for column {column!r}; allowed: {allowed}"
        )
