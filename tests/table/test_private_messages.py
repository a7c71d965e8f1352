"""No message about a table that does not fit holds a value of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from privgan.errors import DocumentError, TableError
from privgan.table.conform import conform
from privgan.table.files import read_table
from privgan.table.schema_file import parse_schema

SECRET = ("ZQSECRET", "77371234", "77371234.55", "2077-03-01")
SCHEMA = """format: privgan.schema/1
dataset: d
unit: id
max_rows_per_unit: 3
columns:
- {name: id, kind: identifier, pattern: 'K{:05d}'}
- {name: a, kind: categorical, categories: [x, y], source: {categories: assumed_public}}
- {name: n, kind: integer, lower: 0, upper: 9}
- {name: f, kind: float, lower: 0, upper: 9, decimals: 2}
- {name: b, kind: boolean}
- {name: t, kind: date, lower: 2020-01-01, upper: 2021-01-01, format: '%Y-%m-%d'}
"""
HEADER = "id,a,n,f,b,t"
GOOD = ("x", "1", "1.5", "true", "2020-02-02")
# How a cell may be wrong: alone, quoted badly, with a break, with another cell, with a NUL.
FORMS = ("{0}", '"{0}', '{0}"x', '"{0}\n{0}"', "{0},{0}", "{0}\0", "{0}\n")


def told(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    try:
        conform(read_table(path), parse_schema(SCHEMA))
    except TableError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("place", range(6))
def test_a_cell_that_does_not_fit_is_not_told(tmp_path: Path, place: int) -> None:
    refused = 0
    for secret in SECRET:
        for form in FORMS:
            rows = [[f"K{number}", *GOOD] for number in range(20)]
            rows[7][place] = form.format(secret)
            text = "\n".join([HEADER, *(",".join(row) for row in rows)])
            found = told(tmp_path / "t.csv", text)
            refused += bool(found)
            assert not any(part in found for part in ("ZQSECRET", "7737", "2077")), found
    assert refused >= len(SECRET)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("K1,Ada Lovelace,x,Ada Lovelace\nK2,Bob,y,Bob\n", "in columns 2, 4"),
        ("K1,Ada Lovelace,x,77371234\nK2,Bob,y,5\n", "has it a header line?"),
    ],
)
def test_of_a_table_without_a_header_no_cell_is_told(tmp_path: Path, text: str, part: str) -> None:
    found = told(tmp_path / "t.csv", text)
    assert part in found
    assert not any(value in found for value in ("Ada", "K1", "77371234"))


@pytest.mark.parametrize(
    "text",
    [
        "name,age\nZephyrine,31\nUlrich,40\n",
        '[{"name": "Zephyrine"}]',
        "- name\n- Zephyrine\n",
        "Zephyrine",
        "31",
    ],
)
def test_a_table_in_place_of_a_schema_is_refused_and_not_told(text: str) -> None:
    with pytest.raises(DocumentError, match="allowed: a mapping; is it a table") as found:
        parse_schema(text)
    assert "Zephyrine" not in str(found.value)
    assert "31" not in str(found.value)
