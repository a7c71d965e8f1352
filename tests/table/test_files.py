"""Files: read as text, refused where they are no table, written and read back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from privgan.domain.cells import cells_of
from privgan.domain.encoding import identity_code
from privgan.errors import TableError
from privgan.schema.columns import Discrete, Kind, Numeric, Temporal
from privgan.table.conform import conform, violations
from privgan.table.files import read_table, write_tables
from privgan.table.presenting import as_written, presented
from tests.schemas import schema_of


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,a\n1,2\n", "more than once"),
        (b"a,\n1,2\n", "has no name"),
        (b"a,b\n1,2\n4,5,6\n", "more fields"),
        (b"a,b\n1,\xe4\n", "UTF-8"),
        (b'a,b\n1,"2\n4,5\n', "quoting"),
        (b"a,b\n1,2,CANARY\n4,5,6\n", "more fields"),
        (b"a,b\n1,\x002\n4,5\n", "NUL"),
        (b"a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has fewer fields"),
        (b'a,b\n1,"x\ny"\n\nCANARY\n4,5\n', "line 5 has fewer fields"),
        (b"a,b\n1,\n2,\nCANARY\n", "line 4 has fewer fields"),
    ],
    ids=[
        "empty",
        "header",
        "repeated",
        "unnamed",
        "longer",
        "latin1",
        "quote",
        "all-longer",
        "nul",
        "shorter",
        "shorter-late",
        "shorter-beside-empty",
    ],
)
@pytest.mark.filterwarnings("ignore::pandas.errors.ParserWarning")
def test_files_that_are_no_table_are_refused_without_a_value(
    tmp_path: Path, content: bytes, told: str
) -> None:
    with pytest.raises(TableError, match=told) as error:
        read_table(_file(tmp_path, content))
    assert "CANARY" not in str(error.value)


def test_empty_cells_at_the_end_of_lines_are_no_short_lines(tmp_path: Path) -> None:
    frame = read_table(_file(tmp_path, b'a,b\n1,\n\n"2\n3",\n,\n'))
    assert frame.to_dict("list") == {"a": ["1", "2\n3", ""], "b": ["", "", ""]}


@pytest.mark.parametrize("name", ["none.csv", "none.parquet", "."])
def test_paths_that_are_no_file_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TableError, match=r"no such file|is a folder"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("sep", ["", ";;", "\n", '"'])
def test_separators_that_cannot_be_are_refused(tmp_path: Path, sep: str) -> None:
    with pytest.raises(TableError, match="sep is"):
        read_table(_file(tmp_path, b"a,b\n1,2\n"), sep=sep)


def test_text_stays_text_until_a_schema_types_it(tmp_path: Path) -> None:
    frame = read_table(_file(tmp_path, '\ufeffa\tb\n01\tNA\n"x\ty"\tnull\n'.encode()), sep="\\t")
    assert frame.to_dict("list") == {"a": ["01", "x\ty"], "b": ["NA", "null"]}


@pytest.mark.parametrize(
    ("categories", "values"),
    [
        (("10", "2"), ["10", None, "2"]),
        (("9007199254740993", "5"), ["9007199254740993", None, "5"]),
        (("99999999999999999999", "5"), ["99999999999999999999", None, "5"]),
    ],
    ids=["small", "beyond 2^53", "20 digits"],
)
def test_whole_number_categories_are_presented_as_they_are(
    categories: tuple[str, ...], values: list[str | None]
) -> None:
    schema = schema_of(
        Discrete(name="x", kind=Kind.CATEGORICAL, categories=categories, missing=True)
    )
    shown = presented(pd.DataFrame({"x": pd.Series(values, dtype=object)}), schema)
    assert violations(shown, schema) == ()
    assert [None if pd.isna(value) else str(value) for value in shown["x"]] == values


def test_written_tables_read_back_to_the_same_rows(tmp_path: Path) -> None:
    schema = schema_of(
        Discrete(
            name="tier",
            kind=Kind.CATEGORICAL,
            categories=('a,"b', "line\nbreak", "é"),
            missing=True,
        ),
        Discrete(name="gone", kind=Kind.BOOLEAN, categories=("False", "True"), missing=True),
        Numeric(name="spend", kind=Kind.FLOAT, lower=-1, upper=1e6, decimals=2, missing=True),
        Numeric(name="age", kind=Kind.INTEGER, lower=0, upper=99, missing=True),
        Temporal(
            name="day",
            kind=Kind.DATE,
            lower=dt.datetime(2020, 1, 1),
            upper=dt.datetime(2020, 12, 31),
            format="%d.%m.%Y",
            missing=True,
        ),
    )
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            column.name: (
                (code := identity_code(cells_of(column))).decode(
                    rng.integers(0, code.size, 200), rng
                )
            )
            for column in schema.columns
        }
    )
    for column in schema.names:
        frame.loc[:60, column] = None
    shown = presented(frame, schema)
    chunks = [shown.iloc[:50].reset_index(drop=True), shown.iloc[50:].reset_index(drop=True)]
    assert write_tables(iter(chunks), schema, tmp_path / "t.parquet", tmp_path / "t.csv") == 200
    expected = conform(frame, schema)
    for name in ("t.parquet", "t.csv"):
        pd.testing.assert_frame_equal(
            conform(read_table(tmp_path / name), schema), expected, check_dtype=False
        )
    assert next(iter(as_written(shown, schema)["day"].dropna()))[2] == "."
