"""Build the demo's directed graph: every discrete variable with its conditional distribution.

``README.md`` in this folder draws the graph and explains each table; the numbers are in
``parameters``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy

from privgan.demo import parameters as p
from privgan.demo.network import (
    Network,
    Node,
    Table,
    binomial,
    negative_binomial,
    normalised,
    ordered_logistic,
    rounded_normal,
    sigmoid,
    yes_no,
)

MISSING = ""
LATENT = frozenset(
    {
        "age_group",
        "income",
        "tenure_years",
        "activity",
        "recency_band",
        "category_group",
        "spend_band",
    }
)
RECENCY_BANDS = ("up to 30", "31 to 90", "91 to 180", "181 to 365", "over 365")
SPEND_BANDS = ("0", "up to 250", "up to 1000", "over 1000")
GROUPS = tuple(p.CATEGORY_GROUPS)
CATEGORIES = tuple(
    f"{group}_{rank:02d}" for group in GROUPS for rank in range(1, p.CATEGORIES_PER_GROUP + 1)
)
AGES = tuple(str(age) for age in range(p.AGE_RANGES[0][0], p.AGE_RANGES[-1][1] + 1))
_BOOLEAN = ("false", "true")
_SCORES = tuple(str(score) for score in range(p.NPS_SCORES))


@cache
def customer_network() -> Network:
    """Build the whole model, parents before children."""
    return Network(
        [
            *_person_nodes(),
            *_customer_nodes(),
            *_interest_nodes(),
            *_advertising_nodes(),
            *_outcome_nodes(),
        ]
    )


def average_basket_log_mean() -> Table:
    """Mean of the log of the average basket, by category group, tier and income."""
    group = numpy.array([effect for _, effect in p.CATEGORY_GROUPS.values()])
    return p.BASKET_LOG_MEDIAN + _grid(group, p.BASKET_TIER_LOG, p.BASKET_INCOME_LOG)


def _person_nodes() -> list[Node]:
    age_group = tuple(p.AGE_GROUPS)
    return [
        _root("age_group", p.AGE_GROUPS),
        _root("gender", p.GENDERS),
        _root("region", p.REGIONS),
        _node("age", AGES, ("age_group",), _age_table()),
        _node(
            "education", p.EDUCATIONS, ("age_group",), _rows(p.EDUCATION_GIVEN_AGE_GROUP, age_group)
        ),
        _node(
            "marital_status",
            p.MARITAL_STATUSES,
            ("age_group",),
            _rows(p.MARITAL_STATUS_GIVEN_AGE_GROUP, age_group),
        ),
        _node(
            "household_size",
            p.HOUSEHOLD_SIZES,
            ("marital_status",),
            _rows(p.HOUSEHOLD_SIZE_GIVEN_MARITAL_STATUS, p.MARITAL_STATUSES),
        ),
        _node("income", p.INCOMES, ("education", "age_group"), _income_table()),
        _node("income_band", (*p.INCOMES, MISSING), ("income", "age_group"), _income_band_table()),
    ]


def _customer_nodes() -> list[Node]:
    channel = _rows(p.CHANNEL_GIVEN_AGE_GROUP, tuple(p.AGE_GROUPS))
    tenure = normalised(
        numpy.array(
            [[p.TENURE_DECAY[c] ** year for year in range(p.TENURE_YEARS)] for c in p.CHANNELS]
        )
    )
    steps = numpy.arange(len(p.ACTIVITIES))
    activity = (
        p.ACTIVITY_LOGIT
        + _grid(p.ACTIVITY_CHANNEL_SLOPE, p.ACTIVITY_INCOME_SLOPE)[..., None] * steps
    )
    tier = p.TIER_LOGIT + _grid(p.TIER_ACTIVITY_SLOPE, p.TIER_INCOME_SLOPE)[
        ..., None
    ] * numpy.arange(len(p.TIERS))
    return [
        _node("acquisition_channel", p.CHANNELS, ("age_group",), channel),
        _node("tenure_years", _counts(p.TENURE_YEARS - 1), ("acquisition_channel",), tenure),
        _node(
            "activity",
            p.ACTIVITIES,
            ("acquisition_channel", "income"),
            normalised(numpy.exp(activity)),
        ),
        _node("membership_tier", p.TIERS, ("activity", "income"), normalised(numpy.exp(tier))),
        _node(
            "orders_12m", _counts(p.LARGEST_ORDERS), ("activity", "tenure_years"), _orders_table()
        ),
        _node("recency_band", RECENCY_BANDS, ("orders_12m", "tenure_years"), _recency_table()),
    ]


def _interest_nodes() -> list[Node]:
    return [
        _node("category_group", GROUPS, ("age_group", "gender", "region"), _group_table()),
        _node("preferred_category", CATEGORIES, ("category_group",), _category_table()),
        _node(
            "spend_band",
            SPEND_BANDS,
            ("orders_12m", "category_group", "membership_tier", "income"),
            _spend_table(),
        ),
    ]


def _advertising_nodes() -> list[Node]:
    shown = _counts(p.LARGEST_IMPRESSIONS)
    rate = numpy.outer(p.CLICK_RATE, p.CLICK_GROUP_FACTOR)
    clicks = (
        numpy.minimum(numpy.arange(len(shown)), p.CONVERSION_CLICK_CAP) * p.CONVERSION_CLICK_LOGIT
    )
    conversion = p.CONVERSION_LOGIT + _grid(
        clicks, p.CONVERSION_CHANNEL_LOGIT, p.CONVERSION_GROUP_LOGIT
    )
    return [
        _node("ad_impressions", shown, ("acquisition_channel", "activity"), _impressions_table()),
        _node(
            "ad_clicks",
            shown,
            ("ad_impressions", "acquisition_channel", "category_group"),
            binomial(p.LARGEST_IMPRESSIONS, rate),
        ),
        _node(
            "converted",
            _BOOLEAN,
            ("ad_clicks", "acquisition_channel", "category_group"),
            yes_no(sigmoid(conversion)),
        ),
    ]


def _outcome_nodes() -> list[Node]:
    new_account = p.FRAUD_NEW_ACCOUNT_LOGIT * (numpy.arange(p.TENURE_YEARS) == 0)
    fraud = p.FRAUD_LOGIT + _grid(p.FRAUD_CHANNEL_LOGIT, p.FRAUD_SPEND_LOGIT, new_account)
    tenure = p.CHURN_TENURE_LOGIT * numpy.arange(p.TENURE_YEARS)
    churn = p.CHURN_LOGIT + _grid(
        p.CHURN_RECENCY_LOGIT, tenure, p.CHURN_TICKET_LOGIT * _capped_tickets()
    )
    mean_tickets = p.TICKETS_BASE + p.TICKETS_PER_ORDER * numpy.arange(p.LARGEST_ORDERS + 1)
    tickets = negative_binomial(mean_tickets, shape=p.TICKETS_SHAPE, largest=p.LARGEST_TICKETS)
    return [
        _node("support_tickets", _counts(p.LARGEST_TICKETS), ("orders_12m",), tickets),
        _node(
            "churned",
            _BOOLEAN,
            ("recency_band", "tenure_years", "support_tickets"),
            yes_no(sigmoid(churn)),
        ),
        _node(
            "fraud_flag",
            _BOOLEAN,
            ("acquisition_channel", "spend_band", "tenure_years"),
            yes_no(sigmoid(fraud)),
        ),
        _node(
            "nps",
            (*_SCORES, MISSING),
            ("churned", "support_tickets", "acquisition_channel", "activity"),
            _nps_table(),
        ),
    ]


def _age_table() -> Table:
    ages = numpy.array([int(age) for age in AGES])
    return normalised(
        numpy.array([(ages >= low) & (ages <= high) for low, high in p.AGE_RANGES], dtype=float)
    )


def _income_table() -> Table:
    return ordered_logistic(_grid(p.INCOME_EDUCATION_LOGIT, p.INCOME_AGE_LOGIT), p.INCOME_CUTS)


def _income_band_table() -> Table:
    withheld = numpy.outer(p.INCOME_WITHHELD, p.INCOME_WITHHELD_AGE_FACTOR)[..., None]
    answer = numpy.eye(len(p.INCOMES))[:, None, :]
    return numpy.concatenate([(1.0 - withheld) * answer, withheld], axis=-1)


def _orders_table() -> Table:
    exposure = numpy.where(numpy.arange(p.TENURE_YEARS) == 0, p.ORDERS_FIRST_YEAR_FACTOR, 1.0)
    beyond = numpy.outer(p.ORDERS_BEYOND_FIRST[1:], exposure)
    table = numpy.zeros((len(p.ACTIVITIES), p.TENURE_YEARS, p.LARGEST_ORDERS + 1))
    table[0, :, 0] = 1.0
    table[1:, :, 1:] = negative_binomial(beyond, shape=p.ORDERS_SHAPE, largest=p.LARGEST_ORDERS - 1)
    return table


def _recency_table() -> Table:
    """P(band) given orders and tenure.

    The last order is the latest of n, each uniform on the days since sign-up or the past year:
    P(recency > edge) = ((window - edge) / (window + 1))^n. Without orders, recency counts from
    sign-up; for older accounts it is uniform between a year ago and sign-up (as in `simulator`).
    """
    table = numpy.zeros((p.LARGEST_ORDERS + 1, p.TENURE_YEARS, len(RECENCY_BANDS)))
    days = numpy.arange(p.DAYS_PER_YEAR)
    for year, orders in numpy.ndindex(p.TENURE_YEARS, p.LARGEST_ORDERS + 1):
        tenure = year * p.DAYS_PER_YEAR + days
        later = [_later_than(edge, tenure, orders).mean() for edge in p.RECENCY_EDGES]
        table[orders, year] = -numpy.diff([1.0, *later, 0.0])
    return table


def _later_than(edge: int, tenure: Table, orders: int) -> Table:
    if orders == 0:
        return tenure > edge  # right for every edge up to a year
    window = numpy.minimum(tenure, p.DAYS_PER_YEAR)
    later: Table = (numpy.maximum(window - edge, 0) / (window + 1)) ** orders
    return later


def _group_table() -> Table:
    weights = numpy.array([weight for weight, _ in p.CATEGORY_GROUPS.values()])
    age = _factors(p.GROUP_AGE_FACTOR, tuple(p.AGE_GROUPS))[:, None, None]
    gender = _factors(p.GROUP_GENDER_FACTOR, tuple(p.GENDERS))[None, :, None]
    region = _factors(p.GROUP_REGION_FACTOR, tuple(p.REGIONS))[None, None, :]
    return normalised(weights * age * gender * region)


def _factors(effects: Mapping[str, Mapping[str, float]], values: Sequence[str]) -> Table:
    return numpy.array([[effects[value].get(group, 1.0) for group in GROUPS] for value in values])


def _category_table() -> Table:
    zipf = normalised(numpy.arange(1, p.CATEGORIES_PER_GROUP + 1) ** -p.CATEGORY_ZIPF_EXPONENT)
    table: Table = numpy.kron(numpy.eye(len(GROUPS)), zipf)
    return table


def _spend_table() -> Table:
    """P(band) given orders, group, tier and income.

    Spend is orders times a clipped log-normal basket in cents.
    """
    from scipy.special import ndtr

    log_mean = average_basket_log_mean()
    table = numpy.zeros((p.LARGEST_ORDERS + 1, *log_mean.shape, len(SPEND_BANDS)))
    table[0, ..., 0] = 1.0
    for orders in range(1, p.LARGEST_ORDERS + 1):
        largest = [
            100 * edge // orders for edge in p.SPEND_EDGES[1:]
        ]  # cents of a basket that stays in the band
        below = [
            ndtr((numpy.log((cents + 0.5) / 100) - log_mean) / p.BASKET_LOG_SPREAD)
            for cents in largest
        ]
        within = [
            numpy.where(cents >= p.LARGEST_BASKET_CENTS, 1.0, b)
            for cents, b in zip(largest, below, strict=True)
        ]
        nothing = numpy.zeros_like(log_mean)
        table[orders] = numpy.diff(
            numpy.stack([nothing, nothing, *within, nothing + 1.0], axis=-1), axis=-1
        )
    return table


def _impressions_table() -> Table:
    mean = numpy.outer(p.IMPRESSIONS_MEAN, p.IMPRESSIONS_ACTIVITY_FACTOR)
    seen = negative_binomial(mean, shape=p.IMPRESSIONS_SHAPE, largest=p.LARGEST_IMPRESSIONS)
    refused = numpy.array(p.ADS_REFUSED)[:, None, None]
    none = numpy.eye(1, p.LARGEST_IMPRESSIONS + 1)
    return refused * none + (1.0 - refused) * seen


def _nps_table() -> Table:
    mean = p.NPS_MEAN + _grid((0.0, p.NPS_CHURNED_SHIFT), p.NPS_TICKET_SHIFT * _capped_tickets())
    score = rounded_normal(mean, spread=p.NPS_SPREAD, size=p.NPS_SCORES)[:, :, None, None, :]
    answered = numpy.outer(p.NPS_ANSWERED_CHANNEL, p.NPS_ANSWERED_ACTIVITY_FACTOR)[
        None, None, :, :, None
    ]
    silent = numpy.broadcast_to(1.0 - answered, (*mean.shape, *answered.shape[2:4], 1))
    return numpy.concatenate([answered * score, silent], axis=-1)


def _capped_tickets() -> Table:
    return numpy.arange(p.LARGEST_TICKETS + 1.0).clip(max=p.CHURN_TICKET_CAP)


def _grid(*effects: Sequence[float] | Table) -> Table:
    """Sum of one effect per axis."""
    total: Table = numpy.zeros(())
    for effect in effects:
        total = numpy.add.outer(total, numpy.asarray(effect, dtype=float))
    return total


def _counts(largest: int) -> tuple[str, ...]:
    return tuple(str(count) for count in range(largest + 1))


def _rows(given: Mapping[str, Sequence[float]], parents: Sequence[str]) -> Table:
    return numpy.array([given[parent] for parent in parents])


def _root(name: str, probabilities: Mapping[str, float]) -> Node:
    return _node(name, tuple(probabilities), (), numpy.array(list(probabilities.values())))


def _node(name: str, values: tuple[str, ...], parents: tuple[str, ...], table: Table) -> Node:
    return Node(name=name, values=values, parents=parents, table=table)
