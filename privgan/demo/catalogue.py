"""List the shop's products: a brand for each category, in three qualities.

>>> simulate_products().loc[0, ["product_id", "name", "category"]].tolist()
['P0001', 'Arado Basic', 'fashion_01']
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.graph import CATEGORIES, GROUPS
from privgan.demo.network import Table

if TYPE_CHECKING:
    import pandas

_STEP = 7  # has no factor in common with 20, so that prices in a department rise in no order


def simulate_products() -> pandas.DataFrame:
    """The products [720, 5 columns]: the same for every seed."""
    import pandas

    qualities, size = list(q.QUALITIES), len(q.QUALITIES)
    return pandas.DataFrame(
        {
            "product_id": product_ids(),
            "name": [f"{brand} {quality}" for brand in _brands() for quality in qualities],
            "category": numpy.repeat(numpy.array(CATEGORIES, dtype=object), size),
            "department": numpy.repeat(
                numpy.array(GROUPS, dtype=object), p.CATEGORIES_PER_GROUP * size
            ),
            "price": price_cents().ravel() / 100,
        }
    )


def product_ids() -> list[str]:
    """Key of each product: categories in order, qualities inside."""
    return [f"P{serial:04d}" for serial in range(1, len(CATEGORIES) * len(q.QUALITIES) + 1)]


@cache
def price_cents() -> Table:
    """Price in whole cents [categories, qualities]; each ends in 9."""
    from scipy.special import ndtri

    size = p.CATEGORIES_PER_GROUP
    place = (numpy.arange(size) * _STEP) % size
    category = q.BRAND_LOG_PRICE_SPREAD * ndtri((place + 0.5) / size)
    department = [q.BRAND_DEPARTMENT_SLOPE * effect for _, effect in p.CATEGORY_GROUPS.values()]
    log_price = q.BRAND_LOG_PRICE + numpy.add.outer(department, category).ravel()
    dimes = numpy.rint(10 * numpy.outer(numpy.exp(log_price), list(q.QUALITIES.values())))
    cents: Table = 10 * dimes.astype(numpy.int64) - 1
    return cents


def _brands() -> list[str]:
    return [
        q.BRAND_STARTS[rank % len(q.BRAND_STARTS)] + q.BRAND_ENDS[rank // len(q.BRAND_STARTS)]
        for rank in range(len(CATEGORIES))
    ]
