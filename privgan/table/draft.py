"""Draft a schema from a table: one of the three unpaid looks. What it finds is INTERNAL until a person confirms it."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from privgan.errors import TableError
from privgan.privacy.unit import PrivacyUnit
from privgan.table.columns import Column, Discrete, Invented, Kind, Numeric, Role, Source, Temporal
from privgan.table.conform import canonical_text
from privgan.table.moments import read_moments
from privgan.table.notation import NUMBER, missing_markers, moment_format
from privgan.table.schema import Schema

_MOST_CATEGORIES = 1_000
_FEW_VALUES = 12
_UNIQUE_SHARE = 0.9
_SPECIAL_SHARE = 0.1
_SAMPLE_OF_TEXT = 200
_MOST_DECIMALS = 6
_BOOLEANS = frozenset({"true", "false"})
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]+\Z")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/-]{6,}\Z")
_NAMED = {
    Kind.NAME: re.compile(r"(^|_)(first|last|full|sur)?_?name$", re.I),
    Kind.ADDRESS: re.compile(r"address|street", re.I),
}
_IDENTIFIER = re.compile(r"(^|[_ ])(id|uuid|guid|key|number|no)$", re.I)
_TYPED_MOMENTS = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}


def draft_schema(frame: pd.DataFrame, dataset: str, *, assume_public: bool = False) -> Schema:
    """Draft a schema.

    Args:
        frame: The table as read.
        dataset: The data set's name.
        assume_public: Take all drafted facts as they are, marked ``assumed_public``; else each is marked ``confirm``.

    Returns:
        A schema with bounds rounded outwards; its unit is one row, which a person must check.
    """
    source = Source.ASSUMED_PUBLIC if assume_public else Source.CONFIRM
    markers = missing_markers(frame)
    columns = tuple(_column(frame[name], str(name), source, markers) for name in frame.columns)
    if all(column.invented for column in columns):
        raise TableError("no column of the table can be modelled: each looks like an identifier or free text; is --sep right?")
    return Schema(
        dataset=dataset,
        unit=PrivacyUnit(),
        columns=columns,
        missing_markers=markers,
        unit_source=source,
        missing_markers_source=source if markers != ("",) else Source.DECLARED,
    )


def _column(values: pd.Series, name: str, source: Source, markers: tuple[str, ...]) -> Column:
    present = values[~(values.isna() | values.map(lambda value: isinstance(value, str) and value in markers))]
    common: dict[str, Any] = {"name": name, "missing": len(present) < len(values)}
    if present.empty:
        return _with_sources(Invented(kind=Kind.TEXT, **common), source)
    return _with_sources(_drafted(present, common), source)


def _with_sources(column: Column, source: Source) -> Column:
    facts = ["kind", "missing", "role"]
    if isinstance(column, Discrete):
        facts.append("labels" if column.kind is Kind.BOOLEAN else "categories")
    elif isinstance(column, Numeric):
        facts += [
            "lower",
            "upper",
            *(["decimals"] if column.kind is Kind.FLOAT else []),
            *(["special_values"] if column.special_values else []),
        ]
    elif isinstance(column, Temporal):
        facts += ["lower", "upper", "format"]
    elif column.kind is Kind.IDENTIFIER:
        facts.append("pattern")
    return replace(column, sources=dict.fromkeys(facts, source))


def _drafted(present: pd.Series, common: dict[str, Any]) -> Column:
    texts = present.astype(object).map(canonical_text)
    distinct = texts.nunique()
    if set(texts.str.lower().unique()) <= _BOOLEANS and distinct <= 2:
        return Discrete(kind=Kind.BOOLEAN, categories=_boolean_labels(texts), **common)
    if pd.api.types.is_datetime64_any_dtype(present):
        kind = Kind.DATE if bool((present == present.dt.normalize()).all()) else Kind.DATETIME
        return _temporal(present, common, kind, _TYPED_MOMENTS[kind])
    if texts.map(lambda text: bool(NUMBER.match(text))).all():
        return _number(present, texts, distinct, common)
    written = moment_format(texts.unique())
    if written is not None:
        return _temporal(read_moments(texts, written[1]), common, *written)
    return _text(texts, distinct, common)


def _boolean_labels(texts: pd.Series) -> tuple[str, str]:
    written = {text.lower(): text for text in texts.unique()}
    style = (
        str.upper
        if any(text.isupper() for text in written.values())
        else (str.title if any(text.istitle() for text in written.values()) else str.lower)
    )
    return style("false"), style("true")


def _number(present: pd.Series, texts: pd.Series, distinct: int, common: dict[str, Any]) -> Column:
    numbers = pd.to_numeric(present).astype(float)
    whole = bool((numbers == numbers.round()).all())
    if whole and distinct > _UNIQUE_SHARE * len(texts) and _IDENTIFIER.search(common["name"]):
        return Invented(kind=Kind.IDENTIFIER, role=Role.IDENTIFIER, pattern="{}", **common)
    if distinct <= _FEW_VALUES:
        ordered = sorted(texts.unique(), key=float)
        return Discrete(kind=Kind.ORDINAL, categories=tuple(ordered), **common)
    decimals = 0 if whole else int(texts.map(_decimals).max())
    lower, upper = outward(float(numbers.min()), float(numbers.max()), decimals)
    special = tuple(value for value in (-1.0, 0.0) if lower <= value <= upper and (numbers == value).mean() >= _SPECIAL_SHARE)
    kind = Kind.INTEGER if whole else Kind.FLOAT
    return Numeric(kind=kind, lower=lower, upper=upper, decimals=decimals, special_values=special, **common)


def _decimals(text: str) -> int:
    exponent = Decimal(text.strip()).as_tuple().exponent
    return min(_MOST_DECIMALS, max(0, -int(exponent)))


def outward(lower: float, upper: float, decimals: int) -> tuple[float, float]:
    """Bounds rounded outwards to half of the range's power of ten, so that they are rarely anybody's exact value."""
    width = max(upper - lower, 10.0**-decimals)
    step = max(10.0 ** math.floor(math.log10(width)) / 2, 10.0**-decimals)
    low, high = math.floor(lower / step) * step, math.ceil(upper / step) * step
    if lower >= 0 > low:
        low = 0.0
    return round(low, decimals), round(high if high > low else low + step, decimals)


def _temporal(moments: pd.Series, common: dict[str, Any], kind: Kind, pattern: str) -> Temporal:
    first, last = moments.min(), moments.max()
    lower, upper = dt.datetime(first.year, 1, 1), dt.datetime(last.year, 12, 31, 23, 59, 59)
    if kind is Kind.DATE:
        upper = dt.datetime(last.year, 12, 31)
    return Temporal(kind=kind, lower=lower, upper=upper, format=pattern, **common)


def _text(texts: pd.Series, distinct: int, common: dict[str, Any]) -> Column:
    sample = texts.iloc[:: max(1, len(texts) // _SAMPLE_OF_TEXT)]
    name = common["name"]
    for kind, looks in ((Kind.EMAIL, _EMAIL), (Kind.PHONE, _PHONE)):
        if np.mean([bool(looks.match(text)) for text in sample]) > _UNIQUE_SHARE:
            return Invented(kind=kind, role=Role.IDENTIFIER, **common)
    many = distinct > max(_FEW_VALUES, len(texts) / 3) or distinct > _MOST_CATEGORIES
    for kind, looks in _NAMED.items():
        if looks.search(name) and many:
            return Invented(kind=kind, role=Role.IDENTIFIER, **common)
    if distinct > _UNIQUE_SHARE * len(texts) and distinct > _FEW_VALUES:
        coded = distinct == len(texts) and not sample.str.contains(" ").any()
        kind = Kind.IDENTIFIER if _IDENTIFIER.search(name) or coded else Kind.TEXT
        return Invented(kind=kind, role=Role.IDENTIFIER, **common)
    if distinct > _MOST_CATEGORIES:
        return Invented(kind=Kind.TEXT, role=Role.IDENTIFIER, **common)
    return Discrete(kind=Kind.CATEGORICAL, categories=tuple(sorted(texts.unique())), **common)


def dataset_name(path: Path) -> str:
    """A data set's name made from a file's name."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")
    return name[:64] or "table"
