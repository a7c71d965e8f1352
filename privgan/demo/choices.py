"""State what is bought where and when: departments, channels, categories, lines, as tables."""

from __future__ import annotations

from functools import cache

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.graph import CATEGORIES, GROUPS, customer_network
from privgan.demo.network import Node, Table, normalised
from privgan.demo.seasons import MONTHS


@cache
def order_choices() -> dict[str, Node]:
    """The nodes of an order and of its lines, by name; all parents are drawn before."""
    months = tuple(str(month) for month in range(1, MONTHS + 1))
    nodes = (
        ("channel", q.CHANNELS, ("acquisition",), numpy.array(q.CHANNEL_GIVEN_ACQUISITION)),
        ("new_department", GROUPS, ("own_department", "month"), _new_department()),
        ("lines_beyond", months[: q.LARGEST_LINES], ("department",), _lines_beyond()),
        ("rank", _ranks(), ("department", "own_category"), _rank()),
        ("returned", ("false", "true"), ("department",), _returned()),
    )
    return {
        name: Node(name=name, values=values, parents=parents, table=table)
        for name, values, parents, table in nodes
    }


def month_weights() -> Table:
    """Share of each department in each month, for orders drawn by weight [months, departments]."""
    weights = numpy.array([weight for weight, _ in p.CATEGORY_GROUPS.values()])
    factors = numpy.ones((MONTHS, len(GROUPS)))
    for department, by_month in q.DEPARTMENT_MONTH_FACTOR.items():
        for month, factor in by_month.items():
            factors[month - 1, GROUPS.index(department)] = factor
    return normalised(factors * weights)


def _new_department() -> Table:
    own = numpy.eye(len(GROUPS))[:, None, :]
    return q.OWN_DEPARTMENT * own + (1.0 - q.OWN_DEPARTMENT) * month_weights()


def _lines_beyond() -> Table:
    """A Poisson number, cut and renormalised [departments, lines]."""
    from scipy.special import factorial

    mean = numpy.array([q.LINES_BEYOND_FIRST[name] for name in GROUPS])
    count = numpy.arange(q.LARGEST_LINES)
    return normalised(mean[:, None] ** count / factorial(count))


def _rank() -> Table:
    """Which category of the department a line is in [departments, categories, ranks].

    The customer's own more often, if it is one of the department; else by the customers' Zipf law.
    """
    zipf = customer_network().nodes["preferred_category"].table[0, : p.CATEGORIES_PER_GROUP]
    own = numpy.eye(len(CATEGORIES)).reshape(len(CATEGORIES), len(GROUPS), -1).transpose(1, 0, 2)
    inside = own.sum(axis=-1, keepdims=True)
    table: Table = q.OWN_CATEGORY * own + (1.0 - q.OWN_CATEGORY * inside) * zipf
    return table


def _returned() -> Table:
    rate = numpy.array([q.RETURNED[name] for name in GROUPS])
    return numpy.stack([1.0 - rate, rate], axis=-1)


def _ranks() -> tuple[str, ...]:
    return tuple(str(rank) for rank in range(1, p.CATEGORIES_PER_GROUP + 1))
