"""Files, folders, spreadsheets, JSON and databases that are no table are refused with a reason."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from privgan.errors import TableError
from privgan.sources import SourceOptions, read_source, source_name
from tests.sources.customers import FILES


def _book(path: Path, **sheets: list[list[Any]]) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)


def _members(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")


def _database(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _parts(folder: Path, first: dict[str, list[Any]], second: dict[str, list[Any]]) -> None:
    folder.mkdir()
    pq.write_table(pa.table(first), folder / "one.parquet")
    pq.write_table(pa.table(second), folder / "two.parquet")


def _mixed(folder: Path) -> None:
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n")
    pq.write_table(pa.table({"a": [1]}), folder / "b.parquet")


def _nested(folder: Path) -> None:
    (folder / "year=2020").mkdir(parents=True)


Make = Callable[[Path], object]
BAD: dict[str, tuple[Make, SourceOptions, tuple[str, ...]]] = {
    "gone.csv": (lambda path: None, SourceOptions(), ("no such file",)),
    "gone-*.csv": (lambda path: None, SourceOptions(), ("no such file", "pattern")),
    "empty": (lambda path: path.mkdir(), SourceOptions(), ("is a folder", "without files")),
    "nested": (_nested, SourceOptions(), ("folders in it", "*/*.parquet")),
    "mixed": (_mixed, SourceOptions(), ("a.csv is delimited text", "b.parquet is Parquet")),
    "pipe.csv": (os.mkfifo, SourceOptions(), ("no regular file",)),
    "names": (
        lambda path: _parts(path, {"a": [1], "b": [1]}, {"a": [1], "c": [1]}),
        SourceOptions(),
        ("one.parquet", "two.parquet", "'b'", "'c'"),
    ),
    "types": (
        lambda path: _parts(path, {"a": [1]}, {"a": ["CANARY"]}),
        SourceOptions(),
        ("one.parquet", "two.parquet", "'a' int64 and string"),
    ),
    "cut.csv.gz": (
        lambda path: path.write_bytes(b"\x1f\x8b\x08\0\0\0"),
        SourceOptions(),
        ("cut.csv.gz", "whole .gz file"),
    ),
    "plain.csv.gz": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("plain.csv.gz", "whole .gz file"),
    ),
    "plain.csv.xz": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("plain.csv.xz", "whole .xz file"),
    ),
    "plain.csv.bz2": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("plain.csv.bz2", "cannot be read"),
    ),
    "plain.csv.zst": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("plain.csv.zst", "cannot be read"),
    ),
    "two.zip": (
        lambda path: _members(path, "a.csv", "b.csv"),
        SourceOptions(),
        ("two.zip", "holds 2 files"),
    ),
    "text.parquet": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("not a readable Parquet file",),
    ),
    "text.feather": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("not a readable Feather",),
    ),
    "text.xlsx": (
        lambda path: path.write_text("a\n1\n"),
        SourceOptions(),
        ("no readable spreadsheet",),
    ),
    "sheets.xlsx": (
        lambda path: _book(path, north=[["a"], [1]], south=[["a"], [2]]),
        SourceOptions(),
        ("has 2 sheets", "'north', 'south'", "name one with sheet"),
    ),
    "sheet.xlsx": (
        lambda path: _book(path, north=[["a"], [1]], south=[["a"], [2]]),
        SourceOptions(sheet="nort"),
        ("no sheet 'nort'", "'north', 'south'", "did you mean 'north'?"),
    ),
    "blank.xlsx": (
        lambda path: _book(path, north=[]),
        SourceOptions(),
        ("sheet 'north'", "is empty"),
    ),
    "header.xlsx": (lambda path: _book(path, north=[["a", "b"]]), SourceOptions(), ("no rows",)),
    "unnamed.xlsx": (
        lambda path: _book(path, north=[["a", ""], [1, 2]]),
        SourceOptions(),
        ("column 2", "no name"),
    ),
    "repeated.xlsx": (
        lambda path: _book(path, north=[["a", "a"], [1, 2]]),
        SourceOptions(),
        ("in columns 1, 2",),
    ),
    "headers.xlsx": (
        lambda path: _book(path, north=[["a", "b"], ["a", "b"], [1, 2]]),
        SourceOptions(),
        ("row 1 below the header repeats it",),
    ),
    "empty.json": (lambda path: path.write_text(" \n"), SourceOptions(), ("is empty",)),
    "none.json": (lambda path: path.write_text("[]"), SourceOptions(), ("no columns",)),
    "object.json": (
        lambda path: path.write_text('{\n "data": []}'),
        SourceOptions(),
        ("line 1, column 1", "an object a line"),
    ),
    "numbers.json": (
        lambda path: path.write_text('[{"a": 1}, 918273645]'),
        SourceOptions(),
        ("row 2 is no object",),
    ),
    "cut.json": (
        lambda path: path.write_text('[{"a": 1}, {"a": "CANA'),
        SourceOptions(),
        ("row 2 is not JSON",),
    ),
    "open.json": (
        lambda path: path.write_text('[{"a": 1}'),
        SourceOptions(),
        ("not JSON after row 1",),
    ),
    "more.json": (
        lambda path: path.write_text('[{"a": 1}] CANARY'),
        SourceOptions(),
        ("after the end of the array",),
    ),
    "cut.jsonl": (
        lambda path: path.write_text('{"a": 1}\n{"a": "CANARY'),
        SourceOptions(),
        ("line 2, column",),
    ),
    "list.jsonl": (
        lambda path: path.write_text('{"a": 1}\n["CANARY"]\n'),
        SourceOptions(),
        ("line 2 is no object",),
    ),
    "twice.jsonl": (
        lambda path: path.write_text('{"a": 1, "a": 2}\n'),
        SourceOptions(),
        ("line 1", "'a' stands twice"),
    ),
    "deep.jsonl": (lambda path: path.write_text('{"a":' * 100_000), SourceOptions(), ("line 1",)),
    "text.sqlite": (
        lambda path: path.write_text("CANARY"),
        SourceOptions(),
        ("text.sqlite", "not a database"),
    ),
    "text.duckdb": (
        lambda path: path.write_text("CANARY"),
        SourceOptions(),
        ("text.duckdb", "cannot be read"),
    ),
    "two.sqlite": (
        lambda path: _database(path, "create table a (x)", "create table b (x)"),
        SourceOptions(),
        ("has 2 tables ('a', 'b')", "name one with table"),
    ),
    "table.sqlite": (
        lambda path: _database(path, "create table customers (x)"),
        SourceOptions(table="customer"),
        ("no table 'customer'", "did you mean 'customers'?"),
    ),
    "query.sqlite": (
        lambda path: _database(path, "create table a (x)"),
        SourceOptions(query="select y from a"),
        ("no such column: y", "nothing of it was used"),
    ),
    "half.sqlite": (
        lambda path: _database(
            path, "create table a (x)", "insert into a values ('{}'), ('CANARY')"
        ),
        SourceOptions(query="select json(x) from a"),
        ("malformed JSON", "nothing of it was used"),
    ),
    "write.sqlite": (
        lambda path: _database(path, "create table a (x)"),
        SourceOptions(query="insert into a values (1)"),
        ("readonly",),
    ),
    "names.sqlite": (
        lambda path: _database(path, "create table a (x)", "insert into a values (1)"),
        SourceOptions(query="select x, x from a"),
        ("in columns 1, 2",),
    ),
    "both.sqlite": (
        lambda path: _database(path, "create table a (x)"),
        SourceOptions(query="select 1", table="a"),
        ("table 'a' and query are both given",),
    ),
    "query.duckdb": (
        FILES["customers.duckdb"],
        SourceOptions(query="select nothing from customers"),
        ("query cannot",),
    ),
    "half.duckdb": (
        FILES["customers.duckdb"],
        SourceOptions(query="select cast(tier as int) from customers"),
        ("cannot be read to the end (ConversionException)", "nothing of it was used"),
    ),
    "write.duckdb": (
        FILES["customers.duckdb"],
        SourceOptions(query="create table more as from customers"),
        ("cannot be read",),
    ),
    "tables.duckdb": (
        FILES["customers.duckdb"],
        SourceOptions(),
        ("has 2 tables ('customers', 'other')",),
    ),
    "sheet.duckdb": (
        FILES["customers.duckdb"],
        SourceOptions(sheet="x"),
        ("sheet is for Excel",),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_sources_are_refused_without_a_value(name: str, tmp_path: Path) -> None:
    make, options, told = BAD[name]
    make(tmp_path / name)
    with pytest.raises(TableError) as error:
        read_source(tmp_path / name, options)
    for part in told:
        assert part in str(error.value)
    assert name.split("*")[0] in str(error.value)
    assert "CANARY" not in str(error.value)
    assert "918273645" not in str(error.value)
    assert "gold" not in str(error.value)


@pytest.mark.parametrize("name", ["comma.csv", "customers.parquet", "customers.jsonl", "text.xlsx"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    FILES[name](path)
    reader = {
        "comma.csv": "read_text",
        "customers.parquet": "read_parquet",
        "customers.jsonl": "read_json",
    }.get(name, "read_sheet")
    real = getattr(__import__("privgan.sources.reading", fromlist=["x"]), reader)

    def meanwhile(*arguments: Any) -> Any:
        found = real(*arguments)
        path.write_bytes(path.read_bytes() + b" ")
        return found

    monkeypatch.setattr(f"privgan.sources.reading.{reader}", meanwhile)
    with pytest.raises(TableError, match="changed while it was read"):
        read_source(path)


def test_a_file_put_in_the_place_of_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    state = path.stat()
    real = __import__("privgan.sources.reading", fromlist=["x"]).read_text

    def meanwhile(*arguments: Any) -> Any:
        found = real(*arguments)
        (tmp_path / "other").write_text("a,b\n3,4\n")
        os.utime(tmp_path / "other", ns=(state.st_atime_ns, state.st_mtime_ns))
        (tmp_path / "other").replace(path)
        return found

    monkeypatch.setattr("privgan.sources.reading.read_text", meanwhile)
    with pytest.raises(TableError, match="changed while it was read"):
        read_source(path)


def test_spreadsheets_keep_text_and_drop_what_is_empty(tmp_path: Path) -> None:
    rows = [
        ["", "", "", ""],
        ["", "code", "n", ""],
        ["", "007", 1, ""],
        ["", "", "", ""],
        ["", "12", 2.0, ""],
        ["", "x", "", ""],
    ]
    _book(tmp_path / "t.xlsx", one=rows)
    table = read_source(tmp_path / "t.xlsx").table
    assert table.to_pydict() == {"code": ["007", "12", "x"], "n": [1, 2, None]}
    assert table.schema.field("n").type == pa.int64()


def test_mixed_columns_become_text_as_people_write_it(tmp_path: Path) -> None:
    _book(tmp_path / "t.xlsx", one=[["v"], [7], [1.5], ["unknown"]])
    assert read_source(tmp_path / "t.xlsx").table.to_pydict() == {"v": ["7", "1.5", "unknown"]}
    _database(
        tmp_path / "t.sqlite", "create table a (v)", "insert into a values (7), (1.5), ('unknown')"
    )
    assert read_source(tmp_path / "t.sqlite").table.to_pydict() == {"v": ["7", "1.5", "unknown"]}


def test_types_that_change_between_batches_are_united(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.sources.json_rows.BATCH", 2)
    lines = [
        '{"a": 1, "b": 1, "c": 1}',
        '{"a": 2, "b": 2, "c": 2}',
        '{"a": 1.5, "b": "x", "d": true}',
        "{}",
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    assert read_source(tmp_path / "t.jsonl").table.to_pydict() == {
        "a": [1.0, 2.0, 1.5, None],
        "b": ["1", "2", "x", None],
        "c": [1, 2, None, None],
        "d": [None, None, True, None],
    }


def test_integers_stay_exact_beyond_floats(tmp_path: Path) -> None:
    large = 2**53 + 1
    (tmp_path / "t.jsonl").write_text(
        f'{{"a": {large}, "b": {large}}}\n{{"b": 0.5}}\n{{"a": {2**70}}}\n'
    )
    read = read_source(tmp_path / "t.jsonl").table.to_pydict()
    assert read == {"a": [str(large), None, str(2**70)], "b": [str(large), "0.5", None]}
    pq.write_table(pa.table({"a": pa.array([large, None])}), tmp_path / "t.parquet")
    assert read_source(tmp_path / "t.parquet").frame()["a"].tolist() == [large, None]


def test_nested_values_keep_their_type_for_the_draft_to_name(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('[{"a": [1, 2], "b": {"x": 1}}]')
    table = read_source(tmp_path / "t.json").table
    assert pa.types.is_list(table.schema.field("a").type)
    assert pa.types.is_struct(table.schema.field("b").type)


def test_parts_are_joined_by_name_in_the_first_one_s_order(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("b;a\n4;3\n")
    read = read_source(tmp_path)
    assert read.table.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}
    assert read.said[0].startswith(f"{tmp_path}: 2 files")


def test_files_are_recognised_by_what_they_hold_where_the_name_is_silent(tmp_path: Path) -> None:
    for name in ("customers.parquet", "customers.sqlite", "customers.duckdb", "comma.csv"):
        FILES[name](tmp_path / "data.dat")
        table = "customers" if name.endswith(("sqlite", "duckdb")) else None
        assert read_source(tmp_path / "data.dat", SourceOptions(table=table)).table.num_rows == 60
        (tmp_path / "data.dat").unlink()


def test_options_that_several_tables_share_are_heeded_where_they_can_be(tmp_path: Path) -> None:
    for name in ("comma.csv", "customers.duckdb"):
        FILES[name](tmp_path / name)
        assert (
            read_source(
                tmp_path / name, SourceOptions(table="customers"), shared=True
            ).table.num_rows
            == 60
        )


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("data/customers.csv.gz", "customers.csv"),
        ("postgresql+psycopg://me:secret@host/shop?password=secret", "shop"),
        ("postgresql://host", "host"),
    ],
)
def test_a_source_has_a_name_without_a_secret(spec: str, name: str) -> None:
    assert source_name(spec) == name


def test_frames_that_are_none_are_refused() -> None:
    for wrong, told in (
        (["CANARY"], "list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than once"),
        (pd.DataFrame({"": [1]}), "no name"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pa.table({}), "no columns"),
    ):
        with pytest.raises(TableError, match=told) as error:
            read_source(wrong)
        assert "CANARY" not in str(error.value)


def test_pandas_columns_of_mixed_objects_become_text() -> None:
    read = read_source(pd.DataFrame({"a": pd.Series([1, "x", None], dtype=object)}))
    assert read.table.to_pydict() == {"a": ["1", "x", None]}


def test_duckdb_sums_and_enumerations_have_plain_types(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table a as select 'x'::enum('x', 'y') as e, 3 as n, uuid() as u")
    table = read_source(
        path, SourceOptions(query="select e, sum(n) as s, any_value(u) as id from a group by e")
    ).table
    assert [table.schema.field(name).type for name in ("e", "s", "id")] == [
        pa.string(),
        pa.int64(),
        pa.string(),
    ]


def test_row_numbers_of_pandas_are_left_out_with_a_word(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2, 3]})[lambda frame: frame["a"] > 1].to_parquet(tmp_path / "t.parquet")
    read = read_source(tmp_path / "t.parquet")
    assert read.table.column_names == ["a"]
    assert read.said[1].endswith(
        "the row numbers that pandas wrote (__index_level_0__) are left out"
    )
