"""What the footer of a Parquet file says: names, metadata, rows; a foreign one is read apart."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from privgan.limits import LARGEST_FOOTER, LARGEST_TABLE, MOST_COLUMNS, MOST_ROW_GROUPS
from privgan.release.guarded import run_guarded
from privgan.release.opening import ChangedError, identity_of, open_regular

_MAGIC, _END = b"PAR1", 8
# What was read of footers: it follows from their bytes alone.
_KNOWN: dict[tuple[int, str], dict[str, Any]] = {}
_MOST_KNOWN = 64


def form_of(path: Path | str) -> dict[str, Any]:
    """What a file's footer says, read in this process: for a file of our own.

    Returns:
        ``columns``, ``keys`` of metadata, ``rows``, ``groups``, and ``odd``: what is wrong.

    Raises:
        ValueError: The file is none; pyarrow's own errors are such too.
    """
    import pyarrow.parquet as pq

    with open_regular(Path(path)) as reader, pq.ParquetFile(reader, pre_buffer=False) as file:
        meta, schema = file.metadata, file.schema_arrow
        keys = {**(meta.metadata or {}), **(schema.metadata or {})}
        odd = _odd(meta, schema)
        return {
            "columns": list(schema.names),
            "keys": sorted(key.decode("utf-8", "replace") for key in keys),
            "rows": meta.num_rows,
            "groups": meta.num_row_groups,
            "odd": odd,
        }


def _odd(meta: Any, schema: Any) -> str:
    if any(field.metadata for field in schema):
        return "holds metadata of a column"
    if len(schema.names) > MOST_COLUMNS or meta.num_row_groups > MOST_ROW_GROUPS:
        return "has more columns or groups of rows than any table"
    leaves = [meta.schema.column(index) for index in range(meta.num_columns)]
    flat = [leaf.path for leaf in leaves if leaf.max_definition_level < 2]
    if flat != list(schema.names) or any(leaf.max_repetition_level for leaf in leaves):
        return "has columns inside columns"
    groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
    if meta.num_rows < 0 or sum(group.num_rows for group in groups) != meta.num_rows:
        return "says two numbers of rows"
    return ""


def foreign_form_of(path: Path) -> dict[str, Any]:
    """As form_of, of a file that anybody may have made.

    Raises:
        ValueError: The file is none, or its footer is larger than any.
        GuardedError: Reading it broke off.
    """
    with open_regular(path) as reader:
        before = identity_of(os.fstat(reader.fileno()))
        size = reader.seek(0, 2)
        if not len(_MAGIC) + _END <= size <= LARGEST_TABLE:
            raise ValueError("it is too small or too large")
        reader.seek(0)
        first = reader.read(len(_MAGIC))
        reader.seek(size - _END)
        last = reader.read(_END)
        length = int.from_bytes(last[:4], "little")
        if first != _MAGIC or last[4:] != _MAGIC or length > min(LARGEST_FOOTER, size - _END):
            raise ValueError("it is no Parquet file, or has a footer larger than any")
        reader.seek(size - _END - length)
        footer = size, hashlib.sha256(reader.read(length)).hexdigest()
    if footer not in _KNOWN:
        found = run_guarded(form_of, path)
        if identity_of(path.lstat()) != before:
            raise ChangedError
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[footer] = found
    return _KNOWN[footer]
