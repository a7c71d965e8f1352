"""Write the synthetic rows of related tables, a chunk of customers after another."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pandas as pd

from privgan.errors import UsageError
from privgan.generator.related_sampler import RelatedSampler
from privgan.naming import parameter
from privgan.pipeline.candidate import Candidate
from privgan.release.table_files import CSV, PARQUET
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer
from privgan.table.files import TableWriter

# Customers that are drawn at once, with all of their rows.
_CUSTOMERS = 20_000
# Parquet and CSV file of a table; None for none.
_Files = tuple[Path | None, Path | None]


def write_related(
    candidate: Candidate, synthesizer: Synthesizer, *, rows: int | None, seed: int
) -> tuple[dict[str, int], pd.DataFrame]:
    """Draw customers with their rows in all tables, and write one Parquet and CSV file a table.

    Args:
        candidate: Where to write.
        synthesizer: Draws them.
        rows: Customers to make; None for the planned number.
        seed: Public randomness.

    Returns:
        The number of rows of each table, and the first of the root's.
    """
    schema, folder = synthesizer.schema, candidate.tables
    folder.mkdir(exist_ok=True)
    files: dict[str, _Files] = {schema.root: (candidate.parquet, candidate.csv)}
    for table in schema.tables:
        files[table.name] = (
            folder / f"{table.name}.{PARQUET}",
            folder / f"{table.name}.{CSV}",
        )
    customers = synthesizer.rows if rows is None else rows
    return _written(schema, synthesizer.related(seed), customers, files)


def write_tables_to(
    folder: Path, sampler: RelatedSampler, schema: Schema, customers: int, form: str
) -> dict[str, int]:
    """Write one file a table into a new folder; returns the number of rows of each.

    Args:
        folder: The folder to make.
        sampler: Draws the rows.
        schema: The public facts.
        customers: Customers to make.
        form: ``csv`` or ``parquet``.

    Raises:
        UsageError: The form is another, or there is nothing to draw.
    """
    if form not in {CSV, PARQUET}:
        told = f"of related tables it must be {CSV} or {PARQUET}"
        raise UsageError(f"{parameter('format')} is {form!r}; {told}")
    if customers < 1:
        raise UsageError(f"{parameter('rows')} is {customers}; it must be at least 1")
    folder.mkdir(parents=True)
    files: dict[str, _Files] = {}
    for name in (schema.root, *(table.name for table in schema.tables)):
        path = folder / f"{name}.{form}"
        files[name] = (path, None) if form == PARQUET else (None, path)
    return _written(schema, sampler, customers, files)[0]


def _written(
    schema: Schema, sampler: RelatedSampler, customers: int, files: Mapping[str, _Files]
) -> tuple[dict[str, int], pd.DataFrame]:
    """Draw and write all tables; the number of rows of each, and the first of the root's."""
    first: list[pd.DataFrame] = []
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(closing(TableWriter(schema.alone(name), *paths)))
            for name, paths in files.items()
        }
        while (left := customers - sampler.rows[schema.root]) > 0:
            drawn = sampler.chunk(min(_CUSTOMERS, left))
            for name, frame in drawn.items():
                writers[name].write(frame)
            first = first or [drawn[schema.root]]
    return {name: writer.rows for name, writer in writers.items()}, first[0]
