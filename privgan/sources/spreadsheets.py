"""Read one sheet of an Excel or OpenDocument file as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from privgan.errors import TableError
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.sources.arrow_types import check_names
from privgan.sources.gathering import BATCH, Gatherer, text_of, whole_numbers

SUFFIXES = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}


def read_sheet(path: Path, asked: str | None) -> tuple[pa.Table, str]:
    """Read a sheet; its first row that is not empty holds the names.

    Args:
        path: The file.
        asked: The sheet's name; None where only one sheet holds anything.

    Returns:
        A table [rows, columns], whole numbers as integers, dates and text by their types, empty
        cells null; and the sheet.

    Raises:
        TableError: when the file cannot be read, or the sheet is missing or not told.
    """
    book = _book(path)
    name = _sheet_name(path, book, asked)
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
    place = f"{path}, sheet {shown(name)}"
    if not rows:
        raise TableError(f"{place}: is empty; it needs a header row and rows")
    names, full = _without_empty([text_of(value) or "" for value in rows[0]], rows[1:])
    check_names(place, names)
    _check_single_header(place, names, full)
    table = _gathered(names, full)
    whole = [whole_numbers(column) for column in table.columns]
    return pa.table(dict(zip(names, whole, strict=True))), f"sheet {shown(name)}"


def _without_empty(header: list[str], rows: list[list[Any]]) -> tuple[list[str], list[list[Any]]]:
    """Names and rows without columns and rows that are empty."""
    full = [row for row in rows if _is_filled(row)]
    used = [
        index
        for index, title in enumerate(header)
        if title or _is_filled([row[index] for row in full])
    ]
    return [header[index] for index in used], [[row[index] for index in used] for row in full]


def _is_filled(values: list[Any]) -> bool:
    return any(value != "" for value in values)


def _gathered(names: list[str], rows: list[list[Any]]) -> pa.Table:
    gathered = Gatherer(names)
    for start in range(0, len(rows), BATCH):
        gathered.add([[_cell(value) for value in row] for row in rows[start : start + BATCH]])
    return gathered.table()


def _book(path: Path) -> Any:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise TableError(
            f"{path}: spreadsheets need python-calamine; install privgan[excel], or save it as CSV"
        ) from error
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        told = (
            "is encrypted"
            if "password" in type(error).__name__.lower()
            else f"is no readable spreadsheet ({type(error).__name__})"
        )
        raise TableError(f"{path}: {told}; open it and save it anew, without a password") from error


def _sheet_name(path: Path, book: Any, asked: str | None) -> str:
    names = list(book.sheet_names)
    listed = ", ".join(shown(name) for name in names)
    if asked is not None:
        if asked not in names:
            raise TableError(
                f"{path}: has no sheet {shown(asked)}, but {listed}{did_you_mean(asked, names)}"
            )
        return asked
    filled = [name for name in names if book.get_sheet_by_name(name).height]
    if len(filled) > 1:
        raise TableError(
            f"{path}: has {len(names)} sheets, {listed}; name one with {parameter('sheet')}"
        )
    return (filled or names)[0]


def _check_single_header(place: str, names: list[str], rows: list[list[Any]]) -> None:
    for number, row in enumerate(rows, start=1):
        if len(names) > 1 and row == names:
            raise TableError(
                f"{place}: row {number} below the header repeats it; leave one header row"
            )


def _cell(value: Any) -> Any:
    return None if value == "" else value
