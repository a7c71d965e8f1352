"""Tell whether a source holds several tables, and list their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from privgan.sources.database_files import duckdb_tables, sqlite_tables
from privgan.sources.files import Form, form_of
from privgan.sources.options import SourceOptions
from privgan.sources.reading import FORMS_OF_URLS
from privgan.sources.related import inside, table_of_path
from privgan.sources.servers import file_of, is_url, server_tables
from privgan.sources.streams import stream_source

_FEWEST = 2


def table_names(spec: Any, options: SourceOptions) -> tuple[str, ...]:
    """Names of a source's tables, where it holds several.

    Args:
        spec: As ``read_source`` takes it, or a mapping of names to tables.
        options: How it is to be read.

    Returns:
        The names in order, each as often as it stands there; empty where the source is one table.
        A folder holds several where its files differ in form or in columns, or where folders are in
        it. A database does with two tables, views aside, where options name none of them.

    Raises:
        TableError: when a file of a folder, or a database, cannot be read.
    """
    if isinstance(spec, Mapping):
        return tuple(spec)
    if not isinstance(spec, str | Path) or _names_one(options):
        return ()
    names = _listed(spec, options)
    return names if len(set(names)) >= _FEWEST else ()


def _names_one(options: SourceOptions) -> bool:
    return any(getattr(options, option) is not None for option in ("table", "query", "sheet"))


def _listed(spec: str | Path, options: SourceOptions) -> tuple[str, ...]:
    if is_url(spec):
        file = file_of(str(spec))
        if file is None:
            return server_tables(str(spec))
        return _of_file(Path(file[1]), FORMS_OF_URLS[file[0]])
    path = Path(spec)
    if path.is_file():
        return _of_file(path, form_of(path))
    return _of_folder(path, options) if path.is_dir() else ()


def _of_file(path: Path, form: Form) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    if form is Form.DUCKDB:
        return duckdb_tables(path)
    return sqlite_tables(path) if form is Form.SQLITE else ()


def _of_folder(folder: Path, options: SourceOptions) -> tuple[str, ...]:
    found = inside(folder)
    if all(path.is_file() for path in found) and not _differ(found, options):
        return ()
    return tuple(table_of_path(path) for path in found)


def _differ(files: Sequence[Path], options: SourceOptions) -> bool:
    """Whether files are no parts of one table, by their forms and the columns of each."""
    if len({form_of(file) for file in files}) > 1:
        return True
    columns = _columns(files, options)
    first = next(columns, frozenset())
    return any(other != first for other in columns)


def _columns(files: Sequence[Path], options: SourceOptions) -> Iterator[frozenset[str]]:
    """Names of each file's columns; of a file without rows none."""
    for file in files:
        piece = next(stream_source(file, options).pieces(), None)
        yield frozenset() if piece is None else frozenset(piece.column_names)
