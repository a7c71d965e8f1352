"""Prepare the benchmark's tables: source, split, and public facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from privgan.demo import demo_schema_yaml, simulate_customers
from privgan.errors import UsageError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.table.conform import conform
from privgan.table.files import read_table
from privgan.table.schema_file import dump_schema, load_schema, parse_schema
from tests.benchmarks.wide_tables import SHAPES, TARGET, wide_rows, wide_schema

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
TRAINING_SHARE = 0.8
LARGE = 25_000


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table, one row a customer.

    Attributes:
        name: Its name; also its schema's file.
        file: The file in the data folder.
        target: The column to predict.
        test: The file of its test rows; None where they are split off.
        sep: The separator.
    """

    name: str
    file: str
    target: str
    test: str | None = None
    sep: str = ","


SOURCES = {
    source.name: source
    for source in (
        Source(name="adult", file="adult_train.csv", test="adult_test.csv", target="income"),
        Source(name="bank", file="bank_full.csv", sep=";", target="y"),
        Source(
            name="credit_default", file="credit_default.csv", target="default.payment.next.month"
        ),
        Source(name="online_shoppers", file="online_shoppers.csv", sep=";", target="Revenue"),
    )
}

# The demo's simulated customers at several sizes: tables that no choice was tuned on.
SIMULATED = {f"simulated-{rows}": rows for rows in (5_000, 20_000, 80_000)}
_SIMULATED_TEST, _SIMULATED_TARGET = 10_000, "churned"
_MADE = {**dict.fromkeys(SIMULATED, _SIMULATED_TARGET), **dict.fromkeys(SHAPES, TARGET)}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table as every method gets it: text files with commas, in the schema's modelled columns.

    Attributes:
        source: The table's source.
        train: The rows that are fitted.
        test: The rows that no method sees.
        schema_file: The public facts.
    """

    source: Source
    train: Path
    test: Path
    schema_file: Path

    @property
    def schema(self) -> Schema:
        """The public facts."""
        return load_schema(self.schema_file)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Training and test rows in the schema's types."""
        train, test = (self.typed(path) for path in (self.train, self.test))
        return train, test

    def typed(self, path: Path) -> pd.DataFrame:
        """Rows of a file in the schema's types.

        Values of a peer outside the declared facts are clamped.
        """
        schema = self.schema
        names = [column.name for column in schema.modelled]
        return conform(read_table(path), schema, on_violation="clamp")[names]

    @property
    def rows(self) -> int:
        """Number of fitted rows; the benchmark takes it as public, as every peer does."""
        return _rows_of(self.train)

    @property
    def published(self) -> int:
        """Number of rows of the published file, test rows included."""
        return self.rows + (_rows_of(self.test) if self.source.test is None else 0)


def _rows_of(path: Path) -> int:
    """Number of rows of a text file; one column is enough to count."""
    return len(pd.read_csv(path, usecols=[0], dtype=str, skip_blank_lines=False))


def prepare(name: str, data: Path, work: Path) -> Prepared:
    """Write a table's training and test rows into the work folder, once.

    Args:
        name: One of the benchmark's tables, or NAME of somebody's own: NAME.csv and its schema
            NAME.yaml in the data folder.
        data: The folder of the published files.
        work: The benchmark's work folder.

    Raises:
        UsageError: when the table is neither, or its schema names no target.
    """
    if name not in {**SOURCES, **_MADE} and not _own_schema(name, data).exists():
        raise UsageError(
            f"table is {name!r}; allowed: {', '.join({**SOURCES, **_MADE})}, or NAME with"
            f" NAME.csv, NAME.yaml in {data}"
        )
    schema = _compared(name, data)
    target = _MADE.get(name, schema.target)
    source = SOURCES.get(name, Source(name=name, file=f"{name}.csv", target=target or ""))
    if not source.target:
        raise UsageError(f"{_own_schema(name, data)}: names no target; add 'target: COLUMN'")
    folder = work / "tables" / name
    found = Prepared(
        source=source,
        train=folder / "train.csv",
        test=folder / "test.csv",
        schema_file=folder / "schema.yaml",
    )
    if not found.schema_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        names = list(schema.names)
        train, test = _made(name, names) if name in _MADE else _split(source, data, names)
        for rows, path in ((train, found.train), (test, found.test)):
            # Not every peer knows a marker but the empty cell.
            rows.mask(rows.isin(schema.missing_markers), "").to_csv(path, index=False)
        found.schema_file.write_text(dump_schema(schema), encoding="utf-8")
    return found


def _own_schema(name: str, data: Path) -> Path:
    return data / f"{name}.yaml"


def _compared(name: str, data: Path) -> Schema:
    """The schema of the columns that are compared.

    Of tables without a schema here, those that every peer takes.
    """
    if name in SOURCES:
        return without_identifiers(load_schema(SCHEMAS / f"{name}.yaml"))
    if name in SHAPES:
        return wide_schema(name)
    schema = (
        parse_schema(demo_schema_yaml())
        if name in SIMULATED
        else load_schema(_own_schema(name, data))
    )
    kept = tuple(column for column in schema.columns if not isinstance(column, Temporal))
    return without_identifiers(replace(schema, columns=kept, constraints=()))


def without_identifiers(schema: Schema) -> Schema:
    """The schema of the columns that are compared.

    With one row a customer, a row is the same unit as the customer.

    Raises:
        UsageError: when a customer may have several rows.
    """
    if schema.unit.max_rows != 1:
        raise UsageError(
            f"{schema.dataset}: max_rows_per_unit is {schema.unit.max_rows}; the peers protect"
            " single rows only"
        )
    return replace(schema, unit=PrivacyUnit(), columns=schema.modelled)


def _made(name: str, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows of a simulated table."""
    if name in SHAPES:
        return wide_rows(SHAPES[name])
    rows = SIMULATED[name]
    return (
        simulate_customers(rows, seed=1)[names],
        simulate_customers(_SIMULATED_TEST, seed=2)[names],
    )


def _split(source: Source, data: Path, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = read_table(data / source.file, sep=source.sep)[names]
    if source.test is not None:
        return rows, read_table(data / source.test, sep=source.sep)[names]
    shuffled = rows.sample(frac=1, random_state=0)
    cut = int(TRAINING_SHARE * len(rows))
    return shuffled[:cut], shuffled[cut:]


def public_columns(schema: Schema, *, moments: bool = False) -> list[Mapping[str, Any]]:
    """Public facts of each column for a method, as JSON values.

    Args:
        schema: The public facts.
        moments: Whether dates and moments are told, as texts; no peer takes them.

    Raises:
        UsageError: for a column that is neither discrete nor numeric, which not every peer takes.
    """
    return [_public(column, moments=moments) for column in schema.modelled]


def _public(column: Column, *, moments: bool) -> Mapping[str, Any]:
    facts: dict[str, Any] = {
        "name": column.name,
        "missing": column.missing,
        "discrete": not isinstance(column, Numeric),
    }
    if isinstance(column, Discrete):
        return facts | {"categories": list(column.categories)}
    if isinstance(column, Numeric):
        return facts | {
            "categories": [],
            "lower": column.lower,
            "upper": column.upper,
            "decimals": column.decimals,
        }
    if moments:
        return facts | {"categories": []}
    raise UsageError(
        f"column {column.name!r} is of kind {column.kind.value}; the peers take discrete and"
        " numeric columns only"
    )
