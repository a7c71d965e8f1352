"""Hold every file of a release against the allow-list before it is written: JSON fields, tensors, columns, metadata."""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import yaml

from privgan.errors import InternalError
from privgan.fields import MODEL, PARQUET_KEYS, SCHEMA, TENSORS, require_declared
from privgan.release.report_files import REPORT_JSON, require_harmless_html, require_plain_markdown, require_report_json
from privgan.table.spreadsheet import unescaped

Content = bytes | Path
_LARGEST_HEADER = 100_000_000


@contextmanager
def opened(content: Content) -> Any:
    """A file's content for reading, whether it lies in memory or on the disk."""
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as reader:
        yield reader


def require_allowed_contents(files: Mapping[str, Content]) -> None:
    """Refuse files that hold anything but what the allow-list declares.

    Args:
        files: Relative path to content; each path is an allowed one.

    Raises:
        InternalError: naming file and field, never a value.
    """
    columns = _columns(files["schema.yaml"]) if "schema.yaml" in files else None
    for name, content in files.items():
        check = _CHECKS.get(name)
        if check is None:
            continue
        try:
            with opened(content) as reader:
                check(name, reader, columns)
        except InternalError:
            raise
        except OSError:
            raise
        except Exception as error:
            raise InternalError(f"{name}: is not what its name says ({type(error).__name__})") from error


def _columns(schema: Content) -> tuple[str, ...]:
    with opened(schema) as reader:
        data = _yaml(reader.read())
    columns = data.get("columns", []) if isinstance(data, dict) else []
    return tuple(str(column.get("name")) for column in columns if isinstance(column, dict))


def _yaml(text: bytes | str) -> Any:
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise InternalError("schema.yaml: is not YAML") from error


def _check_schema(name: str, reader: BinaryIO, _: tuple[str, ...] | None) -> None:
    require_declared(name, _yaml(reader.read()), SCHEMA)


def _check_model(name: str, reader: BinaryIO, _: tuple[str, ...] | None) -> None:
    model = json.loads(reader.read().decode())
    require_declared(name, model, MODEL)
    require_declared(f"{name}: schema", _yaml(model["schema"]), SCHEMA)


def _check_tensors(name: str, reader: BinaryIO, _: tuple[str, ...] | None) -> None:
    header = safetensors_header(reader)
    unknown = [tensor for tensor in header if not _allowed_tensor(tensor)]
    if unknown:
        raise InternalError(f"{name}: holds {len(unknown)} tensors or entries that the allow-list does not name")
    begun, place = reader.tell(), 0
    for first, last in sorted(tensor["data_offsets"] for tensor in header.values()):
        if first != place or last < first:
            raise InternalError(f"{name}: holds bytes between its tensors")
        place = last
    if reader.seek(0, io.SEEK_END) != begun + place:
        raise InternalError(f"{name}: holds bytes after its tensors, or lacks some")


def _allowed_tensor(name: str) -> bool:
    return any(name == known or (known.endswith(".") and name.startswith(known)) for known in TENSORS)


def safetensors_header(reader: IO[bytes]) -> dict[str, Any]:
    """The header of a safetensors file: names, types and places of its tensors, and its metadata if it has any."""
    (length,) = struct.unpack("<Q", reader.read(8))
    if length > _LARGEST_HEADER:
        raise ValueError("no safetensors file")
    header = json.loads(reader.read(length).decode())
    if not isinstance(header, dict):
        raise ValueError("no safetensors file")
    return header


def _check_parquet(name: str, reader: BinaryIO, columns: tuple[str, ...] | None) -> None:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(reader)
    schema = file.schema_arrow
    found = {key.decode("utf-8", "replace") for key in {**(file.metadata.metadata or {}), **(schema.metadata or {})}}
    if found - PARQUET_KEYS or any(field.metadata for field in schema):
        raise InternalError(f"{name}: holds metadata that the allow-list does not name")
    _require_columns(name, tuple(schema.names), columns)


def _check_csv(name: str, reader: BinaryIO, columns: tuple[str, ...] | None) -> None:
    text = io.TextIOWrapper(reader, encoding="utf-8", newline="")
    rows = csv.reader(text)
    header = next(rows, [])
    _require_columns(name, tuple(map(unescaped, header)), columns)
    if any(len(row) != len(header) and (row or len(header) > 1) for row in rows):
        raise InternalError(f"{name}: a line has another number of cells than there are columns")
    text.detach()


def _require_columns(name: str, found: tuple[str, ...], columns: tuple[str, ...] | None) -> None:
    if columns is not None and found != columns:
        raise InternalError(f"{name}: its columns are not the schema's")


_CHECKS: Mapping[str, Callable[[str, BinaryIO, tuple[str, ...] | None], None]] = {
    "schema.yaml": _check_schema,
    "model/model.json": _check_model,
    "model/model.safetensors": _check_tensors,
    "synthetic.parquet": _check_parquet,
    "synthetic.csv": _check_csv,
    "report.html": lambda name, reader, _: require_harmless_html(name, reader.read()),
    "report.md": lambda name, reader, _: require_plain_markdown(name, reader.read()),
    REPORT_JSON: lambda name, reader, _: require_report_json(name, reader.read()),
}
