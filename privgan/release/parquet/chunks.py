"""Check that a Parquet file holds its column chunks only, and describes them truly.

Readers skip what a chunk's statistics rule out, so false ones would hide rows. Bytes that no reader
needs could hold hidden text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from io import BufferedReader
from typing import Any

from privgan.files.limits import LEAST_GROUP
from privgan.release.parquet.footer import check_footer, first_byte, read_footer, says_again
from privgan.release.parquet.pages import WrongBoundsError, check_pages

_MAKER = re.compile(r"parquet-cpp-arrow version ([0-9]{1,4})(\.[0-9]{1,4}){1,3}\Z")
_TILES = 18  # Earlier versions wrote what the footer says of a chunk once more behind it.
_MAGIC, _END = (
    4,
    8,
)  # Bytes before the first chunk; the footer's length and the magic bytes behind it.


def chunk_problems(file: Any, reader: BufferedReader) -> Iterator[str]:
    """List what a file holds or states beside its rows, a sentence each.

    Args:
        file: The file, opened by pyarrow.
        reader: The same file, to be read at any place.
    """
    maker = _MAKER.match(file.metadata.created_by or "")
    if not maker:
        yield "was not written by the library that privgan writes with"
        return
    if file.metadata.num_row_groups > 1 + file.metadata.num_rows // LEAST_GROUP:
        yield "has more groups of rows than its rows need"
        return
    end = os.fstat(reader.fileno()).st_size - _END
    length = int.from_bytes(_read(reader, end, 4), "little")
    try:
        footer = read_footer(_read(reader, end - length, length))
        check_footer(footer, file.schema_arrow)
    except (ValueError, LookupError, TypeError) as error:
        yield f"its footer says more than its columns: {error}"
        return
    if not _is_contiguous(footer, reader, end - length, again=int(maker.group(1)) < _TILES):
        yield "holds bytes that belong to none of its columns"
        return
    yield from _columns(file, footer, reader)


def _read(reader: BufferedReader, place: int, length: int) -> bytes:
    """Read bytes at a place; pyarrow uses the same file in between."""
    return os.pread(reader.fileno(), length, place)


def _is_contiguous(
    footer: Mapping[int, Any], reader: BufferedReader, end: int, *, again: bool
) -> bool:
    """Whether the chunks lie back to back, from the first byte to the footer."""
    chunks = [chunk for group in footer[4] for chunk in group[1]]
    starts = [first_byte(chunk[3]) for chunk in chunks]
    place = _MAGIC
    for chunk, start, after in zip(chunks, starts, [*starts[1:], end], strict=True):
        if start != place or not 0 <= chunk[3][7] <= after - start:
            return False
        behind = start + chunk[3][7]
        if behind != after and not (
            again and says_again(_read(reader, behind, after - behind), chunk)
        ):
            return False
        place = after
    return bool(place == end)


def _columns(file: Any, footer: Mapping[int, Any], reader: BufferedReader) -> Iterator[str]:
    leaves = [file.metadata.schema.column(index) for index in range(file.metadata.num_columns)]
    for number, group in enumerate(footer[4]):
        for leaf, chunk in zip(leaves, group[1], strict=True):
            column, name = chunk[3], leaf.path
            values = file.read_row_group(number, columns=[name]).column(0).combine_chunks()
            content = _read(reader, first_byte(column), column[7])
            try:
                check_pages(content, column, values, optional=leaf.max_definition_level > 0)
            except WrongBoundsError:
                told = "states other smallest and largest values of column"
                yield f"{told} {name!a} than its rows have"
                return
            except (ValueError, LookupError, TypeError) as error:
                yield f"holds more of column {name!a} than its values: {error}"
                return
