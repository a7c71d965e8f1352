"""Identifiers and PII for synthetic rows: invented from a serial number and public randomness, never copied."""

from __future__ import annotations

import numpy as np
import pandas as pd

from privgan.table.columns import Invented, Kind
from privgan.table.schema import Schema

_GIVEN = (
    "Alex",
    "Bo",
    "Charlie",
    "Dana",
    "Eli",
    "Finn",
    "Gray",
    "Harper",
    "Indigo",
    "Jules",
    "Kai",
    "Lee",
    "Morgan",
    "Noor",
    "Ola",
    "Quinn",
    "Robin",
    "Sam",
    "Toni",
    "Wei",
)
_FAMILY = (
    "Ash",
    "Brook",
    "Cliff",
    "Dale",
    "East",
    "Field",
    "Glen",
    "Hill",
    "Isle",
    "Lake",
    "Marsh",
    "North",
    "Oak",
    "Pine",
    "Reed",
    "Stone",
    "Thorn",
    "Vale",
    "Wood",
    "Yew",
)
WITHHELD = "[withheld]"


def invent(schema: Schema, rows: int, *, first_serial: int, rng: np.random.Generator) -> dict[str, pd.Series]:
    """Invented values [rows] for every invented column of a schema.

    Args:
        schema: The schema.
        rows: Number of rows.
        first_serial: Serial number of the first row; serial numbers never repeat within a table.
        rng: Public randomness.
    """
    serials = np.arange(first_serial, first_serial + rows)
    given, family = rng.choice(_GIVEN, rows), rng.choice(_FAMILY, rows)
    return {
        column.name: pd.Series(_values(column, serials, given, family), dtype=object)
        for column in schema.invented
        if isinstance(column, Invented)
    }


def _values(column: Invented, serials: np.ndarray, given: np.ndarray, family: np.ndarray) -> list[str]:
    if column.kind is Kind.IDENTIFIER:
        return [column.pattern.format(int(serial)) for serial in serials]
    if column.kind is Kind.NAME:
        return [f"{first} {last}" for first, last in zip(given, family, strict=True)]
    if column.kind is Kind.EMAIL:
        return [
            f"{first}.{last}.{serial}@example.com".lower() for first, last, serial in zip(given, family, serials, strict=True)
        ]
    if column.kind is Kind.PHONE:
        return [f"+00 555 {serial:07d}" for serial in serials]
    if column.kind is Kind.ADDRESS:
        return [f"{serial % 997 + 1} {last} Street" for last, serial in zip(family, serials, strict=True)]
    return [WITHHELD] * len(serials)
