"""Read any source piece by piece, so that a table may be larger than the memory.

Text, Parquet and databases are read as they come. Spreadsheets, JSON, Feather and frames, which
are in memory anyway, are read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.sources.arrow_types import with_plain_types
from privgan.sources.columnar import parquet_batches, read_arrow, read_frame
from privgan.sources.database_files import duckdb_batches, sqlite_batches
from privgan.sources.delimited import text_batches
from privgan.sources.files import Form, check_unchanged, form_of
from privgan.sources.gathering import BATCH
from privgan.sources.json_rows import read_json
from privgan.sources.options import DATABASE, SourceOptions
from privgan.sources.parts import parts_of
from privgan.sources.reading import FORMS_OF_URLS
from privgan.sources.servers import file_of, is_url, public_url, server_batches
from privgan.sources.spreadsheets import read_sheet

_PLAIN = SourceOptions()
_MOST_TOLD = 8
Pieces = Iterator[tuple[pa.Table, str]]


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceStream:
    """A table that is read piece by piece, once.

    Attributes:
        name: The file, folder or database, without secrets.
        text: Whether it is a text file, in which a spreadsheet's escapes may stand.
        ways: What was recognised so far; whole when all pieces were read.
    """

    name: str
    text: bool
    _pieces: Pieces = field(repr=False)
    ways: dict[str, None] = field(default_factory=dict)

    def pieces(self) -> Iterator[pa.Table]:
        """Its pieces [rows, columns] with plain types.

        Raises:
            TableError: when it cannot be read to its end, as ``read_source`` does; nothing of it
                may be used then.
        """
        for table, way in self._pieces:
            self.ways[way] = None
            yield with_plain_types(table)


def stream_source(spec: Any, options: SourceOptions = _PLAIN) -> SourceStream:
    """Open a table to be read piece by piece.

    Args:
        spec: As for ``read_source``: a path, a folder or pattern of files, the URL of a database,
            an Arrow table, or a frame.
        options: What is not to be recognised.

    Raises:
        TableError: when it is not there.
    """
    if not isinstance(spec, str | Path):
        table, kind = read_frame(spec)
        return SourceStream(name=kind, text=False, _pieces=_cut(table, ""))
    if not is_url(spec):
        return _of_path(Path(spec), options)
    url, file = str(spec), file_of(str(spec))
    if file is not None:
        return _of_path(Path(file[1]), options, FORMS_OF_URLS[file[0]])
    fitting = options.fitting(public_url(url), DATABASE)
    return SourceStream(name=public_url(url), text=False, _pieces=server_batches(url, fitting))


def _of_path(path: Path, options: SourceOptions, form: Form | None = None) -> SourceStream:
    files = parts_of(path)
    form = form or form_of(files[0])
    fitting = options.fitting(str(path), form.nature)
    return SourceStream(
        name=str(path), text=form is Form.TEXT, _pieces=_of_files(files, form, fitting)
    )


def _of_files(files: Sequence[Path], form: Form, options: SourceOptions) -> Pieces:
    """Pieces of all parts, which have the same columns."""
    known: list[str] | None = None
    for file in files:
        with check_unchanged(file):
            for table, way in _of_file(file, form, options):
                known = known or table.schema.names
                _check_alike(files[0], file, known, table.schema.names)
                yield table, way


def _of_file(path: Path, form: Form, options: SourceOptions) -> Pieces:
    if form is Form.TEXT:
        return text_batches(path, options)
    if form is Form.PARQUET:
        return ((table, form.value) for table in parquet_batches(path))
    if form is Form.DUCKDB:
        return duckdb_batches(path, options)
    if form is Form.SQLITE:
        return sqlite_batches(path, options)
    return _cut(*_WHOLE[form](path, options))


_WHOLE: dict[Form, Callable[[Path, SourceOptions], tuple[pa.Table, str]]] = {
    Form.SHEET: lambda path, options: read_sheet(path, options.sheet),
    Form.JSON: lambda path, options: read_json(path, options.encoding),
    Form.ARROW: lambda path, _options: (read_arrow(path), Form.ARROW.value),
}


def _cut(table: pa.Table, way: str) -> Pieces:
    """A table in memory, piece by piece."""
    for start in range(0, table.num_rows, BATCH):
        yield table.slice(start, BATCH), way


def _check_alike(first: Path, file: Path, known: Sequence[str], names: Sequence[str]) -> None:
    apart = sorted(set(known) ^ set(names))
    if apart:
        told = ", ".join(shown(name) for name in apart[:_MOST_TOLD])
        raise TableError(
            f"{first} and {file}: have different columns ({told} in one alone); the parts of one"
            " table have the same"
        )
