"""Read a folder or a pattern of files as the parts of one table."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.secrets import NO_URL, may_hold_a_password
from privgan.naming import parameter
from privgan.sources.files import Form, form_of
from privgan.sources.gathering import united

_SIGNS = frozenset("*?[")
_INFERRED = {Form.SHEET, Form.JSON, Form.SQLITE}
_MOST_TOLD = 8


def parts_of(path: Path) -> list[Path]:
    """Files of a path: the file itself, a folder's, or a pattern's such as ``2024-*.csv``, by name.

    Names that begin with a dot, an underscore or ``~$`` are skipped.

    Raises:
        TableError: when there is no file, or the folder holds folders or files of different forms.
    """
    if path.is_dir():
        return _of_one_form(path, _in_folder(path))
    if not path.exists() and may_hold_a_password(str(path)):
        raise TableError(f"the table's place is no file, {NO_URL}")
    if path.exists() or not _SIGNS & set(str(path)):
        return [_regular(path)]
    found = sorted(
        Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file()
    )
    if not found:
        raise TableError(f"{path}: no such file, and no file of this pattern; check the path")
    return _of_one_form(path, found)


def _regular(path: Path) -> Path:
    if not path.exists():
        raise TableError(
            f"{path}: no such file; give a file, a folder or pattern of files, or the URL of a"
            " database"
        )
    if not path.is_file():
        raise TableError(f"{path}: is no regular file; save the table as one first")
    return path


def _in_folder(folder: Path) -> list[Path]:
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_", "~$")))
    folders = [path.name for path in inside if path.is_dir()]
    if folders:
        told = "is a folder with folders in it, whose names may hold values; give a pattern such as"
        raise TableError(
            f"{folder}: {told} '{folder}/*/*.parquet', or read it through DuckDB with"
            f" {parameter('query')}"
        )
    if not inside:
        raise TableError(
            f"{folder}: is a folder without files; give a folder with the parts of one table"
        )
    return inside


def _of_one_form(path: Path, files: Sequence[Path]) -> list[Path]:
    forms = {file: form_of(file) for file in files}
    first = files[0]
    other = next((file for file in files if forms[file] is not forms[first]), None)
    if other is not None:
        told = f"{first.name} is {forms[first].value}, {other.name} is {forms[other].value}"
        raise TableError(
            f"{path}: is a folder or pattern of different files: {told}; keep the parts of one"
            " table alone"
        )
    return list(files)


def joined(form: Form, files: Sequence[Path], tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate the parts of a table; columns are in the first part's order.

    Raises:
        TableError: naming two files, and the columns that differ between them.
    """
    first = tables[0].schema
    for file, table in zip(files[1:], tables[1:], strict=True):
        apart = _apart(first, table.schema, typed=form not in _INFERRED)
        if apart:
            told = ", ".join(apart[:_MOST_TOLD]) + (", …" if len(apart) > _MOST_TOLD else "")
            raise TableError(
                f"{files[0]} and {file}: have different columns ({told}); the parts of one table"
                " have the same"
            )
    chunks = {
        name: [chunk for table in tables for chunk in table.column(name).chunks]
        for name in first.names
    }
    return pa.table({name: united(parts) for name, parts in chunks.items()})


def _apart(first: pa.Schema, other: pa.Schema, *, typed: bool) -> list[str]:
    names = sorted(set(first.names) ^ set(other.names))
    apart = [f"{name!r} in one alone" for name in names]
    if typed:
        both = [name for name in first.names if name in set(other.names)]
        kinds = ((name, first.field(name).type, other.field(name).type) for name in both)
        apart += [
            f"{name!r} {one} and {two}"
            for name, one, two in kinds
            if one != two and not _null(one, two)
        ]
    return apart


def _null(*types: pa.DataType) -> bool:
    return any(map(pa.types.is_null, types))
