"""Whether numbers written as runs take exactly their bytes, so that nothing stands behind or within.

Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/ ("RLE/Bit-Packing Hybrid")
"""

from __future__ import annotations

from privgan.release.thrift import read_varint

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
            _require_empty(content[place - width : place], width, values - count)
        elif values > count or (values < _GROUP and values != count):
            raise ValueError("a run has more values than there are, or very few")
        elif int.from_bytes(content[place - length : place], "little") >> width:
            raise ValueError("a run's value has more bits than it may have")
        count -= min(values, count)
    return place


def _require_empty(group: bytes, width: int, beyond: int) -> None:
    """The places of the last group behind the last value hold nothing."""
    if beyond >= _GROUP or (beyond > 0 and int.from_bytes(group, "little") >> (_GROUP - beyond) * width):
        raise ValueError("a run holds bits behind its last value")
