"""Check every file of a release against the allow-list before it is written.

It covers JSON fields, tensors, columns and metadata.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, BinaryIO

from privgan.errors import InternalError, PrivganError
from privgan.files.fields import (
    MODEL,
    NETWORK_MODEL,
    PARQUET_KEYS,
    PARTS_MODEL,
    SCHEMA,
    TENSORS,
    check_declared,
)
from privgan.files.limits import (
    LARGEST_COUNTS,
    LARGEST_JSON,
    LARGEST_PAGE,
    LARGEST_TABLE,
    LARGEST_TENSOR_HEADER,
    LARGEST_TENSORS,
    LARGEST_YAML,
    LONGEST_RECORD,
    MOST_TENSORS,
)
from privgan.files.safe_open import open_regular
from privgan.files.strict_json import read_json
from privgan.files.yaml_lines import YamlError, read_yaml
from privgan.generator.network_form import NETWORK_FORMAT, PARTS_FORMAT
from privgan.release.marginal_files import check_counts, check_description
from privgan.release.parquet.footer import foreign_form_of, form_of
from privgan.release.report_files import (
    REPORT_JSON,
    check_harmless_html,
    check_plain_markdown,
    check_report_json,
)
from privgan.release.table_files import MARGINAL_COUNTS, MARGINALS, kind_of, part_of
from privgan.table.presenting import unescaped

Content = bytes | Path
_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
_DECLARED = {NETWORK_FORMAT: NETWORK_MODEL, PARTS_FORMAT: PARTS_MODEL}
_FACTS = ("dtype", "shape", "data_offsets")
_LENGTH = 8  # Bytes of the header's length, which is a multiple of the same number.
# The most bytes of each file of a release.
LARGEST: Mapping[str, int] = {
    **LARGEST_JSON,
    "schema.yaml": LARGEST_YAML,
    "model/model.safetensors": LARGEST_TENSORS,
    "synthetic.parquet": LARGEST_TABLE,
    "synthetic.csv": LARGEST_TABLE,
    MARGINAL_COUNTS: LARGEST_COUNTS,
    "report.html": LARGEST_PAGE,
    "report.md": LARGEST_PAGE,
}


@contextmanager
def opened(content: Content) -> Any:
    """A file's content for reading, from memory or from the disk."""
    with io.BytesIO(content) if isinstance(content, bytes) else open_regular(content) as reader:
        yield reader


def check_allowed_contents(files: Mapping[str, Content], *, foreign: bool = False) -> None:
    """Check that files hold only what the allow-list declares.

    Args:
        files: Relative path to content; each path is an allowed one.
        foreign: Whether others may have made them, so that Parquet is read in a process of its own.

    Raises:
        InternalError: naming file and field, never a value.
    """
    listed = _columns(files["schema.yaml"]) if "schema.yaml" in files else None
    for name, content in files.items():
        check = _check_of(name)
        if check is None:
            continue
        try:
            _check_size(name, content)
            columns = None if listed is None else listed.get(part_of(name), ())
            if foreign and check is _check_parquet:
                _check_form(name, foreign_form_of(Path(str(content))), columns)
                continue
            with opened(content) as reader:
                check(name, reader, columns)
        except (InternalError, OSError):
            raise
        except PrivganError as error:
            raise InternalError(f"{name}: is not what its name says: {error}") from error
        except Exception as error:
            raise InternalError(
                f"{name}: is not what its name says ({type(error).__name__})"
            ) from error


def _check_size(name: str, content: Content) -> None:
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if size > largest_of(name):
        raise InternalError(f"{name}: has {size:,} bytes, allowed: at most {largest_of(name):,}")


def largest_of(name: str) -> int:
    """The most bytes of a file of a release."""
    return LARGEST[kind_of(name) or name]


def _columns(schema: Content) -> dict[str, tuple[str, ...]]:
    """The columns of each related table, and by the empty name those of the main one."""
    _check_size("schema.yaml", schema)
    with opened(schema) as reader:
        data = _yaml(reader.read())
    tables = data.get("tables") if isinstance(data, dict) else None
    if not isinstance(tables, list):
        return {"": _names(data)}
    items = [item for item in tables if isinstance(item, dict)]
    return {str(item.get("name")) if "parent" in item else "": _names(item) for item in items}


def _names(item: Any) -> tuple[str, ...]:
    columns = item.get("columns", []) if isinstance(item, dict) else []
    listed = columns if isinstance(columns, list) else []
    return tuple(str(column.get("name")) for column in listed if isinstance(column, dict))


def _yaml(text: bytes | str) -> Any:
    return _parsed(text if isinstance(text, str) else text.decode("utf-8-sig"))


@lru_cache(maxsize=2)
def _parsed(text: str) -> Any:
    """The schema of a text, parsed once; callers must not change it."""
    try:
        found = read_yaml(text)
    except YamlError as error:
        raise InternalError(f"schema.yaml: is not YAML as a schema is written: {error}") from error
    return None if found is None else found.data


def _check_schema(name: str, reader: BinaryIO, _: tuple[str, ...] | None) -> None:
    check_declared(name, _yaml(reader.read()), SCHEMA)


def _check_model(name: str, reader: BinaryIO, _: tuple[str, ...] | None) -> None:
    model = read_json(reader.read(), name)
    form = str(model.get("format")) if isinstance(model, dict) else ""
    check_declared(name, model, _DECLARED.get(form, MODEL))
    check_declared(f"{name}: schema", _yaml(model["schema"]), SCHEMA)


def _check_tensors(name: str, reader: BinaryIO, _: tuple[str, ...] | None) -> None:
    header = safetensors_header(reader)
    unknown = [tensor for tensor in header if not _allowed_tensor(tensor)]
    if unknown:
        raise InternalError(
            f"{name}: holds {len(unknown)} tensors or entries that the allow-list does not name"
        )
    if len(header) > MOST_TENSORS:
        raise InternalError(f"{name}: holds more than {MOST_TENSORS:,} tensors")
    begun, place = reader.tell(), 0
    for first, last in map(_place_of, header.values()):
        if first != place or last < first:
            raise InternalError(f"{name}: holds bytes between its tensors")
        place = last
    if reader.seek(0, io.SEEK_END) != begun + place:
        raise InternalError(f"{name}: holds bytes after its tensors, or lacks some")
    reader.seek(_LENGTH)
    if not _is_plain_header(reader.read(begun - _LENGTH), header):
        raise InternalError(f"{name}: its header is written otherwise than privgan writes it")


def _is_plain_header(content: bytes, header: Mapping[str, Any]) -> bool:
    """Whether a header states each tensor's three facts, without any spare space."""
    written = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    facts = all(tuple(tensor) == _FACTS for tensor in header.values())
    return facts and content == written + b" " * (-len(written) % _LENGTH)


def _place_of(tensor: Mapping[str, Any]) -> tuple[int, int]:
    """A tensor's first and last byte; ValueError where its shape has another length."""
    first, last = tensor["data_offsets"]
    size = _BYTES[tensor["dtype"]]
    for length in tensor["shape"]:
        if type(length) is not int or not 0 <= length <= LARGEST_TENSORS:
            raise ValueError("no shape")
        size = min(size * length, LARGEST_TENSORS + 1)
    if type(first) is not int or type(last) is not int or last - first != size:
        raise ValueError("no place of that shape")
    return first, last


def _allowed_tensor(name: str) -> bool:
    """Whether the allow-list names a tensor; a part's own name may stand before it."""
    return any(
        found == known or (known.endswith(".") and found.startswith(known))
        for known in TENSORS
        for found in (name, name.partition(".")[2])
    )


def safetensors_header(reader: IO[bytes]) -> dict[str, Any]:
    """The header of a safetensors file.

    Names, types and places of its tensors, and its metadata if it has any.
    """
    (length,) = struct.unpack("<Q", reader.read(8))
    if length > LARGEST_TENSOR_HEADER:
        raise ValueError("no safetensors file")
    header = read_json(reader.read(length).rstrip(b" "))
    if not isinstance(header, dict):
        raise ValueError("no safetensors file")
    return header


def _check_parquet(name: str, reader: BinaryIO, columns: tuple[str, ...] | None) -> None:
    with _on_disk(reader) as path:
        _check_form(name, form_of(path), columns)


@contextmanager
def _on_disk(reader: BinaryIO) -> Iterator[Path]:
    """A file with a reader's content."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as copy:
        shutil.copyfileobj(reader, copy)
        copy.flush()
        yield Path(copy.name)


def _check_form(name: str, form: Mapping[str, Any], columns: tuple[str, ...] | None) -> None:
    if form["odd"]:
        raise InternalError(f"{name}: {form['odd']}")
    if set(form["keys"]) - PARQUET_KEYS:
        raise InternalError(f"{name}: holds metadata that the allow-list does not name")
    _check_columns(name, tuple(form["columns"]), columns)


class _Lines:
    """The lines of a text, and the number of characters since the last whole record."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text, self.since = text, 0

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(LONGEST_RECORD + 1):
            self.since += len(line)
            if self.since > LONGEST_RECORD:
                raise ValueError("a line is longer than any record")
            yield line


def _check_csv(name: str, reader: BinaryIO, columns: tuple[str, ...] | None) -> None:
    text = io.TextIOWrapper(reader, encoding="utf-8", newline="")
    lines = _Lines(text)
    rows = csv.reader(lines)
    header = next(rows, [])
    _check_columns(name, tuple(map(unescaped, header)), columns)
    for row in rows:
        lines.since = 0
        if len(row) != len(header) and (row or len(header) > 1):
            told = "a line has another number of cells than there are columns"
            raise InternalError(f"{name}: {told}")
    text.detach()


def _check_columns(name: str, found: tuple[str, ...], columns: tuple[str, ...] | None) -> None:
    if columns is not None and found != columns:
        raise InternalError(f"{name}: its columns are not the schema's")


_Check = Callable[[str, BinaryIO, tuple[str, ...] | None], None]
_CHECKS: Mapping[str, _Check] = {
    "schema.yaml": _check_schema,
    "model/model.json": _check_model,
    "model/model.safetensors": _check_tensors,
    "synthetic.parquet": _check_parquet,
    "synthetic.csv": _check_csv,
    "report.html": lambda name, reader, _: check_harmless_html(name, reader.read()),
    "report.md": lambda name, reader, _: check_plain_markdown(name, reader.read()),
    REPORT_JSON: lambda name, reader, _: check_report_json(name, reader.read()),
    MARGINALS: lambda name, reader, _: check_description(name, reader.read()),
    MARGINAL_COUNTS: lambda name, reader, _: check_counts(name, reader),
}


def _check_of(name: str) -> _Check | None:
    """The check of a file's content; None where any content is allowed."""
    return _CHECKS.get(kind_of(name) or name)
