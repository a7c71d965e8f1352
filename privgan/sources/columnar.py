"""Read Parquet, Feather and Arrow files, and frames in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.sources.arrow_types import check_names
from privgan.sources.gathering import BATCH, NO_FIT, array_of, check_kinds


def read_parquet(path: Path) -> pa.Table:
    """Read one Parquet file with its own types; folders in its path add no columns.

    Raises:
        TableError: when it is no readable Parquet file, or names repeat.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_names(str(path), file.schema_arrow.names)
            return file.read()
    except TableError:
        raise
    except Exception as error:
        raise TableError(
            f"{path}: is not a readable Parquet file ({type(error).__name__})"
        ) from error


def parquet_batches(path: Path) -> Iterator[pa.Table]:
    """Read one Parquet file piece by piece, as ``read_parquet`` reads it whole."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_names(str(path), file.schema_arrow.names)
            for batch in file.iter_batches(BATCH):
                yield pa.Table.from_batches([batch])
    except pa.ArrowException as error:
        raise TableError(
            f"{path}: is not a readable Parquet file ({type(error).__name__})"
        ) from error


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
        raise TableError(
            f"{path}: is not a readable Feather or Arrow file ({type(error).__name__})"
        ) from error


def read_frame(frame: Any) -> tuple[pa.Table, str]:
    """Convert a frame to an Arrow table with its own types; also name its kind.

    Args:
        frame: An Arrow table or record batch, a pandas frame, or one that narwhals knows. An index
            of pandas that has a name becomes a column; others are left out.

    Raises:
        TableError: when it is no frame, or its columns' names are empty or repeat.
    """
    if isinstance(frame, pa.Table | pa.RecordBatch):
        table = pa.table(frame)
        check_names("the Arrow table", table.schema.names)
        return table, "an Arrow table"
    if _is_pandas(frame):
        return _of_pandas(frame), "a pandas frame"
    return _of_narwhals(frame)


def is_table(given: Any) -> bool:
    """Whether something in memory is an Arrow table or a frame that can be read."""
    import narwhals as nw

    known = isinstance(given, pa.Table | pa.RecordBatch) or _is_pandas(given)
    return known or nw.from_native(given, pass_through=True) is not given


def table_of_mappings(rows: Sequence[Mapping[Any, Any]]) -> pa.Table:
    """An Arrow table of rows by column name; what a row lacks is null.

    Raises:
        TableError: when a name is no text, or a value is of a kind that no table file has.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    for name in names:
        if not isinstance(name, str):
            told = f"a row has a key of type {shown(type(name).__name__)}"
            raise TableError(f"{told}; each key must be text: the name of a column")
    return pa.table({name: _listed(name, [row.get(name) for row in rows]) for name in names})


def _listed(name: str, values: list[Any]) -> pa.Array:
    check_kinds(name, values)
    try:
        return pa.array(values)
    except NO_FIT:
        return array_of(values)


def _is_pandas(frame: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(frame, pandas.DataFrame)


def _of_pandas(frame: Any) -> pa.Table:
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    check_names("the pandas frame", names)
    return pa.table({name: _series(name, frame.iloc[:, index]) for index, name in enumerate(names)})


def _series(name: str, values: Any) -> Any:
    if values.dtype.kind in "Oc":  # Objects, which may be anything, and complex numbers.
        check_kinds(name, values)
    try:
        return pa.Array.from_pandas(values)
    except NO_FIT:
        objects = values.astype(object)
        return array_of(objects.where(objects.notna(), None).tolist())


def _of_narwhals(frame: Any) -> tuple[pa.Table, str]:
    import narwhals as nw

    try:
        known = nw.from_native(frame)
    except TypeError:
        told = "is no table; give a path, a URL, an Arrow table, or a pandas or polars frame"
        raise TableError(f"{shown(type(frame).__name__)} {told}") from None
    eager = known.collect() if isinstance(known, nw.LazyFrame) else known
    table = eager.to_arrow()
    check_names("the frame", table.schema.names)
    return table, f"a {known.implementation.name.lower()} frame"
