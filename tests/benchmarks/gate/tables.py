"""Draw the gate's tables: large, from a known truth, so that fresh rows of it can be had."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from privgan.demo import demo_schema_yaml, simulate_customers
from privgan.errors import UsageError
from privgan.schema.columns import Numeric
from privgan.schema.schema import Schema
from privgan.table.files import read_table
from privgan.table.schema_file import dump_schema, parse_schema
from tests.benchmarks.gate.rich import RichModel
from tests.benchmarks.speed.simulated import Size, rows_of, schema_of
from tests.benchmarks.tables import Prepared, Source, prepare, without_identifiers

SCORED = 50_000
TABLES = ("simulator", "adult-rich", "parity3", "parity4", "parity5")
_SEED = 1
_SIGNS = (0, 2, 5, 1, 3, 4)  # The columns whose signs make a parity, the first k of them.
_CATEGORIES = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Rows of a truth with its public facts.

    Attributes:
        rows: The rows, in the schema's columns.
        schema: The public facts.
        target: The column to predict.
    """

    rows: pd.DataFrame
    schema: Schema
    target: str


@dataclass(frozen=True, kw_only=True)
class GateTable(Prepared):
    """A drawn table; its test rows are fresh ones of the same truth.

    Attributes:
        real: As many training rows as are scored.
    """

    real: Path


def prepare_drawn(name: str, rows: int, data: Path, work: Path) -> GateTable:
    """Draw a table into the work folder, once.

    Args:
        name: ``simulator``, ``adult-rich``, ``parityK`` or ``wideN``.
        rows: Number of rows to fit.
        data: The folder of the published files.
        work: The benchmark's work folder.

    Raises:
        UsageError: when there is no such table.
    """
    draw, folder = _drawing(name), work / "tables" / table_name(name, rows)
    if not folder.exists():
        drawn = draw(rows + SCORED, data, work)
        _write(drawn, rows, folder)
    target = (folder / "target").read_text(encoding="utf-8")
    return GateTable(
        source=Source(name=folder.name, file="", target=target),
        train=folder / "train.csv",
        test=folder / "test.csv",
        real=folder / "real.csv",
        schema_file=folder / "schema.yaml",
    )


def table_name(name: str, rows: int) -> str:
    """A table's name among cells."""
    return f"{name}-{rows}"


def _write(drawn: Drawn, rows: int, folder: Path) -> None:
    """Write a table's files; the folder is there as a whole, or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".drawing-"))
    parts = {
        "train": drawn.rows[:rows],
        "real": drawn.rows[: min(rows, SCORED)],
        "test": drawn.rows[rows:],
    }
    for name, table in parts.items():
        table.to_csv(part / f"{name}.csv", index=False, date_format="%Y-%m-%d")
    (part / "schema.yaml").write_text(dump_schema(drawn.schema), encoding="utf-8")
    (part / "target").write_text(drawn.target, encoding="utf-8")
    try:
        part.rename(folder)
    except OSError:
        # Another process was quicker, and drew the same.
        shutil.rmtree(part)


def _drawing(name: str) -> Callable[[int, Path, Path], Drawn]:
    if found := re.fullmatch(r"parity([2-6])", name):
        return lambda rows, data, work: _parity(int(found[1]), rows)
    if found := re.fullmatch(r"wide(\d{1,3})", name):
        return lambda rows, data, work: _wide(int(found[1]), rows)
    if name not in _DRAWN:
        raise UsageError(
            f"table is {name!r}; allowed: {', '.join(_DRAWN)}, parity2 to parity6, or wideN of N"
            " columns"
        )
    return _DRAWN[name]


def _simulator(rows: int, data: Path, work: Path) -> Drawn:
    """The demo's customers, with dates and constraints."""
    schema = without_identifiers(parse_schema(demo_schema_yaml()))
    drawn = simulate_customers(rows, _SEED)[list(schema.names)]
    return Drawn(rows=drawn, schema=schema, target="converted")


def _adult_rich(rows: int, data: Path, work: Path) -> Drawn:
    """Adult's training rows, enlarged by a model of them."""
    adult = prepare("adult", data, work)
    numeric = [column.name for column in adult.schema.modelled if isinstance(column, Numeric)]
    model = RichModel(read_table(adult.train), numeric)
    drawn = model.draw(rows, np.random.default_rng(_SEED))
    return Drawn(rows=drawn, schema=adult.schema, target=adult.source.target)


_DRAWN: Mapping[str, Callable[[int, Path, Path], Drawn]] = {
    "simulator": _simulator,
    "adult-rich": _adult_rich,
}


def _parity(signs: int, rows: int) -> Drawn:
    """Six even columns; y is the parity of the signs of some of them."""
    rng, names = np.random.default_rng(_SEED), [f"x{place}" for place in range(len(_SIGNS))]
    values = rng.uniform(-1, 1, (rows, len(names))).round(4)
    odd = (values[:, list(_SIGNS[:signs])] > 0).sum(1) % 2
    table = pd.DataFrame(values, columns=names).assign(y=np.array(["even", "odd"])[odd])
    number = {"kind": "float", "lower": -1, "upper": 1, "decimals": 4}
    told = {
        "format": "privgan.schema/1",
        "dataset": f"parity{signs}",
        "unit": "row",
        "columns": [
            *({"name": name, **number} for name in names),
            {"name": "y", "kind": "categorical", "categories": ["even", "odd"]},
        ],
    }
    return Drawn(rows=table, schema=parse_schema(json.dumps(told)), target="y")


def _wide(columns: int, rows: int) -> Drawn:
    """Categories and numbers that depend on a hidden class."""
    size = Size(rows=rows, columns=columns, categories=_CATEGORIES)
    schema = parse_schema(json.dumps(schema_of(size)))
    return Drawn(rows=rows_of(size), schema=schema, target=schema.names[0])
