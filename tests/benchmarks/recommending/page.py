"""Write what recommendations are worth, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks.recommending.shops import CDNOW, HORIZON, SHOP
from tests.benchmarks.recommending.study import (
    BEFORE,
    DELTA,
    EPSILON,
    MODEL,
    POPULARITY,
    REAL,
    SYNTHETIC,
    Measured,
)

LEAST = 0.9
_WAYS = (MODEL, SYNTHETIC, POPULARITY, REAL, BEFORE)
_FIGURES = {"ndcg": "NDCG@10", "hit_rate": "hit rate at 10"}


def write_markdown(path: Path, found: Sequence[Measured], effort: str) -> None:
    """Write what was asked for, and every figure.

    Args:
        path: The page.
        found: The finished fits.
        effort: Their effort.
    """
    tables = [name for name in (SHOP, CDNOW) if any(one.table == name for one in found)]
    lines = [
        "# What recommendations are worth\n",
        _INTRODUCTION.format(effort=effort),
        "## Asked for\n",
        "| table | NDCG@10 of | over that of | asked | found | |",
        "|---|---|---|---|---|---|",
        *(line for table in tables for line in _targets(_of(found, table), table)),
        "",
        "## All figures\n",
        "| table | way | NDCG@10 | hit rate at 10 |",
        "|---|---|---|---|",
        *(line for table in tables for line in _figures(_of(found, table), table)),
        "",
        *_forecasts(_of(found, SHOP)),
        _REMARKS,
        *([_OF_SHOP] if SHOP in tables else []),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def shares_of(found: Sequence[Measured], way: str, other: str) -> list[float]:
    """NDCG@10 of one way over that of another, of each fit."""
    return [one.figures[way]["ndcg"] / one.figures[other]["ndcg"] for one in found]


def _of(found: Sequence[Measured], table: str) -> list[Measured]:
    return [one for one in found if one.table == table]


def _targets(found: Sequence[Measured], table: str) -> Iterator[str]:
    for way in (MODEL, SYNTHETIC):
        for other, least in ((REAL, LEAST), (POPULARITY, 1.0)):
            shares = shares_of(found, way, other)
            met = "met" if median(shares) >= least else "**missed**"
            sign = "≥" if other == REAL else "above"
            told = f"{sign} {least:g} | {_told(shares)} | {met} |"
            yield f"| {table} | {_named(way)} | {other} | {told}"
    shares = shares_of(found, MODEL, BEFORE)
    lost = "" if median(shares) >= 1 else "lost"
    told = f"nothing | {_told(shares)} | {lost} |"
    yield f"| {table} | {_named(MODEL)} | {_named(BEFORE)} | {told}"


def _figures(found: Sequence[Measured], table: str) -> Iterator[str]:
    for way in _WAYS:
        told = (_told([one.figures[way][figure] for one in found]) for figure in _FIGURES)
        yield f"| {table} | {_named(way)} | {' | '.join(told)} |"
    asked, fitted = found[0].asked, found[0].customers
    yield f"| {table} | fits: {len(found)} | {fitted:,} customers fitted | {asked:,} asked |"


def _forecasts(found: Sequence[Measured]) -> Iterator[str]:
    """Errors of the forecast; nothing where no fit of the simulator has ended."""
    told = [one for one in found if one.errors]
    if not told:
        return
    yield _ABOUT_FORECASTS
    yield "| months that are known | WAPE |"
    yield "|---|---|"
    for name in told[0].errors:
        yield f"| {name} | {_told([one.errors[name] for one in told])} |"
    yield ""


def _named(way: str) -> str:
    return f"`{way}`" if way == MODEL else f"{way}, real rows" if way == BEFORE else way


def _told(values: Sequence[float]) -> str:
    """The median, and of several values the smallest and largest."""
    middle = f"{median(values):.3f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3f} to {max(values):.3f})"


_INTRODUCTION = f"""Made by `python -m tests.benchmarks.recommending --data DATA --work WORK`. A
fifth of the customers is held out. The others are fitted at ε = {EPSILON:g}, δ = {DELTA:g}, effort
{{effort}}, as histories with a task of kind `recommendation`. Each held-out customer's last
purchase is to be found from those before. All values are ranked, none is sampled. Medians of the
fits that have ended, smallest and largest in brackets.

- `{SHOP}`: order lines of `privgan.demo.simulate_shop`, 720 products. A constraint of the schema
  says which department each product belongs to.
- `{CDNOW}`: CDNOW's purchases. The file names no product. So the band of five dollars that a
  purchase costs stands for one: 21 values.
- `{MODEL}` asks the released model alone.
- *{SYNTHETIC}* and
  *{REAL}*: item-to-item cosine similarity by the library implicit,
  as in the audit.
- *{BEFORE}*: a second recommender of real rows.
  It ranks what followed the value of the last purchase among real customers.
"""
_ABOUT_FORECASTS = f"""## A forecast

Purchases a customer in the last {HORIZON} months of `{SHOP}`, from the months before, by the ridge
regression of the audit. Held-out customers tell what came; WAPE is the absolute error over it.
*Last value* repeats the last month of the real past.
"""
_REMARKS = """The model knows a customer's last purchase and what is constant, not the whole past.
Item similarity knows the whole past, and not its order. No private peer of the benchmark makes
histories, so none is compared.
"""
_OF_SHOP = """In the simulator lines of one order are of one department. So the last line tells more
than the whole past does, and a recommender of real rows that knows the order is above item
similarity.
"""
