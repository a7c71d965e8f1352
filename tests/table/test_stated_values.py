"""What a schema states must be such as its table can hold: told before anything is paid for."""

from __future__ import annotations

import time

import pytest

from privgan.errors import DocumentError
from privgan.files.limits import MOST_COLUMNS
from privgan.table.schema_file import parse_schema

HEAD = (
    "format: privgan.schema/1\ndataset: stated\nunit: row\ncolumns:\n  - {name: g, kind: boolean}\n"
)
YEAR = "lower: '2020-01-01', upper: '2021-01-01'"
DAY = "lower: '1900-01-01', upper: '1900-01-01T23:59:59'"
MISTAKES = {
    f"kind: date, {YEAR}, special_values: ['9999-12-31', '9999-12-31T00:00:00']": (
        "one moment twice"
    ),
    f"kind: date, {YEAR}, special_values: ['9999-12-31T12:00:00']": "as no date has",
    "kind: date, lower: '2020-01-01T12:00:00', upper: '2021-01-01'": (
        "lower 2020-01-01T12:00:00 has a time of day"
    ),
    "kind: datetime, lower: '2020-01-01', upper: '2021-01-01T00:00:00.5'": "whole seconds",
    f"kind: datetime, {YEAR}, special_values: ['2022-01-01T00:00:00.5']": "whole seconds",
    f"kind: date, {YEAR}, format: '%d/%m/%y', special_values: ['9999-12-31']": (
        "is not read again from"
    ),
    f"kind: datetime, {YEAR}, format: '%H:%M'": "another day than 1900-01-01",
    f"kind: datetime, {DAY}, format: '%H:%M', special_values: ['9999-12-31']": (
        "another day than 1900-01-01"
    ),
    "kind: datetime, zone: Europe/Berlin, lower: '2020-01-01', upper: '2024-03-31T02:30:00'": (
        "left out by the clock"
    ),
    "kind: integer, lower: 0, upper: 10000000000, format: '[h]:mm:ss'": "less than 2,562,047 hours",
    "kind: integer, lower: 0, upper: 9, special_values: [-99999999999], format: PT": (
        "less than 2,562,047 hours"
    ),
    "kind: integer, lower: 0, upper: 9000, missing: true, missing_markers: [n/a, '5000']": (
        "'5000' is a value"
    ),
    'kind: integer, lower: 0, upper: 9, missing: true, format: "0 kg", missing_markers: [3 kg]': (
        "'3 kg' is a value"
    ),
    "kind: integer, lower: 0, upper: 9, special_values: [-1], missing: true,"
    " missing_markers: ['-1']": ("'-1' is a value"),
    f"kind: date, {YEAR}, missing: true, missing_markers: ['2020-06-01']": (
        "'2020-06-01' is a value"
    ),
    "kind: text, missing: true, presence: modelled, missing_markers: ['[withheld]']": (
        "is a value that the column may hold"
    ),
    f"kind: integer, lower: 0, upper: 9, missing: true, missing_markers: ['{'x' * 1_001}']": (
        "found 1,001 characters"
    ),
}
SOUND = (
    f"kind: date, {YEAR}, format: '%d/%m/%Y', special_values: ['9999-12-31', '0001-01-01']",
    (
        f"kind: datetime, zone: Europe/Berlin, {YEAR}, special_values: ['9999-12-31',"
        " '2024-10-27T02:30:00']"
    ),
    (
        f"kind: datetime, zone: '+03:00', format: '%Y-%m-%dT%H:%M:%S%z', {YEAR}, special_values:"
        " ['1970-01-01']"
    ),
    f"kind: datetime, {DAY}, format: '%H:%M'",
    "kind: datetime, lower: '2020-01-01', upper: '2020-12-31T23:59:59', format: '%d.%m.%Y %H:%M'",
    "kind: integer, lower: 0, upper: 9, missing: true, missing_markers: ['-1', '10', n/a, '']",
    f"kind: date, {YEAR}, missing: true, missing_markers: ['1900-01-01', never]",
    "kind: identifier, missing: true, presence: modelled, missing_markers: [none]",
)


def test_what_no_table_can_hold_is_told() -> None:
    for facts, problem in MISTAKES.items():
        with pytest.raises(DocumentError, match=problem.replace("[", "\\[")):
            parse_schema(f"{HEAD}  - {{name: x, {facts}}}\n")


def test_what_a_table_can_hold_is_taken() -> None:
    for facts in SOUND:
        parse_schema(f"{HEAD}  - {{name: x, {facts}}}\n")


def test_as_many_zones_as_columns_are_read_in_a_moment() -> None:
    """All zones of a system were listed for each column: 23 s for a schema of 250 KB."""
    lines = (
        f"  - {{name: x{n}, kind: datetime, {YEAR}, zone: Europe/Berlin}}\n"
        for n in range(MOST_COLUMNS - 1)
    )
    begun = time.process_time()
    parse_schema(HEAD + "".join(lines))
    assert time.process_time() - begun < 8
