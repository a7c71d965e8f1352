"""Draw when customers order: BG/NBD, given what their columns say about the last 12 months.

A customer orders at a constant rate in shop time, gamma distributed between customers, and leaves
after an order with a probability (Fader, Hardie and Lee, "Counting your customers" the easy way,
Marketing Science 24, 2005). Their columns tell the number of orders in the last 12 months and the
day of the last one. Given these the law of the rate is a mixture of two gammas, and the orders
before the last 12 months are Poisson. So both are drawn exactly, and their moments are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.network import Codes, Table
from privgan.demo.seasons import TODAY, shop_time
from privgan.demo.shoppers import Shoppers

_RESOLUTION = 2**32  # coins are multiples of 2^-32, so that no moment reaches its interval's end


@dataclass(frozen=True, kw_only=True, eq=False)
class Spans:
    """The stretches of a customer's time, in shop time.

    The orders that the columns count, `known`, lie between `opened` and `closed`, one of them on
    the last day. Earlier orders lie between `joined` and `opened`; later ones there are none.

    Attributes:
        known: Number of orders known from the columns: of the last 12 months, or the last alone.
        joined: Start of the day of registration.
        opened: Start of the first day on which an order is counted.
        last: Start of the last order's day.
        closed: End of that day.
        left: From there to the end of the reference date.
    """

    known: Codes
    joined: Table
    opened: Table
    last: Table
    closed: Table
    left: Table


@dataclass(frozen=True, kw_only=True, eq=False)
class RateLaw:
    """Law of each customer's rate, given the columns: with or without having left.

    Attributes:
        staying: Probability of not having left.
        shape: Gamma shape, the same for both.
        tempo: Gamma rates (inverse scales) of those who left and those who did not
            [2, customers], in units of shop time.
        earlier: Shop time in which earlier orders were made, times the probability of staying
            after an order: given the rate, their number is Poisson with mean rate × earlier.
    """

    staying: Table
    shape: Table
    tempo: Table
    earlier: Table

    def weights(self) -> Table:
        """Probabilities of having left, and of not [2, customers]."""
        return numpy.stack([1.0 - self.staying, self.staying])

    def moment(self, order: int) -> Table:
        """E[rate^order] for order 1 or 2."""
        rising = self.shape * (self.shape + 1.0) ** (order - 1)
        moment: Table = (self.weights() * rising / self.tempo**order).sum(axis=0)
        return moment

    def none_earlier(self) -> Table:
        """Probability of no order before those known."""
        none: Table = (self.tempo / (self.tempo + self.earlier)) ** self.shape
        return (self.weights() * none).sum(axis=0)


def spans_of(shoppers: Shoppers) -> Spans:
    """Divide each customer's time."""
    active = shoppers.orders > 0
    year_ago = numpy.maximum(shoppers.signed_up, TODAY - p.DAYS_PER_YEAR)
    closed = shop_time(shoppers.last + 1)
    return Spans(
        known=numpy.where(active, shoppers.orders, shoppers.ordered),
        joined=shop_time(shoppers.signed_up),
        opened=shop_time(numpy.where(active, year_ago, shoppers.last)),
        last=shop_time(shoppers.last),
        closed=closed,
        left=shop_time(TODAY + 1) - closed,
    )


def rate_law(shoppers: Shoppers) -> RateLaw:
    """Law of the rate given the columns.

    With n known orders, the rate r has the likelihood r^n e^(-r (l E + K)) (l + (1 - l) e^(-r L)):
    l the probability of leaving, E the time before, K that of the known orders, L that since. Times
    the gamma prior it is a mixture of two gammas.
    """
    spans = spans_of(shoppers)
    leaving = numpy.array(q.LEAVING)[shoppers.acquisition]
    yearly = numpy.array(q.ORDERS_PER_YEAR)[shoppers.tier]
    before = spans.opened - spans.joined
    shape = q.RATE_SHAPE + spans.known
    gone = q.RATE_SHAPE * p.DAYS_PER_YEAR / yearly + leaving * before + spans.closed - spans.opened
    tempo = numpy.stack([gone, gone + spans.left])
    odds = (1.0 - leaving) / leaving * (tempo[0] / tempo[1]) ** shape
    return RateLaw(
        staying=numpy.where(spans.known > 0, odds / (1.0 + odds), 1.0),
        shape=shape,
        tempo=tempo,
        earlier=(1.0 - leaving) * before,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Purchases:
    """When orders were made, by customer and time [orders].

    Attributes:
        customer: Position of the customer.
        time: Shop time.
        recent: Whether it is one of the last 12 months' orders.
    """

    customer: Codes
    time: Table
    recent: Codes


def draw_purchases(shoppers: Shoppers, rng: numpy.random.Generator) -> Purchases:
    """Draw every order's time; the known ones number and end as the columns say."""
    spans, law = spans_of(shoppers), rate_law(shoppers)
    stays = rng.random(shoppers.count) < law.staying
    rate = rng.gamma(law.shape) / numpy.where(stays, law.tempo[1], law.tempo[0])
    ends = (spans.known > 0).astype(numpy.int64)
    stretches = (
        (rng.poisson(rate * law.earlier), spans.joined, spans.opened),
        (spans.known - ends, spans.opened, spans.closed),
        (ends, spans.last, spans.closed),
    )
    everyone = numpy.arange(shoppers.count)
    customer = numpy.concatenate([numpy.repeat(everyone, size) for size, _, _ in stretches])
    time = numpy.concatenate([_between(size, start, end, rng) for size, start, end in stretches])
    recent = numpy.arange(len(customer)) >= stretches[0][0].sum()
    recent &= (shoppers.orders > 0)[customer]
    order = numpy.lexsort((time, customer))
    return Purchases(customer=customer[order], time=time[order], recent=recent[order])


def _between(size: Codes, start: Table, end: Table, rng: numpy.random.Generator) -> Table:
    """Uniform times in each customer's stretch."""
    coins = rng.integers(0, _RESOLUTION, int(size.sum())) / _RESOLUTION
    low = numpy.repeat(start, size)
    time: Table = low + coins * (numpy.repeat(end, size) - low)
    return time
