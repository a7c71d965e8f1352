"""Take Parquet files apart, and rebuild them with other pages or footers, as a forger would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Struct = dict[
    int, tuple[int, Any]
]  # A field's number: its kind, as Thrift counts kinds, and value.
TRUE, I32, I64, BINARY, LIST, STRUCT = 1, 5, 6, 8, 9, 12


def varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _number(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[place]
        value, shift, place = value | (byte & 0x7F) << shift, shift + 7, place + 1
        if byte < 0x80:
            return value, place


def read(content: bytes, place: int = 0) -> tuple[Struct, int]:
    found: Struct = {}
    number = 0
    while head := content[place]:
        place += 1
        number += head >> 4
        value, place = _read(content, place, head & 15)
        found[number] = (head & 15, value)
    return found, place + 1


def _read(content: bytes, place: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):
        return kind == 1, place
    if kind == 3:
        return content[place], place + 1
    if kind in (4, 5, 6):
        value, place = _number(content, place)
        return (value >> 1) ^ -(value & 1), place
    if kind == BINARY:
        length, place = _number(content, place)
        return content[place : place + length], place + length
    if kind == STRUCT:
        return read(content, place)
    assert kind == LIST
    size, inner, place = content[place] >> 4, content[place] & 15, place + 1
    if size == 15:
        size, place = _number(content, place)
    parts = []
    for _ in range(size):
        part, place = _read(content, place, inner)
        parts.append(part)
    return (inner, parts), place


def write(struct: Struct) -> bytes:
    out, before = b"", 0
    for number, (kind, value) in sorted(struct.items()):
        kind = (1 if value else 2) if kind in (1, 2) else kind
        near = 0 < number - before < 16
        out += (
            bytes([(number - before) << 4 | kind]) if near else bytes([kind]) + varint(number * 2)
        )
        out, before = out + _write(kind, value), number
    return out + b"\0"


def _write(kind: int, value: Any) -> bytes:
    if kind in (1, 2):
        return b""
    if kind == 3:
        return bytes([value])
    if kind in (4, 5, 6):
        return varint((value << 1) ^ (value >> 63))
    if kind == BINARY:
        return varint(len(value)) + value
    if kind == STRUCT:
        return write(value)
    inner, parts = value
    size = len(parts)
    head = bytes([size << 4 | inner]) if size < 15 else bytes([0xF0 | inner]) + varint(size)
    return head + b"".join(_write(inner, part) for part in parts)


@dataclass
class Page:
    """A page's header and its content, unpacked.

    Packed in another way where ``stored`` is given.
    """

    header: Struct
    content: bytes
    stored: bytes | None = None

    def facts(self) -> Struct:
        found: Struct = self.header[7 if 7 in self.header else 5][1]
        return found

    def more(self, number: int, by: int) -> None:
        """A larger number in the header of its kind."""
        kind, value = self.facts()[number]
        self.facts()[number] = (kind, value + by)

    def written(self) -> bytes:
        stored = (
            pa.Codec("snappy").compress(self.content, asbytes=True)
            if self.stored is None
            else self.stored
        )
        head = {2: (I32, len(self.content)), 3: (I32, len(stored))}
        return write(self.header | head) + stored


@dataclass
class File:
    """A file's chunks, each of its pages and of what the footer says of it, and its footer."""

    chunks: list[tuple[Struct, list[Page]]]
    footer: Struct
    behind: bytes = b""
    twice: bool = False  # As versions before 18 did: what the footer says stands behind each chunk.

    def pages(self, column: int) -> list[Page]:
        """The pages of a column's first chunk."""
        return self.chunks[column][1]

    def column(self, column: int) -> Struct:
        """What the footer says of a column's first chunk."""
        found: Struct = self.chunks[column][0][3][1]
        return found

    def written(self) -> bytes:
        """The whole file, with offsets and lengths that fit."""
        out = b"PAR1"
        for chunk, pages in self.chunks:
            column, parts, begun = chunk[3][1], [page.written() for page in pages], len(out)
            dictionary = 7 in pages[0].header
            if dictionary:
                column[11] = (I64, begun)
            column[9] = (I64, begun + (len(parts[0]) if dictionary else 0))
            stored = [read(part)[1] for part in parts]
            column[6] = (I64, sum(stored) + sum(len(page.content) for page in pages))
            column[7] = (I64, sum(map(len, parts)))
            out += b"".join(parts)
            if self.twice:
                chunk[2] = (I64, len(out))
                out += write(chunk)
        for group in self.footer[4][1][1]:
            columns = [chunk[3][1] for chunk in group[1][1][1]]
            group[2] = (I64, sum(column[6][1] for column in columns))
            group[6] = (I64, sum(column[7][1] for column in columns))
            first = columns[0]
            group[5] = (I64, first.get(11, first[9])[1])
        footer = write(self.footer)
        return out + self.behind + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def taken_apart(content: bytes) -> File:
    """A file as its parts."""
    length = int.from_bytes(content[-8:-4], "little")
    footer, _ = read(content[-8 - length : -8])
    chunks = [
        (chunk, _pages(content, chunk[3][1]))
        for group in footer[4][1][1]
        for chunk in group[1][1][1]
    ]
    return File(chunks, footer)


def _pages(content: bytes, column: Struct) -> list[Page]:
    place = column.get(11, column[9])[1]
    end, pages = place + column[7][1], []
    while place < end:
        header, place = read(content, place)
        size, stored = header[2][1], header[3][1]
        found = pa.Codec("snappy").decompress(content[place : place + stored], size, asbytes=True)
        pages.append(Page(header, found))
        place += stored
    return pages


def forged(change: Callable[[File], Any]) -> Callable[[bytes], bytes]:
    """A change of a file's bytes, made at its parts."""

    def apply(content: bytes) -> bytes:
        file = taken_apart(content)
        change(file)
        return file.written()

    return apply
