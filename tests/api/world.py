"""What the examples of docstrings find: a small table, its schema, a fit and a release."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import privgan
from privgan.planning.plan import Effort

ROWS = 600
TINY = Effort(
    entries=60, batch=100, network_steps=30, round_steps=5, final_steps=30, critic_steps=20
)

# Of so few rows the audit's intervals are too wide for the gates of a shipped policy.
POLICY = """\
format: privgan.policy/1
name: our-policy
version: "1.0"
purpose: Examples on a small table.
attempts_per_dataset: 9
gates:
  - {fact: guarantee.epsilon, at_most: 10, scope: public, reason: Weak., advice: Ask for less.}
  - {fact: accounting.complete, equals: true, scope: public, reason: Needed., advice: Run again.}
  - {fact: artefacts.findings, at_most: 0, scope: internal, reason: Leaks., advice: Stop.}
"""


def write_policy() -> None:
    """The policy of the examples, in the working directory."""
    Path("our-policy.yaml").write_text(POLICY, encoding="utf-8")


def customers() -> pd.DataFrame:
    """The owner's table [600, 5]; every value fits the schema."""
    rng = np.random.default_rng(0)
    spend = np.minimum(rng.gamma(2, 100, ROWS), 5000).round(2)
    days = pd.to_timedelta(rng.integers(0, 1500, ROWS), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"K{serial * 7919 % 10**6:06d}" for serial in range(ROWS)],
            "age": rng.integers(18, 99, ROWS),
            "segment": rng.choice(["basic", "silver", "gold"], ROWS),
            "spend": np.where(rng.random(ROWS) < 0.1, np.nan, spend),
            "joined": pd.Timestamp("2020-01-01") + days,
        }
    )


def schema() -> privgan.Schema:
    """Its public facts."""
    return privgan.Schema(
        [
            privgan.Identifier("customer_id", "C{:06d}"),
            privgan.Integer("age", 18, 99, role="quasi-identifier"),
            privgan.Categorical("segment", ["basic", "silver", "gold"]),
            privgan.Float("spend", 0, 5000, missing=True),
            privgan.Date("joined", "2015-01-01", "2025-12-31"),
        ],
        dataset="shop",
        unit="customer_id",
    )


@dataclass
class World:
    """The folder, and the names that an example may use."""

    folder: Path
    names: dict[str, Any]


def make(folder: Path) -> World:
    """Fill the folder, which must be the working directory."""
    table, facts = customers(), schema()
    table.to_csv("customers.csv", index=False, date_format="%Y-%m-%d")
    facts.save("schema.yaml")
    write_policy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = privgan.export_schema("schema.yaml", "json-schema")
    Path("row.schema.json").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asked: dict[str, Any] = {"epsilon": 3, "public_rows": ROWS, "ledger": "books.sqlite"}
        fitted = privgan.Synthesizer(facts, effort="quick", **asked).fit(table, out="candidate")
        run = privgan.run(
            table, facts, effort="quick", policy="our-policy.yaml", out="out", **asked
        )
        run.raise_for_status()
    shutil.copytree("candidate", "fitted-to-purge")
    shutil.copytree("out/release", "spoilt/release")
    Path("spoilt/release/synthetic.csv").write_text("a\n1\n", encoding="utf-8")
    audited = privgan.audit(
        fitted.sample(300, seed=1), table.head(300), table.tail(300), schema=facts
    )
    result = privgan.run(table, facts, policy="public-release", out="never", **asked)
    names = {
        name: getattr(privgan, name)
        for name in privgan.__all__
        if name not in {"audit", "release", "report"}
    }
    synthetic = fitted.sample(300, seed=2)
    own = {
        "schema": facts,
        "customers": table,
        "fitted": fitted,
        "result": result,
        "audited": audited,
        "synthetic": synthetic,
    }
    return World(folder=folder, names=names | own)
