"""Draw a retailer's customer table, with invented people, from the demo's model.

>>> simulate_customers(3, seed=7)["customer_id"].tolist()
['C00000001', 'C00000002', 'C00000003']
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from privgan.demo import parameters as p
from privgan.demo.graph import MISSING, average_basket_log_mean, customer_network
from privgan.demo.network import Codes
from privgan.demo.schema import demo_schema_yaml
from privgan.errors import UsageError

if TYPE_CHECKING:
    import pandas

_FIRST_NAMES = {
    "female": (
        "Alma Amira Anna Beth Carla Clara Dora Edith Elena Emma Fatima Greta Hanna Ida Ines Jana"
        " Julia Karin Laura Lena Maria Mei Mina Nadia Nina Olga Paula Rosa Sara Sofia Tara Vera"
        " Yara Zoe"
    ),
    "male": (
        "Adam Ali Anton Ben Bruno Carl Daniel David Emil Erik Felix Georg Hugo Ivan Jan Jonas Karim"
        " Leo Luca Marco Max Milan Nils Noah Omar Oscar Paul Pedro Ravi Samuel Simon Theo Tom"
        " Viktor Wei Yusuf"
    ),
    "diverse": "Alex Ari Charlie Eden Jules Kai Kim Lou Luka Micha Nika Noa Robin Sam Sascha Toni",
}
_LAST_NAMES = """
Abel Adler Akin Albers Almeida Bauer Becker Berg Blanc Bosch Brandt Brown Campos Chen Costa Cruz
Dahl Davis Demir Diaz Eder Engel Evans Fischer Fontana Franke Garcia Gomez Graf Haas Hansen Hughes
Ibrahim Ito Jansen Jensen Kaya Keller Khan Klein Koch Kowal Lang Larsen Leroy Lopez Marin Martin
Meyer Moreau Nagy Novak Okafor Olsen Patel Peters Popov Reyes Ricci Romano Roth Santos Sato Schmidt
Silva Singh Smith Stein Tanaka Torres Varga Vogel Wagner Walker Weber Wolf Wong Yilmaz Young Ziegler
"""
_DOMAINS = ("example.com", "example.org", "example.net")


def invent_names(gender: Codes, genders: tuple[str, ...], rng: numpy.random.Generator) -> list[str]:
    """First name that fits each row's gender, and a last name [rows]."""
    last_names = _LAST_NAMES.split()
    pools = [_FIRST_NAMES[name].split() for name in genders]
    sizes = numpy.array([len(pool) for pool in pools])
    first = rng.integers(0, sizes[gender]) + (numpy.cumsum(sizes) - sizes)[gender]
    last = rng.integers(0, len(last_names), len(gender))
    names = [name for pool in pools for name in pool]
    return [
        f"{names[one]} {last_names[other]}"
        for one, other in zip(first.tolist(), last.tolist(), strict=True)
    ]


def invent_emails(names: list[str], rng: numpy.random.Generator) -> list[str]:
    """Address of each name [rows], made unique by the row's serial number."""
    domains = rng.integers(0, len(_DOMAINS), len(names)).tolist()
    return [
        f"{name.lower().replace(' ', '.')}{serial}@{_DOMAINS[domain]}"
        for serial, (name, domain) in enumerate(zip(names, domains, strict=True), start=1)
    ]


LARGEST_ROWS = 99_999_999  # customer_id has eight digits


def simulate_customers(rows: int, seed: int = 0) -> pandas.DataFrame:
    """Simulate a customer table [rows, 25 columns]; the same rows and seed give the same table.

    Raises:
        UsageError: where rows is not 1 to 99,999,999.
    """
    import pandas

    if not 1 <= rows <= LARGEST_ROWS:
        raise UsageError(f"rows is {rows}; allowed are 1 to {LARGEST_ROWS}")
    rng = numpy.random.default_rng(seed)
    drawn = _draw(rows, rng)
    names = invent_names(drawn["gender"], tuple(p.GENDERS), rng)
    signed_up = numpy.datetime64(p.REFERENCE_DATE) - drawn["tenure_days"].astype("timedelta64[D]")
    return pandas.DataFrame(
        {
            "customer_id": [f"C{serial:08d}" for serial in range(1, rows + 1)],
            "name": names,
            "email": invent_emails(names, rng),
            "age": _whole_numbers("age", drawn),
            "gender": _texts("gender", drawn),
            "marital_status": _texts("marital_status", drawn),
            "household_size": _whole_numbers("household_size", drawn),
            "education": _texts("education", drawn),
            "income_band": _texts("income_band", drawn),
            "region": _texts("region", drawn),
            "acquisition_channel": _texts("acquisition_channel", drawn),
            "sign_up_date": pandas.Series(signed_up).astype("datetime64[ns]"),
            "membership_tier": _texts("membership_tier", drawn),
            "recency_days": drawn["recency_days"],
            "orders_12m": drawn["orders_12m"],
            "spend_12m": drawn["spend_cents"] / 100,
            "average_basket": drawn["basket_cents"] / 100,
            "preferred_category": _texts("preferred_category", drawn),
            "ad_impressions": drawn["ad_impressions"],
            "ad_clicks": drawn["ad_clicks"],
            "converted": drawn["converted"] == 1,
            "support_tickets": drawn["support_tickets"],
            "churned": drawn["churned"] == 1,
            "fraud_flag": drawn["fraud_flag"] == 1,
            "nps": _scores("nps", drawn),
        }
    )


def write_demo(folder: Path, rows: int, seed: int) -> tuple[Path, Path]:
    """Write ``customers.csv`` and ``schema.yaml`` into a folder and return their paths."""
    table = simulate_customers(rows, seed)
    folder.mkdir(parents=True, exist_ok=True)
    csv, schema = folder / "customers.csv", folder / "schema.yaml"
    table.to_csv(csv, index=False, date_format="%Y-%m-%d")
    schema.write_text(demo_schema_yaml(), encoding="utf-8")
    return csv, schema


def _draw(rows: int, rng: numpy.random.Generator) -> dict[str, Codes]:
    """Draw the codes of every node, and the days and cents behind two banded nodes."""
    drawn: dict[str, Codes] = {}
    for node in customer_network().nodes.values():
        if node.name in _BANDS:
            drawn |= _BANDS[node.name](drawn, rng)
        else:
            drawn[node.name] = node.draw(drawn, rows, rng)
    return drawn


def _draw_days(drawn: Mapping[str, Codes], rng: numpy.random.Generator) -> dict[str, Codes]:
    """Draw days since sign-up, and days since the last order.

    The last order is the latest of all, each uniform in the past year. Without orders it counts
    from sign-up for accounts younger than a year, else it is uniform between a year ago and
    sign-up.
    """
    year, orders = p.DAYS_PER_YEAR, drawn["orders_12m"]
    tenure = drawn["tenure_years"] * year + rng.integers(0, year, len(orders))
    window = numpy.minimum(tenure, year)
    latest = 1.0 - (1.0 - rng.random(len(orders))) ** (1.0 / numpy.maximum(orders, 1))
    ordered = numpy.minimum((latest * (window + 1)).astype(numpy.int64), window)
    idle = numpy.where(
        tenure > year, rng.integers(year + 1, numpy.maximum(tenure, year + 1) + 1), tenure
    )
    recency = numpy.where(orders > 0, ordered, idle)
    band = numpy.searchsorted(p.RECENCY_EDGES, recency, side="left")
    return {"tenure_days": tenure, "recency_days": recency, "recency_band": band}


def _draw_spend(drawn: Mapping[str, Codes], rng: numpy.random.Generator) -> dict[str, Codes]:
    """Draw a clipped log-normal basket in whole cents, and the spend of all orders.

    Both are 0 without orders.
    """
    orders = drawn["orders_12m"]
    log_mean = average_basket_log_mean()[
        drawn["category_group"], drawn["membership_tier"], drawn["income"]
    ]
    cents = 100 * numpy.exp(rng.normal(log_mean, p.BASKET_LOG_SPREAD))
    clipped = numpy.rint(numpy.clip(cents, p.SMALLEST_BASKET_CENTS, p.LARGEST_BASKET_CENTS)).astype(
        numpy.int64
    )
    basket = numpy.where(orders > 0, clipped, 0)
    band = numpy.searchsorted(numpy.array(p.SPEND_EDGES) * 100, basket * orders, side="left")
    return {"basket_cents": basket, "spend_cents": basket * orders, "spend_band": band}


# Nodes that are bands of a finer quantity, with the function that draws it.
_BANDS = {"recency_band": _draw_days, "spend_band": _draw_spend}


def _texts(name: str, drawn: Mapping[str, Codes]) -> Any:
    values = [
        None if value == MISSING else value for value in customer_network().nodes[name].values
    ]
    return numpy.array(values, dtype=object)[drawn[name]]


def _whole_numbers(name: str, drawn: Mapping[str, Codes]) -> Codes:
    numbers: Codes = numpy.array([int(value) for value in customer_network().nodes[name].values])
    return numbers[drawn[name]]


def _scores(name: str, drawn: Mapping[str, Codes]) -> pandas.Series:
    """Integers with missing values [rows]."""
    import pandas

    values = [
        pandas.NA if value == MISSING else int(value)
        for value in customer_network().nodes[name].values
    ]
    return pandas.Series(values, dtype="Int64").take(drawn[name]).reset_index(drop=True)
