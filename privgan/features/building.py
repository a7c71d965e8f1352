"""Make the table of features from events: read, type and aggregate them through DuckDB.

An unpaid look, as reading a table is: what comes out is held by the owner's table alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from privgan.errors import TableError
from privgan.features.aggregates import CUSTOMER, FeatureQuery, feature_query
from privgan.features.event_rows import Tally, encoded, table_columns
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions, SourceStream, SourceTable, stream_source
from privgan.table.typed_values import Violation

# Beyond it DuckDB moves events to a temporary folder.
MEMORY = "2GB"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FeatureTable:
    """Features as read. PRIVATE: one row a customer.

    Attributes:
        source: The table [customers, unit column and features], in the order of the customers'
            names, and what was recognised.
        violations: Where the events depart from the schema; what could not be read counts as
            missing, and an event without time or customer is left out.
    """

    source: SourceTable = field(repr=False)
    violations: tuple[Violation, ...]


def build_features(spec: Any, options: SourceOptions, schema: Schema) -> FeatureTable:
    """Make one row a customer from events.

    A customer has a row where it has an event before the cut-off, or any event without a cut-off.

    Args:
        spec: Where the events are: a file, a folder or pattern of files, the URL of a database; or
            a frame.
        options: How they are to be read.
        schema: The public facts, with events and features.

    Raises:
        TableError: when the events cannot be read to their end, lack a column, or hold no customer.
    """
    stream, query, tally = stream_source(spec, options), feature_query(schema), Tally()
    found = _aggregated(stream, schema, query, tally)
    if tally.events == 0:
        raise TableError(f"{stream.name}: the table has no rows")
    frame = _finished(found, schema, query)
    violations = tally.problems()
    if frame.empty:
        why = "; ".join(map(str, violations)) or "check events.cutoff"
        told = "no customer has an event that the features tell of"
        raise TableError(f"{stream.name}: {told}; {why}")
    said = tuple(_said(stream, tally, len(frame)))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return FeatureTable(
        source=SourceTable(table=table, said=said, text=False), violations=violations
    )


def _aggregated(
    stream: SourceStream, schema: Schema, query: FeatureQuery, tally: Tally
) -> pa.Table:
    """The query's result [customers, parts] over all pieces of the events."""
    with TemporaryDirectory(prefix="privgan-") as folder, _errors(stream.name):
        with closing(_database(folder)) as database:
            database.execute(f"CREATE TABLE events ({', '.join(table_columns(query))})")
            for piece in stream.pieces():
                database.register("piece", encoded(piece, schema, query, tally))
                database.execute("INSERT INTO events SELECT * FROM piece")
                database.unregister("piece")
            return database.sql(query.sql).to_arrow_table()


def _database(folder: str) -> Any:
    import duckdb

    config = {"memory_limit": MEMORY, "temp_directory": folder, "preserve_insertion_order": False}
    return duckdb.connect(":memory:", config=config)


@contextmanager
def _errors(name: str) -> Iterator[None]:
    """Translate the database's errors, whose messages may hold values."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        told = f"the features cannot be made ({type(error).__name__}); nothing of it was used"
        raise TableError(f"{name}: {told}; check memory and disk") from None


def _finished(found: pa.Table, schema: Schema, query: FeatureQuery) -> pd.DataFrame:
    """The features [customers, unit column and features] in the schema's order."""
    parts: dict[str, np.ndarray] = {
        name: found.column(name).to_numpy(zero_copy_only=False) for name in found.schema.names
    }
    unit = str(schema.unit.column)
    columns = {unit: pd.Series(parts[CUSTOMER], dtype=object)}
    columns |= {name: finish(parts) for name, finish in query.finish.items()}
    return pd.DataFrame({name: columns[name] for name in schema.names})


def _said(stream: SourceStream, tally: Tally, customers: int) -> Iterator[str]:
    """What was recognised. INTERNAL: it tells numbers of events and customers."""
    ways = " / ".join(way for way in stream.ways if way)
    counts = f"{tally.events:,} events, {customers:,} customer{'s' * (customers != 1)}"
    yield f"{stream.name}: {', '.join(part for part in (ways, counts) if part)}"
    if tally.unnamed:
        yield f"{stream.name}: {tally.unnamed:,} events without a customer are left out"
