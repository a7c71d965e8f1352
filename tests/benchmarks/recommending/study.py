"""Fit histories, and hold what is recommended against popularity and recommenders of real rows.

A fifth of the customers is held out. Each one's last purchase is to be found from those before, all
values ranked. The released model recommends as ``privgan recommend`` does.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import privgan
from privgan.audit.tasks.forecast import forecast
from privgan.audit.tasks.recommendation import TOP, ranks_of
from privgan.audit.tasks.recommender import counted, scores
from tests.benchmarks.recommending.shops import CUSTOMER, HORIZON, Purchases

EPSILON, DELTA = 3.0, 1e-6
HELD_OUT = 0.2
# What is compared: each gives every held-out customer a score of every value.
MODEL, SYNTHETIC = "privgan recommend", "item similarity, synthetic rows"
POPULARITY, REAL, BEFORE = "popularity", "item similarity, real rows", "the last one's successors"
_DRAWN = 150_000  # Synthetic rows, for the recommender and the forecast fitted on them.
_MONTHS, _SEASON = pd.period_range("2016-01", "2025-12", freq="M"), 12
_STRENGTH = 20.0  # Purchases that popularity counts for among a value's successors.


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One fit.

    Attributes:
        table: Its table.
        seed: Its seed.
        customers: How many were fitted.
        asked: How many were held out, with two purchases or more.
        figures: By way of recommending NDCG and hit rate at 10.
        errors: By past that is known the error of the forecast; none of a table without.
    """

    table: str
    seed: int
    customers: int
    asked: int
    figures: Mapping[str, Mapping[str, float]]
    errors: Mapping[str, float] = field(default_factory=dict)


def measured(
    name: str,
    made: Callable[[], Purchases],
    seeds: int,
    effort: str,
    work: Path,
    say: Callable[[str], None],
) -> list[Measured]:
    """Every fit of a table, done once and kept.

    Args:
        name: The table's name.
        made: Makes it.
        seeds: How many fits.
        effort: The fits' effort.
        work: Where results are kept.
        say: Tells the user.
    """
    work.mkdir(parents=True, exist_ok=True)
    found: list[Measured] = []
    purchases: Purchases | None = None
    for seed in range(seeds):
        kept = work / f"recommendation-{name}-{effort}-{seed}.json"
        if not kept.exists():
            purchases = purchases or made()
            with threadpool_limits(1):
                one = _fitted(name, purchases, seed, effort)
            kept.write_text(json.dumps(asdict(one), indent=1), encoding="utf-8")
        found.append(Measured(**json.loads(kept.read_text(encoding="utf-8"))))
        say(f"{name}, seed {seed}: {found[-1].figures}")
    return found


def _fitted(name: str, purchases: Purchases, seed: int, effort: str) -> Measured:
    """Fit the customers that are not held out, and score every way of recommending."""
    rows, customers = purchases.rows, np.sort(purchases.rows[CUSTOMER].unique())
    out = np.random.default_rng(0).permutation(customers)[: round(HELD_OUT * len(customers))]
    held = rows[CUSTOMER].isin(out).to_numpy()
    fitted, test = rows[~held], rows[held]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = privgan.Synthesizer(
            purchases.schema,
            epsilon=EPSILON,
            delta=DELTA,
            public_rows=len(fitted),
            rows=1_000,
            effort=effort,
            seed=seed,
            on_violation="clamp",
            ledger=Path(folder) / "ledger.sqlite",
        ).fit(fitted)
        synthetic = model.sample(min(_DRAWN, len(fitted)), seed=seed)
        last = ~test[CUSTOMER].duplicated(keep="last")
        past = test[~last]
        nexts = test[last & test[CUSTOMER].isin(past[CUSTOMER])].set_index(CUSTOMER)
        asked = nexts.index.to_numpy()
        ways = {
            MODEL: _of_model(model, past, purchases, asked),
            **_of_rows(purchases, past, fitted, synthetic, asked),
        }
    codes = {value: place for place, value in enumerate(purchases.values)}
    taken = nexts[purchases.column].map(codes).to_numpy()
    return Measured(
        table=name,
        seed=seed,
        customers=int(fitted[CUSTOMER].nunique()),
        asked=len(asked),
        figures={way: _figures(ranks_of(found, taken)) for way, found in ways.items()},
        errors=_errors(fitted, synthetic, test) if purchases.forecast else {},
    )


def _errors(fitted: pd.DataFrame, synthetic: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Weighted absolute percentage error of the last months' purchases a held-out customer."""
    real, made, came = (_by_month(rows) for rows in (fitted, synthetic, test))
    past = real[:-HORIZON]
    said = {
        "synthetic past": forecast(made[:-HORIZON], HORIZON, _SEASON),
        "real past": forecast(past, HORIZON, _SEASON),
        "last value": np.repeat(past[-1], HORIZON),
    }
    last = came[-HORIZON:]
    return {
        name: round(float(np.abs(last - found).sum() / last.sum()), 5)
        for name, found in said.items()
    }


def _by_month(rows: pd.DataFrame) -> np.ndarray:
    """Purchases a customer in each month from the first to the last that any table may hold."""
    months = pd.to_datetime(rows["day"]).dt.to_period("M")
    counts = months.value_counts().reindex(_MONTHS, fill_value=0)
    return counts.to_numpy(dtype=float) / rows[CUSTOMER].nunique()


def _figures(ranks: np.ndarray) -> dict[str, float]:
    inside = ranks < TOP
    gain = np.where(inside, 1.0 / np.log2(ranks + 2.0), 0.0)
    return {"ndcg": round(float(gain.mean()), 5), "hit_rate": round(float(inside.mean()), 5)}


def _of_model(
    model: Any, past: pd.DataFrame, purchases: Purchases, asked: np.ndarray
) -> np.ndarray:
    """The released model's probabilities [asked, values]; 0 below the top."""
    told = model.recommend(past, purchases.column, top=TOP)
    wide = told.pivot(index=CUSTOMER, columns="value", values="probability")
    return wide.reindex(index=asked, columns=purchases.values).fillna(0.0).to_numpy()


def _of_rows(
    purchases: Purchases,
    past: pd.DataFrame,
    fitted: pd.DataFrame,
    synthetic: pd.DataFrame,
    asked: np.ndarray,
) -> dict[str, np.ndarray]:
    """Scores [asked, values] of recommenders that are fitted on rows."""
    codes = {value: place for place, value in enumerate(purchases.values)}
    size = len(codes)

    def counts(rows: pd.DataFrame, customers: np.ndarray) -> Any:
        owner = pd.Index(customers).get_indexer(rows[CUSTOMER])
        return counted(owner, rows[purchases.column].map(codes).to_numpy(), len(customers), size)

    had = counts(past, asked)
    values = fitted[purchases.column].map(codes).to_numpy()
    often = np.bincount(values, minlength=size) / len(values)
    before = past.groupby(CUSTOMER)[purchases.column].last().reindex(asked).map(codes)
    return {
        SYNTHETIC: scores(counts(synthetic, synthetic[CUSTOMER].unique()), had),
        POPULARITY: np.tile(often, (len(asked), 1)),
        REAL: scores(counts(fitted, fitted[CUSTOMER].unique()), had),
        BEFORE: _successors(fitted[CUSTOMER].to_numpy(), values, often)[before.to_numpy()],
    }


def _successors(owner: np.ndarray, values: np.ndarray, often: np.ndarray) -> np.ndarray:
    """Share of each value among those that follow a value, drawn to popularity [values, values]."""
    found = _STRENGTH * np.tile(often, (len(often), 1))
    same = owner[1:] == owner[:-1]
    np.add.at(found, (values[:-1][same], values[1:][same]), 1.0)
    return found / found.sum(axis=1, keepdims=True)
