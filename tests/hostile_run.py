"""A whole run on a table whose column names and categories are attacks."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from privgan.cli.main import execute
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema
from tests.hostile import HOSTILE, MARK

ROWS = 1_200
NAMES = (
    f"<img src=x onerror=window.{MARK}=1>",
    "=cmd|' /C calc'!A0",
    "\u202etxt\x07\r\n",
    "n" * 10_000,
    "'=1+1",
)


def hostile_schema() -> Schema:
    """Four columns of hostile categories, a number and an identifier, all with hostile names."""
    parts = [HOSTILE[start::4] for start in range(4)]
    columns: list[Column] = [
        Discrete(
            name=name,
            kind=Kind.CATEGORICAL,
            categories=("plain", *part),
            missing=index == 0,
            description=part[0],
        )
        for index, (name, part) in enumerate(zip(NAMES, parts, strict=False))
    ]
    columns.append(Numeric(name=NAMES[4], kind=Kind.FLOAT, lower=-9, upper=9, decimals=1))
    columns.append(Invented(name="@id", kind=Kind.IDENTIFIER, pattern="=C{:05d}"))
    return Schema(dataset="hostile-customers", unit=PrivacyUnit(), columns=tuple(columns))


def hostile_table(schema: Schema) -> pd.DataFrame:
    """Rows in which every category occurs."""
    rng = np.random.default_rng(5)
    table = {
        column.name: rng.permutation(np.resize(np.array(column.categories, dtype=object), ROWS))
        for column in schema.columns
        if isinstance(column, Discrete)
    }
    table[NAMES[4]] = rng.uniform(-9, 9, ROWS).round(1)
    table["@id"] = [f"real-{serial:06d}" for serial in range(ROWS)]
    frame = pd.DataFrame(table)
    frame.loc[frame.index[::9], NAMES[0]] = None
    return frame[list(schema.names)]


@dataclass(frozen=True)
class HostileRun:
    """The results of the run.

    Attributes:
        out: Holds ``release`` and ``internal``.
        schema: The schema it began with.
        ledger: Its ledger.
        told: What the commands printed.
    """

    out: Path
    schema: Schema
    ledger: Path
    told: str

    @property
    def release(self) -> Path:
        """The release."""
        return self.out / "release"


def run_hostile(folder: Path) -> HostileRun:
    """Write table, schema and context, and run the main job on them."""
    schema = hostile_schema()
    hostile_table(schema).to_csv(folder / "table.csv", index=False, quoting=csv.QUOTE_ALL)
    (folder / "schema.yaml").write_text(dump_schema(schema), encoding="utf-8")
    context = {
        "format": "privgan.context/1",
        "reviewer": HOSTILE[5],
        "purpose": HOSTILE[0],
        "recipient": HOSTILE[1],
    }
    (folder / "context.yaml").write_text(json.dumps(context))
    ledger = folder / "ledger.sqlite"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        job = (
            f"run {folder}/table.csv --schema {folder}/schema.yaml --policy internal-analytics"
            f" --context {folder}/context.yaml"
        )
        plan = f"--epsilon 5 --public-rows {ROWS} --effort quick --canary-probability 0.5"
        code = execute(f"{job} {plan} --ledger {ledger} --out {folder}/out --quiet".split())
    assert code == 0, out.getvalue()
    return HostileRun(folder / "out", schema, ledger, out.getvalue())
