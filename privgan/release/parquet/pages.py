"""Check that a Parquet column chunk holds its rows' values and nothing else.

Readers skip unused dictionary entries, bytes behind a page's last value, and pages behind the last
row. Text could stand there unseen.

Source: https://parquet.apache.org/docs/file-format/
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from privgan.release.parquet.thrift import end_of_runs, read_struct

# Numbers of fields and of encodings, as parquet.thrift gives them.
STATISTICS_FORM = dict.fromkeys(range(1, 9))
_HEADER_FORM: Mapping[int, Any] = {
    1: None,
    2: None,
    3: None,
    5: {1: None, 2: None, 3: None, 4: None, 5: STATISTICS_FORM},
    7: {1: None, 2: None, 3: None},
}
_PLAIN, _RLE, _DICTIONARIES = 0, 3, (2, 8)
_KINDS = {0: "BOOLEAN", 1: "INT32", 2: "INT64", 4: "FLOAT", 5: "DOUBLE", 6: "BYTE_ARRAY"}
_STORED, _SNAPPY = 0, 1
_WIDTHS = {"INT32": 4, "INT64": 8, "FLOAT": 4, "DOUBLE": 8}
_FORMATS = {"INT32": "<i", "INT64": "<q", "FLOAT": "<f", "DOUBLE": "<d", "BOOLEAN": "<?"}
_WIDEST = 32  # Bits of a number that names an entry of a dictionary.
_LENGTH = 4  # Bytes of the length before levels and truth values.


class WrongBoundsError(ValueError):
    """The statistics differ from those of the values."""


@dataclass(frozen=True, kw_only=True)
class _Page:
    """One page: its place, header, length, and content as stored."""

    place: int
    header: Mapping[int, Any]
    head: int
    stored: bytes

    @property
    def size(self) -> int:
        """Size of the unpacked content in bytes."""
        found: int = self.header[2]
        return found

    @property
    def facts(self) -> Mapping[int, Any]:
        """The header's fields for a page of this kind."""
        found: Mapping[int, Any] = self.header[7 if self.is_dictionary else 5]
        return found

    @property
    def is_dictionary(self) -> bool:
        """Whether it is a dictionary page; other pages hold rows."""
        return 7 in self.header


def check_pages(content: bytes, column: Mapping[int, Any], values: Any, *, optional: bool) -> None:
    """Check that a chunk holds its values only.

    Args:
        content: The chunk's bytes.
        column: What the footer says of it, by its fields' numbers.
        values: Its values [rows], a pyarrow array.
        optional: Whether a value may be missing.

    Raises:
        ValueError: saying what it holds more.
    """
    if column[1] not in _KINDS or column[4] not in (_STORED, _SNAPPY):
        raise ValueError("a chunk is of a kind, or packed in a way, that is not written")
    pages = list(_pages(content))
    dictionaries = [page for page in pages if page.is_dictionary]
    if len(dictionaries) > 1 or (dictionaries and not pages[0].is_dictionary):
        raise ValueError("a chunk has two dictionaries, or one behind its rows")
    _check_stated(pages, column)
    named = _check_rows(pages[len(dictionaries) :], values, column, optional=optional)
    for page in dictionaries:
        _check_dictionary(page, named, column)
    _check_bounds(column.get(12, {}), values, _KINDS[column[1]])
    _check_sizes(column.get(16, {}), values, _KINDS[column[1]])


def _check_rows(
    pages: list[_Page], values: Any, column: Mapping[int, Any], *, optional: bool
) -> list[Any]:
    """Check the pages of rows in order; returns the rows of dictionary-encoded pages."""
    named, row = [], 0
    for page in pages:
        count = page.facts[1]
        if count < 0 or (not count and len(values)):
            raise ValueError("a page has no rows")
        rows = values.slice(row, count)
        row += count
        _check_data(page, rows, column, optional=optional)
        if page.facts[2] in _DICTIONARIES:
            named.append(rows)
    if row != len(values) or row != column[5]:
        raise ValueError("its pages have another number of rows than the chunk")
    return named


def _check_stated(pages: list[_Page], column: Mapping[int, Any]) -> None:
    """Check the footer's offsets, sizes and numbers of pages."""
    if not _begin_as_stated(pages, column):
        raise ValueError("its pages begin elsewhere")
    if sum(page.head + page.size for page in pages) != column[6]:
        raise ValueError("its pages have another length than the chunk")
    if 13 in column:
        _check_numbers(pages, column[13])


def _begin_as_stated(pages: list[_Page], column: Mapping[int, Any]) -> bool:
    first = next((page.place for page in pages if not page.is_dictionary), None)
    begun = column.get(11) or column[9]
    if first is None or (column.get(11) and not first):
        return False
    return bool(column[9] == begun + first)


def _check_numbers(pages: list[_Page], stated: list[Mapping[int, Any]]) -> None:
    """Check the stated numbers of pages by kind and encoding, each stated once."""
    kinds = Counter((page.header.get(1, 0), page.facts[2]) for page in pages)
    counted = {(part[1], part[2]): part[3] for part in stated}
    if counted != kinds or len(stated) != len(counted):
        raise ValueError("its pages are counted otherwise")


def _check_sizes(said: Mapping[int, Any], values: Any, kind: str) -> None:
    """Check the counts of text bytes and of missing values, which newer versions write."""
    absent = values.null_count
    texts = _plain_size(values.drop_null(), kind) - _LENGTH * (len(values) - absent)
    levels = [absent, len(values) - absent]
    if said.get(1, texts) != texts or said.get(2) or said.get(3, levels) not in ([], levels):
        raise ValueError("its statistics count other values")


def _check_bounds(said: Mapping[int, Any], values: Any, kind: str) -> None:
    """Check statistics, by their fields' numbers, against the values."""
    import pyarrow.compute as pc

    present = _plain(values, kind).drop_null()
    found = pc.min_max(present)
    for number, end in ((1, "max"), (2, "min"), (5, "max"), (6, "min")):
        if number in said and not _is_value(said[number], found[end].as_py(), kind):
            raise WrongBoundsError("its statistics are of other values")
    if said.get(3, values.null_count) != values.null_count or not 0 <= said.get(4, 0) <= len(
        values
    ):
        raise WrongBoundsError("its statistics count other values")


def _is_value(content: Any, value: Any, kind: str) -> bool:
    """Whether bytes encode a value; positive and negative zero count as equal."""
    if not isinstance(content, bytes) or value is None:
        return False
    if kind == "BYTE_ARRAY":
        return content == (value.encode() if isinstance(value, str) else value)
    form = _FORMATS[kind]
    return len(content) == struct.calcsize(form) and struct.unpack(form, content)[0] == value


def _pages(content: bytes) -> Iterator[_Page]:
    place = 0
    while place < len(content):
        begun = place
        header, place = read_struct(content, begun, _HEADER_FORM)
        kind, size, stored = header.get(1), header.get(2, -1), header.get(3, -1)
        if {5, 7} & set(header) != ({5} if kind == 0 else {7} if kind == 2 else {0}):
            raise ValueError("a page is of another kind")
        if size < 0 or not 0 <= stored <= len(content) - place:
            raise ValueError("a page does not end with its chunk")
        kept = content[place : place + stored]
        yield _Page(place=begun, header=header, head=place - begun, stored=kept)
        place += stored


def _unpacked(page: _Page, column: Mapping[int, Any]) -> bytes:
    import pyarrow as pa

    found = page.stored
    if column[4] == _SNAPPY:
        found = pa.Codec("snappy").decompress(found, page.size, asbytes=True)
    if len(found) != page.size:
        raise ValueError("a page has another length than it says")
    return bytes(found)


def _check_data(page: _Page, rows: Any, column: Mapping[int, Any], *, optional: bool) -> None:
    content, facts, place = _unpacked(page, column), page.facts, 0
    if optional:
        length = int.from_bytes(content[:_LENGTH], "little")
        place = end_of_runs(content, _LENGTH, 1, len(rows))
        if facts.get(3) != _RLE or place != _LENGTH + length:
            raise ValueError("a page holds bytes behind its levels")
    present = rows.drop_null()
    if _end_of_values(content, place, facts[2], present, _KINDS[column[1]]) != len(content):
        raise ValueError("a page holds bytes behind its values")
    _check_bounds(facts.get(5, {}), rows, _KINDS[column[1]])


def _end_of_values(content: bytes, place: int, encoding: int, present: Any, kind: str) -> int:
    if encoding == _PLAIN:
        end = place + _plain_size(present, kind)
        if kind == "BOOLEAN" and len(present) % 8 and content[end - 1] >> len(present) % 8:
            raise ValueError("a page holds bits behind its last value")
        return end
    if encoding == _RLE and kind == "BOOLEAN":
        length = int.from_bytes(content[place : place + _LENGTH], "little")
        end = end_of_runs(content, place + _LENGTH, 1, len(present))
        return end if end == place + _LENGTH + length else -1
    if encoding in _DICTIONARIES and content[place] <= _WIDEST:
        return end_of_runs(content, place + 1, content[place], len(present))
    raise ValueError("a page is encoded in another way")


def _check_dictionary(page: _Page, named: list[Any], column: Mapping[int, Any]) -> None:
    """Check that each dictionary entry is used: as many entries as distinct values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, facts = _KINDS[column[1]], page.facts
    parts = [_bits(rows, kind).drop_null() for rows in named]
    different = pc.unique(pa.concat_arrays(parts)) if parts else []
    size = _plain_size(different, kind) if len(different) else 0
    if (
        facts[1] != len(different)
        or facts[2] not in (_PLAIN, 2)
        or len(_unpacked(page, column)) != size
    ):
        raise ValueError("a dictionary holds entries that no row has")


def _plain(values: Any, kind: str) -> Any:
    """Moments as the stored numbers."""
    import pyarrow as pa

    if kind == "INT64" and not pa.types.is_integer(values.type):
        return values.view(pa.int64())
    return values


def _bits(values: Any, kind: str) -> Any:
    """As ``_plain``, with positive and negative zero as two values, as in a dictionary."""
    import pyarrow as pa

    return values.view(pa.int64()) if kind == "DOUBLE" else _plain(values, kind)


def _plain_size(values: Any, kind: str) -> int:
    """Size in bytes of values in plain encoding."""
    import pyarrow.compute as pc

    if kind == "BYTE_ARRAY":
        return _LENGTH * len(values) + (pc.sum(pc.binary_length(values)).as_py() or 0)
    if kind == "BOOLEAN":
        return (len(values) + 7) // 8
    return _WIDTHS[kind] * len(values)
