"""No digit of a Parquet file is invisible to a reader of its rows."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa

from privgan.release.parquet.exactness import finer_cells
from privgan.table.schema_file import parse_schema

SCHEMA = parse_schema("""format: privgan.schema/1
dataset: exact
unit: row
columns:
  - {name: seen, kind: datetime, zone: Europe/Berlin, missing: true,
     lower: '2024-01-01', upper: '2025-01-01'}
  - {name: plain, kind: datetime, lower: '2024-01-01', upper: '2025-01-01'}
  - {name: clock, kind: datetime, format: '%H:%M',
     lower: '1900-01-01', upper: '1900-01-01T23:59:59'}
  - {name: long, kind: integer, lower: 0, upper: 9000000000, format: PT}
  - {name: score, kind: float, lower: 0, upper: 9, decimals: 1, missing: true}
""")
DAY = 1_714_521_600  # 2024-05-01 in seconds since 1970.
BERLIN = "Europe/Berlin"


def moments(unit: str, zone: str | None = None, more: int = 0) -> pa.Array:
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    return pa.array([None, DAY * scale + more], pa.int64()).cast(pa.timestamp(unit, zone))


def nan(payload: int) -> pa.Array:
    return pa.array(np.array([0x7FF8 << 48 | payload, 0], np.int64).view(np.float64))


PLAIN = {
    "seen": moments("ms", BERLIN),
    "plain": moments("ms"),
    "clock": pa.array([None, dt.time(9, 30)], pa.time64("us")),
    "long": pa.array([None, 8_000_000_000 * 10**9], pa.duration("ns")),
    "score": pa.array([None, 1.5]),
}
HIDDEN = {
    "thousandths behind a zone": ("seen", moments("ms", BERLIN, 417), "finer"),
    "another zone": ("seen", moments("ms", "Asia/Tokyo"), "another zone than Europe/Berlin"),
    "a zone where there is none": ("plain", moments("ms", "UTC"), "another zone than none"),
    "nanoseconds": ("plain", moments("ns", more=417), "finer"),
    "millionths of a clock": (
        "clock",
        pa.array([None, dt.time(9, 30, 0, 417)], pa.time64("us")),
        "finer",
    ),
    "nanoseconds of a clock": (
        "clock",
        pa.array([None, 417], pa.int64()).cast(pa.time64("ns")),
        "finer",
    ),
    "a clock as text": ("clock", pa.array([None, "09:30:00.000000417"]), "no moment"),
    "a nanosecond of a long duration": (
        "long",
        pa.array([None, 8_000_000_000 * 10**9 + 1], pa.duration("ns")),
        "finer",
    ),
    "bits of a number that is none": ("score", nan(0x41444120), "a number that is none"),
    "the sign of a zero": ("score", pa.array([None, -0.0]), "a zero has a sign"),
}
SEEN = {
    "coarser or finer units": ("plain", moments("ns")),
    "a moment without its zone": ("seen", moments("us")),
    "no value at all": ("clock", pa.array([None, None], pa.string())),
    "seconds as numbers": ("long", pa.array([None, 90])),
}


def told(name: str, values: pa.Array) -> list[tuple[str, str]]:
    return list(finer_cells(pa.RecordBatch.from_pydict(PLAIN | {name: values}), SCHEMA))


def test_what_nobody_sees_is_found() -> None:
    for kind, (name, values, problem) in HIDDEN.items():
        ((column, found),) = told(name, values)
        assert column == name, kind
        assert problem in found, kind


def test_what_is_seen_raises_no_alarm() -> None:
    assert told("plain", PLAIN["plain"]) == []
    for name, values in SEEN.values():
        assert told(name, values) == []
