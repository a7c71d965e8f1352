"""A CSV file opened in a spreadsheet runs nothing, and is read back exactly as it was meant."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from privgan.errors import DocumentError, InternalError, TableError
from privgan.notation.moments import read_moments
from privgan.pipeline.foreign_tables import read_foreign
from privgan.release.contents import check_allowed_contents
from privgan.schema.columns import (
    Column,
    Discrete,
    Invented,
    Kind,
    Numeric,
    OpenCategorical,
    Temporal,
)
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions
from privgan.table.conform import conform
from privgan.table.files import read_table, write_tables
from privgan.table.presenting import escaped, escaped_frame, restored, unescaped
from privgan.table.schema_file import dump_schema, load_schema, parse_schema
from tests.schemas import schema_of

FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+HYPERLINK(1)",
    "-2+3",
    "  =1+1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tplain",
    "＝1+1",
    "＋1+A1",
    "－A1",
    "＠SUM(1)",
    "\u200b=1",
    "\ufeff=1",
    "'=1",
    "''=1",
)
HARMLESS = (
    "-3.5",
    "+3",
    "-.5e-3",
    "-",
    "--",
    "plain",
    "a=b",
    "'quoted'",
    "",
    "1-2",
    "it's",
    "<script>alert(1)</script>",
)
BEGINS_AS_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n]")
# What a schema may hold: everything but NUL and halves of characters.
hostile = st.text(
    st.sampled_from("=+-@'\"\t\r\n ,;＝＠a1\ufeff\u202e\u2028\x07\x85|é"), min_size=1, max_size=6
)
anything = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12
)
texts = hostile | anything


def schema_without_markers(*columns: Column) -> Schema:
    return schema_of(*columns, missing_markers=())


def category_column(name: str, categories: Sequence[str]) -> Discrete:
    return Discrete(name=name, kind=Kind.CATEGORICAL, categories=tuple(categories))


def cells_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_escaped(text: str) -> None:
    assert escaped(text) == f"'{text}"
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert escaped(text) == unescaped(text) == text


@given(text=texts | st.text())
def test_the_escape_is_a_bijection_that_leaves_no_formula(text: str) -> None:
    cell = escaped(text)
    assert unescaped(cell) == text
    number = re.fullmatch(r"[+-]*|[+-]?[0-9.]+([eE][+-]?[0-9]+)?", cell)
    assert number or not BEGINS_AS_FORMULA.match(cell)


@pytest.mark.slow
@settings(max_examples=80)
@given(data=st.data())
def test_hostile_tables_survive_csv_parquet_and_schema(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = data.draw(st.lists(texts, min_size=1, max_size=3, unique=True))
    columns = [
        category_column(name, data.draw(st.lists(texts, min_size=1, max_size=4, unique=True)))
        for name in names
    ]
    schema = schema_without_markers(*columns)
    rows = {
        column.name: data.draw(st.lists(st.sampled_from(column.categories), min_size=5, max_size=5))
        for column in columns
    }
    frame = pd.DataFrame(rows, dtype=object)
    assume(
        not (frame == frame.columns).all(axis=1).any()
    )  # A row of the names is taken for a second header.
    folder = tmp_path_factory.mktemp("hostile")

    write_tables([frame[:3], frame[3:]], schema, folder / "t.parquet", folder / "t.csv")

    read = restored(read_table(folder / "t.csv", sep=","), schema, ours=True)
    assert read.to_dict("list") == frame.to_dict("list")
    assert read_table(folder / "t.parquet", sep=",").to_dict("list") == frame.to_dict("list")
    parsed = parse_schema(dump_schema(schema))
    assert [
        (column.name, column.categories)
        for column in parsed.columns
        if isinstance(column, Discrete)
    ] == [(column.name, column.categories) for column in columns]
    for cell in (cell for line in cells_of(folder / "t.csv") for cell in line):
        assert escaped(unescaped(cell)) == cell


def test_a_name_of_blanks_alone_survives(tmp_path: Path) -> None:
    schema = schema_without_markers(category_column(" ", ["1", "2"]))
    frame = pd.DataFrame({" ": ["1", "2", "1"]}, dtype=object)
    write_tables([frame], schema, tmp_path / "t.parquet", tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv", sep=",").to_dict("list") == frame.to_dict("list")


def test_a_long_name_and_value_survive(tmp_path: Path) -> None:
    schema = schema_without_markers(category_column("=" + "n" * 10_000, ["@" + "v" * 10_000, "b"]))
    frame = pd.DataFrame({schema.names[0]: [*schema.columns[0].categories]}, dtype=object)  # type: ignore[attr-defined]
    write_tables([frame], schema, tmp_path / "t.parquet", tmp_path / "t.csv")
    for name in ("t.csv", "t.parquet"):
        assert conform(read_table(tmp_path / name, sep=","), schema).equals(frame)


def test_numbers_dates_and_missing_cells_are_written_as_before(tmp_path: Path) -> None:
    schema = schema_without_markers(
        Numeric(name="n", kind=Kind.FLOAT, lower=-9, upper=9, decimals=1, missing=True),
        Discrete(name="c", kind=Kind.CATEGORICAL, categories=("=x", "y"), missing=True),
        Discrete(name="whole", kind=Kind.CATEGORICAL, categories=("-1", "2")),
        Invented(name="id", kind=Kind.IDENTIFIER, pattern="=C{}"),
    )
    frame = pd.DataFrame(
        {"n": [-3.5, None], "c": ["=x", None], "whole": [-1, 2], "id": ["=C1", "=C2"]}
    )
    write_tables([frame], schema, None, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "n,c,whole,id\n-3.5,'=x,-1,'=C1\n,,2,'=C2\n"


def test_a_date_format_that_looks_like_a_formula_is_read_back(tmp_path: Path) -> None:
    moments = read_moments(pd.Series(["2020-01-02"], dtype="string"), "%Y-%m-%d")
    bounds = pd.Timestamp("2020-01-01").to_pydatetime(), pd.Timestamp("2021-01-01").to_pydatetime()
    schema = schema_without_markers(
        Temporal(name="@day", kind=Kind.DATE, lower=bounds[0], upper=bounds[1], format="@%Y-%m-%d")
    )
    write_tables([pd.DataFrame({"@day": moments})], schema, None, tmp_path / "t.csv")
    assert cells_of(tmp_path / "t.csv") == [["'@day"], ["'@2020-01-02"]]
    assert (
        conform(read_table(tmp_path / "t.csv", sep=","), schema)["@day"].tolist()
        == moments.tolist()
    )


@pytest.mark.parametrize("sign", ["'-", "'=", "''@", "=", "-"])
@pytest.mark.parametrize("kind", [object, "string", "category"])
def test_a_table_in_a_date_format_that_looks_like_an_escape_is_read_as_it_is(
    sign: str, kind: str, tmp_path: Path
) -> None:
    pattern = f"{sign}%Y-%m-%d"
    bounds = pd.Timestamp("2020-01-01").to_pydatetime(), pd.Timestamp("2020-12-31").to_pydatetime()
    schema = schema_without_markers(
        Temporal(
            name="d", kind=Kind.DATE, lower=bounds[0], upper=bounds[1], format=pattern, missing=True
        )
    )
    schema = replace(schema, missing_markers=("",))
    moments = [pd.Timestamp("2020-03-04"), pd.Timestamp("2020-05-06"), None]
    table = pd.DataFrame(
        {"d": pd.Series([f"{sign}2020-03-04", f"{sign}2020-05-06", None], dtype=kind)}
    )
    expected = pd.Series(moments, dtype="datetime64[s]")

    for rule in ("refuse", "clamp"):
        assert conform(table, schema, on_violation=rule)["d"].equals(expected)

    write_tables([pd.DataFrame({"d": expected})], schema, None, tmp_path / "ours.csv")
    written = read_table(tmp_path / "ours.csv", sep=",")
    assert cells_of(tmp_path / "ours.csv")[1] == [f"'{sign}2020-03-04"]
    assert conform(written, schema)["d"].equals(expected)
    assert restored(written, schema, ours=True)["d"].tolist()[:2] == table["d"].tolist()[:2]


def test_only_what_the_schema_lists_is_undone() -> None:
    schema = schema_without_markers(
        category_column("c", ["=a", "'=b", "=b", "x"]), Invented(name="id", kind=Kind.IDENTIFIER)
    )
    table = pd.DataFrame({"c": ["'=a", "'=b", "=b", "x"], "id": ["'=1", "=1", "2", "3"]})
    assert conform(table, schema)["c"].tolist() == ["=a", "'=b", "=b", "x"]
    assert restored(table, schema)["id"].tolist() == table["id"].tolist()
    assert restored(table, schema, ours=True)["c"].tolist() == ["=a", "=b", "=b", "x"]


def test_a_foreign_table_whose_columns_begin_with_apostrophes_is_taken_at_its_word() -> None:
    schema = schema_without_markers(category_column("=a", ["x"]), category_column("'=a", ["y"]))
    table = pd.DataFrame({"=a": ["x"], "'=a": ["y"]})
    assert conform(table, schema).equals(table)


@pytest.mark.parametrize("text", ['"a\\0b"', '"\\ud800"'])
@pytest.mark.parametrize("place", ["name", "category", "description"])
def test_what_no_text_file_can_hold_is_refused_with_its_line(
    text: str, place: str, tmp_path: Path
) -> None:
    told = {"name": "c", "category": "x", "description": "d"} | {place: text}
    path = tmp_path / "schema.yaml"
    path.write_text(
        f"format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n  - name: {told['name']}\n   "
        f" kind: categorical\n    categories: [{told['category']}, y]\n    description:"
        f" {told['description']}\n"
    )
    line = {"name": 5, "category": 7, "description": 8}[place]
    with pytest.raises(DocumentError, match=f"line {line}: .*NUL or half of a character"):
        load_schema(path)


def test_an_audit_reads_privgan_s_csv_as_it_was_meant(tmp_path: Path) -> None:
    categories = ["=a", "'=a", "b"]
    schema = schema_without_markers(category_column("@c", categories))
    frame = pd.DataFrame({"@c": categories}, dtype=object)
    (tmp_path / "schema.yaml").write_text(dump_schema(schema), encoding="utf-8")
    frame.to_csv(tmp_path / "real.csv", index=False)
    write_tables([frame], schema, None, tmp_path / "synthetic.csv")
    real, synthetic = tmp_path / "real.csv", tmp_path / "synthetic.csv"

    read = read_foreign(
        {"real": real, "holdout": real, "synthetic": synthetic},
        tmp_path / "schema.yaml",
        source=SourceOptions(),
        on_violation="refuse",
    )

    assert read.real["@c"].tolist() == read.synthetic["@c"].tolist() == categories


@pytest.mark.parametrize("name", ["=c", "'=c", "＝c", "c\nd", "\ufeffc"])
def test_a_release_accepts_its_own_escaped_header_and_no_other(name: str, tmp_path: Path) -> None:
    schema = schema_without_markers(category_column(name, ["=a", "b"]))
    write_tables([pd.DataFrame({name: ["=a"]})], schema, None, tmp_path / "synthetic.csv")
    files = {
        "schema.yaml": dump_schema(schema).encode(),
        "synthetic.csv": tmp_path / "synthetic.csv",
    }
    check_allowed_contents(files)
    with pytest.raises(InternalError, match="columns are not the schema's"):
        check_allowed_contents(files | {"synthetic.csv": b"other\n1\n"})


def test_texts_of_any_type_are_escaped(tmp_path: Path) -> None:
    for kind in (object, "string", "category"):
        frame = pd.DataFrame({"c": pd.Series(["=a", None, "b"], dtype=kind)})
        assert escaped_frame(frame)["c"].tolist()[::2] == ["'=a", "b"]
    mixed = pd.DataFrame({"c": pd.Series(["=a", 1, None, ["=b"]], dtype=object)})
    assert escaped_frame(mixed)["c"].tolist() == ["'=a", 1, None, ["=b"]]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"])
def test_a_text_that_no_file_can_hold_is_never_discovered(text: str) -> None:
    schema = schema_without_markers(
        OpenCategorical(name="c", kind=Kind.CATEGORICAL, other="elsewhere")
    )
    table = pd.DataFrame({"c": [text, "x"]}, dtype=object)
    with pytest.raises(TableError, match="a NUL or half of a character"):
        conform(table, schema)
    assert conform(table, schema, on_violation="clamp")["c"].tolist() == ["elsewhere", "x"]
