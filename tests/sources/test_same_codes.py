"""The same table, whichever way it comes, has the same codes to the byte."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import polars
import pytest

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, identity_code
from privgan.pipeline.candidate import Candidate
from privgan.pipeline.request import RUN_FILE, RunRequest, read_aloud, read_note, write_note
from privgan.privacy.budget import PrivacyBudget
from privgan.progress import Progress
from privgan.sources import SourceOptions, read_source
from privgan.table.conform import conform
from privgan.table.schema_file import dump_schema
from tests.sources.customers import FILES, NAMES, ROWS, SCHEMA, arrow, pandas, plain

_ASKED = {
    "sheet.xlsx": SourceOptions(sheet="customers"),
    "customers.duckdb": SourceOptions(table="customers"),
}


def _codes(spec: Any, options: SourceOptions = SourceOptions()) -> bytes:  # noqa: B008
    read = read_source(spec, options)
    frame = conform(read.frame(), SCHEMA)
    encoder = Encoder(tuple(identity_code(cells_of(column)) for column in SCHEMA.modelled))
    codes = encoder.encode(frame)
    assert codes.shape == (ROWS, len(SCHEMA.modelled))
    assert read.table.schema.names == NAMES
    return codes.tobytes()


EXPECTED = _codes(arrow())


def test_the_codes_differ_by_column_and_row() -> None:
    assert len(set(EXPECTED)) > 20


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_gives_the_same_codes(name: str, tmp_path: Path) -> None:
    FILES[name](tmp_path / name)
    assert _codes(tmp_path / name, _ASKED.get(name, SourceOptions())) == EXPECTED


FRAMES = {
    "pandas": pandas,
    "pandas, nullable": lambda: pandas().convert_dtypes(),
    "pandas, filtered": lambda: pandas().set_index("customer_id", drop=False).rename_axis(None),
    "pandas, with an index that matters": lambda: pandas().set_index("customer_id"),
    "polars": lambda: polars.from_arrow(arrow()),
    "polars, categorical": (
        lambda: polars.from_arrow(arrow()).with_columns(polars.col("tier").cast(polars.Categorical))
    ),
    "polars, lazy": lambda: polars.from_arrow(arrow()).lazy(),
    "polars, of text": lambda: polars.DataFrame(plain()),
    "batch": lambda: arrow().combine_chunks().to_batches()[0],
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_gives_the_same_codes(kind: str) -> None:
    assert _codes(FRAMES[kind]()) == EXPECTED


def test_requests_take_frames(tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text(dump_schema(SCHEMA), encoding="utf-8")
    FILES["comma.csv"](tmp_path / "comma.csv")
    made = []
    for table in (tmp_path / "comma.csv", polars.from_arrow(arrow()), pandas()):
        request = RunRequest(
            table=table, schema=schema, budget=PrivacyBudget(epsilon=3), public_rows=ROWS
        )
        made.append(
            read_aloud(request, SCHEMA, Progress(quiet=True)).conforming(SCHEMA).salted_hash("salt")
        )
        candidate = Candidate(
            tmp_path / f"out{len(made)}", tmp_path / f"out{len(made)}" / "internal"
        )
        candidate.create()
        write_note(candidate, request, SCHEMA, run="run", commitment="00")
        assert read_note(candidate.folder, table).request.source == request.source
    assert len(set(made)) == 1


def test_a_run_that_an_older_version_began_is_read(tmp_path: Path) -> None:
    """Its note holds the separator alone."""
    schema = tmp_path / "schema.yaml"
    schema.write_text(dump_schema(SCHEMA), encoding="utf-8")
    candidate = Candidate(tmp_path / "out", tmp_path / "out" / "internal")
    candidate.create()
    request = RunRequest(
        table=tmp_path / "t.csv", schema=schema, budget=PrivacyBudget(epsilon=3), public_rows=ROWS
    )
    write_note(candidate, request, SCHEMA, run="run", commitment="00")
    path = candidate.internal / RUN_FILE
    note = json.loads(path.read_text())
    del note["request"]["source"]
    note["request"]["sep"] = ";"
    path.write_text(json.dumps(note))
    assert read_note(candidate.folder, tmp_path / "t.csv").request.source == SourceOptions(sep=";")


def test_a_pattern_of_files_gives_the_same_codes(tmp_path: Path) -> None:
    FILES["folder"](tmp_path / "folder")
    assert _codes(tmp_path / "folder" / "part-*.parquet") == EXPECTED


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{}/customers.sqlite",
        "duckdb:///{}/customers.duckdb",
        "adbc+sqlite:///{}/customers.sqlite",
    ],
)
def test_urls_of_database_files_give_the_same_codes(url: str, tmp_path: Path) -> None:
    if url.startswith("adbc+"):
        pytest.importorskip("adbc_driver_sqlite", reason="the ADBC driver is not installed")
    for name in ("customers.sqlite", "customers.duckdb"):
        FILES[name](tmp_path / name)
    assert _codes(url.format(tmp_path), SourceOptions(table="customers")) == EXPECTED


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [{"table": "shop.customers"}, {"query": "select * from shop.customers order by customer_id"}],
)
def test_a_server_gives_the_same_codes(postgres_server: str, asked: dict[str, str]) -> None:
    import psycopg

    schema = f"shop_{uuid.uuid4().hex[:8]}"
    kinds = ("text", "text", "int", "int", "numeric(8, 2)", "text", "boolean", "date", "timestamp")
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(NAMES, kinds, strict=True))
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
        connection.execute(f"create table {schema}.customers ({columns})")
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(NAMES))
            cursor.executemany(
                f"insert into {schema}.customers values ({marks})",
                [list(row.values()) for row in plain()],
            )
    url = postgres_server.replace("postgresql://", "postgresql+psycopg://") + "/postgres"
    options = SourceOptions(
        **{key: value.replace("shop.", f"{schema}.") for key, value in asked.items()}
    )
    assert _codes(url, options) == EXPECTED
