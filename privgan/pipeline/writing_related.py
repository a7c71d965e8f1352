"""Write the synthetic rows of related tables, a chunk of customers after another."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pandas as pd

from privgan.pipeline.candidate import Candidate
from privgan.release.table_files import CSV, PARQUET
from privgan.synthesizer import Synthesizer
from privgan.table.files import TableWriter

# Customers that are drawn at once, with all of their rows.
_CUSTOMERS = 20_000


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
    schema, sampler = synthesizer.schema, synthesizer.related(seed)
    left = synthesizer.rows if rows is None else rows
    candidate.tables.mkdir(exist_ok=True)
    first: list[pd.DataFrame] = []
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(closing(TableWriter(schema.alone(name), *files)))
            for name, files in _files(candidate, synthesizer).items()
        }
        while left > 0:
            drawn = sampler.chunk(min(_CUSTOMERS, left))
            left -= len(drawn[schema.root])
            for name, frame in drawn.items():
                writers[name].write(frame)
            first = first or [drawn[schema.root]]
    return {name: writer.rows for name, writer in writers.items()}, first[0]


def _files(candidate: Candidate, synthesizer: Synthesizer) -> dict[str, tuple]:
    """Parquet and CSV file of each table; the root's are those of any synthetic table."""
    related = {
        table.name: tuple(candidate.tables / f"{table.name}.{form}" for form in (PARQUET, CSV))
        for table in synthesizer.schema.tables
    }
    return {synthesizer.schema.root: (candidate.parquet, candidate.csv), **related}
