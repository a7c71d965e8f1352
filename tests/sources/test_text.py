"""Delimited text: what is recognised, and every cell as it stands in the file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privgan.errors import TableError
from privgan.sources import SourceOptions, SourceTable, read_source

CHINESE = "年龄,分段\n" + "".join(f"{age},黄金\n" for age in range(20, 40))
LONG_CHINESE = (
    "城市,备注\n" + "北京,今天的天气很好，"
    "我们一起去公园散步\n上海,他们在图书馆学习汉语和历史\n广州,这家饭店的菜非常好吃\n" * 3
)
KOREAN = (
    "도시,메모\n"
    + "서울,오늘은 날씨가 아주 좋아서 우리는 함께 공원에 산책하러 갔습니다\n부산,그들은 도서관에서"
    " 한국어와 역사를 공부합니다\n" * 3
)
JAPANESE = (
    "都市,メモ\n"
    + "東京,今日はとても天気がいいので公園に散歩に行きました\n大阪,彼らは図書館で勉強しています\n"
    * 3
)
RUSSIAN = (
    "город,заметка\n" + "Москва,сегодня очень хорошая погода\nКазань,они учатся в библиотеке\n" * 3
)
GERMAN = "Straße,Größe\nMüllerstraße,groß\nÄgidienplatz,klein für 5 €\n"
FRENCH = "prénom;forêt\nChloé;œuvre d’art\nNoël;où\n"


PLAIN = SourceOptions()


def _read(folder: Path, content: bytes | str, options: SourceOptions = PLAIN) -> SourceTable:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_source(path, options)


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        (CHINESE, "gb18030", "GB18030"),
        (LONG_CHINESE, "gbk", "GB18030"),
        (CHINESE, "utf-8", "UTF-8"),
        (CHINESE, "utf-8-sig", "byte order mark"),
        (CHINESE, "utf-16", "UTF-16"),
        (CHINESE, "utf-32", "UTF-32"),
        (GERMAN, "cp1252", "Windows-1252"),
        (GERMAN.replace("€", "EUR"), "latin-1", "Windows-1252"),
        (FRENCH, "cp1252", "Windows-1252"),
    ],
)
def test_encodings_are_recognised_and_told(
    tmp_path: Path, text: str, encoding: str, told: str
) -> None:
    read = _read(tmp_path, text.encode(encoding))
    assert told in read.said[0]
    sep = ";" if ";" in text else ","
    assert read.table.schema.names == text.splitlines()[0].split(sep)
    assert [list(row.values()) for row in read.table.to_pylist()] == [
        line.split(sep) for line in text.splitlines()[1:]
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (KOREAN, "euc-kr"),
        (JAPANESE, "shift-jis"),
        (JAPANESE, "euc-jp"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
    ],
)
def test_encodings_that_cannot_be_told_are_asked_for(
    tmp_path: Path, text: str, encoding: str
) -> None:
    with pytest.raises(
        TableError, match=r"line 1 is not UTF-8 text.*name its encoding with encoding"
    ):
        _read(tmp_path, text.encode(encoding))
    read = _read(tmp_path, text.encode(encoding), SourceOptions(encoding=encoding))
    assert read.table.column(1)[0].as_py() == text.splitlines()[1].split(",")[1]
    assert f"{encoding} (as asked)" in read.said[0]


@pytest.mark.parametrize(
    ("content", "names", "first", "told"),
    [
        ("a,b\n1;2,3\n", ["a", "b"], ["1;2", "3"], "','"),
        ("a;b\n1,5;2,5\n", ["a", "b"], ["1,5", "2,5"], "';'"),
        ("a\tb\n1,5\t2;5\n", ["a", "b"], ["1,5", "2;5"], "tab"),
        ("a|b\n1|2\n", ["a", "b"], ["1", "2"], "'|'"),
        ("sep=;\na;b\n1;2\n", ["a", "b"], ["1", "2"], "stated"),
        ('"sep=|"\r\na|b\r\n1|2\r\n', ["a", "b"], ["1", "2"], "stated"),
        ("\ufeffsep=\t\na\tb\n1\t2\n", ["a", "b"], ["1", "2"], "stated"),
        ("\n\r\n  \na,b\n1,2\n", ["a", "b"], ["1", "2"], "','"),
        ("a,b\r1,2\r", ["a", "b"], ["1", "2"], "','"),
        ('"a\nx",b\n1,2\n', ["a\nx", "b"], ["1", "2"], "','"),
        ('a,b\n"1,""5""","x\r\ny"\n', ["a", "b"], ['1,"5"', "x\r\ny"], "','"),
        ("name;note\nx;a, b\ny;c\n", ["name", "note"], ["x", "a, b"], "';'"),
        ("a, b;c\nx;1\ny, z;2\n", ["a, b", "c"], ["x", "1"], "';'"),
        ("a\n1\n\n2\n", ["a"], ["1"], "by default"),
        ("a,b\n1,2", ["a", "b"], ["1", "2"], "','"),
        (" a ,b\n  1 ,NA\n", [" a ", "b"], ["  1 ", "NA"], "','"),
        ("a,b\n,\n", ["a", "b"], ["", ""], "','"),
    ],
)
def test_separators_and_what_stands_before_the_header(
    tmp_path: Path, content: str, names: list[str], first: list[str], told: str
) -> None:
    read = _read(tmp_path, content)
    assert read.table.schema.names == names
    assert list(read.table.to_pylist()[0].values()) == first
    assert told in read.said[0]
    assert read.text


def test_the_separator_that_is_asked_for_wins(tmp_path: Path) -> None:
    read = _read(tmp_path, "sep=;\na;b,c\n1;2,3\n", SourceOptions(sep=","))
    assert read.table.schema.names == ["a;b", "c"]
    assert _read(tmp_path, "a\tb\n1\t2\n", SourceOptions(sep="\\t")).table.num_columns == 2


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=8),
    sep=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
def test_every_cell_is_kept_byte_for_byte(
    rows: list[list[str]], sep: str, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=sep, quoting=csv.QUOTE_ALL).writerows([["first", "second"], *rows])
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    path.write_bytes(stream.getvalue().encode(encoding))
    read = read_source(path, SourceOptions(encoding=encoding))
    assert [list(row.values()) for row in read.table.to_pylist()] == rows


BAD = {
    "blank": (b"\n\n  \n", "is empty"),
    "no rows": (b"a,b\n", "no rows"),
    "only a separator line": (b"sep=;\n", "is empty"),
    "long row": (b"a,b\n1,2\n1,2,CANARY\n", "line 3 has more fields than the header's 2 columns"),
    "short row after a break": (b'a,b\n"1\n1",2\nCANARY\n', "line 4 has fewer fields"),
    "row number column": (b",a\n0,1\n", "column 1 of the header has no name"),
    "repeated": (b"a,b,a\n1,2,3\n", "one name more than once, in columns 1, 3"),
    "two headers": (b"age,name\nage,name\n1,CANARY\n", "line 2 repeats the header"),
    "two files in one": (b"age,name\n1,CANARY\nage,name\n2,x\n", "line 3 repeats the header"),
    "open quote": (
        b'a,b\n1,2\n3,"CANARY\n4,5\n',
        "line 3: a quotation mark is opened and never closed",
    ),
    "open quote at the end": (b'a,b\n1,2\n3,"', "line 3: a quotation mark is opened"),
    "one bad byte in UTF-8": (
        "a,b\nä,ö\nü,ß\n".encode() + b"\xe4,1\n",
        "line 4 is not UTF-8 text although the rest is",
    ),
    "NUL": (b"a,b\n1,2\n\0,3\n", "line 3 is not a text table: it holds a NUL byte"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), "NUL"),
    "picture": (b"\x89PNG\r\n\x1a\n\x81\x8d\xff\xfe,\n", "no other encoding is recognised"),
    "half of UTF-16": ("a,b\n1,2\n".encode("utf-16") + b"\xd8", "no text in UTF-16"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_text_is_refused_with_its_line(kind: str, tmp_path: Path) -> None:
    content, told = BAD[kind]
    with pytest.raises(TableError) as error:
        _read(tmp_path, content)
    assert told in str(error.value)
    assert "t.csv" in str(error.value)
    assert "CANARY" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            SourceOptions(encoding="nonsense"),
            "encoding is 'nonsense'; it must be an encoding such as",
        ),
        (SourceOptions(encoding="base64"), "encoding"),
        (SourceOptions(encoding="ascii"), "line 2 is no text in ascii"),
        (SourceOptions(sep=";;"), "sep is ';;'"),
        (SourceOptions(sheet="x"), "sheet is for Excel"),
        (SourceOptions(table="x"), "table is for databases"),
        (SourceOptions(query="select 1"), "query is for databases"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: SourceOptions, told: str
) -> None:
    with pytest.raises(TableError, match=told.replace("(", r"\(")):
        _read(tmp_path, "a,b\nä,2\n", options)


def test_a_long_cell_does_not_hide_the_separator(tmp_path: Path) -> None:
    read = _read(tmp_path, "a;b\n1;" + "x, " * 100_000 + "\n2;3\n")
    assert read.table.schema.names == ["a", "b"]


def test_numbers_as_names_are_no_second_header(tmp_path: Path) -> None:
    assert _read(tmp_path, "0,1\n0,1\n0,1\n").table.num_rows == 2


def test_a_cell_larger_than_a_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row of more than"):
        _read(tmp_path, "a,b\n1," + "x" * 10_000_000 + "\n2,3\n")
