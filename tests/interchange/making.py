"""A schema with every kind of column, rows of it, and a toy release that holds both."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from privgan.release import write_release
from privgan.schema.schema import Schema
from privgan.table.files import write_tables
from privgan.table.presenting import presented
from privgan.table.schema_file import parse_schema
from tests.release.making import FACTS, PLAN, contents_of, guaranteed, passed

ROWS = 300
SCHEMA_TEXT = """\
format: privgan.schema/1
dataset: shop-customers
unit: customer_id
max_rows_per_unit: 1
missing_markers: [""]
columns:
- {name: customer_id, kind: identifier, role: identifier, pattern: "C{:07d}"}
- {name: token, kind: identifier, role: identifier, pattern: "00000000-0000-4000-8000-{:012x}"}
- {name: full_name, kind: name, role: identifier, description: first and last name}
- {name: email, kind: email, role: identifier}
- {name: phone, kind: phone, role: identifier}
- {name: remark, kind: text, role: identifier}
- {name: age, kind: integer, lower: 18, upper: 99, role: quasi-identifier, missing: true}
- {name: spend, kind: float, lower: 0, upper: 5000, decimals: 2, role: sensitive}
- {name: score, kind: integer, lower: 0, upper: 100, special_values: [-999]}
- {name: tier, kind: ordinal, categories: [basic, silver, gold]}
- {name: children, kind: ordinal, categories: ["0", "1", "2"], missing: true}
- {name: region, kind: categorical, categories: [north, south, "=2+3"]}
- {name: active, kind: boolean}
- {name: consents, kind: boolean, labels: ["N", "Y"]}
- {name: joined, kind: date, lower: 2015-01-01, upper: 2025-12-31}
- {name: seen, kind: datetime, missing: true,
   lower: "2024-01-01T00:00:00", upper: "2024-12-31T23:59:59"}
"""
SCHEMA = parse_schema(SCHEMA_TEXT)


def rows(schema: Schema = SCHEMA, count: int = ROWS) -> pd.DataFrame:
    """Typed rows of the schema [count, columns], as a sampler gives them."""
    rng = np.random.default_rng(7)
    serials = np.arange(1, count + 1)
    none = serials % 7 == 0
    tokens = [f"00000000-0000-4000-8000-{serial:012x}" for serial in serials]
    seen = pd.Series(
        pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 360 * 86_400, count), unit="s")
    )
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{serial:07d}" for serial in serials],
            "token": tokens,
            "full_name": "Alex Ash",
            "email": [f"alex.ash.{serial}@example.com" for serial in serials],
            "phone": [f"+00 555 {serial:07d}" for serial in serials],
            "remark": "[withheld]",
            "age": pd.array(rng.integers(18, 100, count), dtype="Int64"),
            "spend": rng.integers(0, 500_001, count) / 100,
            "score": np.where(serials % 5 == 0, -999, rng.integers(0, 101, count)),
            "tier": rng.choice(["basic", "silver", "gold"], count),
            "children": pd.Series(rng.choice(["0", "1", "2"], count)).mask(none, None),
            "region": rng.choice(["north", "south", "=2+3"], count),
            "active": rng.choice(["False", "True"], count),
            "consents": rng.choice(["N", "Y"], count),
            "joined": (
                pd.Timestamp("2015-01-01")
                + pd.to_timedelta(rng.integers(0, 4_000, count), unit="D")
            ),
            "seen": seen.mask(none, pd.NaT),
        }
    )
    frame.loc[none, "age"] = pd.NA
    return frame[list(schema.names)]


def write_rows(folder: Path, schema: Schema = SCHEMA) -> tuple[Path, Path]:
    """The rows as a release holds them: a CSV and a Parquet file."""
    text, parquet = folder / "rows.csv", folder / "rows.parquet"
    write_tables([presented(rows(schema), schema)], schema, parquet, text)
    return text, parquet


def make_release(folder: Path, *, parquet: bool = True) -> Path:
    """A release with these rows that holds together."""
    text, stored = write_rows(folder)
    plan = copy.deepcopy(PLAN) | {"dataset": SCHEMA.dataset, "unit": str(SCHEMA.unit)}
    facts = replace(
        guaranteed(FACTS, unit=str(SCHEMA.unit), conditional_facts=()),
        dataset=SCHEMA.dataset,
        plan=plan,
        schema_fingerprint=SCHEMA.fingerprint(),
        schema_sources={
            column.name: {fact: str(source) for fact, source in column.sources.items()}
            for column in SCHEMA.columns
        },
        context={
            **FACTS.context,
            "purpose": "Testing a new shop.",
            "known_gaps": "No customer under 18.",
        },
    )
    contents = contents_of(folder, facts, SCHEMA_TEXT) | {
        "synthetic.csv": text.read_bytes(),
        "synthetic.parquet": stored,
    }
    if not parquet:
        del contents["synthetic.parquet"]
    write_release(folder / "release", contents, facts, passed())
    return folder / "release"
