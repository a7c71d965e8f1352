"""Present typed rows for files and spreadsheets, and read them back.

A cell that begins with ``=``, ``+``, ``-``, ``@`` (or their full-width twins), also after blanks
and invisible signs, is a formula to a spreadsheet. A tab or a line end at the start may become one
(OWASP, "CSV Injection"). Numbers, with a sign of currency or per cent too, and signs alone, stay as
they are. The escape is a bijection on texts: one apostrophe before a formula, also after other
apostrophes. It does not protect programs that split the file at another sign than the comma.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from privgan.domain.frames import positions_of, with_columns
from privgan.domain.regions import columns_of
from privgan.notation.moments import is_clock, localised, read_moments, tzinfo, write_moments
from privgan.notation.number_format import number_form, write_numbers
from privgan.schema.columns import PRESENCE, Column, Discrete, Kind, Numeric, Temporal
from privgan.schema.schema import Schema

_LARGEST_INTEGER = 2**63
_SECONDS = ("%S", "%-S", "%T", "%X", "%c", "%s", "%r")


def presented(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Typed rows as a typed file holds them.

    Whole-number categories become integers, plain booleans booleans. Moments get their zone, times
    of day have no day, durations are durations. A moment that a constraint names stays without its
    zone: the hour that summer time skips has none, and moving it could break the constraint.
    """
    bound = {name for constraint in schema.constraints for name in columns_of(constraint, schema)}
    shown_frame = frame.copy(deep=False)
    for column in schema.columns:
        if column.name in frame:
            told = (
                replace(column, zone="")
                if isinstance(column, Temporal) and column.name in bound
                else column
            )
            shown_frame[column.name] = _presented(frame[column.name], told)
    return shown_frame


def _presented(values: pd.Series, column: Column) -> pd.Series:
    if isinstance(column, Discrete):
        if _fits_integer(column):
            return _integers(values, column)
        return _booleans(values, column) if _plain_boolean(column) else values
    if isinstance(column, Temporal):
        values = _as_fine_as_told(values, column)
        if is_clock(column.format):
            times = values.astype(object).map(lambda moment: moment.time(), na_action="ignore")
            # As objects again: pandas converts all-missing columns to moments.
            return times.astype(object).where(values.notna(), None)
        return _zoned(values, column.zone) if column.zone and _within_zones(column) else values
    if isinstance(column, Numeric) and is_duration(column):
        return pd.to_timedelta(values.astype(float), unit="s")
    return values


def _as_fine_as_told(moments: pd.Series, column: Temporal) -> pd.Series:
    """Moments to the minute where the format has no seconds, so that text and typed files agree."""
    if column.kind is Kind.DATE or any(sign in column.format for sign in _SECONDS):
        return moments
    whole = moments.dt.floor("min")
    return whole.where(whole >= column.lower, moments)


def is_duration(column: Column) -> bool:
    """Whether a column's numbers are durations in seconds."""
    return (
        isinstance(column, Numeric) and bool(column.format) and number_form(column.format).duration
    )


def _within_zones(column: Temporal) -> bool:
    """Whether all moments of a column have a universal time within the years 1 to 9999.

    9999-12-31 may have none.
    """
    moments = (column.lower, column.upper, *column.special_values)
    return all(dt.MINYEAR < moment.year < dt.MAXYEAR for moment in moments)


def _zoned(moments: pd.Series, zone: str) -> pd.Series:
    """Moments with their zone.

    A moment that the clock skips in spring moves an hour later; a repeated one is the first.
    """
    first = np.ones(len(moments), dtype=bool)
    return moments.dt.tz_localize(tzinfo(zone), ambiguous=first, nonexistent="shift_forward")


def unpresented(values: pd.Series, column: Column) -> pd.Series:
    """Presented values [rows] of a number or moment with the schema's type."""
    if isinstance(column, Temporal):
        if is_clock(column.format) and not pd.api.types.is_datetime64_any_dtype(values):
            texts = values.astype(object).map(str, na_action="ignore")
            return pd.to_datetime("1900-01-01 " + texts.astype("string"), errors="coerce").astype(
                "datetime64[s]"
            )
        return (
            localised(values, column.zone)
            if getattr(values.dtype, "tz", None) is not None
            else values
        )
    if pd.api.types.is_timedelta64_dtype(values) and is_duration(column):
        return values.dt.total_seconds()
    return values


def presence_of(values: pd.Series) -> pd.Series:
    """Whether each row [rows] holds a value, as the texts of ``PRESENCE``."""
    return values.notna().map({False: PRESENCE[0], True: PRESENCE[1]}).astype(object)


def _fits_integer(column: Discrete) -> bool:
    return column.integral and all(
        -_LARGEST_INTEGER <= int(value) < _LARGEST_INTEGER for value in column.categories
    )


def _integers(values: pd.Series, column: Discrete) -> pd.Series:
    """Category texts [rows] as exact integers, also where some are missing."""
    known = np.array([int(category) for category in column.categories], dtype=np.int64)
    codes = positions_of(values, column.categories)
    if not column.missing:
        return pd.Series(known[codes], index=values.index)
    return pd.Series(pd.arrays.IntegerArray(known[codes], codes < 0), index=values.index)


def _booleans(values: pd.Series, column: Discrete) -> pd.Series:
    """Truth values [rows] of the two labels of a plain boolean."""
    codes = positions_of(values, column.categories)
    if not column.missing:
        return pd.Series(codes == 1, index=values.index)
    return pd.Series(pd.arrays.BooleanArray(codes == 1, codes < 0), index=values.index)


def _plain_boolean(column: Discrete) -> bool:
    return column.kind is Kind.BOOLEAN and [label.lower() for label in column.categories] == [
        "false",
        "true",
    ]


def as_written(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Presented rows in the schema's own notation, ready for a text file."""
    written = frame.copy(deep=False)
    for column in schema.columns:
        if column.name in written:
            written[column.name] = _marked(_written(written[column.name], column), column)
    return written


def _written(values: pd.Series, column: Column) -> pd.Series:
    if isinstance(column, Temporal):
        return write_moments(unpresented(values, column), column.format, zone=column.zone)
    if isinstance(column, Numeric) and column.format:
        return write_numbers(unpresented(values, column), column.format)
    return (
        _labels(values, column)
        if isinstance(column, Discrete) and _plain_boolean(column)
        else values
    )


def _marked(values: pd.Series, column: Column) -> pd.Series:
    """Texts [rows] with missing values as the column writes them."""
    if not column.missing_markers:
        return values
    return (
        values.astype(object)
        .map(str, na_action="ignore")
        .where(values.notna(), column.missing_markers[0])
    )


def _labels(values: pd.Series, column: Discrete) -> pd.Series:
    """Labels of a plain boolean for truth values [rows]; None where missing."""
    codes = np.where(
        values.isna(), len(column.categories), values.fillna(False).to_numpy(dtype=bool)
    )
    return pd.Series(np.array([*column.categories, None], dtype=object)[codes], index=values.index)


_INVISIBLE = (
    r"[\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202f"
    r"\u2060-\u206f\ufeff\u3000]"
)
_FORMULA = re.compile(rf"'*(?:[\t\r\n]|{_INVISIBLE}*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212])")
_CURRENCY = "[$€£¥₹₽₩₺₴₪₫฿]?"
_NUMBER_OR_SIGNS = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]+"
    rf"|[+-]?{_CURRENCY}[0-9](?:[.,'\u00a0\u202f ]?[0-9])*[\u00a0 ]?(?:%|{_CURRENCY})"
)
_MARK = "'"


def escaped(text: str) -> str:
    """Escape a text as a CSV cell that no spreadsheet takes for a formula."""
    return _MARK + text if _FORMULA.match(text) and not _NUMBER_OR_SIGNS.fullmatch(text) else text


def unescaped(cell: str) -> str:
    """Text behind a cell that ``escaped`` wrote.

    ``unescaped(escaped(text)) == text`` for every text.
    """
    return cell[1:] if cell.startswith(_MARK) and escaped(cell[1:]) == cell else cell


def escaped_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Frame [rows, columns] for a CSV file: headers and text cells escaped, numbers as they are."""
    changed = {
        str(name): _mapped(values, escaped) for name, values in frame.items() if _is_text(values)
    }
    return with_columns(frame, changed).rename(columns=escaped)


def unescaped_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Frame of text [rows, columns] behind one that privgan wrote as CSV."""
    return frame.apply(lambda values: _mapped(values, unescaped)).rename(columns=unescaped)


def restored(frame: pd.DataFrame, schema: Schema, *, ours: bool = False) -> pd.DataFrame:
    """Undo the escapes of a table as read, where the schema says so.

    A header becomes the column that the schema names, a cell the category that the schema lists, or
    the text of the column's date format. Each result depends on its cell and the schema alone.

    Args:
        frame: The table as read [rows, columns].
        schema: The public facts.
        ours: Whether privgan wrote the file. Then a cell that is itself a category, or a moment of
            the column's format, is an escape too where the text behind it is one; any other file is
            taken at its word.
    """
    found = _escaped_headers(list(map(str, frame.columns)), schema, ours=ours)
    if found:
        frame = frame.rename(columns=found)
    changed = {}
    for column in schema.modelled:
        change = _restoration(column, ours=ours)
        if change and list(frame.columns).count(column.name) == 1 and _is_text(frame[column.name]):
            changed[column.name] = change(frame[column.name])
    return with_columns(frame, changed) if changed else frame


def _escaped_headers(names: Sequence[str], schema: Schema, *, ours: bool) -> dict[str, str]:
    """Escaped headers of a table, with the columns that the schema names."""
    escapes = {escaped(name): name for name in schema.names if escaped(name) != name}
    return {
        cell: name
        for cell, name in escapes.items()
        if cell in names and name not in names and (ours or cell not in schema.names)
    }


def _restoration(column: Column, *, ours: bool) -> Callable[[pd.Series], pd.Series] | None:
    """Function that undoes a column's escapes; None where its values need none.

    Identifiers are never changed.
    """
    if isinstance(column, Temporal) and escaped(column.format) != column.format:
        return partial(_moments_restored, column.format, ours=ours)
    if isinstance(column, Numeric) and column.format:
        return partial(_mapped, change=unescaped)
    cells = _escaped_cells(column, ours=ours) if isinstance(column, Discrete) else {}
    return partial(_mapped, change=lambda cell: cells.get(cell, cell)) if cells else None


def _escaped_cells(column: Discrete, *, ours: bool) -> dict[str, str]:
    """Escaped cells of a column, with the categories behind them."""
    known = frozenset() if ours else frozenset(column.categories)
    return {
        cell: text
        for text in column.categories
        if (cell := escaped(text)) != text and cell not in known
    }


def _moments_restored(pattern: str, values: pd.Series, *, ours: bool) -> pd.Series:
    """Unescape moments as texts.

    A pattern that begins with an apostrophe looks like an escape, and is none in an owner's file.
    """
    undone = _mapped(values, unescaped)
    if ours or undone is values:
        return undone
    return undone.where(read_moments(values.astype("string"), pattern).isna(), values)


def _is_text(values: pd.Series) -> bool:
    known = pd.api.types
    return (
        known.is_object_dtype(values)
        or known.is_string_dtype(values)
        or isinstance(values.dtype, pd.CategoricalDtype)
    )


def _mapped(values: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Apply a function once to each distinct text; other and missing values stay."""
    after = {text: change(text) for text in {value for value in values if isinstance(value, str)}}
    if all(text == new for text, new in after.items()):
        return values
    return values.astype(object).map(
        lambda value: after[value] if isinstance(value, str) else value
    )
