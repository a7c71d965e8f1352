"""Invent identifiers and PII for synthetic rows from serial numbers and public randomness."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from string import Formatter

import numpy as np
import pandas as pd

from privgan.files.limits import WIDEST_NUMBER
from privgan.schema.columns import Invented, Kind
from privgan.schema.schema import Schema

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
# Part of Python's format grammar for whole numbers; the width is checked before use.
_SPEC = re.compile(
    r"(?:(?P<fill>.)?(?P<side>[<>=^]))?[-+ ]?#?0?(?P<width>[0-9]{0,4})[,_]?(?P<base>[bdoxXn]?)",
    re.DOTALL,
)
_DIGITS = {"x": "0123456789abcdef", "X": "0123456789ABCDEF"}


def invent(
    schema: Schema, rows: int, *, first_serial: int, customers: np.ndarray, rng: np.random.Generator
) -> dict[str, pd.Series]:
    """Invented values [rows] for every invented column of a schema.

    Args:
        schema: The schema.
        rows: Number of rows.
        first_serial: Serial number of the first row; serial numbers never repeat within a table.
        customers: Serial number of each row's customer [rows]; it makes the unit column.
        rng: Public randomness.
    """
    serials = np.arange(first_serial, first_serial + rows)
    given, family = rng.choice(_GIVEN, rows), rng.choice(_FAMILY, rows)
    return {
        column.name: pd.Series(
            _values(
                column, customers if column.name == schema.unit.column else serials, given, family
            ),
            dtype=object,
        )
        for column in schema.invented
        if isinstance(column, Invented)
    }


class SerialCustomers:
    """Assign consecutive rows to consecutive customers; rows per customer follow noisy shares.

    Args:
        rows_of_each: Share of the customers with 1, 2, … rows.
        rng: Public randomness.
    """

    def __init__(self, rows_of_each: Sequence[float], rng: np.random.Generator) -> None:
        self._shares = np.asarray(rows_of_each) / np.sum(rows_of_each)
        self._rng = rng
        self._last, self._left = 0, 0

    def take(self, rows: int) -> np.ndarray:
        """Customers of the next rows [rows], from 1; a customer may go on in the next chunk."""
        if len(self._shares) == 1:
            self._last += rows
            return np.arange(self._last - rows, self._last) + 1
        sizes = [self._left]
        while sum(sizes) < rows:
            sizes.extend(
                (self._rng.choice(len(self._shares), size=rows, p=self._shares) + 1).tolist()
            )
        ends = np.cumsum(sizes)
        used = int(np.searchsorted(ends, rows))
        customers = np.repeat(np.arange(self._last, self._last + used + 1), sizes[: used + 1])[
            :rows
        ]
        self._last, self._left = self._last + used, int(ends[used] - rows)
        return customers


def is_pattern(pattern: str) -> bool:
    """Whether a pattern holds one serial number, as a whole number of at most 64 characters.

    It is checked before anything is formatted: a large width would take as many bytes.
    """
    try:
        parts = [part for part in Formatter().parse(pattern) if part[1] is not None]
    except ValueError:
        return False
    return len(parts) == 1 and all(
        name in {"", "0"} and not conversion and _is_spec(spec or "")
        for _, name, spec, conversion in parts
    )


def _is_spec(spec: str) -> bool:
    found = _SPEC.fullmatch(spec)
    if not found or int(found["width"] or 0) > WIDEST_NUMBER:
        return False
    # A digit as fill could make two serial numbers look alike.
    digits, filled = _DIGITS.get(found["base"], "0123456789"), found["fill"] or " "
    if filled in digits and not (filled == "0" and found["side"] in {">", "="}):
        return False
    with suppress(ValueError):  # Such as a comma in a hexadecimal number.
        return format(1, spec) != format(2, spec)
    return False


def could_be_invented(column: Invented, value: str) -> bool:
    """Whether ``invent`` can give a value at all; any other value was copied from somewhere."""
    if column.empty:
        return False
    if column.kind is Kind.IDENTIFIER:
        return _serial_of(column.pattern, value) is not None
    return bool(_FORMS.get(column.kind, _WITHHELD_FORM).fullmatch(value))


def bears_serial(column: Invented, value: str, serial: int) -> bool:
    """Whether an invented value is made from a serial number.

    Names and withheld texts are not.
    """
    if column.kind is Kind.IDENTIFIER:
        return value == column.pattern.format(serial)
    before, after = _SERIALS.get(column.kind, ("", ""))
    return value.startswith(before.format(_house(serial))) and value.endswith(after.format(serial))


def _house(serial: int) -> int:
    return serial % _HOUSES + 1


def could_stand_in(row: int, column: Invented, value: str, *, unit: bool) -> bool:
    """Whether ``invent`` can give a value in one row of a table.

    Serial numbers are those of the rows.

    Args:
        row: The row, from 1.
        column: The column.
        value: The value.
        unit: Whether the column is the unit; a customer's serial number is at most that of its row.
    """
    if unit and column.kind is Kind.IDENTIFIER:
        return 1 <= (_serial_of(column.pattern, value) or 0) <= row
    return could_be_invented(column, value) and bears_serial(column, value, row)


def _serial_of(pattern: str, value: str) -> int | None:
    """Serial number for which the pattern gives a value, in the pattern's base.

    None where there is none.
    """
    parts = list(Formatter().parse(pattern))
    before = parts[0][0]
    after = "".join(literal for literal, *_ in parts[1:])
    digits = value[len(before) : len(value) - len(after)].replace(",", "")
    spec = _SPEC.fullmatch(next(spec or "" for _, name, spec, _ in parts if name is not None))
    if spec and spec["fill"] not in (None, "0"):
        digits = digits.strip(spec["fill"])
    for base in (10, 16, 8, 2):
        with suppress(ValueError):
            serial = int(digits, base)
            if pattern.format(serial) == value:
                return serial
    return None


_HOUSES = 997
_SERIALS = {
    Kind.EMAIL: ("", ".{}@example.com"),
    Kind.PHONE: ("+00 555 ", " {:07d}"),
    Kind.ADDRESS: ("{} ", ""),
}
_NAMES = f"({'|'.join(_GIVEN)}) ({'|'.join(_FAMILY)})"
_WITHHELD_FORM = re.compile(re.escape(WITHHELD))
_FORMS = {
    Kind.NAME: re.compile(_NAMES),
    Kind.EMAIL: re.compile(_NAMES.lower().replace(" ", r"\.") + r"\.[0-9]+@example\.com"),
    Kind.PHONE: re.compile(r"\+00 555 [0-9]{7,}"),
    Kind.ADDRESS: re.compile(rf"[0-9]{{1,3}} ({'|'.join(_FAMILY)}) Street"),
}


def _values(
    column: Invented, serials: np.ndarray, given: np.ndarray, family: np.ndarray
) -> list[str | None]:
    if column.empty:
        return [None] * len(serials)
    if column.kind is Kind.IDENTIFIER:
        return [column.pattern.format(int(serial)) for serial in serials]
    invent_one = _INVENTORS.get(column.kind)
    if invent_one is None:
        return [WITHHELD] * len(serials)
    return list(map(invent_one, serials, given, family))


def _full_name(serial: int, given: str, family: str) -> str:
    return f"{given} {family}"


def _email(serial: int, given: str, family: str) -> str:
    return f"{given}.{family}.{serial}@example.com".lower()


def _phone(serial: int, given: str, family: str) -> str:
    return f"+00 555 {serial:07d}"


def _address(serial: int, given: str, family: str) -> str:
    return f"{_house(serial)} {family} Street"


_INVENTORS: Mapping[Kind, Callable[[int, str, str], str]] = {
    Kind.NAME: _full_name,
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    Kind.ADDRESS: _address,
}
