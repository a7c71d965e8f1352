"""Fit histories of CDNOW or of the simulator, and print figures of whole customers.

``python -m tests.benchmarks.histories cdnow --data DATA``, ``simulator --customers 100000`` or
``orders --customers 20000``.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

import privgan
from privgan.demo import simulate_shop
from tests.benchmarks.histories import figures, orders, sequences

_CDNOW = """
format: privgan.schema/1
dataset: cdnow-histories
unit: customer_id
max_rows_per_unit: 10
order: date
history: {longest: 50}
columns:
  - {name: customer_id, kind: identifier, missing: false}
  - {name: date, kind: date, lower: 1997-01-01, upper: 1998-06-30, missing: false}
  - {name: number_of_cds, kind: integer, lower: 1, upper: 30, missing: false}
  - {name: dollar_value, kind: float, decimals: 2, lower: 0, upper: 400, missing: false}
"""
_HELD_OUT = 4_000
_EVENT = ("channel", "department", "returned", "amount")


@click.group()
def main() -> None:
    """Figures of whole customers."""


def _fitting(command: Any) -> Any:
    for option in (
        click.option("--epsilon", default=3.0, show_default=True),
        click.option("--seeds", default=3, show_default=True),
        click.option("--generator", default="auto", show_default=True),
        click.option("--effort", default="quick", show_default=True),
    ):
        command = option(command)
    return command


@main.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@_fitting
def cdnow(data: Path, epsilon: float, seeds: int, generator: str, effort: str) -> None:
    """CDNOW without 4,000 customers, who are held out."""
    names = ["customer_id", "date", "number_of_cds", "dollar_value"]
    rows = pd.read_csv(
        data / "cdnow_transactions.txt", sep=r"\s+", header=0, names=names, dtype=str
    )
    rows["date"] = pd.to_datetime(rows["date"])
    rows["number_of_cds"] = rows["number_of_cds"].astype(int).clip(1, 30)
    rows["dollar_value"] = rows["dollar_value"].astype(float).clip(0, 400)
    customers = np.sort(rows["customer_id"].unique())
    held_out = np.random.default_rng(0).permutation(customers)[:_HELD_OUT]
    judged, known = (rows[rows["customer_id"].isin(held_out) == out] for out in (True, False))
    click.echo(figures.as_line("real", _of_cdnow(known, known, judged)))
    for seed in range(seeds):
        made = _made(_CDNOW, known, epsilon, seed, generator, effort)
        click.echo(figures.as_line(f"seed {seed}", _of_cdnow(made, known, judged)))


def _of_cdnow(rows: pd.DataFrame, known: pd.DataFrame, judged: pd.DataFrame) -> dict[str, float]:
    end = known["date"].max()
    spend = np.quantile(known["dollar_value"], sequences.TENTHS)
    cells, real = (
        figures.money_cells(part["customer_id"], part["date"], part["dollar_value"], end)
        for part in (rows, known)
    )
    first = rows.groupby("customer_id")["date"].min()
    return {
        "correlation": figures.within_correlation(rows["customer_id"], rows["dollar_value"]),
        "first quarter": float((first < "1997-04-01").mean()),
        "cells": figures.distance(cells, real),
        "nats": sequences.nats(*(sequences.coded(part, spend) for part in (rows, judged))),
    }


@main.command()
@click.option("--customers", default=100_000, show_default=True)
@click.option("--spread/--no-spread", default=True, help="Model how amounts vary within one.")
@_fitting
def simulator(
    customers: int, spread: bool, epsilon: float, seeds: int, generator: str, effort: str
) -> None:
    """The simulated retailer's orders, with region and membership of the customer."""
    known, fresh = (_orders(customers, seed) for seed in (1, 2))
    judged = _flat(fresh)
    click.echo(f"real: told apart {figures.told_apart(judged, _flat(known)):.3f}")
    schema = _shop_schema(known, spread=spread)
    for seed in range(seeds):
        made = _made(schema, known, epsilon, seed, generator, effort)
        click.echo(f"seed {seed}: told apart {figures.told_apart(judged, _flat(made)):.3f}")


@main.command("orders")
@click.option("--customers", default=20_000, show_default=True)
@click.option("--ordered/--exchangeable", default=True, help="Whether orders are histories.")
@click.option("--epsilon", default=3.0, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--effort", default="quick", show_default=True)
def related_orders(customers: int, ordered: bool, epsilon: float, seeds: int, effort: str) -> None:
    """The demo's three related tables; figures are of the orders."""
    with tempfile.TemporaryDirectory() as folder:
        both = [
            orders.tables_of(Path(folder) / str(seed), customers, seed, ordered=ordered)
            for seed in (1, 2)
        ]
        real, other = (orders.read(tables) for tables, _ in both)
        click.echo(figures.as_line("two real tables", orders.compared(other, real)))
        for seed in range(seeds):
            made = orders.fitted(*both[0], customers, epsilon, effort, seed)
            click.echo(figures.as_line(f"seed {seed}", orders.compared(made, real)))


def _orders(customers: int, seed: int) -> pd.DataFrame:
    shop = simulate_shop(customers, seed)
    rows = shop.orders.merge(
        shop.customers[["customer_id", "region", "membership_tier"]], on="customer_id"
    )
    rows["returned"] = np.where(rows["returned"] < 0, "yes", "no")
    rows["amount"] = rows["amount"].clip(0, 1_000).round(2)
    rows["ordered_at"] = pd.to_datetime(rows["ordered_at"]).dt.floor("D")
    names = ["customer_id", "ordered_at", *_EVENT, "region", "membership_tier"]
    return rows[names].sort_values(["customer_id", "ordered_at"], kind="stable", ignore_index=True)


def _shop_schema(rows: pd.DataFrame, *, spread: bool) -> str:
    lines = [
        "format: privgan.schema/1",
        "dataset: simulated-orders",
        "unit: customer_id",
        "max_rows_per_unit: 10",
        "order: ordered_at",
        "history:",
        "  constant: [region, membership_tier]",
        *(["  spread: [amount]"] if spread else []),
        "columns:",
        "  - {name: customer_id, kind: identifier, missing: false}",
        "  - {name: ordered_at, kind: date, lower: 2016-01-01, upper: 2025-12-31, missing: false}",
        "  - {name: amount, kind: float, lower: 0, upper: 1000, decimals: 2, missing: false}",
    ]
    for name in ("channel", "department", "returned", "region", "membership_tier"):
        told = ", ".join(f'"{value}"' for value in sorted(rows[name].dropna().unique()))
        missing = str(bool(rows[name].isna().any())).lower()
        lines.append(
            f"  - {{name: {name}, kind: categorical, categories: [{told}], missing: {missing}}}"
        )
    return "\n".join(lines) + "\n"


def _flat(rows: pd.DataFrame) -> pd.DataFrame:
    names = ("channel", "department", "returned", "region", "membership_tier")
    codes = {name: pd.factorize(rows[name], sort=True)[0] for name in names}
    numbers = rows.assign(ordered_at=pd.to_datetime(rows["ordered_at"]), **codes)
    return figures.flattened(
        numbers, "customer_id", "ordered_at", (*_EVENT, "region", "membership_tier"), "amount"
    )


def _made(
    schema: str, rows: pd.DataFrame, epsilon: float, seed: int, generator: str, effort: str
) -> pd.DataFrame:
    """Synthetic rows of a fit, as many as the real ones, which are declared public."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "schema.yaml"
        path.write_text(schema, encoding="utf-8")
        synthesizer = privgan.Synthesizer(
            path,
            epsilon=epsilon,
            public_rows=len(rows),
            generator=generator,
            effort=effort,
            seed=seed,
            ledger=Path(folder) / "ledger.sqlite",
        ).fit(rows.reset_index(drop=True))
        return synthesizer.sample(len(rows), seed=seed)


if __name__ == "__main__":
    main()
