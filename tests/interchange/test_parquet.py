"""A Parquet file's own schema.

Its types and descriptions, and never its rows or their statistics.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privgan.interchange.importing import import_schema, kind_of
from tests.interchange.test_reading import items

FIELDS = [
    (
        "plain ints",
        pa.field("n", pa.int64()),
        {"kind": "integer", "lower": None, "missing": True, "source:missing": "confirm"},
    ),
    (
        "never null",
        pa.field("n", pa.uint8(), nullable=False),
        {"kind": "integer", "missing": False, "source:missing": "declared"},
    ),
    ("floats", pa.field("x", pa.float32()), {"kind": "float", "source:decimals": "confirm"}),
    (
        "decimals",
        pa.field("x", pa.decimal128(10, 3)),
        {"kind": "float", "decimals": 3, "source:decimals": "declared"},
    ),
    ("whole decimals", pa.field("x", pa.decimal128(10, 0)), {"kind": "integer"}),
    ("truth", pa.field("b", pa.bool_()), {"kind": "boolean", "labels": ["False", "True"]}),
    (
        "texts",
        pa.field("city", pa.large_string()),
        {"kind": "categorical", "categories": None, "role": "quasi-identifier"},
    ),
    ("an id", pa.field("customerId", pa.int64()), {"kind": "identifier", "source:kind": "confirm"}),
    (
        "dictionary",
        pa.field("t", pa.dictionary(pa.int8(), pa.string())),
        {"kind": "categorical", "source:kind": "declared"},
    ),
    ("dates", pa.field("d", pa.date32()), {"kind": "date"}),
    ("moments", pa.field("d", pa.timestamp("us")), {"kind": "datetime", "zone": None}),
    (
        "zoned",
        pa.field("d", pa.timestamp("ms", tz="Europe/Berlin")),
        {"kind": "datetime", "zone": "Europe/Berlin"},
    ),
    ("clock", pa.field("d", pa.time64("us")), {"kind": "datetime", "format": "%H:%M:%S"}),
    ("durations", pa.field("d", pa.duration("s")), {"kind": "integer", "format": "[h]:mm:ss"}),
    ("lists", pa.field("l", pa.list_(pa.int64())), {"kind": "text"}),
    ("bytes", pa.field("l", pa.binary()), {"kind": "text"}),
    ("nothing", pa.field("l", pa.null()), {"kind": "text"}),
    (
        "described",
        pa.field("n", pa.int64(), metadata={"comment": "how many"}),
        {"description": "how many"},
    ),
]


@pytest.mark.parametrize(("name", "field", "facts"), FIELDS, ids=[name for name, *_ in FIELDS])
def test_a_field_is_a_column(name: str, field: pa.Field, facts: dict, tmp_path: Path) -> None:
    schema = pa.schema([field, pa.field("other_column", pa.bool_())])
    path = tmp_path / "t.dat"
    pq.write_table(schema.empty_table(), path)
    assert kind_of(str(path)) == "parquet"
    found = items(import_schema(str(path)).schema)[field.name]
    for fact, value in facts.items():
        assert found.get(fact) == value, fact


def test_no_value_of_a_row_comes_into_the_schema(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "age": [918273, 918274],
            "name": ["Zephyrine", "Zelda"],
            "spend": [Decimal("91827.36"), Decimal("1.00")],
            "since": [dt.date(1918, 2, 7), dt.date(1918, 2, 8)],
            "tier": pd.Categorical(["gold-zeta", "gold-zeta"]),
        },
        index=pd.Index([5, 9]),
    )
    path = tmp_path / "customers.parquet"
    frame.to_parquet(path)
    found = import_schema(str(path))
    told = repr(found)
    assert not any(
        value in told for value in ("918273", "Zephyrine", "91827.36", "1918", "gold-zeta")
    )
    assert found.schema.names == ("age", "name", "spend", "since", "tier")
    assert any("row number of pandas" in note for note in found.notes)
