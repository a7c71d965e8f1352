"""The awkward tables of ``../shared/cases`` that concern drafting.

Each is drafted right, or says that it is not.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from privgan.drafting.draft import Draft, draft_schema
from privgan.errors import TableError
from privgan.schema.columns import Column, Invented, Kind, Role
from privgan.table.conform import violations
from privgan.table.files import read_table

SCRIPT = Path(__file__).parents[3] / "shared" / "cases" / "make_inputs.py"
pytestmark = pytest.mark.skipif(
    not SCRIPT.exists(), reason="the folder ../shared/cases is not here"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The awkward tables."""
    made: Path = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, str(SCRIPT), str(made)], check=True, capture_output=True)
    return made


def drafted(folder: Path, name: str, sep: str = ",") -> Draft:
    return draft_schema(read_table(folder / name, sep=sep), "d")


def kinds(draft: Draft) -> dict[str, str]:
    return {column.name: column.kind.value for column in draft.schema.columns}


def facts(column: Column, *names: str) -> dict[str, Any]:
    return {name: getattr(column, name) for name in names}


def test_codes_that_look_like_phones(folder: Path) -> None:
    draft = drafted(folder, "01-codes-that-look-like-phones.csv")
    assert kinds(draft) == {
        "age": "integer",
        "month": "categorical",
        "income_band": "categorical",
        "season": "categorical",
        "product_name": "categorical",
        "ip_address": "text",
    }
    assert draft.schema.column("ip_address").role is Role.QUASI_IDENTIFIER
    assert any(note.column == "ip_address" and "machines" in note.text for note in draft.notes)


def test_one_bad_cell(folder: Path) -> None:
    draft = drafted(folder, "02-one-bad-cell.csv")
    assert kinds(draft) == {"age": "integer", "joined": "date", "amount": "integer"}
    assert {str(note) for note in draft.notes if "not fit" in note.text} == {
        "'joined': read as date; 1 value does not fit",
        "'amount': read as integer; 1 value does not fit",
    }
    found = violations(read_table(folder / "02-one-bad-cell.csv"), draft.schema)
    assert {violation.column: violation.count for violation in found} == {"joined": 1, "amount": 1}
    assert [
        int(violation.rows.to_numpy().argmax()) for violation in found if violation.rows is not None
    ] == [7, 5]


def test_leading_zeros_are_codes(folder: Path) -> None:
    draft = drafted(folder, "03-leading-zeros.csv")
    for name, width in (("zip", 5), ("branch", 4)):
        column = draft.schema.column(name)
        assert column.kind is Kind.CATEGORICAL
        assert {len(text) for text in column.categories} == {width}  # type: ignore[attr-defined]
    assert draft.schema.column("zip").role is Role.QUASI_IDENTIFIER


def test_numbers_that_no_bounds_hold(folder: Path) -> None:
    draft = drafted(folder, "04-too-large.csv")
    assert kinds(draft) == {"age": "integer", "v": "text"}
    assert any(note.column == "v" and "no bounds" in note.text for note in draft.notes)


def test_tiny_numbers_keep_their_digits(folder: Path) -> None:
    column = drafted(folder, "05-tiny-numbers.csv").schema.column("concentration")
    assert facts(column, "decimals", "format") == {"decimals": 15, "format": "0.000e+00"}
    assert (
        violations(
            read_table(folder / "05-tiny-numbers.csv"),
            drafted(folder, "05-tiny-numbers.csv").schema,
        )
        == ()
    )


def test_moments_as_programs_write_them(folder: Path) -> None:
    draft = drafted(folder, "06-moments-as-programs-write-them.csv")
    formats = {column.name: getattr(column, "format", "") for column in draft.schema.columns}
    assert formats == {
        "age": "",
        "iso_ms": "%Y-%m-%dT%H:%M:%S.%3f",
        "iso_offset": "%Y-%m-%dT%H:%M:%S+03:00",
        "day_name": "%d-%b-%Y",
        "english": "%b %d, %Y",
        "compact": "%Y%m%d",
        "clock": "%H:%M",
    }
    assert kinds(draft)["compact"] == "date"


def test_numbers_with_words(folder: Path) -> None:
    schema = drafted(folder, "07-numbers-with-words.csv").schema
    assert facts(schema.column("v"), "kind", "missing_markers", "missing") == {
        "kind": Kind.FLOAT,
        "missing_markers": ("unknown",),
        "missing": True,
    }
    assert facts(schema.column("share"), "kind", "format") == {"kind": Kind.FLOAT, "format": "0.0%"}
    assert facts(schema.column("price"), "kind", "format") == {
        "kind": Kind.FLOAT,
        "format": "$#,##0.00",
    }


def test_a_customer_id_that_repeats_is_the_unit(folder: Path) -> None:
    draft = drafted(folder, "08-repeated-customer-id.csv")
    assert kinds(draft) == {"customer_id": "identifier", "basket": "integer", "day": "date"}
    assert (draft.schema.unit.column, draft.schema.unit.max_rows) == ("customer_id", 10)
    assert draft.schema.column("customer_id").pattern == "{:05d}"  # type: ignore[attr-defined]
    assert "up to 10 rows each; proposed as the unit, choose max_rows_per_unit" in str(
        draft.notes[0]
    )


def test_open_ended_dates(folder: Path) -> None:
    column = drafted(folder, "09-open-ended-dates.csv").schema.column("valid_to")
    assert facts(column, "special_values", "lower", "upper") == {
        "special_values": (dt.datetime(9999, 12, 31, 23, 59, 59),),
        "lower": dt.datetime(2021, 6, 1),
        "upper": dt.datetime(2021, 6, 30, 23, 59, 59),
    }


def test_sentinel_numbers(folder: Path) -> None:
    column = drafted(folder, "10-sentinel-numbers.csv").schema.column("amount")
    assert facts(column, "kind", "special_values", "lower", "upper") == {
        "kind": Kind.INTEGER,
        "special_values": (-999.0,),
        "lower": 0.0,
        "upper": 50_000.0,
    }


def test_what_is_missing_stays_missing(folder: Path) -> None:
    schema = drafted(folder, "11-empty-and-half-empty.csv").schema
    wanted = {
        "fax": {"kind": Kind.TEXT, "missing": True, "presence": False, "empty": True},
        "email": {"kind": Kind.EMAIL, "missing": True, "presence": True, "empty": False},
    }
    for name, stated in wanted.items():
        column = schema.column(name)
        assert isinstance(column, Invented)
        assert facts(column, *stated) == stated


def test_types_of_parquet(folder: Path) -> None:
    table = pq.read_table(folder / "12-parquet-types.parquet")
    with pytest.raises(TableError, match=r"'tags' \(list\)"):
        draft_schema(table, "d")
    draft = draft_schema(table.drop_columns(["tags"]), "d")
    assert facts(draft.schema.column("at"), "kind", "zone") == {
        "kind": Kind.DATETIME,
        "zone": "Asia/Shanghai",
    }
    assert facts(draft.schema.column("duration"), "kind", "format") == {
        "kind": Kind.INTEGER,
        "format": "[h]:mm:ss",
    }
    endless = int(pa.compute.sum(pa.compute.is_inf(table["v"])).as_py())
    assert any(
        note.column == "v" and f"{endless:,} values are infinite" in note.text
        for note in draft.notes
    )


def test_a_decimal_comma(folder: Path) -> None:
    column = drafted(folder, "13-decimal-comma.csv", sep=";").schema.column("spend")
    assert facts(column, "kind", "format", "decimals") == {
        "kind": Kind.FLOAT,
        "format": "0,00",
        "decimals": 2,
    }


def test_ids_of_six_digits(folder: Path) -> None:
    schema = drafted(folder, "16-ids-that-equal-bin-labels.csv").schema
    assert facts(schema.column("id"), "kind", "pattern") == {
        "kind": Kind.IDENTIFIER,
        "pattern": "{:06d}",
    }
    assert facts(schema.column("balance"), "kind", "lower", "upper") == {
        "kind": Kind.INTEGER,
        "lower": 0.0,
        "upper": 200_000.0,
    }
