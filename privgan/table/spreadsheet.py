"""Text that a spreadsheet would run as a formula, escaped in CSV by an apostrophe, and the way back.

A cell that begins with ``=``, ``+``, ``-``, ``@`` (or their full-width twins), also after blanks and invisible signs, is
a formula to a spreadsheet; a tab or a line end at the start may become one. Source: OWASP, "CSV Injection".
Numbers, with a sign of currency or per cent too, and signs alone, stay as they are. The escape is a
bijection on texts: one apostrophe in front of what begins as a formula
after any number of apostrophes. It does not help a program that splits the file at another sign than the comma.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pandas as pd

from privgan.table.columns import Column, Discrete, Numeric, Temporal
from privgan.table.frames import with_columns
from privgan.table.moments import read_moments
from privgan.table.schema import Schema

_INVISIBLE = r"[\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\u3000]"
_FORMULA = re.compile(rf"'*(?:[\t\r\n]|{_INVISIBLE}*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212])")
_CURRENCY = "[$€£¥₹₽₩₺₴₪₫฿]?"
_NUMBER_OR_SIGNS = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]+"
    rf"|[+-]?{_CURRENCY}[0-9](?:[.,'\u00a0\u202f ]?[0-9])*[\u00a0 ]?(?:%|{_CURRENCY})"
)
_MARK = "'"


def escaped(text: str) -> str:
    """A text as a CSV cell that no spreadsheet takes for a formula."""
    return _MARK + text if _FORMULA.match(text) and not _NUMBER_OR_SIGNS.fullmatch(text) else text


def unescaped(cell: str) -> str:
    """The text behind a cell that ``escaped`` wrote: ``unescaped(escaped(text)) == text`` for every text."""
    return cell[1:] if cell.startswith(_MARK) and escaped(cell[1:]) == cell else cell


def escaped_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame [rows, columns] ready for a CSV file: headers and text cells escaped, numbers as they are."""
    changed = {str(name): _mapped(values, escaped) for name, values in frame.items() if _is_text(values)}
    return with_columns(frame, changed).rename(columns=escaped)


def unescaped_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame of text [rows, columns] behind one that privgan wrote as CSV."""
    return frame.apply(lambda values: _mapped(values, unescaped)).rename(columns=unescaped)


def restored(frame: pd.DataFrame, schema: Schema, *, ours: bool = False) -> pd.DataFrame:
    """A table as read, with escapes undone where the schema says so.

    A header becomes the column that the schema names, a cell the category that the schema lists, or the text of the
    column's date format. Each cell's result is a function of the cell and the schema alone.

    Args:
        frame: The table as read [rows, columns].
        schema: The public facts.
        ours: Whether privgan wrote the file. Then a cell that is itself a category, or a moment of the column's format,
            is an escape too where the text behind it is one; any other file is taken at its word.
    """
    names = [str(name) for name in frame.columns]
    own = {escaped(name): name for name in schema.names if escaped(name) != name and (ours or escaped(name) not in schema.names)}
    found = {name: own[name] for name in names if name in own and own[name] not in names}
    if found:
        frame = frame.rename(columns=found)
    changed = {}
    for column in schema.modelled:
        change = _restoration(column, ours=ours)
        if change and list(frame.columns).count(column.name) == 1 and _is_text(frame[column.name]):
            changed[column.name] = change(frame[column.name])
    return with_columns(frame, changed) if changed else frame


def _restoration(column: Column, *, ours: bool) -> Callable[[pd.Series], pd.Series] | None:
    """What undoes the escapes of a column; None where its values need none. Identifiers are never touched."""
    if isinstance(column, Temporal):
        return partial(_moments_restored, column.format, ours=ours) if escaped(column.format) != column.format else None
    if isinstance(column, Numeric) and column.format:
        return lambda values: _mapped(values, unescaped)
    if not isinstance(column, Discrete):
        return None
    cells = {escaped(text): text for text in column.categories if escaped(text) != text}
    if not ours:
        cells = {cell: text for cell, text in cells.items() if cell not in column.categories}
    return (lambda values: _mapped(values, lambda cell: cells.get(cell, cell))) if cells else None


def _moments_restored(pattern: str, values: pd.Series, *, ours: bool) -> pd.Series:
    """Moments as texts; a pattern that begins with an apostrophe looks like an escape, and is none in somebody's own file."""
    undone = _mapped(values, unescaped)
    if ours or undone is values:
        return undone
    return undone.where(read_moments(values.astype("string"), pattern).isna(), values)


def _is_text(values: pd.Series) -> bool:
    known = pd.api.types
    return known.is_object_dtype(values) or known.is_string_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype)


def _mapped(values: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Each distinct text changed once; what is no text, or missing, stays."""
    after = {text: change(text) for text in {value for value in values if isinstance(value, str)}}
    if all(text == new for text, new in after.items()):
        return values
    return values.astype(object).map(lambda value: after[value] if isinstance(value, str) else value)
