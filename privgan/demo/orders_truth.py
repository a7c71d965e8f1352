"""Tell what is true of the demo's orders, in closed form, never by simulation.

What depends on customers is exact given their table: expectations are over the orders' coins alone.

>>> round(true_season()[11], 2)
1.42
>>> round(true_amount_correlation(), 2)
0.47
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.choices import order_choices
from privgan.demo.graph import CATEGORIES, GROUPS, average_basket_log_mean, customer_network
from privgan.demo.network import Table
from privgan.demo.purchases import rate_law, spans_of
from privgan.demo.seasons import LAUNCH, MONTHS, month_starts, shop_time
from privgan.demo.shoppers import read_shoppers
from privgan.errors import UsageError

if TYPE_CHECKING:
    import pandas


def true_season() -> dict[int, float]:
    """Factor of each calendar month on the rate of orders, 1 to 12."""
    return dict(enumerate(q.MONTH_FACTOR, start=1))


def true_orders(customers: pandas.DataFrame) -> pandas.DataFrame:
    """What is expected of each customer's orders [customers, 6 columns], in their order.

    Columns: ``known``, the orders that the customer's columns tell; ``earlier``, the expected
    number before them; ``earlier_variance``; ``repeat``, the probability of two orders or more;
    ``staying``, that of not having left; ``per_year``, the expected orders in a year if not.

    Raises:
        UsageError: as `simulate_orders`.
    """
    import pandas

    shoppers = read_shoppers(customers)
    law, known = rate_law(shoppers), spans_of(shoppers).known
    mean = law.moment(1) * law.earlier
    once = numpy.where(known == 1, law.none_earlier(), 0.0)
    return pandas.DataFrame(
        {
            "known": known,
            "earlier": mean,
            "earlier_variance": mean + law.moment(2) * law.earlier**2 - mean**2,
            "repeat": numpy.where(known == 0, 0.0, 1.0 - once),
            "staying": law.staying,
            "per_year": p.DAYS_PER_YEAR * law.shape / law.tempo[1],
        },
        index=customers.index,
    )


def true_orders_by_month(customers: pandas.DataFrame) -> pandas.Series:
    """Expected number of orders in each month since the launch, by ``YYYY-MM``.

    Raises:
        UsageError: as `simulate_orders`.
    """
    import pandas

    shoppers = read_shoppers(customers)
    spans, law = spans_of(shoppers), rate_law(shoppers)
    ordered = spans.known > 0
    pace = numpy.divide(
        spans.known - 1, spans.closed - spans.opened, out=numpy.zeros(len(ordered)), where=ordered
    )
    before = law.moment(1) * (1.0 - numpy.array(q.LEAVING)[shoppers.acquisition])
    edges = shop_time(month_starts())
    reached = [
        before @ _within(edge, spans.joined, spans.opened)
        + pace @ _within(edge, spans.opened, spans.closed)
        + float((ordered & (spans.last < edge)).sum())
        for edge in edges
    ]
    months = LAUNCH.astype("datetime64[M]") + numpy.arange(len(edges) - 1)
    return pandas.Series(numpy.diff(reached), index=months.astype(str), name="orders")


def true_transitions(own_department: str, month: int) -> pandas.DataFrame:
    """P(department | previous order's) in a month [previous, next], by the customer's own one.

    Raises:
        UsageError: where the department or the month is not one of the model's.
    """
    import pandas

    new = true_first_department(own_department, month)
    matrix = q.STAYING * numpy.eye(len(GROUPS)) + (1.0 - q.STAYING) * new.to_numpy()
    return pandas.DataFrame(matrix, index=list(GROUPS), columns=list(GROUPS))


def true_first_department(own_department: str, month: int) -> pandas.Series:
    """P(department) of a customer's first order, by own department and month.

    Raises:
        UsageError: where the department or the month is not one of the model's.
    """
    import pandas

    if own_department not in GROUPS:
        raise UsageError(f"department is {own_department!r}; allowed are {', '.join(GROUPS)}")
    if not 1 <= month <= MONTHS:
        raise UsageError(f"month is {month}; allowed are 1 to {MONTHS}")
    table = order_choices()["new_department"].table
    return pandas.Series(table[GROUPS.index(own_department), month - 1], index=list(GROUPS))


def true_channels() -> dict[str, dict[str, float]]:
    """P(channel of an order), by the customer's acquisition channel."""
    rows = zip(p.CHANNELS, q.CHANNEL_GIVEN_ACQUISITION, strict=True)
    return {name: dict(zip(q.CHANNELS, row, strict=True)) for name, row in rows}


def true_lines() -> dict[str, dict[int, float]]:
    """P(number of lines sold in an order), by department."""
    table = order_choices()["lines_beyond"].table.tolist()
    return {name: dict(enumerate(row, start=1)) for name, row in zip(GROUPS, table, strict=True)}


def true_categories(department: str, own_category: str) -> dict[str, float]:
    """P(category of a line in a department), by the customer's preferred category.

    Raises:
        UsageError: where one is not of the model's.
    """
    if department not in GROUPS or own_category not in CATEGORIES:
        raise UsageError(
            f"department is {department!r} and own_category {own_category!r}; allowed are those of"
            " simulate_products"
        )
    place, size = GROUPS.index(department), p.CATEGORIES_PER_GROUP
    row = order_choices()["rank"].table[place, CATEGORIES.index(own_category)]
    names = CATEGORIES[place * size : (place + 1) * size]
    return dict(zip(names, row.tolist(), strict=True))


def true_returns() -> dict[str, float]:
    """Share of lines sent back, by department."""
    return dict(q.RETURNED)


def amount_log_mean(level: float) -> float:
    """Mean of the log of an earlier order's amount, given the customer's level."""
    from scipy.special import digamma

    return float(numpy.log(level) + digamma(q.AMOUNT_SHAPE) - numpy.log(q.AMOUNT_SHAPE))


def within_log_variance(recent: int = 0) -> float:
    """Variance of the log of an amount, given the customer.

    Args:
        recent: 0 for an order before the last 12 months; else how many orders the customer has in
            them, whose sum is given too.
    """
    from scipy.special import polygamma

    given_sum = polygamma(1, q.AMOUNT_SHAPE * recent) if recent else 0.0
    return float(polygamma(1, q.AMOUNT_SHAPE) - given_sum)


def true_amount_correlation(customers: pandas.DataFrame | None = None) -> float:
    """Correlation of the log amounts of two earlier orders of one customer.

    The levels are those of the given customers with orders in the last 12 months, weighted
    alike; without a table they are those of the model, up to their clipping and rounding.

    Raises:
        UsageError: as `simulate_orders`.
    """
    between = _model_level_variance() if customers is None else _level_variance(customers)
    return between / (between + within_log_variance())


def _level_variance(customers: pandas.DataFrame) -> float:
    shoppers = read_shoppers(customers)
    active = shoppers.orders > 0
    return float(numpy.log(shoppers.mean_cents()[active]).var())


def _model_level_variance() -> float:
    joint = customer_network().joint("orders_12m", "category_group", "membership_tier", "income")
    share = joint[1:].sum(axis=0) / joint[1:].sum()
    mean = average_basket_log_mean()
    return float((share * mean**2).sum() - (share * mean).sum() ** 2 + p.BASKET_LOG_SPREAD**2)


def _within(edge: float, start: Table, end: Table) -> Table:
    """Length of each stretch up to an edge."""
    return numpy.clip(edge, start, end) - start
