"""Write the demo table's schema: public facts from the model's parameters, from no row."""

from __future__ import annotations

from typing import Any

import yaml

from privgan.demo import parameters as p
from privgan.demo.graph import AGES, CATEGORIES
from privgan.files.json_types import JsonDict

DATASET = "retail-demo"
_LONGEST_RECENCY = p.TENURE_YEARS * p.DAYS_PER_YEAR - 1
_HIGHEST_BASKET = p.LARGEST_BASKET_CENTS // 100
_HIGHEST_SPEND = p.LARGEST_ORDERS * _HIGHEST_BASKET
_COMMENT = (
    "# Simulated customers of a retailer; every fact comes from privgan's own model"
    " (privgan/demo/README.md).\n"
)


def demo_schema_yaml() -> str:
    """Schema of the simulated customer table as YAML text."""
    document = {
        "format": "privgan.schema/1",
        "dataset": DATASET,
        "unit": "customer_id",
        "max_rows_per_unit": 1,
        "missing_markers": [""],
        "columns": demo_columns(),
        "constraints": _constraints(),
    }
    # default_flow_style=None keeps lists of texts on shared lines, so that 240 categories stay
    # readable
    return _COMMENT + yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110)


def demo_columns() -> list[JsonDict]:
    """The customer table's columns, as in a schema file."""
    return [*_person_columns(), *_customer_columns(), *_outcome_columns()]


def _person_columns() -> list[JsonDict]:
    quasi = {"role": "quasi-identifier"}
    return [
        _column(
            "customer_id", "identifier", "customer number", pattern="S{:08d}", role="identifier"
        ),
        _column("name", "name", "first and last name", role="identifier"),
        _column("email", "email", "contact address", role="identifier"),
        _column("age", "integer", "age in years", lower=int(AGES[0]), upper=int(AGES[-1]), **quasi),
        _column("gender", "categorical", "gender as stated", categories=list(p.GENDERS), **quasi),
        _column(
            "marital_status",
            "categorical",
            "as stated",
            categories=list(p.MARITAL_STATUSES),
            **quasi,
        ),
        _column(
            "household_size",
            "integer",
            "persons; 6 stands for 6 and more",
            lower=1,
            upper=len(p.HOUSEHOLD_SIZES),
            **quasi,
        ),
        _column("education", "ordinal", "highest degree", categories=list(p.EDUCATIONS), **quasi),
        _column(
            "income_band",
            "ordinal",
            "household income as stated; many do not say",
            categories=list(p.INCOMES),
            missing=True,
            role="sensitive",
        ),
        _column(
            "region", "categorical", "region of residence", categories=list(p.REGIONS), **quasi
        ),
    ]


def _customer_columns() -> list[JsonDict]:
    return [
        _column(
            "acquisition_channel",
            "categorical",
            "how the customer came",
            categories=list(p.CHANNELS),
        ),
        _column(
            "sign_up_date",
            "date",
            "day of registration",
            lower=p.LAUNCH_DATE,
            upper=p.REFERENCE_DATE,
        ),
        _column("membership_tier", "ordinal", "loyalty programme", categories=list(p.TIERS)),
        _column(
            "recency_days",
            "integer",
            "days since the last order, or since sign-up",
            lower=0,
            upper=_LONGEST_RECENCY,
        ),
        _count("orders_12m", "orders in the last 12 months; 0 = inactive", p.LARGEST_ORDERS),
        _amount(
            "spend_12m",
            "spend in the last 12 months; 0 = no order",
            _HIGHEST_SPEND,
            role="sensitive",
        ),
        _amount("average_basket", "spend per order; 0 = no order", _HIGHEST_BASKET),
        _column(
            "preferred_category", "categorical", "most viewed category", categories=list(CATEGORIES)
        ),
        _count("ad_impressions", "advertisements shown; 0 mostly = refused", p.LARGEST_IMPRESSIONS),
        _count("ad_clicks", "clicks on them", p.LARGEST_IMPRESSIONS),
    ]


def _outcome_columns() -> list[JsonDict]:
    return [
        _column("converted", "boolean", "bought after an advertisement"),
        _column(
            "support_tickets",
            "integer",
            "tickets in the last 12 months",
            lower=0,
            upper=p.LARGEST_TICKETS,
        ),
        _column("churned", "boolean", "left", role="sensitive"),
        _column("fraud_flag", "boolean", "marked by the fraud team", role="sensitive"),
        _column(
            "nps",
            "integer",
            "would recommend, 0 to 10; most do not answer",
            lower=0,
            upper=p.NPS_SCORES - 1,
            missing=True,
        ),
    ]


def _constraints() -> list[JsonDict]:
    """Constraints that hold in every simulated row by construction."""
    return [
        {
            "when": "orders_12m = 0",
            "then": "spend_12m = 0 and average_basket = 0",
            "description": "nothing is spent without an order",
        },
        {
            "when": "orders_12m > 0",
            "then": f"spend_12m > 0 and average_basket > 0 and recency_days <= {p.DAYS_PER_YEAR}",
            "description": "every order costs something, and falls into the last 12 months",
        },
        {
            "at_most": ["average_basket", "spend_12m"],
            "description": "spend is orders times average basket",
        },
        {
            "at_most": ["ad_clicks", "ad_impressions"],
            "description": "only what was shown can be clicked",
        },
    ]


def _count(name: str, description: str, largest: int) -> JsonDict:
    return _column(name, "integer", description, lower=0, upper=largest, special_values=[0])


def _amount(name: str, description: str, largest: int, **facts: Any) -> JsonDict:
    return _column(
        name, "float", description, lower=0, upper=largest, decimals=2, special_values=[0], **facts
    )


def _column(name: str, kind: str, description: str, **facts: Any) -> JsonDict:
    return {"name": name, "kind": kind, **facts, "description": description}
