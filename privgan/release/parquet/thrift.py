"""Parse Parquet's compact Thrift structs and run-length runs strictly.

Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ ("RLE/Bit-Packing Hybrid")

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

_GROUP = 8  # Values packed together; fewer equal ones begin no run but the last.


def end_of_runs(content: bytes, place: int, width: int, count: int) -> int:
    """The place behind the runs of some numbers.

    Args:
        content: The bytes that hold them.
        place: Where the first run begins.
        width: Bits of a number.
        count: How many numbers there are.

    Raises:
        ValueError: The runs hold more, or are not written as the library writes them.
    """
    while count:
        head, place = read_varint(content, place)
        packed, size = head & 1, head >> 1
        values, length = (size * _GROUP, size * width) if packed else (size, (width + 7) // 8)
        place += length
        if not size or place > len(content):
            raise ValueError("a run has no values, or ends early")
        if packed:
            _check_empty(content[place - width : place], width, values - count)
        elif values > count or (values < _GROUP and values != count):
            raise ValueError("a run has more values than there are, or very few")
        elif int.from_bytes(content[place - length : place], "little") >> width:
            raise ValueError("a run's value has more bits than it may have")
        count -= min(values, count)
    return place


def _check_empty(group: bytes, width: int, beyond: int) -> None:
    """Check that padding behind the last value is zero."""
    if beyond >= _GROUP or (
        beyond > 0 and int.from_bytes(group, "little") >> (_GROUP - beyond) * width
    ):
        raise ValueError("a run holds bits behind its last value")


# A field's number and its form: None a plain value, a mapping a struct, a list with one form a
# list.
Form: TypeAlias = Mapping[int, Any]
_TRUE, _FALSE, _BYTE, _INTEGERS, _BINARY, _LIST, _STRUCT = 1, 2, 3, (4, 5, 6), 8, 9, 12
_LONGEST_VARINT = 10
_OTHER_KIND = "a field of a struct is of another kind"


def read_struct(content: bytes, place: int, form: Form) -> tuple[dict[int, Any], int]:
    """Parse a struct's fields; returns them with the place behind it.

    Args:
        content: The bytes that hold it.
        place: Where it begins.
        form: Which fields it may have.

    Raises:
        ValueError: It has another field, or is written in a longer way than is needed.
    """
    found: dict[int, Any] = {}
    number = 0
    while head := _byte(content, place):
        if not head >> 4:
            raise ValueError("a field of a struct does not follow the one before it")
        number, place = number + (head >> 4), place + 1
        if number not in form:
            raise ValueError("a struct has a field that is not written")
        found[number], place = _value(content, place, head & 0xF, form[number])
    return found, place + 1


def read_varint(content: bytes, place: int) -> tuple[int, int]:
    """Parse an integer of variable length; returns it with the place behind it.

    ValueError for an encoding longer than needed.
    """
    value = 0
    for count in range(_LONGEST_VARINT):
        byte = _byte(content, place + count)
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80 and (byte or not count):
            return value, place + count + 1
        if byte < 0x80:
            break
    raise ValueError("a number is written in a longer way than is needed")


def _byte(content: bytes, place: int) -> int:
    if place >= len(content):
        raise ValueError("a struct ends early")
    return content[place]


def _value(content: bytes, place: int, kind: int, form: Any) -> tuple[Any, int]:
    if isinstance(form, Mapping) and kind == _STRUCT:
        return read_struct(content, place, form)
    if isinstance(form, list) and kind == _LIST:
        return _list(content, place, form[0])
    if form is None:
        return _plain_value(content, place, kind)
    raise ValueError(_OTHER_KIND)


def _plain_value(content: bytes, place: int, kind: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, place
    if kind == _BYTE:
        return _byte(content, place), place + 1
    if kind in _INTEGERS:
        value, place = read_varint(content, place)
        return (value >> 1) ^ -(value & 1), place
    if kind == _BINARY:
        length, place = read_varint(content, place)
        if length > len(content) - place:
            raise ValueError("a text ends early")
        return content[place : place + length], place + length
    raise ValueError(_OTHER_KIND)


def _list(content: bytes, place: int, form: Any) -> tuple[list[Any], int]:
    head, place = _byte(content, place), place + 1
    size, kind = head >> 4, head & 0xF
    if size == 0xF:
        size, place = read_varint(content, place)
    # No part takes less than a byte.
    if size > len(content) - place:
        raise ValueError("a list ends early")
    found = []
    for _ in range(size):
        part, place = _value(content, place, kind, form)
        found.append(part)
    return found, place
