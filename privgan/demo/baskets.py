"""Draw what orders hold: department, channel and amount, then the lines with their products.

Amounts are whole cents throughout, so that sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.catalogue import price_cents
from privgan.demo.choices import order_choices
from privgan.demo.graph import average_basket_log_mean
from privgan.demo.network import Codes, Table
from privgan.demo.purchases import Purchases
from privgan.demo.seasons import moments, month_of
from privgan.demo.shoppers import Shoppers


@dataclass(frozen=True, kw_only=True, eq=False)
class Orders:
    """Orders in the order of time [orders].

    Attributes:
        customer: Position of the customer.
        moment: When, as ``datetime64[m]``.
        channel: Position in `CHANNELS` of the orders.
        department: Position in `GROUPS`.
        cents: Amount, before anything is sent back.
    """

    customer: Codes
    moment: Codes
    channel: Codes
    department: Codes
    cents: Codes


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines:
    """Order lines, by order [lines]; those sent back come last, with negative numbers.

    Attributes:
        order: Position of the order.
        number: 1 for the order's first line.
        product: Position in the catalogue.
        quantity: Pieces.
        price_cents: Price of a piece in the catalogue.
        cents: Amount; the discount is quantity times price less this.
    """

    order: Codes
    number: Codes
    product: Codes
    quantity: Codes
    price_cents: Codes
    cents: Codes


def draw_orders(shoppers: Shoppers, purchases: Purchases, rng: numpy.random.Generator) -> Orders:
    """Draw department, channel and amount of every order."""
    customer, moment = purchases.customer, moments(purchases.time)
    department = _departments(shoppers, customer, month_of(moment), rng)
    drawn = {"acquisition": shoppers.acquisition[customer]}
    channel = order_choices()["channel"].draw(drawn, len(customer), rng)
    cents = _amounts(shoppers, purchases, rng)
    by_time = numpy.argsort(moment, kind="stable")
    return Orders(
        customer=customer[by_time],
        moment=moment[by_time],
        channel=channel[by_time],
        department=department[by_time],
        cents=cents[by_time],
    )


def draw_lines(shoppers: Shoppers, orders: Orders, rng: numpy.random.Generator) -> Lines:
    """Split every order into lines, choose their products, and send some back."""
    choices, count = order_choices(), len(orders.cents)
    beyond = choices["lines_beyond"].draw({"department": orders.department}, count, rng)
    sizes = 1 + beyond
    order = numpy.repeat(numpy.arange(count), sizes)
    department = orders.department[order]
    own = shoppers.category[orders.customer[order]]
    drawn = {"department": department, "own_category": own}
    rank = choices["rank"].draw(drawn, len(order), rng)
    weights = rng.gamma(q.LINE_SHAPE, size=len(order))
    cents = split_cents(orders.cents, sizes, weights, smallest=1)
    category = department * p.CATEGORIES_PER_GROUP + rank
    quality, quantity = _products(category, cents, rng)
    sale = Lines(
        order=order,
        number=numpy.zeros_like(order),
        product=category * len(q.QUALITIES) + quality,
        quantity=quantity,
        price_cents=price_cents()[category, quality],
        cents=cents,
    )
    back = choices["returned"].draw({"department": department}, len(order), rng) == 1
    return _with_returns(sale, back)


def split_cents(totals: Codes, sizes: Codes, weights: Table, *, smallest: int) -> Codes:
    """Split whole cents into parts in the ratio of weights, each at least the smallest.

    Args:
        totals: Cents of each whole; at least size × smallest.
        sizes: Number of its parts.
        weights: Positive weights of all parts, by whole.
        smallest: Cents that every part has before the rest is split.
    """
    whole = numpy.repeat(numpy.arange(len(sizes)), sizes)
    reached = numpy.concatenate([[0.0], numpy.cumsum(weights)])
    ends = numpy.cumsum(sizes)
    before, after = reached[ends - sizes][whole], reached[ends][whole]
    free = (totals - sizes * smallest)[whole]
    upto = numpy.rint(free * ((reached[1:] - before) / (after - before))).astype(numpy.int64)
    start = numpy.concatenate([[0], upto[:-1]])
    start[(ends - sizes)[sizes > 0]] = 0
    parts: Codes = smallest + upto - start
    return parts


def level_log_mean(shoppers: Shoppers) -> Table:
    """Mean of the log of a customer's level, in currency units, as in the customers' model."""
    mean: Table = average_basket_log_mean()[shoppers.department, shoppers.tier, shoppers.income]
    return mean


def _departments(
    shoppers: Shoppers, customer: Codes, month: Codes, rng: numpy.random.Generator
) -> Codes:
    """A Markov chain along each customer's orders."""
    drawn = {"own_department": shoppers.department[customer], "month": month}
    new = order_choices()["new_department"].draw(drawn, len(customer), rng)
    first = numpy.diff(customer, prepend=-1) > 0
    stays = (rng.random(len(customer)) < q.STAYING) & ~first
    source = numpy.maximum.accumulate(numpy.where(stays, 0, numpy.arange(len(customer))))
    department: Codes = new[source]
    return department


def _amounts(shoppers: Shoppers, purchases: Purchases, rng: numpy.random.Generator) -> Codes:
    """Gamma amounts around each customer's level; the last 12 months' add up to the spend.

    Gamma amounts given their sum are the sum times a Dirichlet vector, so that both agree.
    """
    recent, customer = purchases.recent, purchases.customer
    weights = rng.gamma(q.AMOUNT_SHAPE, size=len(customer))
    above = _levels(shoppers, rng)[customer] - q.SMALLEST_ORDER_CENTS
    free = q.SMALLEST_ORDER_CENTS + above * weights / q.AMOUNT_SHAPE
    cents: Codes = numpy.rint(free).astype(numpy.int64)
    cents[recent] = split_cents(
        shoppers.spend_cents, shoppers.orders, weights[recent], smallest=q.SMALLEST_ORDER_CENTS
    )
    return cents


def _levels(shoppers: Shoppers, rng: numpy.random.Generator) -> Table:
    """Mean amount of an order in cents: that of the last 12 months, else drawn by the model."""
    log = rng.normal(level_log_mean(shoppers), p.BASKET_LOG_SPREAD)
    drawn = numpy.clip(100 * numpy.exp(log), p.SMALLEST_BASKET_CENTS, p.LARGEST_BASKET_CENTS)
    return numpy.where(shoppers.orders > 0, shoppers.mean_cents(), drawn)


def _products(category: Codes, cents: Codes, rng: numpy.random.Generator) -> tuple[Codes, Codes]:
    """Quality and quantity of each line: enough pieces to cover the amount, the rest discount."""
    price = price_cents()[category]
    pieces = -(-cents[:, None] // price)
    discount = 1.0 - cents[:, None] / (pieces * price)
    score = -discount / q.DISCOUNT_SCALE - q.QUANTITY_EXPONENT * numpy.log(pieces)
    ladder = numpy.cumsum(numpy.exp(score - score.max(axis=1, keepdims=True)), axis=1)
    coins = rng.random(len(cents)) * ladder[:, -1]
    quality = (coins[:, None] >= ladder[:, :-1]).sum(axis=1)
    return quality, pieces[numpy.arange(len(cents)), quality]


def _with_returns(sale: Lines, back: Codes) -> Lines:
    """All lines by order, sales first, numbered inside each order."""
    order = numpy.concatenate([sale.order, sale.order[back]])
    by_order = numpy.argsort(order, kind="stable")
    order = order[by_order]
    start = numpy.searchsorted(order, order, side="left")

    def both(values: Codes, sign: int) -> Codes:
        return numpy.concatenate([values, sign * values[back]])[by_order]

    return Lines(
        order=order,
        number=numpy.arange(len(order)) - start + 1,
        product=both(sale.product, 1),
        quantity=both(sale.quantity, -1),
        price_cents=both(sale.price_cents, 1),
        cents=both(sale.cents, -1),
    )
