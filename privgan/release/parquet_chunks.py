"""Whether a Parquet file is its columns and nothing else, and says of them what they are.

Readers skip what a chunk's statistics rule out, so that false ones hide rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MAKER = re.compile(r"parquet-cpp-arrow version ([0-9]{1,4})(\.[0-9]{1,4}){1,3}\Z")
_TILES = 18  # Earlier versions wrote some bytes of their own behind each chunk.
_MAGIC, _END = 4, 8  # Bytes before the first chunk; the footer's length and the magic bytes behind it.


def chunk_problems(file: Any, path: Path) -> Iterator[str]:
    """What a file holds or says beside its rows, a sentence each.

    Args:
        file: The file, opened by pyarrow.
        path: Where it lies.
    """
    maker = _MAKER.match(file.metadata.created_by or "")
    if not maker:
        yield "was not written by the library that privgan writes with"
    elif int(maker.group(1)) >= _TILES and not _is_tiled(file.metadata, path):
        yield "holds bytes that belong to none of its columns"
    else:
        yield from _statistics(file)


def _is_tiled(metadata: Any, path: Path) -> bool:
    """Whether the chunks lie one behind another, from the first byte to the footer."""
    place = _MAGIC
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
            if min(start for start in starts if start) != place:
                return False
            place += chunk.total_compressed_size
    with path.open("rb") as reader:
        reader.seek(-_END, 2)
        footer = int.from_bytes(reader.read(4), "little")
    return bool(place == path.stat().st_size - _END - footer)


def _statistics(file: Any) -> Iterator[str]:
    import pyarrow.compute as pc

    for group in range(file.metadata.num_row_groups):
        for index, name in enumerate(file.schema_arrow.names):
            stated = file.metadata.row_group(group).column(index).statistics
            if stated is None:
                continue
            values = file.read_row_group(group, columns=[name]).column(0)
            found = pc.min_max(values)
            same = not stated.has_min_max or all(
                _plain(getattr(stated, end)) == _plain(found[end].as_py()) for end in ("min", "max")
            )
            if not same or (stated.has_null_count and stated.null_count != values.null_count):
                yield f"states other smallest and largest values of column {name!a} than its rows have"
                return


def _plain(value: Any) -> Any:
    """Statistics of moments come without a zone or with one, and of texts as bytes or as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
