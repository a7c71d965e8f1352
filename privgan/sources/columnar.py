"""Columnar files: Parquet, Feather and Arrow's own."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from privgan.errors import TableError
from privgan.sources.names import require_names


def read_parquet(path: Path) -> pa.Table:
    """Read one Parquet file with its own types; folders in its path add no columns.

    Raises:
        TableError: when it is no readable Parquet file, or names repeat.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            require_names(str(path), file.schema_arrow.names)
            return file.read()
    except TableError:
        raise
    except Exception as error:
        raise TableError(f"{path}: is not a readable Parquet file ({type(error).__name__})") from error


def read_arrow(path: Path) -> pa.Table:
    """Read one Feather file, or an Arrow file or stream.

    Raises:
        TableError: when it is none of them.
    """
    from pyarrow import feather, ipc

    try:
        try:
            return feather.read_table(path, memory_map=False)
        except pa.ArrowInvalid:
            with pa.OSFile(str(path)) as stream:
                return ipc.open_stream(stream).read_all()
    except Exception as error:
        raise TableError(f"{path}: is not a readable Feather or Arrow file ({type(error).__name__})") from error
