"""One small table, written in every kind that a source may be."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import xlsxwriter

from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Discrete, Invented, Kind, Numeric, Role, Temporal
from privgan.schema.schema import Schema

ROWS = 60
DAY, MOMENT = dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 8, 30)
TIERS = ("basic", "gold, or so", "Grün 黄金")

SCHEMA = Schema(
    dataset="small",
    unit=PrivacyUnit(),
    columns=(
        Invented(name="customer_id", kind=Kind.IDENTIFIER, role=Role.IDENTIFIER, pattern="{}"),
        Discrete(
            name="zip",
            kind=Kind.CATEGORICAL,
            categories=tuple(f"{place:05d}" for place in range(501, 506)),
        ),
        Discrete(name="children", kind=Kind.ORDINAL, categories=("0", "1", "2"), missing=True),
        Numeric(name="age", kind=Kind.INTEGER, lower=0, upper=120, missing=True),
        Numeric(name="spend", kind=Kind.FLOAT, lower=0, upper=1000, decimals=2, missing=True),
        Discrete(name="tier", kind=Kind.CATEGORICAL, categories=TIERS, missing=True),
        Discrete(name="active", kind=Kind.BOOLEAN, categories=("False", "True")),
        Temporal(
            name="joined",
            kind=Kind.DATE,
            lower=dt.datetime(2020, 1, 1),
            upper=dt.datetime(2020, 12, 31),
            format="%Y-%m-%d",
            missing=True,
        ),
        Temporal(
            name="seen",
            kind=Kind.DATETIME,
            lower=dt.datetime(2020, 1, 1),
            upper=dt.datetime(2020, 12, 31),
            format="%Y-%m-%d %H:%M:%S",
        ),
    ),
)


def _row(number: int) -> dict[str, Any]:
    return {
        "customer_id": f"C{number:06d}",
        "zip": f"{501 + number % 5:05d}",
        "children": None if number % 11 == 5 else number % 3,
        "age": None if number % 7 == 3 else 18 + number,
        "spend": None if number % 5 == 2 else number * 3.25,
        "tier": None if number % 13 == 1 else TIERS[number % 3],
        "active": number % 2 == 0,
        "joined": None if number % 9 == 4 else DAY + dt.timedelta(days=number),
        "seen": MOMENT + dt.timedelta(hours=number),
    }


RECORDS = [_row(number) for number in range(ROWS)]
NAMES = list(RECORDS[0])


def arrow() -> pa.Table:
    """With Arrow's types."""
    return pa.Table.from_pylist(RECORDS)


def pandas() -> pd.DataFrame:
    """With pandas' types."""
    return arrow().to_pandas(integer_object_nulls=True)


def texts() -> list[list[str]]:
    """Every cell as text; empty where missing."""
    return [["" if value is None else str(value) for value in row.values()] for row in RECORDS]


def plain() -> list[dict[str, Any]]:
    """Rows for files without a type for moments."""
    return [{name: _plain(value) for name, value in row.items()} for row in RECORDS]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, dt.date) else value


def text(sep: str = ",") -> str:
    """Delimited text."""
    stream = io.StringIO()
    pd.DataFrame(texts(), columns=NAMES).to_csv(stream, sep=sep, index=False)
    return stream.getvalue()


def _encoded(sep: str, encoding: str) -> Callable[[Path], None]:
    return lambda path: _write(path, text(sep).encode(encoding))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("customers.csv", text())


def _zstandard(path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(text().encode())


def _sheet(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("notes").write_string(0, 0, "not a table")
        sheet = book.add_worksheet("customers")
        day, moment = (
            book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")
        )
        sheet.write_row(0, 0, NAMES)
        for place, row in enumerate(RECORDS, start=1):
            for column, value in enumerate(row.values()):
                if isinstance(value, dt.date):
                    sheet.write_datetime(
                        place, column, value, moment if isinstance(value, dt.datetime) else day
                    )
                elif isinstance(value, str):
                    sheet.write_string(place, column, value)
                elif value is not None:
                    sheet.write(place, column, value)


def _text_sheet(path: Path) -> None:
    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate([NAMES, *texts()]):
            for column, value in enumerate(row):
                sheet.write_string(place, column, value)


def _folder(path: Path) -> None:
    path.mkdir()
    for part in range(3):
        pq.write_table(arrow().slice(part * 20, 20), path / f"part-{part}.parquet")
    (path / "_SUCCESS").touch()


def _sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    kinds = ("text", "text", "integer", "integer", "real", "text", "boolean", "date", "timestamp")
    connection.execute(
        f"create table customers ({', '.join(map(' '.join, zip(NAMES, kinds, strict=True)))})"
    )
    rows = [list(row.values()) for row in plain()]
    connection.executemany(f"insert into customers values ({', '.join('?' * len(NAMES))})", rows)
    connection.commit()
    connection.close()


def _duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.register("rows", arrow())
        connection.execute("create table customers as from rows")
        connection.execute("create table other as select 1 as one")


FILES: dict[str, Callable[[Path], object]] = {
    "comma.csv": _encoded(",", "utf-8"),
    "mark.csv": _encoded(",", "utf-8-sig"),
    "semicolon.csv": _encoded(";", "utf-8"),
    "tab.tsv": _encoded("\t", "utf-8"),
    "bar.txt": _encoded("|", "utf-8"),
    "utf16.csv": _encoded(",", "utf-16"),
    "packed.csv.gz": lambda path: _write(path, gzip.compress(text().encode())),
    "packed.csv.bz2": lambda path: _write(path, bz2.compress(text().encode())),
    "packed.csv.xz": lambda path: _write(path, lzma.compress(text().encode())),
    "packed.csv.zst": _zstandard,
    "packed.zip": _zipped,
    "sheet.xlsx": _sheet,
    "text.xlsx": _text_sheet,
    "customers.parquet": lambda path: pq.write_table(arrow(), path),
    "dictionary.parquet": lambda path: pq.write_table(
        arrow().set_column(5, "tier", arrow()["tier"].dictionary_encode()), path
    ),
    "folder": _folder,
    "customers.feather": lambda path: pyarrow.feather.write_feather(arrow(), str(path)),
    "customers.json": lambda path: path.write_text(
        json.dumps(plain(), indent=1, ensure_ascii=False)
    ),
    "customers.jsonl": lambda path: path.write_text(
        "".join(json.dumps(row) + "\n" for row in plain())
    ),
    "customers.sqlite": _sqlite,
    "customers.duckdb": _duckdb,
}
