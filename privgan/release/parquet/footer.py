"""Check a Parquet footer: names, metadata and rows, and no unread field.

Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from privgan.files.json_types import JsonDict
from privgan.files.limits import LARGEST_FOOTER, LARGEST_TABLE, MOST_COLUMNS, MOST_ROW_GROUPS
from privgan.files.safe_open import ChangedError, identity_of, open_regular
from privgan.release.parquet.pages import STATISTICS_FORM
from privgan.release.parquet.thrift import Form, read_struct
from privgan.release.verification.sandbox import run_guarded

_EMPTY: Form = {}
_UNITS: Form = {1: _EMPTY, 2: _EMPTY, 3: _EMPTY}
_LOGICAL: Form = {
    1: _EMPTY,
    6: _EMPTY,
    7: {1: None, 2: _UNITS},
    8: {1: None, 2: _UNITS},
    10: {1: None, 2: None},
    11: _EMPTY,
}
_ELEMENT: Form = {1: None, 3: None, 4: None, 5: None, 6: None, 10: _LOGICAL}
_SIZES: Form = {1: None, 2: [None], 3: [None]}
_COLUMN: Form = {
    **dict.fromkeys((1, 4, 5, 6, 7, 9, 11)),
    2: [None],
    3: [None],
    12: STATISTICS_FORM,
    13: [dict.fromkeys((1, 2, 3))],
    16: _SIZES,
}
_CHUNK: Form = {2: None, 3: _COLUMN}
_GROUP: Form = {1: [_CHUNK], 2: None, 3: None, 5: None, 6: None, 7: None}
_FOOTER: Form = {
    1: None,
    2: [_ELEMENT],
    3: None,
    4: [_GROUP],
    5: [{1: None, 2: None}],
    6: None,
    7: [{1: _EMPTY}],
}
_ROOT = b"schema"
_MOST_KIND = 16  # Types, encodings and codecs have smaller numbers.


def read_footer(content: bytes) -> Mapping[int, Any]:
    """Parse a footer's fields by their numbers.

    Raises:
        ValueError: It has a field that the library does not write, or bytes behind its last one.
    """
    found, end = read_struct(content, 0, _FOOTER)
    if end != len(content):
        raise ValueError("a footer holds bytes behind its fields")
    return found


def says_again(content: bytes, chunk: Mapping[int, Any]) -> bool:
    """Whether bytes repeat a chunk's footer entry; earlier versions wrote it twice.

    Args:
        content: The bytes behind the chunk.
        chunk: What the footer says, by its fields' numbers.
    """
    try:
        return read_struct(content, 0, _CHUNK) == (chunk, len(content))
    except ValueError:
        return False


def check_footer(footer: Mapping[int, Any], schema: Any) -> None:
    """Check that a footer names and describes a schema's columns only.

    Args:
        footer: What read_footer gave.
        schema: The schema as pyarrow reads it from the file.

    Raises:
        ValueError: saying what it holds.
    """
    names = [name.encode() for name in schema.names]
    _check_columns(footer, names)
    for pair in footer.get(5, []):
        if pair[1] != b"ARROW:schema" or not _is_schema(pair[2], schema.names):
            raise ValueError("its metadata is more than a schema of its columns")
    _check_kinds([footer[1], *({**element, 4: 0} for element in footer[2][1:])])
    for number, group in enumerate(footer[4]):
        _check_group(group, number, names)


def _check_columns(footer: Mapping[int, Any], names: list[bytes]) -> None:
    """Check that the schema holds these columns only, and each list one entry a column."""
    root, *elements = footer[2]
    if {3: 0, **root} != {3: 0, 4: _ROOT, 5: len(names)}:
        raise ValueError("its schema has another name")
    if len(footer.get(5, [])) > 1:
        raise ValueError("its metadata stand twice")
    if [element[4] for element in elements] != names or any(5 in element for element in elements):
        raise ValueError("its schema has other columns")
    if len(footer.get(7, names)) != len(names):
        raise ValueError("it orders more columns than it has")


def _is_schema(content: bytes, names: list[str]) -> bool:
    """Whether metadata are the columns' schema as the library writes it, and nothing else."""
    import pyarrow as pa

    read = base64.b64decode(content)
    found = pa.ipc.read_schema(pa.py_buffer(read))
    same = base64.b64encode(found.serialize().to_pybytes()) == content
    plain = not any((found.metadata, *(field.metadata for field in found)))
    return bool(same and plain and found.names == names)


def _check_group(group: Mapping[int, Any], number: int, names: list[bytes]) -> None:
    columns = [chunk[3] for chunk in group[1]]
    if [column[3] for column in columns] != [[name] for name in names]:
        raise ValueError("a group of rows has other columns")
    sums = _sizes(columns)
    said = group[2], group.get(6, sums[1])
    if said != sums or group.get(5, first_byte(columns[0])) != first_byte(columns[0]):
        raise ValueError("a group of rows has another size")
    if group.get(7, number) != number:
        raise ValueError("a group of rows has another number")
    for chunk in group[1]:
        _check_chunk(chunk)


def _sizes(columns: list[Mapping[int, Any]]) -> tuple[int, ...]:
    """The unpacked and the stored size of all columns together."""
    return tuple(sum(column[field] for column in columns) for field in (6, 7))


def _check_chunk(chunk: Mapping[int, Any]) -> None:
    column = chunk[3]
    end = first_byte(column) + column[7]
    if chunk.get(2, 0) not in (0, end):
        raise ValueError("a chunk lies elsewhere")
    if len(set(column[2])) != len(column[2]):
        raise ValueError("a chunk names an encoding twice")
    _check_kinds([column[1], column[2], column[4]])


def _check_kinds(value: Any) -> None:
    """Check that numbers for kinds are small, so that they cannot hold text."""
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            _check_kinds(part)
    elif not isinstance(value, int) or not 0 <= value <= _MOST_KIND:
        raise ValueError("it names a kind that there is not")


def first_byte(column: Mapping[int, Any]) -> int:
    """The first byte of a chunk."""
    return min(place for place in (column.get(11), column[9]) if place)


_MAGIC, _END = b"PAR1", 8
# Parsed footers, by their bytes.
_KNOWN: dict[tuple[int, str], JsonDict] = {}
_MOST_KNOWN = 64


def form_of(path: Path | str) -> JsonDict:
    """Describe our own file's footer, read in this process.

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
    if not _is_flat(meta, schema):
        return "has columns inside columns"
    groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
    if meta.num_rows < 0 or sum(group.num_rows for group in groups) != meta.num_rows:
        return "says two numbers of rows"
    return ""


def _is_flat(meta: Any, schema: Any) -> bool:
    leaves = [meta.schema.column(index) for index in range(meta.num_columns)]
    flat = [leaf.path for leaf in leaves if leaf.max_definition_level < 2]
    return flat == list(schema.names) and not any(leaf.max_repetition_level for leaf in leaves)


def foreign_form_of(path: Path) -> JsonDict:
    """Describe an untrusted file's footer, read in a separate process.

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
