"""Read the rows of a released Parquet file in parts, as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from privgan.release.parquet.exactness import finer_cells
from privgan.release.verification.integrity import shown
from privgan.schema.schema import Schema

PART = 50_000
_PLAIN = {"Int64": "int64", "boolean": "bool"}


class WrongRowError(Exception):
    """A row that cannot be; the rest is not read."""


def parts_of_rows(file: Any, schema: Schema, name: str) -> Iterator[pd.DataFrame]:
    """The rows as they were written [rows, columns], with their types.

    Args:
        file: The Parquet file, as pyarrow reads it.
        schema: The public facts.
        name: The file's name in the release, for messages.

    Raises:
        WrongRowError: A cell holds more than a release writes.
    """
    import pyarrow as pa

    absent = {column.name for column in schema.columns if column.missing}
    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    for batch in file.iter_batches(batch_size=PART):
        for column, problem in finer_cells(batch, schema):
            raise WrongRowError(f"{name}: column {shown(column)}: {problem}")
        frame = batch.to_pandas(types_mapper=types.get)
        for column, values in frame.items():
            plain = _PLAIN.get(str(values.dtype))
            if plain and column not in absent and not values.hasnans:
                frame[column] = values.astype(plain)
        yield frame
