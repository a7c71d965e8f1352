"""A schema exported and imported again has the same kinds, and every fact that the form can say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from privgan.errors import UsageError
from privgan.interchange.exporting import export
from privgan.interchange.importing import import_schema
from privgan.interchange.notation import pattern_of, regex_of
from privgan.schema.columns import Column, Invented, Kind, Numeric, Source, Temporal
from privgan.table.schema_file import dump_schema, parse_schema
from tests.interchange.making import SCHEMA, SCHEMA_TEXT

# What each form cannot say, and what comes of it.
LOST = {
    "json-schema": {},
    "sdv": {
        "score": {"lower": -999.0, "special_values": ()},
        "consents": {"kind": Kind.CATEGORICAL},
        "full_name": {"description": ""},
    },
    "pandera": {"score": {"lower": -999.0, "special_values": ()}},
}
# Facts that a form never says, and that are guessed instead.
UNSAID = {
    "json-schema": {"sources"},
    "sdv": {"sources", "role"},
    "pandera": {"sources", "role", "format"},
}


def _facts(column: Column, unsaid: set[str]) -> dict:
    return {
        key: value
        for key, value in vars(column).items()
        if key not in unsaid and not key.startswith("_")
    }


@pytest.mark.parametrize("form", LOST)
def test_what_goes_out_comes_back(form: str, tmp_path: Path) -> None:
    schema, out = tmp_path / "schema.yaml", tmp_path / "foreign"
    schema.write_text(SCHEMA_TEXT)
    made = export(schema, form)
    out.write_text(made.text, encoding="utf-8")
    found = import_schema(str(out)).schema
    assert found.names == SCHEMA.names
    for before, after in zip(SCHEMA.columns, found.columns, strict=True):
        lost = LOST[form].get(before.name, {})
        assert _facts(after, UNSAID[form]) == _facts(before, UNSAID[form]) | lost, before.name
    assert found.dataset == SCHEMA.dataset
    if form != "json-schema":
        assert found.unit == SCHEMA.unit


@pytest.mark.parametrize("form", LOST)
def test_what_is_lost_is_told(form: str, tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text(SCHEMA_TEXT)
    notes = " ".join(export(schema, form).notes)
    for column in LOST[form]:
        assert repr(column) in notes or LOST[form][column] == {"description": ""}


@pytest.mark.parametrize("form", LOST)
def test_open_and_zoned_columns_go_out_too(form: str, tmp_path: Path) -> None:
    text = """\
format: privgan.schema/1
dataset: visits
unit: person
max_rows_per_unit: 9
columns:
- {name: person, kind: identifier}
- {name: n, kind: integer, source: {lower: measured, upper: measured}}
- {name: x, kind: float, decimals: 1, format: "0,0", source: {lower: measured, upper: measured}}
- {name: d, kind: date, source: {lower: measured, upper: measured}}
- {name: c, kind: categorical, other: other, source: {categories: measured}}
- {name: t, kind: datetime, format: "%Y-%m-%dT%H:%M:%S%z", zone: UTC,
   lower: 2020-01-01, upper: 2021-01-01}
- {name: e, kind: date, lower: 2020-01-01, upper: 2021-01-01, special_values: ["9999-12-31"]}
constraints:
- {when: "n > 3", then: "x > 0"}
"""
    schema, out = tmp_path / "schema.yaml", tmp_path / "foreign"
    schema.write_text(text)
    out.write_text(export(schema, form).text, encoding="utf-8")
    from privgan.interchange.drafting import UnitChoice

    named = UnitChoice(max_rows=9) if form == "sdv" else UnitChoice(column="person", max_rows=9)
    found = import_schema(str(out), unit=named).schema
    assert [column.kind for column in found.columns] == [
        column.kind for column in parse_schema(text).columns
    ]
    assert (found.unit.column, found.unit.max_rows) == ("person", 9)


def test_a_draft_does_not_leave(tmp_path: Path) -> None:
    first = replace(SCHEMA.columns[6], sources={"lower": Source.CONFIRM, "upper": Source.CONFIRM})
    draft = replace(SCHEMA, columns=(first, *SCHEMA.columns[7:]), unit=type(SCHEMA.unit)())
    schema = tmp_path / "schema.yaml"
    schema.write_text(dump_schema(draft))
    with pytest.raises(
        UsageError, match=r"5 facts wait to be confirmed \('age\.lower', 'age\.upper'"
    ):
        export(schema, "sdv")


@pytest.mark.parametrize("form", ["croissant", "openlineage"])
def test_a_schema_is_no_release(form: str, tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text(SCHEMA_TEXT)
    with pytest.raises(UsageError, match=f"{form} describes a release"):
        export(schema, form)


PATTERNS = [
    (r"^C[0-9]{7}$", "C{:07d}"),
    (r"C\d{7}", "C{:07d}"),
    (r"\AC(\d+)\Z", "C{}"),
    (r"^(?:[0-9]{3,5})-x$", "{:03d}-x"),
    (r"^a\.b\-[0-9a-f]{8}$", "a.b-{:08x}"),
    (r"^\{[0-9]*\}$", "{{{}}}"),
    (
        r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "00000000-0000-4000-8000-{:012x}",
    ),
    (r"^[A-Z]{2}[0-9]{6}$", None),
    (r"^[0-9]{3}-[0-9]{4}$", None),
    (r"^abc$", None),
    (r"^C[0-9]{7}|D$", None),
    (r"^(a+)+$", None),
    (r"\w+", None),
    ("[0-9]" * 1000, None),
    ("", None),
]


@pytest.mark.parametrize(("regex", "pattern"), PATTERNS, ids=[regex[:30] for regex, _ in PATTERNS])
def test_a_regular_expression_is_a_pattern(regex: str, pattern: str | None) -> None:
    assert pattern_of(regex) == pattern


@given(
    st.text(max_size=12).filter(lambda text: "{" not in text and "}" not in text),
    st.integers(0, 12),
    st.sampled_from("dxX"),
)
def test_a_pattern_goes_through_its_expression(literal: str, width: int, base: str) -> None:
    import re

    pattern = literal + (
        f"{{:0{width}{base}}}" if width else "{}" if base == "d" else f"{{:{base}}}"
    )
    regex = regex_of(pattern)
    assert regex is not None
    assert all(
        re.fullmatch(regex, pattern.format(serial), re.DOTALL) for serial in (1, 255, 10**12)
    )


def test_the_same_schema_gives_the_same_bytes(tmp_path: Path) -> None:
    schema = tmp_path / "schema.yaml"
    schema.write_text(SCHEMA_TEXT)
    for form in LOST:
        assert export(schema, form).text == export(schema, form).text
    assert json.loads(export(schema, "sdv").text)["METADATA_SPEC_VERSION"] == "V2"
    assert yaml.safe_load(export(schema, "pandera").text)["schema_type"] == "dataframe"
    assert {type(column) for column in SCHEMA.columns} >= {Invented, Numeric, Temporal}
