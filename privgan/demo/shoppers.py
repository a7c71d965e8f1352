"""Read what orders depend on from a customer table, and refuse tables that contradict themselves.

An error counts rows and names columns. It tells no customer's value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.graph import CATEGORIES
from privgan.demo.network import Codes, Table
from privgan.demo.seasons import LAUNCH, TODAY
from privgan.errors import UsageError

if TYPE_CHECKING:
    import pandas

_NEEDED = (
    "customer_id",
    "sign_up_date",
    "recency_days",
    "orders_12m",
    "spend_12m",
    "membership_tier",
    "acquisition_channel",
    "income_band",
    "preferred_category",
)
_UNSTATED_INCOME = p.INCOMES.index("middle")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shoppers:
    """What orders depend on, one entry a customer.

    Attributes:
        signed_up: Day of registration; days count from the launch.
        last: Day of the last order, or of registration where there was never one.
        orders: Number of orders in the last 12 months.
        spend_cents: What they cost together.
        tier: Position in `TIERS`.
        acquisition: Position in `CHANNELS`.
        income: Position in `INCOMES`; the middle where the customer does not say.
        category: Position of the preferred category in `CATEGORIES`.
    """

    signed_up: Codes
    last: Codes
    orders: Codes
    spend_cents: Codes
    tier: Codes
    acquisition: Codes
    income: Codes
    category: Codes

    @property
    def count(self) -> int:
        """Number of customers."""
        return len(self.orders)

    @property
    def ordered(self) -> Codes:
        """Whether the customer ever ordered: this year, or as an account older than a year."""
        old: Codes = TODAY - self.signed_up > p.DAYS_PER_YEAR
        return (self.orders > 0) | old

    @property
    def department(self) -> Codes:
        """Position of the preferred category's department in `GROUPS`."""
        return self.category // p.CATEGORIES_PER_GROUP

    def mean_cents(self) -> Table:
        """Mean amount of an order in the last 12 months; 0 without orders."""
        mean: Table = self.spend_cents / numpy.maximum(self.orders, 1)
        return mean


def read_shoppers(customers: pandas.DataFrame) -> Shoppers:
    """Read a table like that of `simulate_customers`.

    Raises:
        UsageError: where a column is absent, a value unknown, or columns contradict each other.
    """
    absent = [name for name in _NEEDED if name not in customers]
    if absent:
        raise UsageError(
            f"customers has no column {', '.join(absent)}; it needs those of simulate_customers"
        )
    repeated = int(
        customers["customer_id"].isna().sum() + customers["customer_id"].duplicated().sum()
    )
    _refuse(repeated, "no customer_id, or one that another row has")
    signed_up = _days(customers["sign_up_date"])
    shoppers = Shoppers(
        signed_up=signed_up,
        last=TODAY - _numbers(customers["recency_days"]),
        orders=_numbers(customers["orders_12m"]),
        spend_cents=_numbers(customers["spend_12m"], unit=100),
        tier=_positions(customers["membership_tier"], p.TIERS),
        acquisition=_positions(customers["acquisition_channel"], p.CHANNELS),
        income=_incomes(customers["income_band"]),
        category=_positions(customers["preferred_category"], CATEGORIES),
    )
    for wrong, what in _contradictions(shoppers):
        _refuse(int(wrong.sum()), what)
    return shoppers


def _contradictions(shoppers: Shoppers) -> Iterator[tuple[Codes, str]]:
    year = p.DAYS_PER_YEAR
    recency, tenure = TODAY - shoppers.last, TODAY - shoppers.signed_up
    active = shoppers.orders > 0
    yield (tenure < 0) | (tenure > TODAY), "sign_up_date before the launch or after the reference"
    yield (recency < 0) | (recency > tenure), "recency_days below 0 or before sign_up_date"
    yield shoppers.orders < 0, "orders_12m below 0"
    yield active & (recency > year), "orders_12m above 0 but recency_days above a year"
    yield ~active & (recency < numpy.minimum(tenure, year + 1)), "a recent order but orders_12m = 0"
    least = shoppers.orders * max(q.SMALLEST_ORDER_CENTS, q.LARGEST_LINES)
    yield shoppers.spend_cents < least, "spend_12m too small for orders_12m"


def _refuse(rows: int, what: str) -> None:
    if rows:
        raise UsageError(
            f"customers: {rows} rows have {what}; give rows as simulate_customers does"
        )


def _days(dates: pandas.Series) -> Codes:
    """Days since the launch."""
    import pandas

    read = pandas.to_datetime(dates, errors="coerce")
    _refuse(int(read.isna().sum()), "no date as sign_up_date")
    days: Codes = (read.to_numpy().astype("datetime64[D]") - LAUNCH).astype(numpy.int64)
    return days


def _numbers(column: pandas.Series, *, unit: int = 1) -> Codes:
    """Whole numbers of 1/unit."""
    import pandas

    read = pandas.to_numeric(column, errors="coerce")
    _refuse(int(read.isna().sum()), f"no number as {column.name}")
    numbers: Codes = numpy.rint(unit * read.to_numpy(dtype=float)).astype(numpy.int64)
    return numbers


def _positions(column: pandas.Series, values: Sequence[str]) -> Codes:
    import pandas

    found = pandas.Index(values).get_indexer(pandas.Index(column.astype(object)))
    _refuse(int((found < 0).sum()), f"an unknown {column.name}")
    return found.astype(numpy.int64)


def _incomes(column: pandas.Series) -> Codes:
    stated = column.notna()
    income = numpy.full(len(column), _UNSTATED_INCOME)
    income[stated] = _positions(column[stated], p.INCOMES)
    return income
